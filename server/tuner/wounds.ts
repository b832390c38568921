/** Chooses the wounds of a session that a species is tuned on, and those that are held out to judge by. */
import { createHash } from 'node:crypto';
import { Random } from '../training/random.ts';
import type { Blow, Wound } from '../world/wound.ts';

/** With fewer different wounds there is nothing to hold out and little to learn. */
export const MIN_WOUNDS = 6;
/** More wounds teach nothing more, and a job must stay small. */
const MAX_WOUNDS = 160;
const HELD_OUT_PART = 0.2;
const MIN_HELD_OUT = 2;
/** Each is measured from every random seed, before and after. */
const MAX_HELD_OUT = 16;

/** The blows of one wound. */
export type Blows = readonly Blow[];

export interface Split {
  readonly trained: readonly Blows[];
  readonly heldOut: readonly Blows[];
}

const keyOf = (blows: Blows): string => createHash('sha256').update(JSON.stringify(blows)).digest('hex');

/** Each wound once, in an order that does not depend on time; at most 160, chosen by their hash. */
export function differentWounds(wounds: readonly Pick<Wound, 'blows'>[]): Blows[] {
  const byKey = new Map<string, Blows>();
  for (const { blows } of wounds) if (blows.length > 0) byKey.set(keyOf(blows), blows);
  return [...byKey]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_WOUNDS)
    .map(([, blows]) => blows);
}

/**
 * Holds a fifth out, 2 to 16, drawn by the random seed. No wound is in both parts.
 *
 * @param wounds - different ones, at least `MIN_WOUNDS`
 */
export function splitWounds(wounds: readonly Blows[], randomSeed: number): Split {
  const random = new Random(randomSeed);
  const shuffled = [...wounds];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = random.whole(0, i);
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  const count = Math.round(shuffled.length * HELD_OUT_PART);
  const held = Math.min(MAX_HELD_OUT, Math.max(MIN_HELD_OUT, count));
  return { heldOut: shuffled.slice(0, held), trained: shuffled.slice(held) };
}

/** A uint32 from a text: the same session and species are tuned the same way again. */
export const randomSeedOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32LE(0);
