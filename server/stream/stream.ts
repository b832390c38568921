/** Published frames on their way from the world to those who watch. */
import type { KeyframesMessage, ViewportMessage } from '../../shared/protocol.ts';
import type { PublishedFrame, WorldLink } from '../world/messages.ts';
import type { FlowOptions, FrameSocket } from './flow.ts';
import { twinOf } from './pageKey.ts';
import { Subscriptions } from './subscriptions.ts';
import { viewOf } from './view.ts';
import { type Held, Viewer } from './viewer.ts';

export interface StreamOptions extends FlowOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class Stream {
  readonly #world: WorldLink;
  readonly #options: StreamOptions;
  readonly #now: () => number;
  readonly #subscriptions: Subscriptions<Held>;
  readonly #viewers = new Set<Viewer>();

  constructor(world: WorldLink, options: StreamOptions) {
    this.#world = world;
    this.#options = options;
    this.#now = options.now;
    this.#subscriptions = new Subscriptions((add, remove) => world.watch(add, remove));
  }

  join(socket: FrameSocket): Viewer {
    const viewer = new Viewer(socket, this.#now(), this.#options);
    this.#viewers.add(viewer);
    return viewer;
  }

  leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer)) return;
    this.#subscriptions.leave([...viewer.pages.values()], this.#now());
  }

  look(viewer: Viewer, viewport: ViewportMessage): void {
    if (!this.#viewers.has(viewer)) return;
    const { ready } = this.#world;
    const { entered, left } = viewer.look(viewOf(viewport, ready, viewport.level), ready);
    if (entered.length + left.length === 0) return;
    this.#subscriptions.enter(entered);
    this.#subscriptions.leave(left, this.#now());
    this.#ask([viewer]);
  }

  /** @returns false when no such frame was sent to it yet */
  acknowledge(viewer: Viewer, frame: number): boolean {
    const isKnown = viewer.flow.acknowledge(frame, this.#now());
    if (isKnown && viewer.owed > 0) this.#ask([viewer]);
    return isKnown;
  }

  lost(viewer: Viewer, { level, pages }: KeyframesMessage): void {
    viewer.lost(level, pages);
    this.#ask([viewer]);
  }

  /** Every update goes to all who watch its page; a viewer without room loses nothing but time. */
  publish(frame: PublishedFrame): void {
    for (const update of frame.updates) {
      const watchers = this.#subscriptions.watchersOf(update.key);
      if (watchers !== undefined) for (const held of watchers) held.viewer.offer(held, update);
    }
    const { buffer, byteOffset, byteLength } = frame.bytes;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    const now = this.#now();
    for (const viewer of this.#viewers) viewer.finish(frame, bytes, now);
    this.#ask(this.#viewers);
  }

  /** Ends lingering subscriptions, and asks for what had to wait while the world is quiet: a few times a second. */
  sweep(): void {
    this.#subscriptions.sweep(this.#now());
    this.#ask(this.#viewers);
  }

  /** Asks the world once for all that several viewers are owed. */
  #ask(viewers: Iterable<Viewer>): void {
    const now = this.#now();
    let keys: Set<number> | null = null;
    for (const viewer of viewers) {
      if (viewer.owed === 0 && viewer.coarse === 0) continue;
      for (const held of viewer.wants(now, this.#move)) {
        keys ??= new Set();
        keys.add(held.key);
      }
    }
    if (keys !== null) this.#world.requestKeyframes([...keys]);
  }

  readonly #move = (held: Held): void => {
    this.#subscriptions.leave([held], this.#now());
    held.key = twinOf(held.key);
    this.#subscriptions.enter([held]);
  };
}
