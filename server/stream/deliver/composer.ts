/**
 * Puts encoded updates together into one message, for one viewer or for several. Messages of usual length for sockets
 * that take them at once lie in one buffer, which each of them fills anew: a new buffer per message, 20,000 per second,
 * would cost as much as filling it.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../../../shared/frame.ts';
import type { Flow } from './flow.ts';

/** Room before a frame for the headers of the room protocol (2 bytes) and WebSocket (10 bytes). */
export const HEADROOM_BYTES = 12;
const SCRATCH_BYTES = 64 * 1024;
/** A socket may buffer this much and still count as taking messages at once: a short message leaves with the frame. */
const MAX_SCRATCH_BUFFERED = 8 * 1024;
const HEAD_BYTES = HEADROOM_BYTES + FRAME_HEADER_BYTES;

/** The newest frame's numbers; 0: none has come yet. */
export interface FrameHead {
  readonly frame: number;
  readonly step: number;
}

export class Composer {
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  #scratchView = new DataView(this.#scratch.buffer);
  /** Pieces of encoded updates. */
  readonly #sources: Buffer[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #updates = 0;
  #bytes = 0;
  /** null: it has not been sent to anybody yet. */
  #message: Buffer<ArrayBuffer> | null = null;
  #isInScratch = false;
  /** A socket has not taken what lies in the scratch buffer. */
  #isKept = false;

  get updates(): number {
    return this.#updates;
  }

  /** The updates' bytes, without headers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds encoded updates; `source` must not change before the message has been sent. */
  put(source: Buffer, start: number, end: number, updates: number): void {
    this.#updates += updates;
    this.#bytes += end - start;
    const last = this.#sources.length - 1;
    // Adjacent updates become one piece, copied at once.
    if (last >= 0 && this.#sources[last] === source && this.#ends[last] === start) {
      this.#ends[last] = end;
      return;
    }
    this.#sources.push(source);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  /** Sends what was put together; the same bytes to each flow that it is called with until `clear`. */
  send(flow: Flow, head: FrameHead, nowMs: number): void {
    if (this.#updates === 0) return;
    this.#message ??= this.#compose(head);
    const message = this.#message;
    if (!this.#isInScratch) {
      flow.send(message, head.frame, nowMs);
    } else if (flow.bufferedBytes > MAX_SCRATCH_BUFFERED) {
      const own = Buffer.allocUnsafe(message.length);
      message.copy(own);
      flow.send(own, head.frame, nowMs);
    } else {
      flow.send(message, head.frame, nowMs);
      // The message did not leave at once: the socket owns the buffer now.
      if (flow.bufferedBytes > 0) this.#isKept = true;
    }
  }

  /** Begins the next message. */
  clear(): void {
    this.#sources.length = this.#starts.length = this.#ends.length = 0;
    this.#updates = this.#bytes = 0;
    this.#message = null;
    if (!this.#isKept) return;
    this.#isKept = false;
    this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.#scratchView = new DataView(this.#scratch.buffer);
  }

  #compose({ frame, step }: FrameHead): Buffer<ArrayBuffer> {
    const size = HEAD_BYTES + this.#bytes;
    this.#isInScratch = size <= SCRATCH_BYTES;
    const message = this.#isInScratch ? this.#scratch.subarray(0, size) : Buffer.allocUnsafeSlow(size);
    const view = this.#isInScratch ? this.#scratchView : new DataView(message.buffer);
    writeFrameHeader(view, HEADROOM_BYTES, frame, step, this.#updates);
    let at = HEAD_BYTES;
    for (let i = 0; i < this.#sources.length; i++)
      at += this.#sources[i].copy(message, at, this.#starts[i], this.#ends[i]);
    return message;
  }
}
