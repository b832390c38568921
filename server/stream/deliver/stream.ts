/** Delivers published frames from the world to the viewers. */
import { KEYFRAME } from '../../../shared/frame.ts';
import type { Size } from '../../../shared/geometry.ts';
import type { KeyframesMessage, ViewportMessage } from '../../../shared/protocol.ts';
import { Lane, pageKey } from '../pageKey.ts';
import type { PublishedFrame } from '../published.ts';
import { Chains } from './chains.ts';
import { Composer, type FrameHead } from './composer.ts';
import { Deltas } from './deltas.ts';
import type { FlowOptions, FrameSocket } from './flow.ts';
import { type SharedView, SharedViews } from './sharedView.ts';
import { Subscriptions } from './subscriptions.ts';
import { sameView, viewOf } from './view.ts';
import { type Source, Viewer } from './viewer.ts';

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
  /** All chains of the stream together; default: 96 MiB. */
  readonly chainBytes?: number;
}

/** Spectators get the deltas of this many frames in one message. */
export const SPECTATOR_FRAMES = 4;
/** While the last frame is younger than this, the next is worth waiting for: one and a half frames at 20 Hz. */
const LIVELY_MS = 75;

export class Stream {
  readonly #world: PageSource;
  readonly #options: StreamOptions;
  readonly #now: () => number;
  readonly #subscriptions: Subscriptions;
  readonly #viewers = new Set<Viewer>();
  readonly #views = new SharedViews<Viewer>();
  /** Viewers that are not in step: the others cost nothing while nothing changes in their view. */
  readonly #apart = new Set<Viewer>();
  readonly #chains = new Chains();
  /** The newest version of each page, by `pageKey`: what a viewer holds that is not owed the page. */
  readonly #versions = new Map<number, number>();
  /** The last frames' deltas; the newest is at `#count % SPECTATOR_FRAMES`. */
  readonly #recent = Array.from({ length: SPECTATOR_FRAMES }, () => new Deltas());
  /** Frames that were published here. */
  #count = 0;
  readonly #composer = new Composer();
  #newest: FrameHead = { frame: 0, step: 0 };
  #publishedMs = Number.NEGATIVE_INFINITY;
  /** Pages whose keyframes the viewers being served need; asked for once, together. */
  readonly #asked = new Set<number>();
  readonly #source: Source = {
    chains: this.#chains,
    composer: this.#composer,
    ask: (key) => this.#asked.add(key),
    move: (from, to) => {
      this.#subscriptions.leave([from], this.#now());
      this.#subscriptions.enter([to]);
    },
  };

  constructor(world: PageSource, options: StreamOptions) {
    this.#world = world;
    this.#options = options;
    this.#now = options.now;
    if (options.chainBytes !== undefined) this.#chains.maxBytes = options.chainBytes;
    this.#subscriptions = new Subscriptions((add, remove) => {
      // A page that is watched again starts with a new keyframe.
      for (const key of [...add, ...remove]) {
        this.#chains.forget(key);
        this.#versions.delete(key);
      }
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
    this.#look(viewer, null);
    this.#apart.delete(viewer);
  }

  look(viewer: Viewer, viewport: ViewportMessage): void {
    if (!this.#viewers.has(viewer)) return;
    const view = viewOf(viewport, this.#world.ready, viewport.level);
    // Most pans are a few cells and show the same pages.
    if (viewer.seen !== null && sameView(view, viewer.seen.view)) return;
    this.#look(viewer, view);
    this.#serve([viewer]);
  }

  /** Sends nothing to this viewer until it looks again; then it starts with the newest state. */
  rest(viewer: Viewer): void {
    if (!this.#viewers.has(viewer)) return;
    this.#look(viewer, null);
    // Nothing more is expected of the client: what is on its way need not be acknowledged.
    viewer.flow.rest();
  }

  /**
   * A spectator gets the coarse lane, and of it every fourth frame, with all deltas since: fewer bytes in fewer writes. It
   * is sent what it lacks at once when it is none any more, and its pages move back to the fine lane.
   */
  spectate(viewer: Viewer, isSpectator: boolean): void {
    if (viewer.isSpectator === isSpectator || !this.#viewers.has(viewer)) return;
    this.#flush(viewer, this.#count);
    viewer.spectate(isSpectator);
    viewer.sentUpTo = this.#count;
    if (viewer.seen !== null) viewer.seen.spectators += isSpectator ? 1 : -1;
    this.#place(viewer);
    this.#serve([viewer]);
  }

  /** @returns false when the frame has not been sent to this viewer */
  acknowledge(viewer: Viewer, frame: number): boolean {
    const isKnown = viewer.flow.acknowledge(frame, this.#now());
    if (isKnown && viewer.owed > 0) this.#serve([viewer]);
    return isKnown;
  }

  lost(viewer: Viewer, { level, pages }: KeyframesMessage): void {
    this.#flush(viewer, this.#count);
    viewer.lost(pages.map((index) => pageKey(level, index)));
    this.#serve([viewer]);
  }

  /** The newest version of a page that was published; undefined: none yet. */
  versionOf(key: number): number | undefined {
    return this.#versions.get(key);
  }

  /** Gives every viewer the updates of the pages in its view; one without room gets them later. */
  publish(frame: PublishedFrame): void {
    const now = this.#now();
    this.#take(frame);
    this.#newest = { frame: frame.frame, step: frame.step };
    const apart = [...this.#apart];
    for (const view of this.#views.all) this.#publishTo(view, now);
    for (const viewer of apart) this.#finish(viewer, now);
    this.#publishedMs = now;
    if (this.#asked.size > 0) this.#ask();
  }

  /** Ends lingering subscriptions and serves waiting viewers while no frames come; called a few times per second. */
  sweep(): void {
    this.#subscriptions.sweep(this.#now());
    this.#serve([...this.#apart]);
  }

  /** Takes in a frame: what leads on from the newest version of a page is a delta for everybody who is not owed it. */
  #take({ bytes: { buffer, byteOffset, byteLength }, updates }: PublishedFrame): void {
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#count++;
    this.#deltas.begin(bytes);
    for (const update of updates) {
      const { key, version, base } = update;
      // It left the view of all while the frame was on its way.
      if (!this.#subscriptions.has(key)) continue;
      this.#chains.add(update, bytes);
      const newest = this.#versions.get(key);
      if (version === newest) continue;
      this.#versions.set(key, version);
      if (base !== KEYFRAME && base === newest) this.#deltas.add(update);
      else this.#miss(key);
    }
  }

  /** A page has a version that nobody was sent what leads to. */
  #miss(key: number): void {
    for (const view of this.#views.all) {
      if (!view.has(key)) continue;
      for (const viewer of view.viewers) {
        this.#flush(viewer, this.#count - 1);
        viewer.miss(key);
        this.#place(viewer);
      }
    }
  }

  /** The newest frame's. */
  get #deltas(): Deltas {
    return this.#recent[this.#count % SPECTATOR_FRAMES];
  }

  /** Sends those of a view who are in step the frame's deltas: one message for all. */
  #publishTo(view: SharedView<Viewer>, now: number): void {
    if (view.spectators > 0 && (this.#count + view.turn) % SPECTATOR_FRAMES === 0)
      this.#publishToSpectators(view, now);
    const composer = this.#composer;
    view.put(this.#deltas, Lane.fine, composer);
    if (composer.updates === 0) return;
    const late: Viewer[] = [];
    for (const viewer of view.viewers) {
      // Those who are not in step are sent their own afterwards.
      if (!viewer.isInStep || viewer.isSpectator) continue;
      if (!this.#sendTo(viewer, now)) late.push(viewer);
    }
    composer.clear();
    for (const viewer of late) this.#finish(viewer, now);
  }

  #publishToSpectators(view: SharedView<Viewer>, now: number): void {
    const since = this.#count - SPECTATOR_FRAMES;
    this.#putSince(view, since, this.#count);
    const others: Viewer[] = [];
    for (const viewer of view.viewers) {
      if (!viewer.isInStep || !viewer.isSpectator) continue;
      if (viewer.sentUpTo === since && this.#sendTo(viewer, now)) viewer.sentUpTo = this.#count;
      else others.push(viewer);
    }
    this.#composer.clear();
    for (const viewer of others) this.#flush(viewer, this.#count);
  }

  /** Sends the message that is put together to a viewer in step. @returns false when there is no room for it */
  #sendTo({ flow }: Viewer, now: number): boolean {
    if (this.#composer.updates === 0) return true;
    if (!flow.allows(this.#composer.bytes, now)) return false;
    flow.judge(false, now);
    this.#composer.send(flow, this.#newest, now);
    return true;
  }

  #putSince(view: SharedView<Viewer>, since: number, upTo: number): void {
    for (let count = since + 1; count <= upTo; count++)
      if (count > 0) view.put(this.#recent[count % SPECTATOR_FRAMES], Lane.coarse, this.#composer);
  }

  /** Sends a spectator what it lacks up to a frame; where there is no room for all of it, its pages are owed. */
  #flush(viewer: Viewer, upTo: number): void {
    const { seen, sentUpTo } = viewer;
    if (!viewer.isSpectator || !viewer.isInStep || seen === null || sentUpTo >= upTo) return;
    viewer.sentUpTo = upTo;
    const now = this.#now();
    this.#putSince(seen, sentUpTo, upTo);
    const isSent = this.#sendTo(viewer, now);
    this.#composer.clear();
    if (isSent) return;
    for (let count = sentUpTo + 1; count <= upTo; count++)
      viewer.oweAll(this.#recent[count % SPECTATOR_FRAMES]);
    viewer.flow.judge(true, now);
    this.#place(viewer);
  }

  #finish(viewer: Viewer, now: number): void {
    viewer.finish(this.#newest, this.#deltas, now, this.#source);
    this.#place(viewer);
  }

  #look(viewer: Viewer, view: Parameters<SharedViews<Viewer>['look']>[1]): void {
    const before = viewer.seen;
    if (view !== null) this.#flush(viewer, this.#count);
    viewer.sentUpTo = this.#count;
    this.#views.look(viewer, view, this.#world.ready);
    const { entered, left } = viewer.look(before);
    this.#subscriptions.enter(entered);
    this.#subscriptions.leave(left, this.#now());
    this.#place(viewer);
  }

  #serve(viewers: readonly Viewer[]): void {
    const now = this.#now();
    const isLively = now - this.#publishedMs < LIVELY_MS;
    let waits = false;
    for (const viewer of viewers) {
      if (viewer.serve(this.#newest, isLively, now, this.#source)) waits = true;
      this.#place(viewer);
    }
    // A request without keys still makes the world close a frame: waiting viewers are served under its number.
    if (waits || this.#asked.size > 0) this.#ask();
  }

  /** Keeps `#apart` right after a viewer may have come in step, or out of it. */
  #place(viewer: Viewer): void {
    const wasInStep = viewer.isInStep;
    if (!viewer.comesInStep()) this.#apart.add(viewer);
    else if (!wasInStep) {
      this.#apart.delete(viewer);
      viewer.sentUpTo = this.#count;
    }
  }

  #ask(): void {
    this.#world.requestKeyframes([...this.#asked]);
    this.#asked.clear();
  }
}
