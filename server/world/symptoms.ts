/**
 * When a body is sick for good, judged from what is known of it four times a second. Time counts twice, in seconds of
 * the running world and in its steps: a paused world judges nobody, a slow one no body that is still healing, a fast
 * one not before people could see it. Pure.
 */
import { type OrganismId, stepsBetween } from '../engines/engine.ts';

export type WiltCause = 'too large' | 'two bodies' | 'out of shape' | 'out of range';

/** Owned cells, over those of its mature form; whole bodies own up to 1.01 times as many, growing ones 1.09. */
export const MAX_SIZE = 1.3;
/** A body too large is to be under its bound again within 5 s: one and a half of them pass while it dissolves. */
const LARGE = { seconds: 3, steps: 60 };
/** Longer than any healing of the shipped rules takes. */
const SICK = { seconds: 20, steps: 600 };
/** A body that is not whole for half of that is looked at for being two, and wilts if it is so for the other half. */
const HALF_SICK = { seconds: 10, steps: 300 };
/** Below it, a body is out of shape. */
export const MIN_SHAPE = 0.6;
/** Health that has risen by less in the time of `SICK` does not heal. */
const RISING = 0.02;
/** Health of a body out of shape is written down as often: a tenth of the time that counts. */
const SAMPLE = { seconds: 2, steps: 60 };
/** The world stands still when it has made no step for as long. */
const STILL_SECONDS = 1;

interface Moment {
  readonly seconds: number;
  readonly steps: number;
}

interface Case {
  /** Since when it is too large; undefined: it is not. So for the others. */
  largeSince?: Moment;
  /** Since when it is not whole, and nobody has struck it. */
  unwholeSince?: Moment;
  doubleSince?: Moment;
  /** Of a body out of shape: its health, oldest first; the second one is younger than the time of `SICK`. */
  low: (Moment & { readonly health: number })[];
}

/** What is known of a body. */
export interface BodyFigures {
  readonly id: OrganismId;
  /** Owned cells, and those of its mature form. */
  readonly cells: number;
  readonly matureCells: number;
  /** 0..1 */
  readonly health: number;
  /** A colour of it is at the engine's limit, or not a number. */
  readonly isOutOfRange: boolean;
  readonly isWhole: boolean;
}

/** Seconds and steps in which the world ran; it starts at 0. */
export class RunningTime {
  #seconds = 0;
  #steps = 0;
  #lastStep: number;
  #stillSeconds = 0;

  /** @param step - uint32, of now */
  constructor(step: number) {
    this.#lastStep = step;
  }

  get seconds(): number {
    return this.#seconds;
  }

  get steps(): number {
    return this.#steps;
  }

  /** @returns the seconds that count: 0 while the world stands still */
  pass(elapsedSeconds: number, step: number): number {
    const steps = stepsBetween(this.#lastStep, step);
    this.#lastStep = step;
    this.#steps += steps;
    this.#stillSeconds = steps > 0 ? 0 : this.#stillSeconds + elapsedSeconds;
    if (this.#stillSeconds >= STILL_SECONDS) return 0;
    this.#seconds += elapsedSeconds;
    return elapsedSeconds;
  }
}

export class Symptoms {
  readonly #time: RunningTime;
  readonly #cases = new Map<OrganismId, Case>();

  constructor(time: RunningTime) {
    this.#time = time;
  }

  /** A stroke has touched it: it gets its time to heal anew. Being too large is no wound. */
  struck(id: OrganismId): void {
    const known = this.#cases.get(id);
    if (known === undefined) return;
    known.unwholeSince = undefined;
    known.doubleSince = undefined;
    known.low = [];
  }

  /** It is not to be judged now: what was seen of it before says nothing. */
  forget(id: OrganismId): void {
    this.#cases.delete(id);
  }

  /** It has not been whole for so long that it may be two bodies. */
  mayBeTwo(id: OrganismId): boolean {
    return this.#hasPassed(this.#cases.get(id)?.unwholeSince, HALF_SICK);
  }

  forgetAll(): void {
    this.#cases.clear();
  }

  /**
   * @param isDouble - undefined: it was not looked at this time
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
    if (body.isWhole) found.unwholeSince = undefined;
    else found.unwholeSince ??= now;
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
