/**
 * A queue in which turns go round the addresses, and within an address round its guests: whoever asks for much waits
 * for their own turn, and nobody waits for them. One guest's things keep their order.
 */

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

/** Map keys in the order of their next turns. */
interface Address<T> {
  readonly guests: Map<string, T[]>;
  size: number;
}

export class FairQueue<T> {
  readonly #options: FairQueueOptions;
  readonly #addresses = new Map<string, Address<T>>();
  #size = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * @returns what has no place: `one` itself when its guest or its address has too many, or when the queue is full and
   *   no address has more; else, when it is full, the newest of the address that has most. null: all have a place.
   */
  push({ guest, address }: Waiter, one: T): T | null {
    const { maxPerGuest, maxPerAddress, max } = this.#options;
    const theirs = this.#addresses.get(address) ?? { guests: new Map<string, T[]>(), size: 0 };
    const own = theirs.guests.get(guest) ?? [];
    if (own.length >= maxPerGuest || theirs.size >= maxPerAddress) return one;
    let out: T | null = null;
    if (this.#size >= max) {
      out = this.#dropFromLargest(theirs.size + 1);
      if (out === null) return one;
    }
    own.push(one);
    theirs.guests.set(guest, own);
    theirs.size++;
    this.#addresses.set(address, theirs);
    this.#size++;
    return out;
  }

  /** Takes the newest of the guest who has most, at the address that has most, if it has more than `size`. */
  #dropFromLargest(size: number): T | null {
    let address = '';
    let largest: Address<T> | null = null;
    for (const [key, one] of this.#addresses)
      if (one.size > (largest?.size ?? size)) {
        address = key;
        largest = one;
      }
    if (largest === null) return null;
    const [guest, waiting] = [...largest.guests].reduce((a, b) => (b[1].length > a[1].length ? b : a));
    const dropped = waiting.pop()!;
    if (waiting.length === 0) largest.guests.delete(guest);
    if (--largest.size === 0) this.#addresses.delete(address);
    this.#size--;
    return dropped;
  }

  /**
   * Takes the next thing out: of the address whose turn it is, of the guest whose turn it is there.
   *
   * @param mayPass - false: this one's guest does not get another turn now; the next guest is asked
   * @returns undefined: nothing waits that may pass
   */
  take(mayPass: (one: T, waiter: Waiter) => boolean = () => true): T | undefined {
    for (const [address, theirs] of [...this.#addresses]) {
      for (const [guest, own] of [...theirs.guests]) {
        if (!mayPass(own[0], { guest, address })) continue;
        const one = own.shift()!;
        // To the end of both rounds.
        theirs.guests.delete(guest);
        if (own.length > 0) theirs.guests.set(guest, own);
        this.#addresses.delete(address);
        if (--theirs.size > 0) this.#addresses.set(address, theirs);
        this.#size--;
        return one;
      }
    }
    return undefined;
  }
}
