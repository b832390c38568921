/**
 * Decides when a body is sick for good, from figures taken four times per second. Time counts both in seconds of the
 * running world and in steps. So a paused world judges no body, a slow one no body that is still healing, and a fast
 * one no body before people could see it. Pure.
 */

import type { OrganismId } from '../engines/engine.ts';
import type { RunningTime } from './runningTime.ts';

export type WiltCause = 'too large' | 'two bodies' | 'out of shape' | 'out of range';

/** Owned cells per cell of its mature form. Whole bodies own up to 1.01 times as many, growing ones up to 1.09. */
export const MAX_SIZE = 1.3;
/** A body that is too large must be under its bound again within 5 s; dissolving takes about 1.5 of them. */
const LARGE = { seconds: 3, steps: 60 };
/** Longer than the shipped rules take to heal. */
const SICK = { seconds: 20, steps: 600 };
/**
 * A body that is not whole for half of `SICK` is examined for twins; it wilts if it is two bodies for the other half.
 */
const HALF_SICK = { seconds: 10, steps: 300 };
/** A body below this health is out of shape. */
export const MIN_SHAPE = 0.6;
/** Health that rises by less than this within `SICK` does not heal. */
const RISING = 0.02;
/** Time between two notes of the health of a body out of shape: a tenth of `SICK`. */
const SAMPLE = { seconds: 2, steps: 60 };

interface Moment {
  readonly seconds: number;
  readonly steps: number;
}

interface Case {
  /** When it became too large; undefined: it is not. The other times likewise. */
  largeSince?: Moment;
  /** Since when it has been neither whole nor struck. */
  notWholeSince?: Moment;
  doubleSince?: Moment;
  /** Health of a body out of shape, oldest first; all but the first are younger than `SICK`. */
  low: (Moment & { readonly health: number })[];
}

/** One body's figures. */
export interface BodyFigures {
  readonly id: OrganismId;
  /** Owned cells, and cells of its mature form. */
  readonly cells: number;
  readonly matureCells: number;
  /** 0..1 */
  readonly health: number;
  /** One of its colours is at the engine's limit, or NaN. */
  readonly isOutOfRange: boolean;
  readonly isWhole: boolean;
}

export class Symptoms {
  readonly #time: RunningTime;
  readonly #cases = new Map<OrganismId, Case>();

  constructor(time: RunningTime) {
    this.#time = time;
  }

  /**
   * A stroke has touched it: it gets its full time to heal again. Being too large is not a wound, so that time runs on.
   */
  struck(id: OrganismId): void {
    const known = this.#cases.get(id);
    if (known === undefined) return;
    known.notWholeSince = undefined;
    known.doubleSince = undefined;
    known.low = [];
  }

  /** Drops all that was seen of it: it is not to be judged now. */
  forget(id: OrganismId): void {
    this.#cases.delete(id);
  }

  /** Bodies that were not well when they were judged last. */
  open(): Iterable<OrganismId> {
    return this.#cases.keys();
  }

  /** Whether it has not been whole for so long that it may be two bodies. */
  mayBeTwo(id: OrganismId): boolean {
    return this.#hasPassed(this.#cases.get(id)?.notWholeSince, HALF_SICK);
  }

  forgetAll(): void {
    this.#cases.clear();
  }

  /**
   * @param isDouble - whether it is two bodies; undefined: not examined this time
   * @returns why it must wilt; null: it need not
   */
  judge(body: BodyFigures, isDouble: boolean | undefined): WiltCause | null {
    if (body.isOutOfRange) return 'out of range';
    const isLarge = body.cells > MAX_SIZE * body.matureCells;
    const isLow = body.health < MIN_SHAPE;
    const known = this.#cases.get(body.id);
    if (known === undefined && !isLarge && !isLow && body.isWhole) return null;
    const found = known ?? { low: [] };
    const now = { seconds: this.#time.seconds, steps: this.#time.steps };
    if (!isLarge) found.largeSince = undefined;
    else found.largeSince ??= now;
    if (body.isWhole) found.notWholeSince = undefined;
    else found.notWholeSince ??= now;
    if (isDouble === false || body.isWhole) found.doubleSince = undefined;
    else if (isDouble === true) found.doubleSince ??= now;
    if (!isLow) found.low = [];
    else this.#note(found.low, { ...now, health: body.health });
    if (body.isWhole && !isLarge && !isLow) this.#cases.delete(body.id);
    else this.#cases.set(body.id, found);

    if (this.#hasPassed(found.largeSince, LARGE)) return 'too large';
    if (this.#hasPassed(found.doubleSince, HALF_SICK)) return 'two bodies';
    const [then] = found.low;
    if (this.#hasPassed(then, SICK) && body.health <= then.health + RISING) return 'out of shape';
    return null;
  }

  #note(low: Case['low'], sample: Case['low'][number]): void {
    if (low.length === 0 || this.#hasPassed(low[low.length - 1], SAMPLE)) low.push(sample);
    while (this.#hasPassed(low[1], SICK)) low.shift();
  }

  #hasPassed(since: Moment | undefined, { seconds, steps }: Moment): boolean {
    if (since === undefined) return false;
    return this.#time.seconds - since.seconds >= seconds && this.#time.steps - since.steps >= steps;
  }
}
