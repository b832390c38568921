/**
 * Says what has been decoded, at most every `ACK_EVERY_MS`: the first frame after a pause at once, the newest of
 * those that follow when the time is over. One word stands for all frames before it.
 */
import { ACK_EVERY_MS } from '../../shared/limits.ts';

export class Acks {
  readonly #send: (frame: number) => void;
  #decoded = 0;
  #said = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(send: (frame: number) => void) {
    this.#send = send;
  }

  decoded(frame: number): void {
    this.#decoded = frame;
    if (this.#timer === null) this.#say();
  }

  /** Another connection, or none: frames of the last one mean nothing to it. */
  reset(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#decoded = this.#said = 0;
  }

  #say(): void {
    this.#said = this.#decoded;
    this.#send(this.#said);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#decoded !== this.#said) this.#say();
    }, ACK_EVERY_MS);
  }
}
