/**
 * One client's share of the stream: which version it holds of each page it looks at, in which lane, and
 * what it is owed. Nothing is ever queued: what there is no room for (`flow.ts`) is forgotten, and the page
 * is owed a keyframe of whatever it shows when there is room again, nearest pages first.
 *
 * A slow link is given the coarse lane. That costs nothing extra on the way down: a page is moved when it
 * must be sent anew anyway. On the way up, pages are sent anew a few at a time.
 *
 * Memory a client costs here: an entry of about 150 bytes for each page in view (at most
 * `MAX_VIEWPORT_PAGES` of `shared/limits.ts`), and at most a window and one update in frames not yet acknowledged, of which only
 * those that the socket has not taken are held.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../../shared/frame.ts';
import type { Size } from '../../../shared/geometry.ts';
import { Lane, laneOf, pageKey, twinOf } from '../pageKey.ts';
import type { PublishedUpdate } from '../published.ts';
import type { Chains } from './chains.ts';
import { Flow, type FlowOptions, type FrameSocket } from './flow.ts';
import { pagesOf, sameView, type View } from './view.ts';

/** What the room protocol and WebSocket may put before a frame: 2 and 10 bytes. */
export const HEADROOM_BYTES = 12;
/** Asked for again when it has not come by then. */
const KEYFRAME_TIMEOUT_MS = 500;
/** Of the room, what catching up may take: the rest is for the next frames' deltas, lest those become debts, too. */
const KEYFRAME_SHARE = 0.5;
/** Keyframes asked for at once. */
const MAX_REQUEST = 512;
/** A page in the fine lane keeps it until it is this much further out than those that are given it. */
const LANE_SLACK = 1.5;

const NO_BYTES = Buffer.alloc(0);

const DESK_BYTES = 64 * 1024;
/** So much may be a short message that leaves together with the frame; more, and the client's network is behind. */
const LITTLE_BUFFERED = 8 * 1024;
/**
 * Where messages are put together for sockets that take them at once, one after the other: a buffer for each of
 * twenty thousand a second is allocated and collected at as much cost as filling it.
 */
let desk = Buffer.allocUnsafeSlow(DESK_BYTES);

/** One page that a viewer looks at: its subscription. */
export interface Held {
  readonly viewer: Viewer;
  /** In the lane that it comes in now. */
  key: number;
  /** `Subscription` */
  place: number;
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

/** Where a viewer finds what it is owed. */
export interface Source {
  readonly chains: Chains;
  /** For a keyframe of a page without a chain. */
  readonly ask: (key: number) => void;
  readonly move: MoveLane;
}

/** Of the newest frame; 0: none has come yet. */
export interface FrameHead {
  readonly frame: number;
  readonly step: number;
}

export class Viewer {
  readonly flow: Flow;
  #view: View | null = null;
  /** By `pageKey`, the lane left out; the nearest first. */
  readonly #held = new Map<number, Held>();
  /** How many are owed. */
  #owed = 0;
  /** How many come in the coarse lane. */
  #coarse = 0;
  /** Of the frame that is coming in: its bytes, and how many of them there is room for. */
  #frameBytes: Buffer = NO_BYTES;
  #room = 0;
  #isRoomy = false;
  /** Where room is scarce: its updates, and the page of each. */
  readonly #offered: PublishedUpdate[] = [];
  readonly #offeredOf: Held[] = [];
  #offeredBytes = 0;
  /** The message being put together: pieces of what was encoded, how many updates and bytes they are. */
  readonly #sources: Buffer[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #updates = 0;
  #bytes = 0;
  /** A running mean of what a page takes to catch up with; most of a first viewport is empty. */
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

  /** The client says that it does not hold these; pages out of view are passed over. */
  lost(level: number, indexes: readonly number[]): void {
    for (const index of indexes) {
      const held = this.#held.get(pageKey(level, index));
      // 0: it is owed already, and asking again would only repeat the work.
      if (held === undefined || held.version === 0) continue;
      this.#forget(held);
    }
  }

  /** A frame comes: `offer` and `miss`, then `finish`. @param frameBytes - `frame.bytes` */
  begin(frameBytes: Buffer, nowMs: number): void {
    this.#frameBytes = frameBytes;
    this.#room = this.flow.room(nowMs);
    // Where all of the frame would fit, nothing has to be weighed.
    this.#isRoomy = this.#room >= frameBytes.length;
  }

  /** One delta, of a page it looks at: put into the message, or considered when all are known. */
  offer(held: Held, update: PublishedUpdate): void {
    if (update.base === held.version) {
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

  /** A page it looks at has this version now, and no delta leads there. */
  miss(held: Held, version: number): void {
    if (held.version !== version) this.#owe(held);
  }

  /**
   * Sends what was offered of this frame as far as there is room: deltas first, for a page left behind costs
   * ten times as much to catch up with; of each kind the nearest pages first.
   */
  finish(frame: FrameHead, nowMs: number, source: Source): void {
    if (this.#offered.length > 0) this.#weigh();
    else if (this.#updates + this.#owed + this.#coarse === 0 && this.flow.fineShare === 1) return;
    const room = this.#room - this.#bytes;
    const isShort = this.#catchUp(room, true, nowMs, source);
    if (room <= 0 && this.#owed > 0) this.flow.withhold(nowMs);
    this.flow.judge(isShort, nowMs);
    this.#send(frame, nowMs);
  }

  /** Puts what was offered into the message, as far as there is room. */
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
   * Between frames: asks for what is not at hand, and sends what is owed to a newcomer, or in a quiet world;
   * else the next frame takes it along, which saves a write. A frame's number is acknowledged once, so who was
   * sent something under the newest one has to wait for the next in any case.
   *
   * @param isLively - the next frame is about to come
   * @returns whether something waits for it
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
   * Puts what leads to the newest state of owed pages, the nearest first, and asks for keyframes of the others,
   * about as many as there is room for. Pages that had better come in the other lane are moved to it before.
   *
   * @returns whether some that are at hand had to wait for room
   */
  #catchUp(room: number, canSend: boolean, nowMs: number, { chains, ask, move }: Source): boolean {
    if (room <= 0) return this.#owed > 0;
    if (this.#owed === 0 && this.#coarse === 0) return false;
    let asks = Math.min(MAX_REQUEST, Math.ceil((room * KEYFRAME_SHARE) / this.#keyframeBytes));
    // Who has been sent nothing yet has no deltas to come.
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

  /** Adds encoded updates to the message being put together; `source` must not change before it is sent. */
  #put(source: Buffer, offset: number, length: number, updates: number): void {
    this.#updates += updates;
    this.#bytes += length;
    const last = this.#sources.length - 1;
    // Neighbours in the frame are copied together.
    if (last >= 0 && this.#sources[last] === source && this.#ends[last] === offset) {
      this.#ends[last] += length;
      return;
    }
    this.#sources.push(source);
    this.#starts.push(offset);
    this.#ends.push(offset + length);
  }

  /** What was put together, as one message. */
  #send({ frame, step }: FrameHead, nowMs: number): void {
    if (this.#updates === 0) return;
    const size = HEADROOM_BYTES + FRAME_HEADER_BYTES + this.#bytes;
    const isShared = size <= desk.length && this.flow.bufferedBytes <= LITTLE_BUFFERED;
    const message = isShared ? desk.subarray(0, size) : Buffer.allocUnsafe(size);
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    writeFrameHeader(view, HEADROOM_BYTES, frame, step, this.#updates);
    let at = HEADROOM_BYTES + FRAME_HEADER_BYTES;
    for (let i = 0; i < this.#sources.length; i++)
      at += this.#sources[i].copy(message, at, this.#starts[i], this.#ends[i]);
    this.#sources.length = this.#starts.length = this.#ends.length = 0;
    this.#updates = this.#bytes = 0;
    this.flow.send(message, frame, nowMs);
    // It did not leave at once after all: the socket has it now.
    if (isShared && this.flow.bufferedBytes > 0) desk = Buffer.allocUnsafeSlow(DESK_BYTES);
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

  /** Where little is owed, some pages of the coarse lane are brought to the fine one. */
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
