/** What an honest client does with frames: the pages it holds, by version. */
import { pageKey } from '../../server/stream/pageKey.ts';
import { decodeFrame, KEYFRAME } from '../../shared/frame.ts';
import { PAGE_BYTES, pagesAcross, type Size } from '../../shared/geometry.ts';
import { decodePage } from '../../shared/pageCodec.ts';

export class Mirror {
  readonly world: Size;
  /** By `pageKey`, the lane left out: a client knows of none. */
  readonly pages = new Map<number, { version: number; pixels: Uint8Array }>();
  /** Pages whose delta started from a version that is not held. */
  readonly gaps = new Set<number>();
  lastFrame = 0;

  constructor(world: Size) {
    this.world = world;
  }

  /** @returns the number of the frame */
  apply(bytes: Uint8Array): number {
    const frame = decodeFrame(bytes);
    for (const update of frame.updates) {
      const across = pagesAcross(this.world.width, update.level);
      const page = pageKey(update.level, update.py * across + update.px);
      if (update.base === KEYFRAME) {
        const pixels = new Uint8Array(PAGE_BYTES);
        decodePage(update.payload, pixels);
        this.pages.set(page, { version: update.version, pixels });
        this.gaps.delete(page);
        continue;
      }
      const held = this.pages.get(page);
      if (held?.version !== update.base) {
        this.gaps.add(page);
        continue;
      }
      decodePage(update.payload, held.pixels);
      held.version = update.version;
    }
    this.lastFrame = frame.frame;
    return frame.frame;
  }
}
