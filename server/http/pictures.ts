/**
 * Pictures of the world. Each costs the simulation thread a copy of its pixels and this thread a PNG, so they are made
 * one at a time and at a bounded rate, and addresses take turns: who asks for many waits for their own. Requests for
 * the same rectangle within a frame share one picture.
 */
import type { Rect } from '../../shared/geometry.ts';
import { MAX_PNG_SIDE } from '../../shared/limits.ts';
import { partyOf } from '../address.ts';
import { Allowances } from '../allowances.ts';
import type { WorldLink } from '../world/messages.ts';
import { encodePng } from './png.ts';

const FULL_CELLS = MAX_PNG_SIDE ** 2;
/** A small picture costs more than its pixels. */
const MIN_CELLS = 256 ** 2;
/** All pictures together: two full ones per second. */
const CELLS_PER_SECOND = 2 * FULL_CELLS;
/** One address: four full ones at once, then one per second. */
const CELLS_PER_ADDRESS = 4 * FULL_CELLS;
const CELLS_PER_ADDRESS_SECOND = FULL_CELLS;
/** Pictures of one address that wait for their turn. */
const MAX_WAITING_PER_ADDRESS = 4;
const MAX_WAITING = 256;
const MAX_WAIT_MS = 10_000;
/** Bytes of pictures that were sent and not taken yet; each picture is at most 16 MiB. */
const MAX_UNSENT_BYTES = 256 * 2 ** 20;
const MAX_UNSENT_BYTES_PER_ADDRESS = 32 * 2 ** 20;

/** A picture that is not made; it can be asked for again after the wait. */
export class PictureRefusal extends Error {
  override name = 'PictureRefusal';
  /** 429: this address asks for too much; 503: everybody together does. */
  readonly status: 429 | 503;
  readonly waitMs: number;

  constructor(status: 429 | 503, message: string, waitMs: number) {
    super(message);
    this.status = status;
    this.waitMs = waitMs;
  }
}

/** A picture that is asked for, being made, or made. */
interface Job {
  readonly rect: Rect;
  readonly cells: number;
  readonly picture: Promise<Buffer>;
  readonly resolve: (png: Buffer) => void;
  readonly reject: (error: unknown) => void;
  /** One for each request that shares it. */
  readonly hasLeft: (() => boolean)[];
  /** When the world gave the pixels; null: it has not yet. */
  takenMs: number | null;
  /** Ends the wait for its turn. */
  readonly timer: NodeJS.Timeout;
}

/** The part of a `ServerResponse` that is used here. */
export interface Closable {
  readonly closed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

export interface PicturesOptions {
  readonly world: Pick<WorldLink, 'ask'>;
  /** How long a picture is of now. */
  readonly frameMs: number;
  readonly now: () => number;
  readonly encode?: typeof encodePng;
  /** Limits of all worlds whose pictures this process makes. Default: of this world alone. */
  readonly limits?: PictureLimits;
}

/** What addresses may ask for, and what they have not taken yet. */
export class PictureLimits {
  readonly #allowances: Allowances;
  /** By address or network. */
  readonly #unsentBytes = new Map<string, number>();

  /** @param now - monotonic, ms */
  constructor(now: () => number) {
    this.#allowances = new Allowances({
      most: CELLS_PER_ADDRESS,
      perSecond: CELLS_PER_ADDRESS_SECOND,
      now,
    });
  }

  /** @throws PictureRefusal when the address, or everybody together, asks for too much */
  admit(address: string, cells: number): void {
    if ((this.#unsentBytes.get(partyOf(address)) ?? 0) > MAX_UNSENT_BYTES_PER_ADDRESS)
      throw new PictureRefusal(429, 'this address has not taken its last pictures yet', 1_000);
    let unsent = 0;
    for (const bytes of this.#unsentBytes.values()) unsent += bytes;
    if (unsent > MAX_UNSENT_BYTES)
      throw new PictureRefusal(503, 'too many pictures are on their way', MAX_WAIT_MS);
    const waitMs = this.#allowances.take(address, cells);
    if (waitMs > 0) throw new PictureRefusal(429, 'too many pictures for this address', waitMs);
  }

  /** Notes bytes that a client has not taken yet, until its response has closed. */
  holdUnsent(address: string, bytes: number, response: Closable): void {
    // Its only `close` may have been while the picture was made.
    if (response.closed) return;
    const party = partyOf(address);
    const add = (difference: number): void => {
      const after = (this.#unsentBytes.get(party) ?? 0) + difference;
      if (after > 0) this.#unsentBytes.set(party, after);
      else this.#unsentBytes.delete(party);
    };
    add(bytes);
    response.once('close', () => add(-bytes));
  }
}

export class Pictures {
  readonly #options: PicturesOptions;
  readonly #limits: PictureLimits;
  /** Jobs that wait, by address or network; the first is the next to be served. */
  readonly #waiting = new Map<string, Job[]>();
  /** Jobs that a request may share, by rectangle. */
  readonly #shared = new Map<string, Job>();
  #isWorking = false;

  constructor(options: PicturesOptions) {
    this.#options = options;
    this.#limits = options.limits ?? new PictureLimits(options.now);
  }

  /**
   * @param rect - at most 2,048 x 2,048 cells
   * @param hasLeft - true when nobody waits for the answer any more
   * @returns a PNG
   * @throws PictureRefusal when the address, or everybody together, asks for too many
   * @throws NoAnswerError when the world gives no pixels
   */
  async ask(rect: Rect, address: string, hasLeft: () => boolean): Promise<Buffer> {
    const cells = Math.max(MIN_CELLS, rect.width * rect.height);
    this.#limits.admit(address, cells);
    const key = `${rect.x},${rect.y},${rect.width},${rect.height}`;
    const known = this.#shared.get(key);
    if (known !== undefined && this.#isOfNow(known)) {
      known.hasLeft.push(hasLeft);
      return known.picture;
    }
    const party = partyOf(address);
    const queue = this.#waiting.get(party) ?? [];
    if (queue.length >= MAX_WAITING_PER_ADDRESS)
      throw new PictureRefusal(429, 'too many pictures at once from this address', 1_000);
    let waiting = 0;
    for (const { length } of this.#waiting.values()) waiting += length;
    if (waiting >= MAX_WAITING) throw new PictureRefusal(503, 'too many pictures are asked for', MAX_WAIT_MS);
    const { promise: picture, resolve, reject } = Promise.withResolvers<Buffer>();
    const timer = setTimeout(
      () => reject(new PictureRefusal(503, 'too many pictures are asked for', MAX_WAIT_MS)),
      MAX_WAIT_MS,
    ).unref();
    const job: Job = { rect, cells, picture, resolve, reject, hasLeft: [hasLeft], takenMs: null, timer };
    queue.push(job);
    this.#waiting.set(party, queue);
    this.#shared.set(key, job);
    void this.#work();
    const forget = (): void => {
      if (this.#shared.get(key) === job) this.#shared.delete(key);
    };
    try {
      const png = await job.picture;
      // A picture is of now for a frame; then its bytes are let go.
      setTimeout(forget, this.#options.frameMs).unref();
      return png;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** Notes bytes that a client has not taken yet, until its response has closed. */
  holdUnsent(address: string, bytes: number, response: Closable): void {
    this.#limits.holdUnsent(address, bytes, response);
  }

  #isOfNow({ takenMs }: Job): boolean {
    return takenMs === null || this.#options.now() - takenMs < this.#options.frameMs;
  }

  /** Makes pictures as long as some are asked for. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    for (let job = this.#next(); job !== null; job = this.#next()) {
      clearTimeout(job.timer);
      // Who has left needs no picture; a job whose wait was too long is settled already, and is not made either.
      if (job.hasLeft.every((one) => one())) {
        job.reject(new PictureRefusal(503, 'nobody waits for this picture', 0));
        continue;
      }
      const restMs = (job.cells / CELLS_PER_SECOND) * 1_000;
      const rest = new Promise((resolve) => setTimeout(resolve, restMs));
      await this.#make(job);
      await rest;
    }
    this.#isWorking = false;
  }

  async #make(job: Job): Promise<void> {
    const { world, encode = encodePng } = this.#options;
    try {
      const pixels = await world.ask({ kind: 'pixels', rect: job.rect });
      job.takenMs = this.#options.now();
      job.resolve(await encode(pixels, job.rect.width, job.rect.height));
    } catch (error) {
      job.reject(error);
    }
  }

  /** The first job of the address whose turn it is; that address is the last to be served again. */
  #next(): Job | null {
    for (const [party, queue] of this.#waiting) {
      const job = queue.shift();
      this.#waiting.delete(party);
      if (queue.length > 0) this.#waiting.set(party, queue);
      if (job !== undefined) return job;
    }
    return null;
  }
}
