/**
 * The pages that a decoding viewer sees. All viewers share a process, and its cores with the server, unlike browsers.
 * So an update that came to several is decoded once; each viewer still keeps its own versions, and the update's bytes
 * must be the same for all.
 */
import { pageKey } from '../../../server/stream/pageKey.ts';
import { decodeFrame, KEYFRAME, type PageUpdate } from '../../../shared/frame.ts';
import { PAGE_BYTES, pagesAcross, type Size } from '../../../shared/geometry.ts';
import { decodePage } from '../../../shared/pageCodec.ts';

interface State {
  readonly version: number;
  /** [64, 64, 4], shared: never changed. */
  readonly pixels: Uint8Array;
}

interface Decoded extends State {
  readonly base: number;
  readonly payload: Buffer;
}

/** The decoded updates of one page and base, from the last second or two. */
const MAX_KEPT = 4_096;
const decoded = new Map<string, Decoded>();

function decode(of: string, page: number, update: PageUpdate, from: Uint8Array | null): Uint8Array {
  const { version, base, payload } = update;
  const name = `${of} ${page} ${base} ${version}`;
  const known = decoded.get(name);
  if (known !== undefined) {
    if (!known.payload.equals(payload)) throw new Error(`update ${name} came in two forms`);
    return known.pixels;
  }
  const pixels = from === null ? new Uint8Array(PAGE_BYTES) : from.slice();
  decodePage(payload, pixels);
  decoded.set(name, { version, base, pixels, payload: Buffer.from(payload) });
  for (const oldest of decoded.keys()) {
    if (decoded.size <= MAX_KEPT) break;
    decoded.delete(oldest);
  }
  return pixels;
}

export class Eye {
  /** What it sees: another world, or the same one after a new start, has the same names for other updates. */
  of = '';
  readonly #across: readonly number[];
  /** By the `pageKey` in the fine lane. */
  readonly pages = new Map<number, State>();
  /** Pages with a delta whose base version is not held. */
  readonly gaps = new Set<number>();

  constructor(world: Size) {
    this.#across = Array.from({ length: 16 }, (_, level) => pagesAcross(world.width, level));
  }

  apply(bytes: Uint8Array): void {
    for (const update of decodeFrame(bytes).updates) {
      const { level, px, py, version, base } = update;
      const page = pageKey(level, py * this.#across[level] + px);
      const held = base === KEYFRAME ? null : this.pages.get(page);
      if (base !== KEYFRAME && held?.version !== base) {
        this.gaps.add(page);
        continue;
      }
      this.pages.set(page, { version, pixels: decode(this.of, page, update, held?.pixels ?? null) });
      this.gaps.delete(page);
    }
  }
}
