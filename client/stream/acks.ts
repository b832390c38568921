/**
 * Acknowledges decoded frames, at most every `everyMs`: the first frame after a pause at once, and the newest of
 * the following ones when that time is over. An acknowledgement covers all frames before it.
 */
import { ACK_EVERY_MS } from '../../shared/limits.ts';

export class Acks {
  /** As the server wants it. */
  everyMs: number = ACK_EVERY_MS;
  readonly #send: (frame: number) => void;
  #decoded = 0;
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(send: (frame: number) => void) {
    this.#send = send;
  }

  decoded(frame: number): void {
    this.#decoded = frame;
    if (this.#timer === null) this.#acknowledge();
  }

  /** The connection has ended: its frames are not acknowledged to the next one. */
  reset(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#decoded = this.#sent = 0;
    this.everyMs = ACK_EVERY_MS;
  }

  #acknowledge(): void {
    this.#sent = this.#decoded;
    this.#send(this.#sent);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#decoded !== this.#sent) this.#acknowledge();
    }, this.everyMs);
  }
}
