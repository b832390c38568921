/**
 * A relay's frames as they come: put together from their parts, dropped when they are old, and checked for gaps. A relay
 * that was paused first reads what had been sent to it meanwhile: those frames are dropped by their age, not shown one
 * after the other.
 */
import type { PublishedFrame } from '../stream/published.ts';
import { type FramePart, joinFrame } from './wire.ts';

/** An older frame is dropped: six frames at 20 Hz. */
export const MAX_FRAME_AGE_MS = 300;
/**
 * The quickest frame says what age a fresh one seems to have, for the clocks of two machines differ. That is forgotten by
 * this much per frame, so that after a change of the way (or of a clock) frames are taken again within half a minute.
 */
const FORGET_MS_PER_FRAME = 0.5;

export interface IntakeOptions {
  /** The wall clock, ms since 1970. */
  readonly now: () => number;
  readonly onFrame: (frame: PublishedFrame) => void;
  /** Frames are missing: what is held of any page may be old. Called once per missing piece. */
  readonly onGap: () => void;
}

export class Intake {
  /** Frames dropped because of their age. */
  dropped = 0;
  readonly #options: IntakeOptions;
  #term: number;
  /** Serial of the last frame that was delivered or given up. */
  #last: number;
  /** Parts of the frame after that, in order. */
  #parts: FramePart[] = [];
  /** Least difference of the clocks and the way together, ms. */
  #quickestMs = Number.POSITIVE_INFINITY;

  /** @param serial - the last frame that was sent before */
  constructor(options: IntakeOptions, term: number, serial: number) {
    this.#options = options;
    this.#term = term;
    this.#last = serial;
  }

  get term(): number {
    return this.#term;
  }

  take(part: FramePart): void {
    // Another owner's, or a frame that was delivered or given up.
    if (part.term !== this.#term || part.serial <= this.#last) return;
    if (this.#isOld(part.sentAtMs)) {
      this.dropped++;
      this.#giveUp(part.serial);
      return;
    }
    // Parts of a frame before it will not come any more.
    if (part.serial > this.#last + 1) this.#giveUp(part.serial - 1);
    if (part.part !== this.#parts.length) {
      this.#giveUp(part.serial);
      return;
    }
    this.#parts.push(part);
    if (this.#parts.length < part.parts) return;
    const frame = joinFrame(this.#parts);
    this.#parts = [];
    this.#last = part.serial;
    this.#options.onFrame(frame);
  }

  /** Says which frame was sent last: without it, nobody would miss a frame that nothing follows. */
  heardOf(term: number, serial: number): void {
    if (term === this.#term && serial > this.#last) this.#giveUp(serial);
  }

  /** Nothing up to this serial will be delivered. */
  #giveUp(serial: number): void {
    this.#parts = [];
    this.#last = serial;
    this.#options.onGap();
  }

  #isOld(sentAtMs: number): boolean {
    const seemsMs = this.#options.now() - sentAtMs;
    this.#quickestMs = Math.min(seemsMs, this.#quickestMs + FORGET_MS_PER_FRAME);
    return seemsMs - this.#quickestMs > MAX_FRAME_AGE_MS;
  }
}
