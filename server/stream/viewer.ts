/**
 * One client's share of the stream: which version it holds of each page it looks at, in which lane, and
 * what it is owed. Nothing is ever queued: what there is no room for (`flow.ts`) is forgotten, and the page
 * is owed a keyframe of whatever it shows when there is room again, nearest pages first.
 *
 * A slow link is given the coarse lane. That costs nothing extra on the way down: a page is moved when it
 * must be sent anew anyway. On the way up, pages are sent anew a few at a time.
 *
 * Memory a client costs here: an entry of about 150 bytes for each page in view (at most
 * `MAX_VIEWPORT_PAGES`), and at most a window and one update in frames not yet acknowledged, of which only
 * those that the socket has not taken are held.
 */
import { FRAME_HEADER_BYTES, KEYFRAME, writeFrameHeader } from '../../shared/frame.ts';
import type { Size } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';
import type { PublishedFrame, PublishedUpdate } from '../world/messages.ts';
import { Flow, type FlowOptions, type FrameSocket } from './flow.ts';
import { Lane, laneOf, pageKey, twinOf } from './pageKey.ts';
import { pagesOf, sameView, type View } from './view.ts';

/** What the room protocol puts before a frame. */
export const HEADROOM_BYTES = 2;
/** Asked for again when it has not come by then. */
const KEYFRAME_TIMEOUT_MS = 500;
/** Between two looks for what to ask for, as long as nothing new is owed: half a frame. */
const ASK_PAUSE_MS = 25;
/** Of the room, what keyframes may take: the rest is for deltas until they come, lest those become debts, too. */
const KEYFRAME_SHARE = 0.5;
/** Keyframes asked for at once. */
const LARGEST_REQUEST = 512;
/** A page in the fine lane keeps it until it is this much further out than those that are given it. */
const LANE_SLACK = 1.5;

/** One page that a viewer looks at: its subscription. */
export interface Held {
  readonly viewer: Viewer;
  /** In the lane that it comes in now. */
  key: number;
  /** The version the client holds once it has all that was sent; 0: none of this lane. */
  version: number;
  /** 0: nearest to the centre of the viewport. */
  rank: number;
  /** The client does not have its newest state. */
  owed: boolean;
  /** When a keyframe was asked for; -Infinity: not asked. */
  askedMs: number;
}

/** Moves a subscription to the other lane of its page. */
export type MoveLane = (held: Held) => void;

export class Viewer {
  readonly flow: Flow;
  #view: View | null = null;
  /** By `pageKey`, the lane left out; the nearest first. */
  readonly #held = new Map<number, Held>();
  /** How many are owed. */
  #owed = 0;
  /** Before this there is nothing more to ask for; -Infinity: something is newly owed. */
  #nextAskMs = Number.NEGATIVE_INFINITY;
  /** How many come in the coarse lane. */
  #coarse = 0;
  /** Updates of the frame being put together, and the page of each. */
  readonly #offered: PublishedUpdate[] = [];
  readonly #offeredOf: Held[] = [];
  #offeredBytes = 0;
  /** A running mean of what a keyframe takes; most of a first viewport is empty. */
  #keyframeBytes = 256;

  constructor(socket: FrameSocket, nowMs: number, options?: FlowOptions) {
    this.flow = new Flow(socket, nowMs, options);
  }

  /** All that is in view: by `pageKey`, the lane left out. */
  get pages(): ReadonlyMap<number, Held> {
    return this.#held;
  }
  get owed(): number {
    return this.#owed;
  }
  get coarse(): number {
    return this.#coarse;
  }

  /** @returns which pages are new in view, and which were in view before */
  look(view: View, world: Size): { entered: Held[]; left: Held[] } {
    const entered: Held[] = [];
    const left: Held[] = [];
    // Most viewports show the pages that the last one did: a pan of a few cells.
    if (this.#view !== null && sameView(view, this.#view)) return { entered, left };
    this.#view = view;
    const { level } = view;
    const indexes = pagesOf(view, world);
    const before = new Map(this.#held);
    this.#held.clear();
    const fine = this.flow.fineShare * indexes.length;
    for (let rank = 0; rank < indexes.length; rank++) {
      const page = pageKey(level, indexes[rank]);
      let held = before.get(page);
      if (held === undefined) {
        const key = rank < fine ? page : twinOf(page);
        held = { viewer: this, key, version: 0, rank, owed: true, askedMs: Number.NEGATIVE_INFINITY };
        this.#owed++;
        this.#nextAskMs = Number.NEGATIVE_INFINITY;
        if (key !== page) this.#coarse++;
        entered.push(held);
      } else {
        before.delete(page);
        held.rank = rank;
      }
      this.#held.set(page, held);
    }
    for (const held of before.values()) {
      this.#pay(held);
      if (laneOf(held.key) === Lane.coarse) this.#coarse--;
      left.push(held);
    }
    return { entered, left };
  }

  /** The client says that it does not hold these; pages out of view are passed over. */
  lost(level: number, indexes: readonly number[]): void {
    for (const index of indexes) {
      const held = this.#held.get(pageKey(level, index));
      // 0: it is owed already, and asking again would only repeat the work.
      if (held === undefined || held.version === 0) continue;
      this.#forget(held);
    }
  }

  /** One update, of a page it looks at, of the frame being put together; sent, or owed, when `finish` is called. */
  offer(held: Held, update: PublishedUpdate): void {
    if (held.version === update.version) return;
    if (update.base === KEYFRAME || update.base === held.version) {
      this.#offered.push(update);
      this.#offeredOf.push(held);
      this.#offeredBytes += update.length;
    } else {
      // The keyframe of the same frame, if there is one, pays this debt at once.
      this.#owe(held);
    }
  }

  /**
   * Sends what was offered of this frame as far as there is room: deltas first, for a page left behind costs
   * ten times as much to catch up with; of each kind the nearest pages first.
   *
   * @param frameBytes - `frame.bytes`
   * @returns whether something was sent
   */
  finish(frame: PublishedFrame, frameBytes: Buffer, nowMs: number): boolean {
    if (this.#offered.length === 0 && this.#owed === 0 && this.flow.fineShare === 1) return false;
    let room = this.flow.room(nowMs);
    if (this.#offeredBytes > room) this.#sortOffered();
    let count = 0;
    let bytes = HEADROOM_BYTES + FRAME_HEADER_BYTES;
    const offered = this.#offered;
    for (let i = 0; i < offered.length; i++) {
      const update = offered[i];
      const held = this.#offeredOf[i];
      // Its delta was chosen already; the keyframe of the same version would say it twice.
      if (held.version === update.version) continue;
      if (update.base === KEYFRAME) this.#keyframeBytes += (update.length - this.#keyframeBytes) / 16;
      held.askedMs = Number.NEGATIVE_INFINITY;
      if (room <= 0) {
        this.#owe(held);
        continue;
      }
      room -= update.length;
      bytes += update.length;
      held.version = update.version;
      this.#pay(held);
      offered[count++] = update;
    }
    const isHeldBack = room <= 0 && this.#owed > 0;
    if (isHeldBack) this.flow.withhold(nowMs);
    this.flow.judge(isHeldBack, nowMs);
    if (count > 0) this.flow.send(this.#message(frame, frameBytes, count, bytes), frame.frame, nowMs);
    offered.length = 0;
    this.#offeredOf.length = 0;
    this.#offeredBytes = 0;
    return count > 0;
  }

  /** The first `count` of the offered updates, as one message. */
  #message(frame: PublishedFrame, frameBytes: Buffer, count: number, bytes: number): Buffer<ArrayBuffer> {
    const message = Buffer.allocUnsafe(bytes);
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    writeFrameHeader(view, HEADROOM_BYTES, frame.frame, frame.step, count);
    let at = HEADROOM_BYTES + FRAME_HEADER_BYTES;
    for (let i = 0; i < count; ) {
      // Neighbours in the frame are copied together.
      const from = this.#offered[i].offset;
      let to = from;
      for (; i < count && this.#offered[i].offset === to; i++) to += this.#offered[i].length;
      at += frameBytes.copy(message, at, from, to);
    }
    return message;
  }

  #sortOffered(): void {
    const order = [...this.#offered.keys()];
    const updates = [...this.#offered];
    const pages = [...this.#offeredOf];
    const place = (i: number): number =>
      pages[i].rank + (updates[i].base === KEYFRAME ? MAX_VIEWPORT_PAGES : 0);
    order.sort((a, b) => place(a) - place(b));
    for (let i = 0; i < order.length; i++) {
      this.#offered[i] = updates[order[i]];
      this.#offeredOf[i] = pages[order[i]];
    }
  }

  /**
   * Owed pages to ask keyframes of now, nearest first: about as many as there is room for. Those that had
   * better come in the other lane are moved to it before.
   */
  wants(nowMs: number, move: MoveLane): Held[] {
    if ((this.#owed === 0 && this.#coarse === 0) || nowMs < this.#nextAskMs) return [];
    const room = this.flow.room(nowMs);
    if (room <= 0) {
      if (this.#owed > 0) this.flow.withhold(nowMs);
      return [];
    }
    const most = Math.min(LARGEST_REQUEST, Math.ceil((room * KEYFRAME_SHARE) / this.#keyframeBytes));
    if (this.#coarse > 0) this.#refine(most / 2, move);
    const fine = this.flow.fineShare * this.#held.size;
    const wanted: Held[] = [];
    let left = Math.min(most, this.#owed);
    for (const held of this.#held.values()) {
      if (left === 0) break;
      if (!held.owed) continue;
      left--;
      if (nowMs - held.askedMs < KEYFRAME_TIMEOUT_MS) continue;
      const isCoarse = laneOf(held.key) === Lane.coarse;
      if (isCoarse ? held.rank < fine : held.rank >= fine * LANE_SLACK) this.#move(held, move);
      held.askedMs = nowMs;
      wanted.push(held);
    }
    // What was moved between lanes counts as newly owed, but has just been asked for.
    this.#nextAskMs = nowMs + ASK_PAUSE_MS;
    return wanted;
  }

  /** Where nothing is owed, some pages of the coarse lane are brought to the fine one. */
  #refine(most: number, move: MoveLane): void {
    const fine = this.flow.fineShare * this.#held.size;
    for (const held of this.#held.values()) {
      if (this.#owed >= most || held.rank >= fine) return;
      if (laneOf(held.key) === Lane.coarse && !held.owed) this.#move(held, move);
    }
  }

  #move(held: Held, move: MoveLane): void {
    this.#coarse += laneOf(held.key) === Lane.fine ? 1 : -1;
    move(held);
    this.#forget(held);
  }

  #forget(held: Held): void {
    held.version = 0;
    held.askedMs = Number.NEGATIVE_INFINITY;
    this.#owe(held);
  }

  #owe(held: Held): void {
    this.#nextAskMs = Number.NEGATIVE_INFINITY;
    if (held.owed) return;
    held.owed = true;
    this.#owed++;
  }

  #pay(held: Held): void {
    if (!held.owed) return;
    held.owed = false;
    this.#owed--;
  }
}
