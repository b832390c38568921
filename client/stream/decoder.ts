/**
 * The page's end of the decode worker: raw frames go in, batches of pages come out and wait until they are drawn. A
 * worker that dies or stops answering is replaced at the next join, after which the server sends every page again.
 */
import type { PageRect, Size } from '../../shared/geometry.ts';
import { Signal } from '../events.ts';
import type { Batch, FromWorker, Light, ToWorker } from './messages.ts';

/** The part of `Worker` that is used; tests put a fake in its place. */
export interface WorkerLike {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(message: ToWorker, transfer: ArrayBuffer[]): void;
  terminate(): void;
}

const CHECK_EVERY_MS = 1_000;
/**
 * A worker is taken for dead after this many checks in a row with frames waiting and no answer. Checks are counted,
 * not time: after a sleep, a page has answers waiting that it has not read yet.
 */
const MAX_SILENT_CHECKS = 10;

export class Decoder {
  /** The worker has decoded this frame and all before it: they may be acknowledged. */
  readonly decoded = new Signal<[frame: number]>();
  /** Keys of pages that need a keyframe. */
  readonly gaps = new Signal<[keys: readonly number[]]>();
  /** A batch of pages has come, to be drawn. */
  readonly arrived = new Signal<[]>();
  readonly light = new Signal<[Light]>();
  /** No more frames of this connection will be decoded, and why. */
  readonly failed = new Signal<[reason: string]>();
  /** Frames decoded since the page was opened, and the worker's time for them. */
  frames = 0;
  decodeMs = 0;
  readonly #world: Size;
  readonly #spawn: () => WorkerLike;
  readonly #tick: ReturnType<typeof setInterval>;
  readonly #batches: Batch[] = [];
  /** Null when it has died and no connection has been made since. */
  #worker: WorkerLike | null;
  #epoch = 0;
  #looked: Extract<ToWorker, { type: 'look' }> | null = null;
  #isLightAsked = false;
  #waiting = 0;
  #silentChecks = 0;

  constructor(world: Size, spawn: () => WorkerLike = spawnWorker) {
    this.#world = world;
    this.#spawn = spawn;
    this.#worker = this.#open();
    this.#tick = setInterval(() => this.#check(), CHECK_EVERY_MS);
  }

  /** Begins a new epoch: frames from now on belong to a new connection. */
  join(): void {
    this.#epoch++;
    this.#waiting = 0;
    this.#silentChecks = 0;
    // Replaced here and not as soon as it dies: a worker that cannot start would be started in a loop. The wait before
    // a join grows.
    if (this.#worker === null) {
      this.#worker = this.#open();
      if (this.#looked !== null) this.#send(this.#looked);
    }
    this.#send({ type: 'join', epoch: this.#epoch });
  }

  /** @param bytes - a frame as received; its buffer is transferred to the worker */
  frame(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting++;
    this.#send({ type: 'frame', epoch: this.#epoch, bytes }, [bytes.buffer]);
  }

  look(level: number, pages: PageRect): void {
    const { level: lastLevel, pages: last } = this.#looked ?? {};
    if (
      level === lastLevel &&
      pages.left === last?.left &&
      pages.top === last.top &&
      pages.right === last.right &&
      pages.bottom === last.bottom
    )
      return;
    this.#looked = { type: 'look', level, pages };
    this.#send(this.#looked);
  }

  /** @returns the next batch to draw, which must be given back; undefined when there is none */
  take(): Batch | undefined {
    return this.#batches.shift();
  }

  /** @param released - keys of pages that the view has dropped */
  give(batch: Batch, released: readonly number[]): void {
    this.#send({ type: 'give', buffer: batch.buffer, released }, [batch.buffer]);
  }

  /** Asks for the light and the map, unless an answer is on its way. */
  askLight(): void {
    if (this.#isLightAsked) return;
    this.#isLightAsked = true;
    this.#send({ type: 'light' });
  }

  dispose(): void {
    clearInterval(this.#tick);
    this.#worker?.terminate();
  }

  #send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #open(): WorkerLike {
    const worker = this.#spawn();
    worker.onmessage = ({ data }) => {
      if (worker === this.#worker) this.#hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      // The event of a worker that cannot be loaded has no message.
      if (worker === this.#worker) this.#bury(event.message ?? 'it cannot be loaded');
    };
    worker.postMessage({ type: 'open', world: this.#world }, []);
    return worker;
  }

  #hear(message: FromWorker): void {
    this.#silentChecks = 0;
    switch (message.type) {
      case 'decoded':
        if (message.epoch !== this.#epoch) return;
        this.#waiting--;
        this.frames++;
        this.decodeMs += message.decodeMs;
        this.decoded.emit(message.frame);
        if (message.gaps.length > 0) this.gaps.emit(message.gaps);
        return;
      case 'broken':
        if (message.epoch === this.#epoch) this.failed.emit(message.reason);
        return;
      case 'pages':
        this.#batches.push(message);
        this.arrived.emit();
        return;
      case 'light':
        this.#isLightAsked = false;
        this.light.emit(message);
        return;
      default:
        message satisfies never;
    }
  }

  #check(): void {
    if (this.#waiting > 0 && ++this.#silentChecks > MAX_SILENT_CHECKS)
      this.#bury(`no answer to ${this.#waiting} frames`);
  }

  #bury(reason: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#batches.length = 0;
    this.#isLightAsked = false;
    this.#waiting = 0;
    this.failed.emit(`the decoder failed: ${reason}`);
  }
}

const spawnWorker = (): WorkerLike =>
  new Worker(new URL('./decodeWorker.ts', import.meta.url), { type: 'module', name: 'decode' });
