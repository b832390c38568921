/** The deltas of one frame that those who were sent everything before can decode, found by page. */
import type { PublishedUpdate } from '../published.ts';

const NO_BYTES = Buffer.alloc(0);

export class Deltas {
  /** The frame's. */
  bytes: Buffer = NO_BYTES;
  /** [n] each: `pageKey` in ascending order, and where the encoded update lies in `bytes`. */
  readonly keys: number[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  begin(bytes: Buffer): void {
    this.bytes = bytes;
    this.keys.length = this.starts.length = this.ends.length = 0;
  }

  /** Calls are in the order of keys. */
  add({ key, offset, length }: PublishedUpdate): void {
    this.keys.push(key);
    this.starts.push(offset);
    this.ends.push(offset + length);
  }

  /** @returns the index of the first delta whose key is at least this */
  first(key: number): number {
    const { keys } = this;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
