/**
 * How much one client may be sent now, and how much detail its connection carries. Three bounds apply together:
 * - bytes per second: an allowance;
 * - bytes in flight: the window, which also counts bytes that the operating system has not taken yet;
 * - time: while a frame is unacknowledged for much longer than the best round trip, data queues on the way, and sending
 *   more would only delay it. The window is then halved, and grows again by the bytes that arrive in time.
 */
import { Allowance } from '../../../shared/allowance.ts';
import { ACK_EVERY_MS } from '../../../shared/limits.ts';

/** The socket that a viewer's bytes go to. */
export interface FrameSocket {
  /** Bytes accepted by `send` that the operating system has not taken yet. */
  readonly bufferedBytes: number;
  /** @param bytes - owned by the socket until `bufferedBytes` is 0; it fills [0, HEADROOM_BYTES) itself */
  send(bytes: Buffer<ArrayBuffer>): void;
}

export interface FlowOptions {
  readonly windowBytes?: number;
  /** Average bytes per second to one viewer. */
  readonly bytesPerSecond?: number;
  /** How long this process recently took to react to what it received; this is not counted against a connection. */
  readonly lagMs?: () => number;
}

/** The largest window: about a quarter of a second at the default cap of 1 MB/s. */
export const WINDOW_BYTES = 256 * 1024;
/** The first window: most first viewports fit, and the slowest useful connection takes 4 s for it. */
export const FIRST_WINDOW_BYTES = 64 * 1024;
const MIN_WINDOW_BYTES = 4 * 1024;
/** Once it has been halved, the window grows by this share of the bytes that arrive in time; before that by all. */
const CAUTIOUS_GROWTH = 1 / 8;
const BYTES_PER_SECOND = 1_000_000;
/** Late: this much longer than the best round trip; five frames at 20 Hz, and a client's pause between two acks. */
const LATE_MS = 250 + ACK_EVERY_MS;
/** The best round trip grows by this per second, so that a connection whose route got longer is not late for ever. */
const FORGET_MS_PER_SECOND = 5;

/** The share of the pages in view, nearest first, that come in the fine lane, by level of detail. */
const FINE_SHARES = [1, 0.25, 0] as const;
/** One frame's weight in the running share of frames that were held back: a pause of 0.5 s does not count as slow. */
const STRAIN_WEIGHT = 0.1;
const STRAINED = 0.6;
const RELAXED = 0.05;
/** After this long without strain more detail is tried; twice as long after each try that failed. */
const MIN_TRY_MS = 3_000;
const MAX_TRY_MS = 60_000;

interface Flight {
  readonly frame: number;
  readonly bytes: number;
  readonly sentMs: number;
}

export class Flow {
  readonly #socket: FrameSocket;
  readonly #maxWindowBytes: number;
  readonly #lagMs: () => number;
  #windowBytes: number;
  /** The last frame that was sent when the window was halved: late frames up to it do not halve it again. */
  #halvedAtFrame = 0;
  readonly #bytes: Allowance;
  readonly #flights: Flight[] = [];
  #bytesInFlight = 0;
  #lastFrame = 0;
  /** The best round trip as of `#bestAtMs`; Infinity: none yet. */
  #bestMs = Number.POSITIVE_INFINITY;
  #bestAtMs = 0;
  /** Since when updates have been withheld without an acknowledgement; Infinity: none are. */
  #stalledMs = Number.POSITIVE_INFINITY;

  /** The running share of frames that were held back, 0..1. */
  #strain = 0;
  /** Index into `FINE_SHARES`: 0 is full detail. */
  #detail = 0;
  #changedMs: number;
  #tryMs = MIN_TRY_MS;

  constructor(socket: FrameSocket, nowMs: number, options: FlowOptions = {}) {
    const { windowBytes = WINDOW_BYTES, bytesPerSecond = BYTES_PER_SECOND, lagMs = () => 0 } = options;
    this.#socket = socket;
    this.#maxWindowBytes = windowBytes;
    this.#lagMs = lagMs;
    this.#windowBytes = Math.min(windowBytes, FIRST_WINDOW_BYTES);
    this.#bytes = new Allowance(windowBytes, bytesPerSecond, nowMs);
    this.#changedMs = nowMs;
  }

  /** The number of the last frame that was sent; 0: none yet. */
  get lastFrame(): number {
    return this.#lastFrame;
  }

  /** Bytes that were sent and that the operating system has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** 0..1: the share of the pages in view that come in the fine lane. */
  get fineShare(): number {
    return FINE_SHARES[this.#detail];
  }

  /** Bytes that may be sent now; 0 or less: none. */
  room(nowMs: number): number {
    const oldest = this.#flights[0];
    if (oldest !== undefined && this.#isLate(nowMs - oldest.sentMs)) return 0;
    const waiting = Math.max(this.#bytesInFlight, this.#socket.bufferedBytes);
    return Math.min(this.#windowBytes - waiting, this.#bytes.left(nowMs));
  }

  send(message: Buffer<ArrayBuffer>, frame: number, nowMs: number): void {
    this.#flights.push({ frame, bytes: message.length, sentMs: nowMs });
    this.#bytesInFlight += message.length;
    this.#bytes.owe(message.length);
    this.#lastFrame = frame;
    this.#socket.send(message);
  }

  /** @returns false when the frame has not been sent */
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
      this.#windowBytes = Math.min(this.#maxWindowBytes, this.#windowBytes + growth);
    } else if (frame > this.#halvedAtFrame) {
      this.#windowBytes = Math.max(MIN_WINDOW_BYTES, this.#windowBytes / 2);
      this.#halvedAtFrame = this.#lastFrame;
    }
    const relaxedMs = this.#bestMs + ((nowMs - this.#bestAtMs) / 1_000) * FORGET_MS_PER_SECOND;
    this.#bestMs = Math.min(roundTripMs, relaxedMs);
    this.#bestAtMs = nowMs;
    this.#stalledMs = Number.POSITIVE_INFINITY;
    return true;
  }

  /** Nothing more is expected of the client: what is on its way need not be acknowledged. */
  rest(): void {
    this.#flights.length = 0;
    this.#bytesInFlight = 0;
    this.#stalledMs = Number.POSITIVE_INFINITY;
  }

  /** Notes that a page is owed and there is no room for it. */
  withhold(nowMs: number): void {
    this.#stalledMs = Math.min(this.#stalledMs, nowMs);
  }

  /** How long updates have been withheld without an acknowledgement. */
  stalledForMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#stalledMs);
  }

  /**
   * Adapts the detail; called once per frame that had updates for this client.
   *
   * @param wasHeldBack - not everything that the client is owed could be sent
   */
  judge(wasHeldBack: boolean, nowMs: number): void {
    this.#strain += ((wasHeldBack ? 1 : 0) - this.#strain) * STRAIN_WEIGHT;
    if (this.#strain > STRAINED && this.#detail < FINE_SHARES.length - 1) {
      this.#tryMs = Math.min(MAX_TRY_MS, this.#tryMs * 2);
      this.#change(this.#detail + 1, nowMs);
    } else if (this.#strain < RELAXED && nowMs - this.#changedMs > this.#tryMs) {
      // Full detail has lasted this long: failed tries no longer count.
      if (this.#detail === 0) this.#tryMs = MIN_TRY_MS;
      else this.#change(this.#detail - 1, nowMs);
    }
  }

  #isLate(roundTripMs: number): boolean {
    // The process may be late twice: when it sends, and when it reads the acknowledgement.
    return roundTripMs > this.#bestMs + LATE_MS && roundTripMs > this.#bestMs + LATE_MS + 2 * this.#lagMs();
  }

  #change(detail: number, nowMs: number): void {
    this.#detail = detail;
    this.#changedMs = nowMs;
    this.#strain = (STRAINED + RELAXED) / 2;
  }
}
