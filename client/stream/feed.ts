/**
 * What the decode worker does: frames come in, pages to upload go out. Pages that the view needs are copied into a batch
 * in their newest state. While both batches are out, changed pages wait in the set of owed pages, so a view that draws
 * slowly skips states and never has a backlog.
 */
import { decodeFrame, type Frame, FrameError } from '../../shared/frame.ts';
import { PAGE_BYTES, type PageRect, type Size } from '../../shared/geometry.ts';
import { BATCH_PAGES, BATCHES, type FromWorker, type ToWorker } from './messages.ts';
import { glow, WorldMap } from './overview.ts';
import { BLANK, type Page, PageStore } from './pageStore.ts';
import { Pyramid } from './pyramid.ts';

/** Factor of alpha on the map, where the average of a small body would be too faint. */
const MAP_BOOST = 1.6;

export class Feed {
  readonly #post: (message: FromWorker, transfer: ArrayBuffer[]) => void;
  readonly #pyramid: Pyramid;
  readonly #store: PageStore;
  readonly #map: WorldMap;
  /** Buffers that are here, ready to be filled. */
  readonly #free: ArrayBuffer[] = [];
  /** Page → the version that the view was given last. */
  readonly #given = new Map<number, number>();
  /** Pages in view that the view does not have in their newest state. */
  readonly #owed = new Set<number>();
  /** Pages that the map does not show in their newest state. */
  readonly #unmapped = new Set<number>();
  #level = 0;
  #view: PageRect = { left: 0, top: 0, right: -1, bottom: -1 };
  #isGlowOld = true;
  /** Frames of other epochs are dropped; at -1 all are, until the next join. */
  #epoch = -1;

  constructor(world: Size, post: (message: FromWorker, transfer: ArrayBuffer[]) => void) {
    this.#post = post;
    this.#pyramid = new Pyramid(world);
    this.#store = new PageStore(this.#pyramid);
    this.#map = new WorldMap(world);
    for (let i = 0; i < BATCHES; i++) this.#free.push(new ArrayBuffer(BATCH_PAGES * PAGE_BYTES));
  }

  handle(message: Exclude<ToWorker, { type: 'open' }>): void {
    switch (message.type) {
      case 'join':
        this.#epoch = message.epoch;
        this.#store.expire();
        this.#given.clear();
        return;
      case 'frame':
        // A frame of an earlier connection has versions that this one does not know.
        if (message.epoch === this.#epoch) this.#decode(message.bytes);
        return;
      case 'look':
        this.#look(message.level, message.pages);
        return;
      case 'give':
        for (const key of message.released) {
          this.#given.delete(key);
          if (this.#isInView(key) && this.#store.get(key) !== undefined) this.#owed.add(key);
        }
        this.#free.push(message.buffer);
        this.#fill();
        return;
      case 'light':
        this.#shine();
        return;
      default:
        message satisfies never;
    }
  }

  #decode(bytes: Uint8Array): void {
    const startedAt = performance.now();
    const epoch = this.#epoch;
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#epoch = -1;
      this.#post({ type: 'broken', epoch, reason: error.message }, []);
      return;
    }
    const { changed, gaps } = this.#store.apply(frame.updates);
    for (const key of changed) {
      this.#unmapped.add(key);
      if (!this.#isInView(key)) continue;
      this.#owed.add(key);
      this.#isGlowOld = true;
    }
    for (const { key } of this.#store.trim((page) => this.#isInView(page.key))) this.#unmapped.delete(key);
    const decodeMs = performance.now() - startedAt;
    this.#post({ type: 'decoded', epoch, frame: frame.frame, gaps, decodeMs }, []);
    this.#fill();
  }

  #look(level: number, pages: PageRect): void {
    this.#level = level;
    this.#view = pages;
    this.#isGlowOld = true;
    this.#owed.clear();
    for (let py = pages.top; py <= pages.bottom; py++) {
      for (let px = pages.left; px <= pages.right; px++) {
        const key = this.#pyramid.key(level, px, py);
        const page = this.#store.get(key);
        if (page === undefined) continue;
        this.#store.touch(page);
        if (this.#given.get(key) !== page.version) this.#owed.add(key);
      }
    }
    this.#fill();
  }

  #isInView(key: number): boolean {
    if (this.#pyramid.levelOf(key) !== this.#level) return false;
    const px = this.#pyramid.px(key);
    const py = this.#pyramid.py(key);
    const { left, top, right, bottom } = this.#view;
    return px >= left && px <= right && py >= top && py <= bottom;
  }

  /** Sends owed pages while a buffer is free. */
  #fill(): void {
    while (this.#owed.size > 0) {
      const buffer = this.#free.pop();
      if (buffer === undefined) return;
      const pixels = new Uint8Array(buffer);
      const keys: number[] = [];
      const blanks: number[] = [];
      for (const key of this.#owed) {
        if (keys.length === BATCH_PAGES) break;
        this.#owed.delete(key);
        const page = this.#store.get(key) as Page; // the store never forgets a page in view
        this.#given.set(key, page.version);
        if (page.pixels === BLANK) {
          blanks.push(key);
          continue;
        }
        pixels.set(page.pixels, keys.length * PAGE_BYTES);
        keys.push(key);
      }
      this.#post({ type: 'pages', buffer, keys, blanks }, [buffer]);
    }
  }

  #shine(): void {
    const { left, top, right, bottom } = this.#view;
    const isSeen = this.#isGlowOld && right >= left && bottom >= top;
    const light = isSeen ? glow(this.#store, this.#level, this.#view) : null;
    if (isSeen) this.#isGlowOld = false;
    const isMapOld = this.#unmapped.size > 0;
    for (const key of this.#unmapped) {
      const page = this.#store.get(key);
      if (page === undefined) continue;
      const level = this.#pyramid.levelOf(key);
      this.#map.draw(page.pixels, level, this.#pyramid.px(key), this.#pyramid.py(key));
    }
    this.#unmapped.clear();
    const map = isMapOld ? this.#map.picture(MAP_BOOST) : null;
    const transfer: ArrayBuffer[] = [];
    if (light !== null) transfer.push(light.image.pixels.buffer);
    if (map !== null) transfer.push(map.pixels.buffer);
    this.#post({ type: 'light', glow: light, map }, transfer);
  }
}
