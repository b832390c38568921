/**
 * How long an address should wait after wrong tokens: after the third, 1 s, 2 s, 4 s … up to 15 min. A right token is
 * never refused, whoever has guessed before it from the same address: a token has 192 random bits, and no number of
 * guesses finds it. The wait keeps guessers from filling the log and the line. Memory is bounded.
 */

/** Wrong tokens of an address that cost no wait: people mistype. */
const MAX_FREE_TRIES = 3;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 15 * 60_000;
/** After an hour without a wrong token, an address starts again from zero. */
const FORGET_MS = 60 * 60_000;
const MAX_ADDRESSES = 1_024;

interface Failures {
  count: number;
  untilMs: number;
  lastMs: number;
}

export class WrongTokens {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #failures = new Map<string, Failures>();

  /** @param now - milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Counts a wrong token.
   *
   * @param address - an IPv4 address, or a /64 of IPv6
   * @returns milliseconds that this try came too early; 0: it was in time. A try that is too early makes the wait no
   * longer
   */
  fail(address: string): number {
    const now = this.#now();
    const before = this.#failures.get(address);
    if (before !== undefined && before.untilMs > now) return before.untilMs - now;
    const count = before === undefined || now - before.lastMs > FORGET_MS ? 1 : before.count + 1;
    const wait =
      count <= MAX_FREE_TRIES ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (count - MAX_FREE_TRIES - 1));
    this.#failures.delete(address);
    this.#failures.set(address, { count, untilMs: now + wait, lastMs: now });
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
    return 0;
  }

  /** Forgets an address from which a right token came. */
  succeed(address: string): void {
    this.#failures.delete(address);
  }
}
