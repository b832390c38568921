/**
 * One client's share of the stream: which pages it has in view, and which of them it is owed. Nothing is queued: an
 * update for which there is no room (`flow.ts`) is dropped, and its page is owed. When there is room again, owed pages
 * are sent in their newest state, nearest first.
 *
 * A page is *in step* when the client holds its newest state in the viewer's own lane, once everything sent has arrived.
 * Most pages of most viewers are, so only the others are kept: a viewer whose pages are all in step is sent the same
 * message as everybody with its view and lane. The own lane is the fine one, but for spectators, whose lane is the coarse
 * one.
 *
 * A slow connection gets the coarse lane. A page moves there when it must be sent again anyway, which costs nothing
 * extra. Back to the fine lane, pages are sent again a few at a time.
 *
 * Memory per client: about 150 bytes per page that is not in step (at most `MAX_VIEWPORT_PAGES` of `shared/limits.ts`),
 * and at most a window and one update of unacknowledged frames, of which only the bytes that the socket still buffers
 * are held.
 */
import { LANES, Lane, laneOf, twinOf } from '../pageKey.ts';
import type { Chains } from './chains.ts';
import type { Composer, FrameHead } from './composer.ts';
import type { Deltas } from './deltas.ts';
import { Flow, type FlowOptions, type FrameSocket } from './flow.ts';
import type { Looking, SharedView } from './sharedView.ts';

/** A keyframe that has not come after this is asked for again. */
const KEYFRAME_TIMEOUT_MS = 500;
/** Owed pages may take this share of the room. The rest is left for the next frames' deltas. */
const KEYFRAME_SHARE = 0.5;
/** Keyframes asked for at once. */
const MAX_REQUEST = 512;
/** An owed page stays in the fine lane until its rank is this many times the rank up to which pages get that lane. */
const LANE_SLACK = 1.5;

/** @returns the page's `pageKey` in the fine lane */
const pageOf = (key: number): number => (laneOf(key) === Lane.fine ? key : twinOf(key));

/** A page in view that is not in step. */
interface Apart {
  /** `pageKey`, in the page's current lane. */
  key: number;
  /** The client lacks the page's newest state in this lane. */
  owed: boolean;
  /** When a keyframe was asked for; -Infinity: not asked. */
  askedMs: number;
}

/** What viewers are served with. */
export interface Source {
  readonly chains: Chains;
  readonly composer: Composer;
  /** Asks for a keyframe of a page without a chain. */
  readonly ask: (key: number) => void;
  /** A viewer watches a page in another lane. */
  readonly move: (from: number, to: number) => void;
}

/** Pages that came into view and that left it, by `pageKey` in the lane that they had for this viewer. */
export interface ViewChange {
  readonly entered: number[];
  readonly left: number[];
}

export class Viewer implements Looking<Viewer> {
  readonly flow: Flow;
  /** null: it looks at nothing. */
  seen: SharedView<Viewer> | null = null;
  place = 0;
  /** As of the last `comesInStep`. */
  isInStep = true;
  /** Its lane is the coarse one; while it is in step, it gets the deltas of several frames in one message. */
  isSpectator = false;
  /** A spectator in step: it was sent everything up to this frame of the stream. */
  sentUpTo = 0;
  /** Pages that are not in step, by the `pageKey` in the fine lane. */
  readonly #apart = new Map<number, Apart>();
  /** How many are owed. */
  #owed = 0;
  /** How many come in another lane than the viewer's own. */
  #strays = 0;
  /** The frame at hand: indexes into its deltas, and how many bytes they have. */
  readonly #offered: number[] = [];
  #offeredBytes = 0;
  /** A running mean of a chain's bytes; starts small because most of a first viewport is empty. */
  #keyframeBytes = 256;

  constructor(socket: FrameSocket, nowMs: number, options?: FlowOptions) {
    this.flow = new Flow(socket, nowMs, options);
  }

  /** The pages in view, by their `pageKey` in the fine lane; nearest first. */
  get pages(): readonly number[] {
    return this.seen?.pages ?? [];
  }
  get owed(): number {
    return this.#owed;
  }
  /** How many pages come in the coarse lane. */
  get coarse(): number {
    return this.isSpectator ? this.pages.length - this.#strays : this.#strays;
  }

  /** Notes whether every page is in step and the connection bears that. */
  comesInStep(): boolean {
    this.isInStep = this.#apart.size === 0 && (this.isSpectator || this.flow.fineShare === 1);
    return this.isInStep;
  }

  /** The pages in view, by `pageKey` in their current lane. */
  keys(): number[] {
    return this.pages.map((page) => this.#keyOf(page));
  }

  /** Makes the coarse lane its own, or the fine one again: pages move there a few at a time. */
  spectate(isSpectator: boolean): void {
    const keys = this.keys();
    this.isSpectator = isSpectator;
    this.#strays = 0;
    for (const [rank, page] of this.pages.entries()) {
      const key = keys[rank];
      const apart = this.#apart.get(page);
      if (laneOf(key) !== this.lane) {
        this.#strays++;
        if (apart === undefined)
          this.#apart.set(page, { key, owed: false, askedMs: Number.NEGATIVE_INFINITY });
      } else if (apart?.owed === false) {
        this.#apart.delete(page);
      }
    }
  }

  /** The viewer's own. */
  get lane(): Lane {
    return this.isSpectator ? Lane.coarse : Lane.fine;
  }

  /** The share of the pages in view, nearest first, that come in the fine lane. */
  get #fineShare(): number {
    return this.isSpectator ? 0 : this.flow.fineShare;
  }

  #keyOf(page: number): number {
    return this.#apart.get(page)?.key ?? (this.isSpectator ? twinOf(page) : page);
  }

  /** Adapts to a view that has just become `seen`. @param before - the view before it; null: none */
  look(before: SharedView<Viewer> | null): ViewChange {
    const now = this.seen;
    const entered: number[] = [];
    const left: number[] = [];
    for (const page of before?.pages ?? []) {
      if (now?.has(page)) continue;
      left.push(this.#keyOf(page));
      const apart = this.#apart.get(page);
      if (apart === undefined) continue;
      this.#apart.delete(page);
      if (apart.owed) this.#owed--;
      if (laneOf(apart.key) !== this.lane) this.#strays--;
    }
    if (now === null) return { entered, left };
    const { pages } = now;
    const fine = this.#fineShare * pages.length;
    for (let rank = 0; rank < pages.length; rank++) {
      const page = pages[rank];
      if (before?.has(page)) continue;
      const key = rank < fine ? page : twinOf(page);
      this.#apart.set(page, { key, owed: true, askedMs: Number.NEGATIVE_INFINITY });
      this.#owed++;
      if (laneOf(key) !== this.lane) this.#strays++;
      entered.push(key);
    }
    return { entered, left };
  }

  /** The client lost these pages; pages out of view are ignored. @param pages - by `pageKey` in the fine lane */
  lost(pages: readonly number[]): void {
    for (const page of pages) if (this.seen?.has(page)) this.#owe(page);
  }

  /** Nobody was sent what leads to the page's newest state in this lane. @param key - of a page in view */
  miss(key: number): void {
    const page = pageOf(key);
    if (this.#keyOf(page) === key) this.#owe(page);
  }

  /**
   * Sends the frame's deltas as far as there is room, then owed pages; of each, the nearest pages first. Deltas come
   * first, because a page left behind costs ten times as much to catch up.
   */
  finish(frame: FrameHead, deltas: Deltas, nowMs: number, source: Source): void {
    const { composer } = source;
    const room = this.flow.room(nowMs);
    this.#offer(deltas, room, composer);
    const left = room - composer.bytes;
    const isShort = this.#catchUp(left, true, nowMs, source);
    if (left <= 0 && this.#owed > 0) this.flow.withhold(nowMs);
    this.flow.judge(isShort, nowMs);
    composer.send(this.flow, frame, nowMs);
    composer.clear();
  }

  /**
   * Serves the viewer between frames: asks for missing keyframes, and sends owed pages if the viewer is new or no frame
   * is about to come. Otherwise they leave with the next frame, which saves a write. A frame's number is acknowledged
   * once, so a viewer that was sent the newest frame has to wait for the next in any case.
   *
   * @param isLively - the next frame is about to come
   * @returns whether owed pages wait for the next frame
   */
  serve(newest: FrameHead, isLively: boolean, nowMs: number, source: Source): boolean {
    if (this.#owed === 0 && this.#strays === 0) return false;
    const room = this.flow.room(nowMs);
    if (room <= 0) {
      if (this.#owed > 0) this.flow.withhold(nowMs);
      return false;
    }
    const { lastFrame } = this.flow;
    const canSend = newest.frame > lastFrame && (lastFrame === 0 || !isLively);
    const { composer } = source;
    this.#catchUp(room, canSend, nowMs, source);
    composer.send(this.flow, newest, nowMs);
    composer.clear();
    return this.#owed > 0;
  }

  /** There was no room for these deltas: their pages in view are owed. */
  oweAll(deltas: Deltas): void {
    const { lane } = this;
    this.seen?.eachRange(deltas, lane, (from, to) => {
      for (let i = from; i < to; i++) this.#owe(pageOf(deltas.keys[i]));
    });
  }

  /** Adds the deltas of pages that are not owed to the message as far as there is room; the others are owed then. */
  #offer(deltas: Deltas, room: number, composer: Composer): void {
    for (const lane of LANES) if (lane === this.lane || this.#strays > 0) this.#collect(deltas, lane);
    const offered = this.#offered;
    const { bytes, keys, starts, ends } = deltas;
    if (this.#offeredBytes > room) {
      const view = this.seen!;
      offered.sort((a, b) => view.rankOf(pageOf(keys[a])) - view.rankOf(pageOf(keys[b])));
    }
    for (const i of offered) {
      if (composer.bytes < room) composer.put(bytes, starts[i], ends[i], 1);
      else this.#owe(pageOf(keys[i]));
    }
    offered.length = 0;
    this.#offeredBytes = 0;
  }

  /** Collects the deltas in this lane of pages that the client holds in it. */
  #collect(deltas: Deltas, lane: Lane): void {
    const { keys, starts, ends } = deltas;
    const own = this.lane;
    this.seen?.eachRange(deltas, lane, (from, to) => {
      for (let i = from; i < to; i++) {
        const key = keys[i];
        if (this.#apart.size > 0) {
          const apart = this.#apart.get(pageOf(key));
          if (apart === undefined ? lane !== own : apart.owed || apart.key !== key) continue;
        }
        this.#offered.push(i);
        this.#offeredBytes += ends[i] - starts[i];
      }
    });
  }

  /**
   * Adds the chains of owed pages to the message, nearest first, and asks for keyframes of pages without a chain, about
   * as many as there is room for. Moves pages to the other lane first where they belong there.
   *
   * @returns whether some owed pages had to wait for room
   */
  #catchUp(room: number, canSend: boolean, nowMs: number, { chains, composer, ask, move }: Source): boolean {
    if (room <= 0) return this.#owed > 0;
    if (this.#owed === 0 && this.#strays === 0) return false;
    let asks = Math.min(MAX_REQUEST, Math.ceil((room * KEYFRAME_SHARE) / this.#keyframeBytes));
    // A viewer that has been sent nothing has no deltas to leave room for.
    let spare = canSend ? room * (this.flow.lastFrame === 0 ? 1 : KEYFRAME_SHARE) : 0;
    if (this.#strays > 0) this.#bringHome(asks / 2, move);
    const { pages } = this;
    const fine = this.#fineShare * pages.length;
    let isShort = false;
    let left = this.#owed;
    for (let rank = 0; rank < pages.length; rank++) {
      if (left === 0 || (asks <= 0 && spare <= 0)) break;
      const page = pages[rank];
      const apart = this.#apart.get(page);
      if (!apart?.owed) continue;
      left--;
      const isCoarse = laneOf(apart.key) === Lane.coarse;
      if (isCoarse ? rank < fine : rank >= fine * LANE_SLACK) this.#move(page, apart, move);
      const chain = chains.of(apart.key);
      if (chain !== undefined) {
        if (spare <= 0) {
          isShort = true;
          continue;
        }
        spare -= chain.length;
        this.#keyframeBytes += (chain.length - this.#keyframeBytes) / 16;
        composer.put(chain.bytes, 0, chain.length, chain.updates);
        this.#pay(page, apart);
        continue;
      }
      if (asks-- <= 0 || nowMs - apart.askedMs < KEYFRAME_TIMEOUT_MS) continue;
      apart.askedMs = nowMs;
      ask(apart.key);
    }
    return isShort || (left > 0 && spare <= 0);
  }

  /** Moves pages to the viewer's own lane that may come in it, nearest first, until `maxOwed` pages are owed. */
  #bringHome(maxOwed: number, move: Source['move']): void {
    const { pages } = this;
    const home = this.isSpectator ? pages.length : this.flow.fineShare * pages.length;
    for (let rank = 0; rank < home && this.#owed < maxOwed; rank++) {
      const apart = this.#apart.get(pages[rank]);
      if (apart !== undefined && !apart.owed) this.#move(pages[rank], apart, move);
    }
  }

  #move(page: number, apart: Apart, move: Source['move']): void {
    const from = apart.key;
    apart.key = twinOf(from);
    apart.askedMs = Number.NEGATIVE_INFINITY;
    this.#strays += laneOf(apart.key) === this.lane ? -1 : 1;
    move(from, apart.key);
    this.#owe(page);
  }

  #owe(page: number): void {
    const apart = this.#apart.get(page);
    if (apart === undefined) {
      this.#apart.set(page, {
        key: this.#keyOf(page),
        owed: true,
        askedMs: Number.NEGATIVE_INFINITY,
      });
    } else {
      if (apart.owed) return;
      apart.owed = true;
    }
    this.#owed++;
  }

  #pay(page: number, apart: Apart): void {
    this.#owed--;
    apart.owed = false;
    apart.askedMs = Number.NEGATIVE_INFINITY;
    if (laneOf(apart.key) === this.lane) this.#apart.delete(page);
  }
}
