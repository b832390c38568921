/** Delivers published frames from the world to the viewers. */
import { KEYFRAME } from '../../../shared/frame.ts';
import type { Size } from '../../../shared/geometry.ts';
import type { KeyframesMessage, ViewportMessage } from '../../../shared/protocol.ts';
import { twinOf } from '../pageKey.ts';
import type { PublishedFrame } from '../published.ts';
import { Chains } from './chains.ts';
import type { FlowOptions, FrameSocket } from './flow.ts';
import { Subscriptions } from './subscriptions.ts';
import { viewOf } from './view.ts';
import { type FrameHead, type Held, type Source, Viewer } from './viewer.ts';

/** The part of a world that a stream uses. Pages are keys of `stream/pageKey.ts`. */
export interface PageSource {
  /** Size of the world, cells. */
  readonly ready: Size;
  watch(add: readonly number[], remove: readonly number[]): void;
  requestKeyframes(keys: readonly number[]): void;
}

export interface StreamOptions extends FlowOptions {
  /** A monotonic clock, in ms. */
  readonly now: () => number;
}

/** While the last frame is younger than this, the next is worth waiting for: one and a half frames at 20 Hz. */
const LIVELY_MS = 75;

export class Stream {
  readonly #world: PageSource;
  readonly #options: StreamOptions;
  readonly #now: () => number;
  readonly #subscriptions: Subscriptions<Held>;
  readonly #viewers = new Set<Viewer>();
  readonly #chains = new Chains();
  #newest: FrameHead = { frame: 0, step: 0 };
  #publishedMs = Number.NEGATIVE_INFINITY;
  /** Pages whose keyframes the viewers being served need; asked for once, together. */
  readonly #asked = new Set<number>();
  readonly #source: Source = {
    chains: this.#chains,
    ask: (key) => this.#asked.add(key),
    move: (held) => {
      this.#subscriptions.leave([held], this.#now());
      held.key = twinOf(held.key);
      this.#subscriptions.enter([held]);
    },
  };

  constructor(world: PageSource, options: StreamOptions) {
    this.#world = world;
    this.#options = options;
    this.#now = options.now;
    this.#subscriptions = new Subscriptions((add, remove) => {
      // A page that is watched again starts with a new keyframe.
      for (const key of add) this.#chains.forget(key);
      for (const key of remove) this.#chains.forget(key);
      world.watch(add, remove);
    });
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
    this.#serve([viewer]);
  }

  /** Sends nothing to this viewer until it looks again; then it starts with the newest state. */
  rest(viewer: Viewer): void {
    if (this.#viewers.has(viewer)) this.#subscriptions.leave(viewer.rest(), this.#now());
  }

  /** @returns false when the frame has not been sent to this viewer */
  acknowledge(viewer: Viewer, frame: number): boolean {
    const isKnown = viewer.flow.acknowledge(frame, this.#now());
    if (isKnown && viewer.owed > 0) this.#serve([viewer]);
    return isKnown;
  }

  lost(viewer: Viewer, { level, pages }: KeyframesMessage): void {
    viewer.lost(level, pages);
    this.#serve([viewer]);
  }

  /** Offers every update to all watchers of its page; a viewer without room gets it later. */
  publish(frame: PublishedFrame): void {
    const { buffer, byteOffset, byteLength } = frame.bytes;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#newest = { frame: frame.frame, step: frame.step };
    const now = this.#now();
    for (const viewer of this.#viewers) viewer.begin(bytes, now);
    let last = -1;
    for (const update of frame.updates) {
      this.#chains.add(update, bytes);
      // A keyframe right after its page's delta: viewers that cannot use the delta are owed the page already.
      const isAgain = update.key === last;
      last = update.key;
      const watchers = isAgain ? undefined : this.#subscriptions.watchersOf(update.key);
      if (watchers === undefined) continue;
      if (update.base === KEYFRAME) for (const held of watchers) held.viewer.miss(held, update.version);
      else for (const held of watchers) held.viewer.offer(held, update);
    }
    this.#publishedMs = now;
    for (const viewer of this.#viewers) viewer.finish(frame, now, this.#source);
    if (this.#asked.size > 0) this.#ask();
  }

  /** Ends lingering subscriptions and serves waiting viewers while no frames come; called a few times per second. */
  sweep(): void {
    this.#subscriptions.sweep(this.#now());
    this.#serve(this.#viewers);
  }

  #serve(viewers: Iterable<Viewer>): void {
    const now = this.#now();
    const isLively = now - this.#publishedMs < LIVELY_MS;
    let waits = false;
    for (const viewer of viewers) if (viewer.serve(this.#newest, isLively, now, this.#source)) waits = true;
    // A request without keys still makes the world close a frame: waiting viewers are served under its number.
    if (waits || this.#asked.size > 0) this.#ask();
  }

  #ask(): void {
    this.#world.requestKeyframes([...this.#asked]);
    this.#asked.clear();
  }
}
