/**
 * The page's end of the decode worker: raw frames go in, batches of pages come out and wait until they are
 * drawn. A worker that dies, or answers no more, is replaced at the next join, which fetches all of it anew.
 */
import type { Size } from '../../shared/geometry.ts';
import { Signal } from '../events.ts';
import type { Batch, FromWorker, Light, ToWorker } from './messages.ts';
import type { PageRect } from './pyramid.ts';

/** What of `Worker` is used: tests put their own in its place. */
export interface WorkerLike {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(message: ToWorker, transfer: ArrayBuffer[]): void;
  terminate(): void;
}

const CHECK_EVERY_MS = 1_000;
/**
 * So many checks in a row with frames waiting and no word: it is dead. Counted and not timed, for a page
 * that slept has answers waiting that it has not read.
 */
const MAX_SILENT_CHECKS = 10;

export class Decoder {
  /** The store holds everything up to this frame: it may be acknowledged. */
  readonly decoded = new Signal<[frame: number]>();
  /** Keys of pages that need a keyframe. */
  readonly gaps = new Signal<[keys: readonly number[]]>();
  /** A batch has come: there is something to draw. */
  readonly arrived = new Signal<[]>();
  readonly light = new Signal<[Light]>();
  /** The connection is of no use any more, and why; nothing more of it will be decoded. */
  readonly failed = new Signal<[reason: string]>();
  /** Frames decoded by this page so far, and the time that took in the worker. */
  frames = 0;
  decodeMs = 0;
  readonly #world: Size;
  readonly #spawn: () => WorkerLike;
  readonly #tick: ReturnType<typeof setInterval>;
  readonly #batches: Batch[] = [];
  /** Null: it has died, and no connection has been made since. */
  #worker: WorkerLike | null;
  #session = 0;
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

  /** A new connection: what comes from now on belongs to it. */
  join(): void {
    this.#session++;
    this.#waiting = 0;
    this.#silentChecks = 0;
    // Not sooner: a worker that cannot even start would be started without end; joins grow rarer.
    if (this.#worker === null) {
      this.#worker = this.#open();
      if (this.#looked !== null) this.#send(this.#looked);
    }
    this.#send({ type: 'join', session: this.#session });
  }

  /** @param bytes - a frame as it came; its buffer is handed over */
  frame(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting++;
    this.#send({ type: 'frame', session: this.#session, bytes }, [bytes.buffer]);
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

  /** The next batch to draw; its buffer must be given back. */
  take(): Batch | undefined {
    return this.#batches.shift();
  }

  /** @param released - keys of pages that the view holds no more */
  give(batch: Batch, released: readonly number[]): void {
    this.#send({ type: 'give', buffer: batch.buffer, released }, [batch.buffer]);
  }

  /** Asks for the light and the map, unless they are on their way. */
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
      // One that cannot be loaded says nothing.
      if (worker === this.#worker) this.#bury(event.message ?? 'it cannot be loaded');
    };
    worker.postMessage({ type: 'open', world: this.#world }, []);
    return worker;
  }

  #hear(message: FromWorker): void {
    this.#silentChecks = 0;
    switch (message.type) {
      case 'decoded':
        if (message.session !== this.#session) return;
        this.#waiting--;
        this.frames++;
        this.decodeMs += message.decodeMs;
        this.decoded.emit(message.frame);
        if (message.gaps.length > 0) this.gaps.emit(message.gaps);
        return;
      case 'broken':
        if (message.session === this.#session) this.failed.emit(message.reason);
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
