/**
 * Deeds: what guests did to the world lately, for those who keep order. In memory only; bounded per guest, so that a
 * flood of one guest's strokes hides nobody else's.
 */
import type { Deed } from '../../shared/adminPeople.ts';

export type { Deed } from '../../shared/adminPeople.ts';

/** Strokes and plantings of one guest; plantings are rarer and stay, so they do not make room for strokes. */
export const MAX_STROKES = 96;
export const MAX_PLANTINGS = 32;
/** Guests whose deeds are remembered; those who did something last stay. */
export const MAX_GUESTS = 512;

interface Lately {
  readonly strokes: Deed[];
  readonly plantings: Deed[];
}

export class Deeds {
  /** By guest; who did something last comes last. */
  readonly #guests = new Map<string, Lately>();

  add(deed: Deed): void {
    const { guest, tool } = deed;
    const lately = this.#guests.get(guest) ?? { strokes: [], plantings: [] };
    this.#guests.delete(guest);
    this.#guests.set(guest, lately);
    const [deeds, most] =
      tool === 'plant' ? [lately.plantings, MAX_PLANTINGS] : [lately.strokes, MAX_STROKES];
    deeds.push(deed);
    if (deeds.length > most) deeds.shift();
    if (this.#guests.size > MAX_GUESTS) this.#guests.delete(this.#guests.keys().next().value!);
  }

  /** Newest first. */
  of(guest: string): Deed[] {
    const lately = this.#guests.get(guest);
    return lately === undefined ? [] : newestFirst([...lately.strokes, ...lately.plantings]);
  }

  /** Everybody's deeds, newest first. @param most - at most this many */
  all(most: number): Deed[] {
    const deeds: Deed[] = [];
    for (const { strokes, plantings } of this.#guests.values()) deeds.push(...strokes, ...plantings);
    return newestFirst(deeds).slice(0, most);
  }
}

/** Deeds of the same millisecond stay in the order of their steps. */
const newestFirst = (deeds: Deed[]): Deed[] => deeds.sort((a, b) => b.at - a.at || b.step - a.step);
