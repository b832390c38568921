/**
 * One stroke of noise is one dose, though it comes in several messages: what a player's earlier messages have shaken is
 * left out of the next one.
 */
import type { Capsule } from '../engines/engine.ts';

/** What tells that two messages, or two blows, belong to one stroke. */
export interface StrokePart {
  readonly tool: string;
  readonly radius: number;
  /** x0, y0, x1, y1, … */
  readonly points: readonly number[];
}

interface Dose {
  readonly last: StrokePart;
  /** At most `MAX_CAPSULES`, the oldest first. */
  readonly shaken: readonly Capsule[];
}

/** Some seconds of a drag; what is older may be shaken again. */
const MAX_CAPSULES = 64;
/** Guests whose last stroke is remembered. */
const MAX_GUESTS = 256;

/** Whether `part` begins where `before` ended. A message of one point is a dab, which begins a stroke. */
export function goesOn(before: StrokePart, part: StrokePart): boolean {
  const [x, y] = before.points.slice(-2);
  return (
    part.points.length > 2 &&
    part.tool === before.tool &&
    part.radius === before.radius &&
    part.points[0] === x &&
    part.points[1] === y
  );
}

export class Doses {
  /** By the guest's id, the least recent first. */
  readonly #doses = new Map<string, Dose>();

  /** @returns the capsules of the same stroke's earlier messages that may touch `capsules` */
  shaken(guest: string, part: StrokePart, capsules: readonly Capsule[]): Capsule[] {
    const dose = this.#doses.get(guest);
    if (dose === undefined || !goesOn(dose.last, part)) return [];
    return dose.shaken.filter((old) => capsules.some((one) => mayTouch(old, one)));
  }

  /** Remembers a message that was applied. */
  add(guest: string, part: StrokePart, capsules: readonly Capsule[]): void {
    const dose = this.#doses.get(guest);
    const before = dose !== undefined && goesOn(dose.last, part) ? dose.shaken : [];
    this.#doses.delete(guest);
    this.#doses.set(guest, { last: part, shaken: [...before, ...capsules].slice(-MAX_CAPSULES) });
    if (this.#doses.size <= MAX_GUESTS) return;
    const [oldest] = this.#doses.keys();
    this.#doses.delete(oldest);
  }
}

function mayTouch(a: Capsule, b: Capsule): boolean {
  const reach = a.radius + b.radius;
  return (
    Math.min(a.x0, a.x1) - Math.max(b.x0, b.x1) <= reach &&
    Math.min(b.x0, b.x1) - Math.max(a.x0, a.x1) <= reach &&
    Math.min(a.y0, a.y1) - Math.max(b.y0, b.y1) <= reach &&
    Math.min(b.y0, b.y1) - Math.max(a.y0, a.y1) <= reach
  );
}
