/**
 * A queue in which turns go round the addresses, and within an address round its guests: whoever asks for much waits
 * for their own turn, and nobody waits for them. The addresses of one network share a turn. One guest's things keep
 * their order.
 */
import { partyOf } from './address.ts';

/** Who waits. */
export interface Waiter {
  /** Id of the guest. */
  readonly guest: string;
  readonly address: string;
}

export interface FairQueueOptions {
  readonly maxPerGuest: number;
  readonly maxPerAddress: number;
  readonly max: number;
}

/** What waits of a guest; of an address, by guest; of a network, by address. Maps are in the order of the next turns. */
interface Round<T> {
  readonly rounds: Map<string, Round<T>>;
  /** What one guest waits for. */
  readonly own: T[];
  size: number;
}

const emptyRound = <T>(): Round<T> => ({ rounds: new Map(), own: [], size: 0 });

export class FairQueue<T> {
  readonly #options: FairQueueOptions;
  readonly #all = emptyRound<T>();

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  /**
   * @returns what has no place: `one` itself when its guest or its address has too many, or when the queue is full and
   *   no address or network has more; else, when it is full, the newest of the one that has most. null: all have a place.
   */
  push({ guest, address }: Waiter, one: T): T | null {
    const { maxPerGuest, maxPerAddress, max } = this.#options;
    const party = partyOf(address);
    const theirs = this.#all.rounds.get(party);
    const ofAddress = theirs?.rounds.get(address);
    if ((ofAddress?.rounds.get(guest)?.size ?? 0) >= maxPerGuest) return one;
    if ((ofAddress?.size ?? 0) >= maxPerAddress) return one;
    let out: T | null = null;
    if (this.size >= max) {
      const isLargest = largestOf(this.#all).size <= (theirs?.size ?? 0) + 1;
      if (isLargest) return one;
      out = dropNewest(this.#all);
    }
    let round = this.#all;
    round.size++;
    for (const key of [party, address, guest]) {
      const next = round.rounds.get(key) ?? emptyRound<T>();
      round.rounds.set(key, next);
      next.size++;
      round = next;
    }
    round.own.push(one);
    return out;
  }

  /**
   * Takes the next thing out: of the address whose turn it is, of the guest whose turn it is there.
   *
   * @param mayPass - false: this one's guest does not get another turn now; the next guest is asked
   * @returns undefined: nothing waits that may pass
   */
  take(mayPass: (one: T) => boolean = () => true): T | undefined {
    return takeFrom(this.#all, mayPass);
  }
}

/** Who had a turn goes to the end of each round. */
function takeFrom<T>(round: Round<T>, mayPass: (one: T) => boolean): T | undefined {
  if (round.own.length > 0) {
    if (!mayPass(round.own[0])) return undefined;
    round.size--;
    return round.own.shift();
  }
  for (const [key, next] of [...round.rounds]) {
    const one = takeFrom(next, mayPass);
    if (one === undefined) continue;
    round.rounds.delete(key);
    if (next.size > 0) round.rounds.set(key, next);
    round.size--;
    return one;
  }
  return undefined;
}

/** @param round - not empty, and not a guest's */
const largestOf = <T>({ rounds }: Round<T>): Round<T> =>
  [...rounds.values()].reduce((a, b) => (b.size > a.size ? b : a));

/** Takes the newest out of the guest who has most, at the address that has most. @param round - not empty */
function dropNewest<T>(round: Round<T>): T {
  round.size--;
  if (round.rounds.size === 0) return round.own.pop()!;
  const largest = largestOf(round);
  const dropped = dropNewest(largest);
  for (const [key, one] of round.rounds) if (one === largest && one.size === 0) round.rounds.delete(key);
  return dropped;
}
