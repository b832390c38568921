/**
 * A session in progress, put together event by event. The same events, read from the open record of a killed process,
 * make the same draft.
 */

import type { RunningSession, SessionEnd } from '../../shared/adminApi.ts';
import { type Blow, MAX_BLOWS, type Wound } from '../world/wound.ts';
import { HEALED_SHARE, type WoundEvent } from '../world/woundWatch.ts';
import { Facts } from './facts.ts';
import { PackedWounds } from './packedWounds.ts';
import {
  checkBlow,
  coordinatesOf,
  damageOf,
  MAX_COORDINATES,
  MAX_SPECIES,
  MAX_WOUNDS,
  RULE_NAME,
  SESSION_FORMAT,
  type SessionRecord,
  SPECIES_NAME,
  sessionId,
} from './record.ts';

/** Players, strokes and refusals so far; each new value replaces the last. */
export type Counts = Pick<RunningSession, 'players' | 'mostAtOnce' | 'strokes' | 'refusedStrokes'>;

export type SessionEvent = WoundEvent | ({ readonly type: 'counts' } & Counts);

type OpenWound = { -readonly [K in keyof Wound]: Wound[K] } & { blows: Blow[] };

/** The draft does not know how many players are here now. */
export type DraftFigures = Omit<RunningSession, 'atOnce'>;

const NOBODY: Counts = { players: 0, mostAtOnce: 0, strokes: 0, refusedStrokes: 0 };

export class Draft {
  readonly beganAt: string;
  counts: Counts = NOBODY;
  readonly #open = new Map<number, OpenWound>();
  readonly #wounds = new PackedWounds();
  /** Species → ids of the bodies that were touched. An id is used again only after thousands of others. */
  readonly #touched = new Map<string, Set<number>>();
  #healed = 0;
  #dropped = 0;
  #scratches = 0;
  #coordinates = 0;

  /** @param beganAt - ISO 8601 */
  constructor(beganAt: string) {
    this.beganAt = beganAt;
  }

  get id(): string {
    return sessionId(this.beganAt);
  }

  get figures(): DraftFigures {
    return {
      ...this.counts,
      beganAt: this.beganAt,
      wounds: this.#wounds.length,
      healed: this.#healed,
      openWounds: this.#open.size,
      droppedWounds: this.#dropped,
    };
  }

  /** @returns false for an event that is not kept: its wound is not open here or is full, or it is out of order */
  apply(event: SessionEvent): boolean {
    switch (event.type) {
      case 'counts': {
        const { type: _, ...counts } = event;
        this.counts = counts;
        return true;
      }
      case 'open':
        return this.#begin(event);
      case 'blow':
        return this.#strike(event.wound, event.blow);
      case 'look':
      case 'closed': {
        const open = this.#open.get(event.wound);
        if (open === undefined || event.healthLeast > open.healthBefore) return false;
        open.healthLeast = event.healthLeast;
        open.healthAfter = event.healthAfter;
        if (event.type === 'look') return true;
        open.healedInSteps = event.healedInSteps;
        this.#close(event.wound, open);
        return true;
      }
      default:
        return event satisfies never;
    }
  }

  #begin({ wound, organism, species, rule, healthBefore }: Extract<WoundEvent, { type: 'open' }>): boolean {
    const bodies = this.#touched.get(species);
    const isOneTooMany =
      this.#wounds.length + this.#open.size >= MAX_WOUNDS ||
      (bodies === undefined && this.#touched.size >= MAX_SPECIES);
    if (isOneTooMany || this.#open.has(wound)) {
      this.#dropped++;
      return false;
    }
    if (bodies === undefined) this.#touched.set(species, new Set([organism]));
    else bodies.add(organism);
    const health = { healthBefore, healthLeast: healthBefore, healthAfter: healthBefore };
    this.#open.set(wound, { species, rule, blows: [], ...health, healedInSteps: null });
    return true;
  }

  #strike(wound: number, blow: Blow): boolean {
    const open = this.#open.get(wound);
    if (open === undefined) return false;
    // An open record on disk may hold blows in any order; `checkWound` wants them in order.
    const last = open.blows.at(-1)?.afterSteps;
    const isInOrder = last === undefined ? blow.afterSteps === 0 : blow.afterSteps >= last;
    if (!isInOrder || open.blows.length >= MAX_BLOWS) return false;
    if (this.#coordinates + blow.points.length > MAX_COORDINATES) {
      // Half a wound would teach damage that nobody did.
      this.#forget(wound, open);
      this.#dropped++;
      return false;
    }
    open.blows.push(blow);
    this.#coordinates += blow.points.length;
    return true;
  }

  #close(wound: number, open: OpenWound): void {
    const isScratch = open.healthLeast >= HEALED_SHARE * open.healthBefore;
    if (isScratch || open.blows.length === 0) {
      this.#forget(wound, open);
      this.#scratches++;
      return;
    }
    this.#open.delete(wound);
    this.#wounds.push(open);
    if (open.healedInSteps !== null) this.#healed++;
  }

  #forget(wound: number, open: OpenWound): void {
    this.#open.delete(wound);
    this.#coordinates -= coordinatesOf(open);
  }

  /** Closes open wounds with their last health. Call it once. @param endedAt - ISO 8601 */
  finish(endedBy: SessionEnd, endedAt: string): SessionRecord {
    for (const [wound, open] of this.#open) this.#close(wound, open);
    const wounds = this.#wounds.unpack();
    const organisms = new Map([...this.#touched].map(([species, bodies]) => [species, bodies.size]));
    return {
      format: SESSION_FORMAT,
      id: this.id,
      beganAt: this.beganAt,
      // A killed session ends by the wall clock, which may have been set back.
      endedAt: endedAt < this.beganAt ? this.beganAt : endedAt,
      endedBy,
      ...this.counts,
      droppedWounds: this.#dropped,
      scratches: this.#scratches,
      damage: damageOf(wounds, organisms),
      wounds,
    };
  }
}

const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/**
 * An event as it stands in an open record.
 *
 * @throws FactError
 */
export function checkEvent(value: unknown): SessionEvent {
  const type = (value as { type?: unknown } | null)?.type;
  const facts = (...fields: string[]): Facts => new Facts(value, ['type', ...fields]);
  switch (type) {
    case 'counts': {
      const counts = facts('players', 'mostAtOnce', 'strokes', 'refusedStrokes');
      const players = counts.whole('players', 0, MAX_COUNT);
      return {
        type,
        players,
        mostAtOnce: counts.whole('mostAtOnce', 0, players),
        strokes: counts.whole('strokes', 0, MAX_COUNT),
        refusedStrokes: counts.whole('refusedStrokes', 0, MAX_COUNT),
      };
    }
    case 'open': {
      const open = facts('wound', 'organism', 'species', 'rule', 'healthBefore');
      return {
        type,
        wound: open.whole('wound', 1, MAX_COUNT),
        organism: open.whole('organism', 1, 65_535),
        species: open.text('species', SPECIES_NAME, 'a species'),
        rule: open.text('rule', RULE_NAME, 'a rule like pikachu@4'),
        healthBefore: open.number('healthBefore', 0, 1),
      };
    }
    case 'blow': {
      const blow = facts('wound', 'blow');
      return { type, wound: blow.whole('wound', 1, MAX_COUNT), blow: checkBlow(blow.value('blow'), 'blow') };
    }
    case 'look':
    case 'closed': {
      const fields = ['wound', 'healthLeast', 'healthAfter', ...(type === 'closed' ? ['healedInSteps'] : [])];
      const seen = facts(...fields);
      const healthLeast = seen.number('healthLeast', 0, 1);
      const look = {
        wound: seen.whole('wound', 1, MAX_COUNT),
        healthLeast,
        healthAfter: seen.number('healthAfter', healthLeast, 1),
      };
      if (type === 'look') return { type, ...look };
      const healedInSteps = seen.isNull('healedInSteps') ? null : seen.whole('healedInSteps', 0, MAX_COUNT);
      return { type, ...look, healedInSteps };
    }
    default:
      return facts().oneOf('type', []);
  }
}
