/**
 * The token by which the server knows this browser's guest. Two tabs that are opened at once in a fresh browser would
 * become two guests: of tabs that have no token, one joins first, and the others wait until it has kept the token.
 */
import { nameOf, recall, remember } from '../remember.ts';

/** Longest wait for another tab's join. Then this tab joins all the same. */
const MAX_WAIT_MS = 5_000;
/** A tab whose join takes longer than this no longer holds the others up. */
const MAX_HOLD_MS = 10_000;

/** The part of `navigator.locks` that is used here; null: there is none, as on a page that is not served over https. */
export type Locks = Pick<LockManager, 'request'> | null;

export class GuestToken {
  readonly #locks: Locks;
  /** For a browser that keeps nothing. */
  #own: string | null = null;
  /** What was sent with the join that is under way. */
  #sent: string | null = null;
  #release: () => void = () => {};

  constructor(locks: Locks = globalThis.navigator?.locks ?? null) {
    this.#locks = locks;
  }

  /** The token to join with; null: the server shall give one. `kept` or `gaveUp` must follow. */
  async take(): Promise<string | null> {
    this.#release();
    if (this.#known === null) await this.#wait();
    this.#sent = this.#known;
    // Nobody need wait for a tab that gets no token.
    if (this.#sent !== null) this.#release();
    return this.#sent;
  }

  /**
   * The join has succeeded.
   *
   * @param token - the one that the server has given; undefined: none, because it knows the guest
   * @returns false: another tab has got one meanwhile, and this one must join again as that guest
   */
  kept(token: string | undefined): boolean {
    const others = recall('token');
    const isOurs = token === undefined || others === null || others === this.#sent;
    if (token !== undefined && isOurs) {
      this.#own = token;
      remember('token', token);
    }
    this.#release();
    return isOurs;
  }

  /** The join has failed. */
  gaveUp(): void {
    this.#release();
  }

  get #known(): string | null {
    return recall('token') ?? this.#own;
  }

  /** Resolves when no other tab is about to get a token, or after `MAX_WAIT_MS`. */
  #wait(): Promise<void> {
    const locks = this.#locks;
    if (locks === null) return Promise.resolve();
    return new Promise((resolve) => {
      const held = (): Promise<void> =>
        new Promise((release) => {
          const timer = setTimeout(release, MAX_HOLD_MS);
          this.#release = () => {
            clearTimeout(timer);
            release();
          };
          resolve();
        });
      const signal = AbortSignal.timeout(MAX_WAIT_MS);
      // Refused, too, in a sandboxed frame.
      locks.request(nameOf('token'), { signal }, held).catch(() => resolve());
    });
  }
}
