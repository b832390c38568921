/**
 * After three wrong tokens, each further one makes its address wait: 1 s, 2 s, 4 s … up to 15 min. Meanwhile no token
 * from it is checked. All addresses together get 60 guesses per minute. Memory is bounded.
 */

/** Wrong tokens of an address that cost no wait: people mistype. */
const MAX_FREE_TRIES = 3;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 15 * 60_000;
/** After an hour without a wrong token, an address starts again from zero. */
const FORGET_MS = 60 * 60_000;
const MAX_ADDRESSES = 1_024;
/** At this rate neither the token that the server makes (192 bits) nor a random one of 16 characters is guessed. */
const GUESSES_PER_MINUTE = 60;

interface Failures {
  count: number;
  untilMs: number;
  lastMs: number;
}

export class Lockout {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #failures = new Map<string, Failures>();
  #minuteMs = Number.NEGATIVE_INFINITY;
  #guesses = 0;

  /** @param now - milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds until this address may try again; 0: now. */
  waitMs(address: string): number {
    const now = this.#now();
    const own = (this.#failures.get(address)?.untilMs ?? now) - now;
    const all = this.#guesses >= GUESSES_PER_MINUTE ? this.#minuteMs + 60_000 - now : 0;
    return Math.max(0, own, all);
  }

  fail(address: string): void {
    const now = this.#now();
    if (now - this.#minuteMs >= 60_000) {
      this.#minuteMs = now;
      this.#guesses = 0;
    }
    this.#guesses++;
    const before = this.#failures.get(address);
    const count = before === undefined || now - before.lastMs > FORGET_MS ? 1 : before.count + 1;
    const wait =
      count <= MAX_FREE_TRIES ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - MAX_FREE_TRIES - 1));
    this.#failures.delete(address);
    this.#failures.set(address, { count, untilMs: now + wait, lastMs: now });
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
  }

  succeed(address: string): void {
    this.#failures.delete(address);
  }
}
