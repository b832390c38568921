/**
 * For every published page, the way from nothing to its newest version: the last keyframe that went by, and the
 * deltas since. Who comes to a page, or lost track of it, is sent that at once; the simulation encodes a
 * keyframe only where none is at hand, not for every newcomer of every frame: that was the largest part of
 * what a thousand wandering viewers cost.
 *
 * A chain ends when its deltas outweigh its keyframe; the next who needs the page has a new one made. All
 * chains together are bounded, too: the oldest go.
 */
import { KEYFRAME } from '../../../shared/frame.ts';
import type { PublishedUpdate } from '../published.ts';

/** Bytes of deltas to bytes of the keyframe that they follow: what a newcomer may be sent too much, at worst. */
const DELTAS_TO_KEYFRAME = 2;
/** A blank page's keyframe is a header; some growth is allowed to it all the same. */
const MIN_DELTA_BYTES = 512;
/** Each has to be decoded, and a newcomer waits for all of them. */
const MAX_DELTAS = 40;
/** Of all chains: 2,000 pages at their worst, a hundred thousand as they usually are. */
const MAX_BYTES = 96 * 1024 * 1024;

export interface Chain {
  /** What the reader holds in the end. */
  readonly version: number;
  /** A keyframe and the deltas after it, as `encodeUpdate` made them. */
  readonly bytes: Buffer;
  /** Of `bytes`, what is in use. */
  readonly length: number;
  readonly updates: number;
}

interface Growing extends Chain {
  version: number;
  bytes: Buffer;
  length: number;
  updates: number;
  /** What `length` may become. */
  readonly most: number;
}

export class Chains {
  readonly #chains = new Map<number, Growing>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number = MAX_BYTES) {
    this.#mostBytes = mostBytes;
  }

  /** Memory held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns valid until the next update is heard; undefined: a keyframe has to be asked for */
  of(key: number): Chain | undefined {
    return this.#chains.get(key);
  }

  /** In order of publication. @param bytes - of the whole frame; not kept */
  hear({ key, version, base, offset, length }: PublishedUpdate, bytes: Buffer): void {
    if (base === KEYFRAME) {
      this.forget(key);
      const own = Buffer.allocUnsafeSlow(length);
      bytes.copy(own, 0, offset, offset + length);
      const most = length + Math.max(MIN_DELTA_BYTES, DELTAS_TO_KEYFRAME * length);
      this.#chains.set(key, { version, bytes: own, length, updates: 1, most });
      this.#bytes += length;
      this.#trim();
      return;
    }
    const chain = this.#chains.get(key);
    if (chain === undefined) return;
    if (chain.version !== base || chain.length + length > chain.most || chain.updates > MAX_DELTAS) {
      this.forget(key);
      return;
    }
    if (chain.length + length > chain.bytes.length) {
      // Most pages that move at all go on moving.
      const grown = Buffer.allocUnsafeSlow(chain.most);
      chain.bytes.copy(grown, 0, 0, chain.length);
      this.#bytes += grown.length - chain.bytes.length;
      chain.bytes = grown;
    }
    bytes.copy(chain.bytes, chain.length, offset, offset + length);
    chain.length += length;
    chain.version = version;
    chain.updates++;
    this.#trim();
  }

  forget(key: number): void {
    const chain = this.#chains.get(key);
    if (chain === undefined) return;
    this.#chains.delete(key);
    this.#bytes -= chain.bytes.length;
  }

  #trim(): void {
    // Insertion order: those whose keyframe is the oldest.
    for (const key of this.#chains.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.forget(key);
    }
  }
}
