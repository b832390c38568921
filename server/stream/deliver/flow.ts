/**
 * How much one client may be sent now, and how well its link bears it. Three bounds hold together: bytes a
 * second (a token bucket), bytes on their way (the window, in which what the kernel has not taken counts
 * too), and time: while a frame is unacknowledged for much longer than the link's best, something queues
 * on the way, and sending more would only make it later. The window is halved then, and grows again by what
 * arrives in time: it finds what the link carries, as TCP does, but by delay and for what we queue ourselves.
 */
import { ACK_EVERY_MS } from '../../../shared/limits.ts';
import { TokenBucket } from './tokenBucket.ts';

/** Where a viewer's bytes go. */
export interface FrameSocket {
  /** Bytes accepted by `send` that the network has not taken. */
  readonly bufferedBytes: number;
  /** @param bytes - handed over until `bufferedBytes` is 0; [0, HEADROOM_BYTES) is the socket's to fill */
  send(bytes: Buffer<ArrayBuffer>): void;
}

export interface FlowOptions {
  readonly windowBytes?: number;
  /** What a viewer may be sent, on average. */
  readonly bytesPerSecond?: number;
  /** How long this process has kept what came to it waiting, of late: no fault of any link. */
  readonly lagMs?: () => number;
}

/** The largest window: about a quarter of a second at the default cap of 1 MB/s. */
export const WINDOW_BYTES = 256 * 1024;
/** Most first viewports, in one go; four seconds of the slowest link that is still of use. */
export const FIRST_WINDOW_BYTES = 64 * 1024;
const MIN_WINDOW_BYTES = 4 * 1024;
/** Of what arrived in time, once it is known that the link has a limit; before that all of it. */
const CAUTIOUS_GROWTH = 1 / 8;
const BYTES_PER_SECOND = 1_000_000;
/** Later than the best round trip by this: five frames at 20 Hz, and what a client may wait with its word. */
const LATE_MS = 250 + ACK_EVERY_MS;
/** The best round trip is forgotten by so much a second, lest a link that grew longer counts as slow for ever. */
const FORGET_MS_PER_SECOND = 5;

/** Of the pages in view, nearest first, how many come in the fine lane. */
const FINE_SHARES = [1, 0.25, 0] as const;
/** Weight of one frame in the running share of frames that had to be held back: half a second's hiccup is no slow link. */
const STRAIN_WEIGHT = 0.1;
const STRAINED = 0.6;
const RELAXED = 0.05;
/** After this long without strain more detail is tried; twice as long after each time that it was too much. */
const FIRST_TRY_MS = 3_000;
const LAST_TRY_MS = 60_000;

interface Flight {
  readonly frame: number;
  readonly bytes: number;
  readonly sentMs: number;
}

export class Flow {
  readonly #socket: FrameSocket;
  readonly #mostWindowBytes: number;
  readonly #lagMs: () => number;
  #windowBytes: number;
  /** The window is halved once for all that was on its way by then. */
  #halvedAtFrame = 0;
  readonly #bucket: TokenBucket;
  readonly #flights: Flight[] = [];
  #bytesInFlight = 0;
  #lastFrame = 0;
  /** The best round trip, a little forgotten; Infinity: none yet. */
  #bestMs = Number.POSITIVE_INFINITY;
  #bestAtMs = 0;
  /** Since when something has been withheld without a word from the client; Infinity: nothing is. */
  #stalledMs = Number.POSITIVE_INFINITY;

  #strain = 0;
  #detail = 0;
  #changedMs: number;
  #tryMs = FIRST_TRY_MS;

  constructor(socket: FrameSocket, nowMs: number, options: FlowOptions = {}) {
    const { windowBytes = WINDOW_BYTES, bytesPerSecond = BYTES_PER_SECOND, lagMs = () => 0 } = options;
    this.#socket = socket;
    this.#mostWindowBytes = windowBytes;
    this.#lagMs = lagMs;
    this.#windowBytes = Math.min(windowBytes, FIRST_WINDOW_BYTES);
    this.#bucket = new TokenBucket(windowBytes, bytesPerSecond, nowMs);
    this.#changedMs = nowMs;
  }

  /** The number of the last frame that was sent; 0: none was. */
  get lastFrame(): number {
    return this.#lastFrame;
  }

  /** Bytes that were sent and that the network has not taken. */
  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** 0..1: of the pages in view, how many the link bears in the fine lane. */
  get fineShare(): number {
    return FINE_SHARES[this.#detail];
  }

  /** Bytes that may be sent now; 0 or less: none. */
  room(nowMs: number): number {
    const oldest = this.#flights[0];
    if (oldest !== undefined && this.#isLate(nowMs - oldest.sentMs)) return 0;
    const waiting = Math.max(this.#bytesInFlight, this.#socket.bufferedBytes);
    return Math.min(this.#windowBytes - waiting, this.#bucket.tokens(nowMs));
  }

  send(message: Buffer<ArrayBuffer>, frame: number, nowMs: number): void {
    this.#flights.push({ frame, bytes: message.length, sentMs: nowMs });
    this.#bytesInFlight += message.length;
    this.#bucket.owe(message.length);
    this.#lastFrame = frame;
    this.#socket.send(message);
  }

  /** @returns false when no such frame was sent yet */
  acknowledge(frame: number, nowMs: number): boolean {
    if (frame > this.#lastFrame) return false;
    const flights = this.#flights;
    let roundTripMs = Number.POSITIVE_INFINITY;
    let arrived = 0;
    while (flights.length > 0 && flights[0].frame <= frame) {
      const { bytes, sentMs } = flights.shift()!;
      arrived += bytes;
      roundTripMs = nowMs - sentMs;
    }
    if (arrived === 0) return true;
    this.#bytesInFlight -= arrived;
    if (!this.#isLate(roundTripMs)) {
      const growth = this.#halvedAtFrame === 0 ? arrived : arrived * CAUTIOUS_GROWTH;
      this.#windowBytes = Math.min(this.#mostWindowBytes, this.#windowBytes + growth);
    } else if (frame > this.#halvedAtFrame) {
      this.#windowBytes = Math.max(MIN_WINDOW_BYTES, this.#windowBytes / 2);
      this.#halvedAtFrame = this.#lastFrame;
    }
    const forgotten = this.#bestMs + ((nowMs - this.#bestAtMs) / 1_000) * FORGET_MS_PER_SECOND;
    this.#bestMs = Math.min(roundTripMs, forgotten);
    this.#bestAtMs = nowMs;
    this.#stalledMs = Number.POSITIVE_INFINITY;
    return true;
  }

  /** Something is owed and there is no room for it. */
  withhold(nowMs: number): void {
    this.#stalledMs = Math.min(this.#stalledMs, nowMs);
  }

  /** How long something has been withheld without an acknowledgement. */
  stalledForMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#stalledMs);
  }

  /** Once a frame that had something for this client. @param wasHeldBack - not all that it is owed could be sent */
  judge(wasHeldBack: boolean, nowMs: number): void {
    this.#strain += ((wasHeldBack ? 1 : 0) - this.#strain) * STRAIN_WEIGHT;
    if (this.#strain > STRAINED && this.#detail < FINE_SHARES.length - 1) {
      this.#tryMs = Math.min(LAST_TRY_MS, this.#tryMs * 2);
      this.#change(this.#detail + 1, nowMs);
    } else if (this.#strain < RELAXED && nowMs - this.#changedMs > this.#tryMs) {
      // All is well at full detail for so long: earlier troubles are forgotten.
      if (this.#detail === 0) this.#tryMs = FIRST_TRY_MS;
      else this.#change(this.#detail - 1, nowMs);
    }
  }

  #isLate(roundTripMs: number): boolean {
    // Once on the way out and once on the way back.
    return roundTripMs > this.#bestMs + LATE_MS && roundTripMs > this.#bestMs + LATE_MS + 2 * this.#lagMs();
  }

  #change(detail: number, nowMs: number): void {
    this.#detail = detail;
    this.#changedMs = nowMs;
    this.#strain = (STRAINED + RELAXED) / 2;
  }
}
