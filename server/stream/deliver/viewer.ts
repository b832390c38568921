/**
 * One client's share of the stream: which version it holds of each page in view, in which lane, and which pages it is
 * owed. Nothing is queued: an update for which there is no room (`flow.ts`) is dropped, and its page is owed. When
 * there is room again, owed pages are sent in their newest state, nearest first.
 *
 * A slow connection gets the coarse lane. A page moves there when it must be sent again anyway, which costs nothing
 * extra. Back to the fine lane, pages are sent again a few at a time.
 *
 * Memory per client: about 150 bytes per page in view (at most `MAX_VIEWPORT_PAGES` of `shared/limits.ts`), and at most
 * a window and one update of unacknowledged frames, of which only the bytes that the socket still buffers are held.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../../shared/frame.ts';
import type { Size } from '../../../shared/geometry.ts';
import { Lane, laneOf, pageKey, twinOf } from '../pageKey.ts';
import type { PublishedUpdate } from '../published.ts';
import type { Chains } from './chains.ts';
import { Flow, type FlowOptions, type FrameSocket } from './flow.ts';
import { pagesOf, sameView, type View } from './view.ts';

/** Room before a frame for the headers of the room protocol (2 bytes) and WebSocket (10 bytes). */
export const HEADROOM_BYTES = 12;
/** A keyframe that has not come after this is asked for again. */
const KEYFRAME_TIMEOUT_MS = 500;
/** Owed pages may take this share of the room. The rest is left for the next frames' deltas. */
const KEYFRAME_SHARE = 0.5;
/** Keyframes asked for at once. */
const MAX_REQUEST = 512;
/** An owed page stays in the fine lane until its rank is this many times the rank up to which pages get that lane. */
const LANE_SLACK = 1.5;

const NO_BYTES = Buffer.alloc(0);

const SCRATCH_BYTES = 64 * 1024;
/** A socket may buffer this much and still count as taking messages at once: a short message leaves with the frame. */
const MAX_SCRATCH_BUFFERED = 8 * 1024;
/**
 * All viewers' scratch buffer: messages for sockets that take them at once are put together here, one after the other.
 * A new buffer per message, 20,000 per second, would cost as much as filling it.
 */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
let scratchView = new DataView(scratch.buffer);

/** One page in a viewer's view, and its subscription. */
export interface Held {
  readonly viewer: Viewer;
  /** `pageKey`, in the page's current lane. */
  key: number;
  /** As in `Subscription`. */
  place: number;
  /** The version that the client holds once everything sent has arrived; 0: none of this lane. */
  version: number;
  /** 0: nearest to the middle of the viewport. */
  rank: number;
  /** Whether the client lacks the page's newest state. */
  owed: boolean;
  /** When a keyframe was asked for; -Infinity: not asked. */
  askedMs: number;
}

/** Moves a subscription to the other lane of its page. */
export type MoveLane = (held: Held) => void;

/** Where a viewer gets owed pages from. */
export interface Source {
  readonly chains: Chains;
  /** Asks for a keyframe of a page without a chain. */
  readonly ask: (key: number) => void;
  readonly move: MoveLane;
}

/** The newest frame's numbers; 0: none has come yet. */
export interface FrameHead {
  readonly frame: number;
  readonly step: number;
}

export class Viewer {
  readonly flow: Flow;
  #view: View | null = null;
  /** By the `pageKey` in the fine lane; nearest first. */
  readonly #held = new Map<number, Held>();
  /** How many are owed. */
  #owed = 0;
  /** How many come in the coarse lane. */
  #coarse = 0;
  /** The current frame's bytes, and for how many bytes there is room. */
  #frameBytes: Buffer = NO_BYTES;
  #beganMs = 0;
  /** Whether `#room` and `#isRoomy` are of the current frame. */
  #isMeasured = true;
  #room = 0;
  #isRoomy = false;
  /** When room is scarce: the frame's updates for this viewer, and the page of each. */
  readonly #offered: PublishedUpdate[] = [];
  readonly #offeredOf: Held[] = [];
  #offeredBytes = 0;
  /** The message being put together: pieces of encoded updates, and how many updates and bytes they have. */
  readonly #sources: Buffer[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #updates = 0;
  #bytes = 0;
  /** A running mean of a chain's bytes; starts small because most of a first viewport is empty. */
  #keyframeBytes = 256;

  constructor(socket: FrameSocket, nowMs: number, options?: FlowOptions) {
    this.flow = new Flow(socket, nowMs, options);
  }

  /** The pages in view, by their `pageKey` in the fine lane. */
  get pages(): ReadonlyMap<number, Held> {
    return this.#held;
  }
  get owed(): number {
    return this.#owed;
  }
  get coarse(): number {
    return this.#coarse;
  }

  /** Changes the view. @returns the pages that came into view, and those that left it */
  look(view: View, world: Size): { entered: Held[]; left: Held[] } {
    const entered: Held[] = [];
    const left: Held[] = [];
    // Most pans are a few cells and show the same pages.
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
        held = {
          viewer: this,
          key,
          place: -1,
          version: 0,
          rank,
          owed: true,
          askedMs: Number.NEGATIVE_INFINITY,
        };
        this.#owed++;
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

  /** Nothing is in view until the next `look`. @returns the pages that were */
  rest(): Held[] {
    const left = [...this.#held.values()];
    this.#held.clear();
    this.#view = null;
    this.#owed = this.#coarse = 0;
    this.flow.rest();
    return left;
  }

  /** The client lost these pages; pages out of view are ignored. */
  lost(level: number, indexes: readonly number[]): void {
    for (const index of indexes) {
      const held = this.#held.get(pageKey(level, index));
      // 0: the page is owed already.
      if (held === undefined || held.version === 0) continue;
      this.#forget(held);
    }
  }

  /** Begins a frame: `offer` and `miss` follow, then `finish`. @param frameBytes - `frame.bytes` */
  begin(frameBytes: Buffer, nowMs: number): void {
    this.#frameBytes = frameBytes;
    this.#beganMs = nowMs;
    this.#isMeasured = false;
  }

  /** Only for a viewer that has something to be sent. */
  #measure(): void {
    this.#isMeasured = true;
    this.#room = this.flow.room(this.#beganMs);
    // If the whole frame fits, updates need not be sorted.
    this.#isRoomy = this.#room >= this.#frameBytes.length;
  }

  /** Offers a delta of a page in view: adds it to the message, or keeps it until all offers are known. */
  offer(held: Held, update: PublishedUpdate): void {
    if (update.base === held.version) {
      if (!this.#isMeasured) this.#measure();
      if (this.#isRoomy) {
        this.#put(this.#frameBytes, update.offset, update.length, 1);
        held.version = update.version;
        return;
      }
      this.#offered.push(update);
      this.#offeredOf.push(held);
      this.#offeredBytes += update.length;
    } else if (update.version !== held.version) {
      this.#owe(held);
    }
  }

  /** A page in view reached this version by a keyframe only. */
  miss(held: Held, version: number): void {
    if (held.version !== version) this.#owe(held);
  }

  /**
   * Sends the frame's offers as far as there is room, then owed pages; of each, the nearest pages first. Deltas come
   * first, because a page left behind costs ten times as much to catch up.
   */
  finish(frame: FrameHead, nowMs: number, source: Source): void {
    if (this.#offered.length > 0) this.#weigh();
    else if (this.#updates + this.#owed + this.#coarse === 0 && this.flow.fineShare === 1) return;
    if (!this.#isMeasured) this.#measure();
    const room = this.#room - this.#bytes;
    const isShort = this.#catchUp(room, true, nowMs, source);
    if (room <= 0 && this.#owed > 0) this.flow.withhold(nowMs);
    this.flow.judge(isShort, nowMs);
    this.#send(frame, nowMs);
  }

  /** Adds the offers to the message as far as there is room; the pages of the others are owed. */
  #weigh(): void {
    const offered = this.#offered;
    if (this.#offeredBytes > this.#room) this.#sortOffered();
    for (let i = 0; i < offered.length; i++) {
      const { offset, length, version } = offered[i];
      const held = this.#offeredOf[i];
      if (this.#bytes >= this.#room) {
        this.#owe(held);
        continue;
      }
      this.#put(this.#frameBytes, offset, length, 1);
      held.version = version;
    }
    offered.length = 0;
    this.#offeredOf.length = 0;
    this.#offeredBytes = 0;
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
    if (this.#owed === 0 && this.#coarse === 0) return false;
    const room = this.flow.room(nowMs);
    if (room <= 0) {
      if (this.#owed > 0) this.flow.withhold(nowMs);
      return false;
    }
    const { lastFrame } = this.flow;
    const canSend = newest.frame > lastFrame && (lastFrame === 0 || !isLively);
    this.#catchUp(room, canSend, nowMs, source);
    this.#send(newest, nowMs);
    return this.#owed > 0;
  }

  /**
   * Adds the chains of owed pages to the message, nearest first, and asks for keyframes of pages without a chain, about
   * as many as there is room for. Moves pages to the other lane first where they belong there.
   *
   * @returns whether some owed pages had to wait for room
   */
  #catchUp(room: number, canSend: boolean, nowMs: number, { chains, ask, move }: Source): boolean {
    if (room <= 0) return this.#owed > 0;
    if (this.#owed === 0 && this.#coarse === 0) return false;
    let asks = Math.min(MAX_REQUEST, Math.ceil((room * KEYFRAME_SHARE) / this.#keyframeBytes));
    // A viewer that has been sent nothing has no deltas to leave room for.
    let spare = canSend ? room * (this.flow.lastFrame === 0 ? 1 : KEYFRAME_SHARE) : 0;
    if (this.#coarse > 0) this.#refine(asks / 2, move);
    const fine = this.flow.fineShare * this.#held.size;
    let isShort = false;
    let left = this.#owed;
    for (const held of this.#held.values()) {
      if (left === 0 || (asks <= 0 && spare <= 0)) break;
      if (!held.owed) continue;
      left--;
      const isCoarse = laneOf(held.key) === Lane.coarse;
      if (isCoarse ? held.rank < fine : held.rank >= fine * LANE_SLACK) this.#move(held, move);
      const chain = chains.of(held.key);
      if (chain !== undefined) {
        if (spare <= 0) {
          isShort = true;
          continue;
        }
        spare -= chain.length;
        this.#keyframeBytes += (chain.length - this.#keyframeBytes) / 16;
        this.#put(chain.bytes, 0, chain.length, chain.updates);
        held.version = chain.version;
        held.askedMs = Number.NEGATIVE_INFINITY;
        this.#pay(held);
        continue;
      }
      if (asks-- <= 0 || nowMs - held.askedMs < KEYFRAME_TIMEOUT_MS) continue;
      held.askedMs = nowMs;
      ask(held.key);
    }
    return isShort || (left > 0 && spare <= 0);
  }

  /** Adds encoded updates to the message; `source` must not change before `#send`. */
  #put(source: Buffer, offset: number, length: number, updates: number): void {
    this.#updates += updates;
    this.#bytes += length;
    const last = this.#sources.length - 1;
    // Adjacent updates become one piece, copied at once.
    if (last >= 0 && this.#sources[last] === source && this.#ends[last] === offset) {
      this.#ends[last] += length;
      return;
    }
    this.#sources.push(source);
    this.#starts.push(offset);
    this.#ends.push(offset + length);
  }

  /** Sends the message that was put together, if it has updates. */
  #send({ frame, step }: FrameHead, nowMs: number): void {
    if (this.#updates === 0) return;
    const size = HEADROOM_BYTES + FRAME_HEADER_BYTES + this.#bytes;
    const isShared = size <= scratch.length && this.flow.bufferedBytes <= MAX_SCRATCH_BUFFERED;
    const message = isShared ? scratch.subarray(0, size) : Buffer.allocUnsafe(size);
    const view = isShared
      ? scratchView
      : new DataView(message.buffer, message.byteOffset, message.byteLength);
    writeFrameHeader(view, HEADROOM_BYTES, frame, step, this.#updates);
    let at = HEADROOM_BYTES + FRAME_HEADER_BYTES;
    for (let i = 0; i < this.#sources.length; i++)
      at += this.#sources[i].copy(message, at, this.#starts[i], this.#ends[i]);
    this.#sources.length = this.#starts.length = this.#ends.length = 0;
    this.#updates = this.#bytes = 0;
    this.flow.send(message, frame, nowMs);
    // The message did not leave at once: the socket owns this buffer now.
    if (isShared && this.flow.bufferedBytes > 0) {
      scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
      scratchView = new DataView(scratch.buffer);
    }
  }

  #sortOffered(): void {
    const order = [...this.#offered.keys()];
    const updates = [...this.#offered];
    const pages = [...this.#offeredOf];
    order.sort((a, b) => pages[a].rank - pages[b].rank);
    for (let i = 0; i < order.length; i++) {
      this.#offered[i] = updates[order[i]];
      this.#offeredOf[i] = pages[order[i]];
    }
  }

  /** Moves pages from the coarse lane to the fine one, until `maxOwed` pages are owed. */
  #refine(maxOwed: number, move: MoveLane): void {
    const fine = this.flow.fineShare * this.#held.size;
    for (const held of this.#held.values()) {
      if (this.#owed >= maxOwed || held.rank >= fine) return;
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
