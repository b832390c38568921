/** Wounds as the tuner keeps them, and how they come apart into those that are learned from and those that judge. */
import { createHash } from 'node:crypto';
import type { Blow, Wound } from '../world/wound.ts';

/** With fewer different wounds there is nothing to hold out and little to learn. */
export const MIN_WOUNDS = 6;
/** The first two different wounds of a species judge, and later every fifth. */
const MIN_HELD_OUT = 2;
const HELD_OUT_PART = 0.2;

/** The blows of one wound. */
export type Blows = readonly Blow[];

export interface KeptWound {
  /** Id of the session that it comes from. */
  readonly session: string;
  readonly blows: Blows;
}

/** No wound is in both parts. Oldest first. */
export interface Parts {
  readonly trained: readonly KeptWound[];
  readonly heldOut: readonly KeptWound[];
}

export const keyOf = (blows: Blows): string =>
  createHash('sha256').update(JSON.stringify(blows)).digest('base64url').slice(0, 16);

/** Each wound once, in an order that does not depend on time. */
export function differentWounds(wounds: readonly Pick<Wound, 'blows'>[]): Map<string, Blows> {
  const byKey = wounds
    .filter(({ blows }) => blows.length > 0)
    .map(({ blows }) => [keyOf(blows), blows] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(byKey);
}

/** @param ever - different wounds of this species before this one  @param heldOut - how many of those judge */
export const isHeldOut = (ever: number, heldOut: number): boolean =>
  heldOut < Math.max(MIN_HELD_OUT, Math.round((ever + 1) * HELD_OUT_PART));

export const coordinatesOf = (blows: Blows): number =>
  blows.reduce((sum, { points }) => sum + points.length, 0);

/** A uint32 from a text. */
export const randomSeedOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32LE(0);
