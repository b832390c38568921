/** Published frames on their way from the world to those who watch. */
import type { KeyframesMessage, ViewportMessage } from '../../shared/protocol.ts';
import type { PublishedFrame, WorldLink } from '../world/messages.ts';
import { pageKey } from './pageKey.ts';
import { pagesInView, Subscriptions } from './subscriptions.ts';
import { type FrameSocket, Viewer } from './viewer.ts';

export interface StreamOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly windowBytes?: number;
}

export class Stream {
  readonly #world: WorldLink;
  readonly #now: () => number;
  readonly #windowBytes: number | undefined;
  readonly #subscriptions: Subscriptions<Viewer>;
  readonly #viewers = new Set<Viewer>();

  constructor(world: WorldLink, options: StreamOptions) {
    this.#world = world;
    this.#now = options.now;
    this.#windowBytes = options.windowBytes;
    this.#subscriptions = new Subscriptions((add, remove) => world.watch(add, remove));
  }

  join(socket: FrameSocket): Viewer {
    const viewer = new Viewer(socket, this.#windowBytes);
    this.#viewers.add(viewer);
    return viewer;
  }

  leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#subscriptions.leave(viewer, [...viewer.pages], this.#now());
  }

  look(viewer: Viewer, viewport: ViewportMessage): void {
    if (!this.#viewers.has(viewer)) return;
    const { level } = viewport;
    const pages = pagesInView(viewport, this.#world.ready, level);
    const { entered, left } = viewer.look(pages.map((index) => pageKey(level, index)));
    this.#subscriptions.enter(viewer, entered);
    this.#subscriptions.leave(viewer, left, this.#now());
    this.#ask([viewer]);
  }

  /** @returns false when no such frame was sent to it yet */
  acknowledge(viewer: Viewer, frame: number): boolean {
    const known = viewer.acknowledge(frame);
    if (known && viewer.owed > 0) this.#ask([viewer]);
    return known;
  }

  lost(viewer: Viewer, { level, pages }: KeyframesMessage): void {
    viewer.lost(pages.map((index) => pageKey(level, index)));
    this.#ask([viewer]);
  }

  /** Every update goes to all who watch its page; a viewer without room loses nothing but time. */
  publish(frame: PublishedFrame): void {
    const touched = new Set<Viewer>();
    for (const update of frame.updates) {
      const watchers = this.#subscriptions.watchersOf(update.key);
      if (watchers === undefined) continue;
      for (const viewer of watchers) {
        viewer.offer(update);
        touched.add(viewer);
      }
    }
    const now = this.#now();
    for (const viewer of touched) viewer.finish(frame, now);
    this.#ask(this.#viewers);
  }

  /** Ends lingering subscriptions; about once a second. */
  sweep(): void {
    this.#subscriptions.sweep(this.#now());
    this.#ask(this.#viewers);
  }

  /** Asks the world once for all that several viewers are owed. */
  #ask(viewers: Iterable<Viewer>): void {
    const now = this.#now();
    let pages: Set<number> | null = null;
    for (const viewer of viewers) {
      if (viewer.owed === 0) continue;
      for (const page of viewer.wants(now)) {
        pages ??= new Set();
        pages.add(page);
      }
    }
    if (pages !== null) this.#world.requestKeyframes([...pages]);
  }
}
