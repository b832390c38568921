/**
 * Keeps each published page's chain: its last keyframe and the deltas since, which lead from nothing to its newest
 * version. A viewer that is new to a page, or has lost it, is sent the chain at once. The simulation thread encodes a
 * keyframe only for a page without a chain, not for every newcomer.
 *
 * A chain is dropped when its deltas become much larger than its keyframe. The next viewer that needs the page then
 * asks for a keyframe. The memory of all chains is bounded: those with the oldest keyframes are dropped.
 */
import { KEYFRAME } from '../../../shared/frame.ts';
import type { PublishedUpdate } from '../published.ts';

/** Deltas may take this many times the bytes of their keyframe: a newcomer is sent at most that much more. */
const DELTAS_TO_KEYFRAME = 2;
/** A chain may always grow by this: the keyframe of a blank page is only a header. */
const MIN_DELTA_BYTES = 512;
/** A newcomer has to decode all of them. */
const MAX_DELTAS = 40;
/** All chains together: 2,000 pages at worst, usually 100,000. */
const MAX_BYTES = 96 * 1024 * 1024;

export interface Chain {
  /** The version that a client holds after decoding the chain. */
  readonly version: number;
  /** A keyframe and the deltas after it, as `encodeUpdate` made them. */
  readonly bytes: Buffer;
  /** How many of `bytes` are in use. */
  readonly length: number;
  readonly updates: number;
}

interface Growing extends Chain {
  version: number;
  bytes: Buffer;
  length: number;
  updates: number;
  /** The largest `length` that it may reach. */
  readonly maxLength: number;
}

export class Chains {
  readonly #chains = new Map<number, Growing>();
  /** All chains together. */
  maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.maxBytes = maxBytes;
  }

  /** The memory that all chains hold. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns the chain, valid until the next `add`; undefined: the caller must ask for a keyframe */
  of(key: number): Chain | undefined {
    return this.#chains.get(key);
  }

  /** Adds an update. Calls are in the order of publication. @param bytes - the whole frame's; copied, not kept */
  add({ key, version, base, offset, length }: PublishedUpdate, bytes: Buffer): void {
    if (base === KEYFRAME) {
      this.forget(key);
      const own = Buffer.allocUnsafeSlow(length);
      bytes.copy(own, 0, offset, offset + length);
      const maxLength = length + Math.max(MIN_DELTA_BYTES, DELTAS_TO_KEYFRAME * length);
      this.#chains.set(key, { version, bytes: own, length, updates: 1, maxLength });
      this.#bytes += length;
      this.#trim();
      return;
    }
    const chain = this.#chains.get(key);
    if (chain === undefined) return;
    if (chain.version !== base || chain.length + length > chain.maxLength || chain.updates > MAX_DELTAS) {
      this.forget(key);
      return;
    }
    if (chain.length + length > chain.bytes.length) {
      // A page that moved once usually moves again: allocates for all further deltas.
      const grown = Buffer.allocUnsafeSlow(chain.maxLength);
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
    // A map keeps insertion order: the oldest keyframe comes first.
    for (const key of this.#chains.keys()) {
      if (this.#bytes <= this.maxBytes) return;
      this.forget(key);
    }
  }
}
