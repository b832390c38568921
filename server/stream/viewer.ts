/**
 * One client's share of the stream, and its flow control: which version it holds of each page it looks at,
 * what it is owed, and how many bytes are on their way. Nothing is ever queued: what does not fit into the
 * window is forgotten, and the page is owed a keyframe of whatever it shows when the window opens again.
 *
 * Memory a client costs here: an entry of about 100 bytes for each page in view (at most
 * `MAX_VIEWPORT_PAGES`), and at most `windowBytes` plus one update in frames not yet acknowledged, of
 * which only those that the socket has not taken are held.
 */
import { FRAME_HEADER_BYTES, KEYFRAME, writeFrameHeader } from '../../shared/frame.ts';
import type { PublishedFrame, PublishedUpdate } from '../world/messages.ts';

/** Where a viewer's bytes go. */
export interface FrameSocket {
  /** Bytes accepted by `send` that the network has not taken. */
  readonly bufferedBytes: number;
  /** @param bytes - handed over; [0, HEADROOM_BYTES) is the socket's to fill */
  send(bytes: Buffer<ArrayBuffer>): void;
}

/** What the room protocol puts before a frame. */
export const HEADROOM_BYTES = 2;
/** About a quarter of a second at the design's cap of 1 MB/s: enough for 250 ms of round trip. */
export const WINDOW_BYTES = 256 * 1024;
/** Asked for again when it has not come by then. */
const KEYFRAME_TIMEOUT_MS = 500;
/** Keyframes asked for at once, so that what comes about fills the window. */
const LARGEST_REQUEST = 512;
const SMALLEST_REQUEST = 8;

interface Held {
  /** The version the client holds once it has all that was sent; 0: none. */
  version: number;
  /** 0: nearest to the centre of the viewport. */
  rank: number;
  /** When a keyframe was asked for; -Infinity: not asked. */
  askedMs: number;
}

interface Flight {
  readonly frame: number;
  readonly bytes: number;
}

export class Viewer {
  readonly #socket: FrameSocket;
  readonly #windowBytes: number;
  readonly #held = new Map<number, Held>();
  /** Pages whose newest state the client does not have. */
  readonly #owed = new Set<number>();
  /** Updates of the frame being put together. */
  #offered: PublishedUpdate[] = [];
  readonly #flights: Flight[] = [];
  #inFlight = 0;
  #lastFrame = 0;
  /** Since when something has been withheld without a word from the client; Infinity: nothing is. */
  #stalledMs = Number.POSITIVE_INFINITY;
  /** A running mean of what a keyframe takes. */
  #keyframeBytes = 1_024;

  constructor(socket: FrameSocket, windowBytes: number = WINDOW_BYTES) {
    this.#socket = socket;
    this.#windowBytes = windowBytes;
  }

  get pages(): Iterable<number> {
    return this.#held.keys();
  }
  get owed(): number {
    return this.#owed.size;
  }
  get bytesInFlight(): number {
    return this.#inFlight;
  }
  versionOf(page: number): number | undefined {
    return this.#held.get(page)?.version;
  }

  /** How long something has been withheld without an acknowledgement. */
  stalledForMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#stalledMs);
  }

  /**
   * @param pages - all that is in view now, nearest first
   * @returns which of them are new, and which were in view before
   */
  look(pages: readonly number[]): { entered: number[]; left: number[] } {
    const entered: number[] = [];
    const now = new Set(pages);
    const left: number[] = [];
    for (const page of this.#held.keys()) if (!now.has(page)) left.push(page);
    for (const page of left) {
      this.#held.delete(page);
      this.#owed.delete(page);
    }
    pages.forEach((page, rank) => {
      const held = this.#held.get(page);
      if (held !== undefined) {
        held.rank = rank;
        return;
      }
      this.#held.set(page, { version: 0, rank, askedMs: Number.NEGATIVE_INFINITY });
      this.#owed.add(page);
      entered.push(page);
    });
    return { entered, left };
  }

  /** The client says that it does not hold these; pages out of view are passed over. */
  lost(pages: readonly number[]): void {
    for (const page of pages) {
      const held = this.#held.get(page);
      // 0: it is owed already, and asking again would only repeat the work.
      if (held === undefined || held.version === 0) continue;
      held.version = 0;
      held.askedMs = Number.NEGATIVE_INFINITY;
      this.#owed.add(page);
    }
  }

  /** One update of the frame being put together; sent, or owed, when `finish` is called. */
  offer(update: PublishedUpdate): void {
    const held = this.#held.get(update.key);
    if (held === undefined || held.version === update.version) return;
    if (update.base === KEYFRAME || update.base === held.version) this.#offered.push(update);
    // The keyframe of the same frame, if there is one, pays this debt at once.
    else this.#owed.add(update.key);
  }

  /**
   * Sends what was offered of this frame as far as the window allows, nearest pages first.
   *
   * @returns whether something was sent
   */
  finish(frame: PublishedFrame, nowMs: number): boolean {
    const offered = this.#offered;
    if (offered.length === 0) return false;
    this.#offered = [];
    let room = this.#room();
    // Only a frame that does not fit as a whole has to choose.
    let total = 0;
    for (const update of offered) total += update.length;
    if (total > room) offered.sort((a, b) => this.#held.get(a.key)!.rank - this.#held.get(b.key)!.rank);

    const chosen: PublishedUpdate[] = [];
    let bytes = FRAME_HEADER_BYTES;
    for (const update of offered) {
      const held = this.#held.get(update.key)!;
      // Its delta was chosen already; the keyframe of the same version would say it twice.
      if (held.version === update.version) continue;
      if (update.base === KEYFRAME) this.#keyframeBytes += (update.length - this.#keyframeBytes) / 16;
      if (room <= 0) {
        this.#owed.add(update.key);
        held.askedMs = Number.NEGATIVE_INFINITY;
        continue;
      }
      room -= update.length;
      bytes += update.length;
      held.version = update.version;
      held.askedMs = Number.NEGATIVE_INFINITY;
      this.#owed.delete(update.key);
      chosen.push(update);
    }
    if (room <= 0 && this.#owed.size > 0) this.#stalledMs = Math.min(this.#stalledMs, nowMs);
    if (chosen.length === 0) return false;

    const message = Buffer.allocUnsafe(HEADROOM_BYTES + bytes);
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    writeFrameHeader(view, HEADROOM_BYTES, frame.frame, frame.step, chosen.length);
    let at = HEADROOM_BYTES + FRAME_HEADER_BYTES;
    for (const update of chosen) {
      message.set(frame.bytes.subarray(update.offset, update.offset + update.length), at);
      at += update.length;
    }
    this.#flights.push({ frame: frame.frame, bytes: message.length });
    this.#inFlight += message.length;
    this.#lastFrame = frame.frame;
    this.#socket.send(message);
    return true;
  }

  /**
   * The client has decoded everything up to this frame.
   *
   * @returns false when no such frame was sent to it yet
   */
  acknowledge(frame: number): boolean {
    if (frame > this.#lastFrame) return false;
    let done = 0;
    while (done < this.#flights.length && this.#flights[done].frame <= frame) {
      this.#inFlight -= this.#flights[done++].bytes;
    }
    if (done > 0) {
      this.#flights.splice(0, done);
      this.#stalledMs = Number.POSITIVE_INFINITY;
    }
    return true;
  }

  /** Owed pages to ask keyframes of now, nearest first: about as many as the window takes. */
  wants(nowMs: number): number[] {
    if (this.#owed.size === 0) return [];
    const room = this.#room();
    if (room <= 0) {
      this.#stalledMs = Math.min(this.#stalledMs, nowMs);
      return [];
    }
    const most = Math.max(
      SMALLEST_REQUEST,
      Math.min(LARGEST_REQUEST, Math.ceil(room / Math.max(1, this.#keyframeBytes))),
    );
    const owed = [...this.#owed].sort((a, b) => this.#held.get(a)!.rank - this.#held.get(b)!.rank);
    const wanted: number[] = [];
    for (const page of owed.slice(0, most)) {
      const held = this.#held.get(page)!;
      if (nowMs - held.askedMs < KEYFRAME_TIMEOUT_MS) continue;
      held.askedMs = nowMs;
      wanted.push(page);
    }
    return wanted;
  }

  /** Bytes that may be sent now. */
  #room(): number {
    // What the kernel has not taken counts as in flight even where the client acknowledged early.
    return this.#windowBytes - Math.max(this.#inFlight, this.#socket.bufferedBytes);
  }
}
