/** An honest client: applies frames to the pages that it holds. */
import { pageKey } from '../../server/stream/pageKey.ts';
import { decodeFrame, KEYFRAME } from '../../shared/frame.ts';
import { PAGE_BYTES, pagesAcross, type Size } from '../../shared/geometry.ts';
import { decodePage } from '../../shared/pageCodec.ts';

export class Mirror {
  readonly world: Size;
  /** By the `pageKey` in the fine lane: a client knows no lanes. */
  readonly pages = new Map<number, { version: number; pixels: Uint8Array }>();
  /** Pages with a delta whose base version is not held. */
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
