/**
 * How much one client may be sent now, and how much detail its connection carries. Three bounds apply together:
 * - bytes per second: an allowance;
 * - bytes in flight: the window, which also counts bytes that the operating system has not taken yet;
 * - time: while a frame is unacknowledged for much longer than the best round trip, data queues on the way, and sending
 *   more would only delay it. The window is then halved, and grows again by the bytes that arrive in time.
 */
import { Allowance } from '../../../shared/allowance.ts';
import { ACK_EASY_MS, ACK_EVERY_MS } from '../../../shared/limits.ts';

/** The socket that a viewer's bytes go to. */
export interface FrameSocket {
  /** Bytes accepted by `send` that the operating system has not taken yet. */
  readonly bufferedBytes: number;
  /**
   * @param bytes - owned by the socket until `bufferedBytes` is 0; it fills [0, HEADROOM_BYTES) itself, as every other
   * socket does that is sent the same bytes
   */
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
/** Late: this much longer than the best round trip and a client's pause between two acks; five frames at 20 Hz. */
const LATE_MS = 250;
/** A client's pauses between two acknowledgements. */
const ACK_PACES_MS = [ACK_EVERY_MS, 500, ACK_EASY_MS] as const;
/** A pause is short enough when the window has room for this many times what arrives in it. */
const PACE_ROOM = 1.5;
/** One acknowledgement's weight in the rate of arrival when that falls; it rises at once. */
const RATE_WEIGHT = 0.1;
/** A flight in the list of flights: where its bytes and its time are, and how many numbers it has. */
const BYTES_AT = 1;
const SENT_AT = 2;
const FLIGHT = 3;
/** Flights that have landed are forgotten together. */
const MAX_LANDED = 64 * FLIGHT;
/** The best round trip grows by this per second, so that a connection whose route got longer is not late for ever. */
const FORGET_MS_PER_SECOND = 5;

/** The share of the pages in view, nearest first, that come in the fine lane, by level of detail. */
const FINE_SHARES = [1, 0.25, 0] as const;
/** One frame's weight in the running share of frames that were held back: a pause of 0.5 s does not count as slow. */
const STRAIN_WEIGHT = 0.1;
const STRAINED = 0.6;
const RELAXED = 0.05;
/** Less strain is none. */
const NO_STRAIN = 0.001;
/** After this long without strain more detail is tried; twice as long after each try that failed. */
const MIN_TRY_MS = 3_000;
const MAX_TRY_MS = 60_000;

export class Flow {
  readonly #socket: FrameSocket;
  readonly #maxWindowBytes: number;
  readonly #lagMs: () => number;
  #windowBytes: number;
  /** The last frame that was sent when the window was halved: late frames up to it do not halve it again. */
  #halvedAtFrame = 0;
  readonly #bytes: Allowance;
  /** Frames in flight, oldest first, from `#oldest` on; of each its number, bytes, and when it was sent. */
  readonly #flights: number[] = [];
  #oldest = 0;
  #bytesInFlight = 0;
  /** Bytes that may be sent until `#creditUntilMs` whatever happens: known from the last acknowledgement. */
  #credit = 0;
  #creditUntilMs = 0;
  #lastFrame = 0;
  /** The best round trip as of `#bestAtMs`; Infinity: none yet. */
  #bestMs = Number.POSITIVE_INFINITY;
  #bestAtMs = 0;
  /** Since when updates have been withheld without an acknowledgement; Infinity: none are. */
  #stalledMs = Number.POSITIVE_INFINITY;

  /** Bytes that arrive per millisecond, about the most of late. */
  #bytesPerMs = 0;
  /** Index into `ACK_PACES_MS`. */
  #pace = 0;
  /** The client may acknowledge at this pace, an index into `ACK_PACES_MS`, until `#oldPaceUntilMs`. */
  #oldPace = 0;
  #oldPaceUntilMs = Number.NEGATIVE_INFINITY;
  #acknowledgedMs: number;

  /** The running share of frames that were held back, 0..1. */
  #strain = 0;
  /** Index into `FINE_SHARES`: 0 is full detail. */
  #detail = 0;
  #changedMs: number;
  #tryMs = MIN_TRY_MS;
  /** It has full detail and no strain: another frame that is not held back changes nothing. */
  #isSteady = true;

  constructor(socket: FrameSocket, nowMs: number, options: FlowOptions = {}) {
    const { windowBytes = WINDOW_BYTES, bytesPerSecond = BYTES_PER_SECOND, lagMs = () => 0 } = options;
    this.#socket = socket;
    this.#maxWindowBytes = windowBytes;
    this.#lagMs = lagMs;
    this.#windowBytes = Math.min(windowBytes, FIRST_WINDOW_BYTES);
    this.#bytes = new Allowance(windowBytes, bytesPerSecond, nowMs);
    this.#changedMs = this.#acknowledgedMs = nowMs;
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

  /** How long the client should pause between two acknowledgements: longer while nothing holds its frames back. */
  get ackMs(): number {
    return ACK_PACES_MS[this.#pace];
  }

  /** Whether this many bytes may be sent now. */
  allows(bytes: number, nowMs: number): boolean {
    return (bytes <= this.#credit && nowMs < this.#creditUntilMs) || bytes <= this.room(nowMs);
  }

  /** Bytes that may be sent now; 0 or less: none. */
  room(nowMs: number): number {
    if (this.#oldest < this.#flights.length) {
      const sentMs = this.#flights[this.#oldest + SENT_AT];
      if (this.#isLate(nowMs - sentMs, nowMs)) return 0;
    }
    const waiting = Math.max(this.#bytesInFlight, this.#socket.bufferedBytes);
    return Math.min(this.#windowBytes - waiting, this.#bytes.left(nowMs));
  }

  send(message: Buffer<ArrayBuffer>, frame: number, nowMs: number): void {
    this.#flights.push(frame, message.length, nowMs);
    this.#bytesInFlight += message.length;
    this.#credit -= message.length;
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
    while (this.#oldest < flights.length && flights[this.#oldest] <= frame) {
      arrived += flights[this.#oldest + BYTES_AT];
      roundTripMs = nowMs - flights[this.#oldest + SENT_AT];
      this.#oldest += FLIGHT;
    }
    if (arrived === 0) return true;
    if (this.#oldest === flights.length) this.#oldest = flights.length = 0;
    else if (this.#oldest >= MAX_LANDED) {
      flights.splice(0, this.#oldest);
      this.#oldest = 0;
    }
    this.#bytesInFlight -= arrived;
    const isLate = this.#isLate(roundTripMs, nowMs);
    if (!isLate) {
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
    this.#findPace(isLate, arrived, nowMs);
    this.#giveCredit(nowMs);
    return true;
  }

  /** The longest pause in which what arrives takes only a part of the window; the shortest while anything is amiss. */
  #findPace(isLate: boolean, arrived: number, nowMs: number): void {
    const rate = arrived / Math.max(nowMs - this.#acknowledgedMs, ACK_EVERY_MS);
    this.#acknowledgedMs = nowMs;
    this.#bytesPerMs = Math.max(rate, this.#bytesPerMs + (rate - this.#bytesPerMs) * RATE_WEIGHT);
    const before = this.#pace;
    this.#pace = 0;
    if (isLate || this.#detail > 0 || this.#strain > RELAXED) {
      this.#keepPace(before, nowMs);
      return;
    }
    for (let pace = 1; pace < ACK_PACES_MS.length; pace++)
      if (PACE_ROOM * this.#bytesPerMs * ACK_PACES_MS[pace] <= this.#windowBytes) this.#pace = pace;
    this.#keepPace(before, nowMs);
  }

  /** A client that is to acknowledge more often than before goes on as before until it has been told. */
  #keepPace(before: number, nowMs: number): void {
    if (this.#pace >= before) return;
    this.#oldPace = before;
    this.#oldPaceUntilMs = nowMs + 2 * ACK_PACES_MS[before];
  }

  #giveCredit(nowMs: number): void {
    const oldestMs = this.#flights.length > 0 ? this.#flights[this.#oldest + SENT_AT] : nowMs;
    // Whole numbers, which need no memory of their own: these two are read in every frame.
    this.#credit = Math.floor(this.room(nowMs));
    this.#creditUntilMs = Math.floor(oldestMs + this.#lateMs(nowMs));
  }

  /** Nothing more is expected of the client: what is on its way need not be acknowledged. */
  rest(): void {
    this.#oldest = this.#flights.length = 0;
    this.#credit = 0;
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
    if (this.#isSteady && !wasHeldBack) return;
    this.#strain += ((wasHeldBack ? 1 : 0) - this.#strain) * STRAIN_WEIGHT;
    if (this.#strain > STRAINED && this.#detail < FINE_SHARES.length - 1) {
      this.#tryMs = Math.min(MAX_TRY_MS, this.#tryMs * 2);
      this.#change(this.#detail + 1, nowMs);
    } else if (this.#strain < RELAXED && nowMs - this.#changedMs > this.#tryMs) {
      // Full detail has lasted this long: failed tries no longer count.
      if (this.#detail === 0) this.#tryMs = MIN_TRY_MS;
      else this.#change(this.#detail - 1, nowMs);
    }
    if (this.#strain < NO_STRAIN) this.#strain = 0;
    this.#isSteady = this.#strain === 0 && this.#detail === 0 && this.#tryMs === MIN_TRY_MS;
  }

  #isLate(roundTripMs: number, nowMs: number): boolean {
    const lateMs = this.#lateMs(nowMs);
    // The process may be late twice: when it sends, and when it reads the acknowledgement.
    return roundTripMs > lateMs && roundTripMs > lateMs + 2 * this.#lagMs();
  }

  /** A longer round trip than this is late, if this process is not. */
  #lateMs(nowMs: number): number {
    const pace = nowMs < this.#oldPaceUntilMs ? Math.max(this.#pace, this.#oldPace) : this.#pace;
    return this.#bestMs + LATE_MS + ACK_PACES_MS[pace];
  }

  #change(detail: number, nowMs: number): void {
    this.#detail = detail;
    this.#changedMs = nowMs;
    this.#strain = (STRAINED + RELAXED) / 2;
  }
}
