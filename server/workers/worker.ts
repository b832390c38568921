/**
 * Does jobs of the queue, one at a time, each in a process of its own. The job's folder goes to the blob store whenever a
 * checkpoint has changed, so that another worker goes on from there when this one dies. The queue hears of this worker
 * every 5 s; a job that was given to another meanwhile is stopped here, and what it comes to is not taken.
 */
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { FAILED_CODE, LowProcess, UNWRITTEN_CODE } from '../background/lowProcess.ts';
import { isMissing } from '../files/disk.ts';
import type { Blobs } from '../store/blobs.ts';
import { bundle, MAX_BUNDLE_BYTES, unbundle } from '../store/bundle.ts';
import { type Message, News, Watchers } from './news.ts';
import { JOBS, type JobKind, type Order, type Outcome } from './queue.ts';

/** A changed checkpoint is sent after at most so long; training writes one every 5 s. */
const SEND_MS = 5_000;
/** A process that has not ended so long after it was asked to is killed. */
const PAUSE_MS = 900;
/** How often the queue is asked for a job. */
const POLL_SECONDS = 2;

/** How one kind of job is done. */
export interface Workshop {
  /** Names of a job's files. */
  readonly files: readonly string[];
  /** The file that says that a job is done. */
  readonly result: string;
  /** Starts the process on a folder. */
  readonly spawn: (folder: string) => ChildProcess;
  /** The process makes more to see while somebody looks, and is told so. Default: it does not. */
  readonly isWatchable?: boolean;
}

/** Tells a process whether somebody looks. */
interface Watch {
  readonly type: 'watch';
  readonly isWatched: boolean;
}

export interface WorkerOptions {
  readonly boss: PgBoss;
  readonly blobs: Blobs;
  readonly workshops: Readonly<Record<JobKind, Workshop>>;
  readonly log: (line: string) => void;
  /** Default: 5 s. */
  readonly sendMs?: number;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Begins to take jobs. */
  async start(): Promise<void> {
    const settings = { batchSize: 1, pollingIntervalSeconds: POLL_SECONDS, includeMetadata: true } as const;
    await this.#options.boss.work<Order, Outcome, typeof settings>(JOBS, settings, ([job]) => this.#do(job));
  }

  /** The running job is given back with its newest checkpoint. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#options.boss.stop({ graceful: true, timeout: 5_000 });
  }

  async #do(job: JobWithMetadata<Order>): Promise<Outcome> {
    const { blobs, workshops, log, sendMs = SEND_MS } = this.#options;
    const { kind, world, input } = job.data;
    const { files, spawn, result, isWatchable = false } = workshops[kind];
    const place = `${world}/jobs/${job.id}`;
    const folder = mkdtempSync(join(tmpdir(), 'regrow-job-'));
    let sent: Buffer | null = null;
    const send = async (): Promise<void> => {
      const state = bundle(folder, files);
      if (sent?.equals(state)) return;
      await blobs.put(`${place}-state`, state);
      sent = state;
    };
    const news = new News(blobs, `${place}-news`);
    const watchers = new Watchers(blobs, `${place}-watch`);
    let isWatched = false;
    try {
      const state = await orNull(blobs.get(`${place}-state`, 0, MAX_BUNDLE_BYTES));
      unbundle(state ?? (await blobs.get(input, 0, MAX_BUNDLE_BYTES)), folder);
      sent = bundle(folder, files);
      log(`${kind} job ${job.id} of ${world}: ${state === null ? 'begun' : 'goes on from its checkpoint'}`);
      const ended = Promise.withResolvers<number | null>();
      const running = new LowProcess<Message, Watch>(spawn(folder), {
        pauseMs: PAUSE_MS,
        hear: (message) => news.add(message),
        onEnd: ended.resolve,
      });
      const look = async (): Promise<void> => {
        const are = await watchers.areThere(performance.now());
        if (are !== isWatched) running.tell({ type: 'watch', isWatched: are });
        isWatched = are;
      };
      const timer = setInterval(() => {
        if (isWatchable) void look();
        Promise.all([send(), news.send()]).catch(({ message }: Error) =>
          log(`job ${job.id}: its checkpoint is not sent: ${message}`),
        );
      }, sendMs);
      const halt = AbortSignal.any([job.signal, this.#stopping.signal]);
      const pause = (): void => running.pause();
      halt.addEventListener('abort', pause);
      if (halt.aborted) pause();
      const code = await ended.promise.finally(() => {
        clearInterval(timer);
        halt.removeEventListener('abort', pause);
      });
      if (job.signal.aborted) throw new Error('it was given to another worker');
      return await this.#outcomeOf({ place, folder, files, result, code, words: running.lastWords, send });
    } catch (error) {
      log(`job ${job.id} of ${world}: ${(error as Error).message}`);
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #outcomeOf(end: {
    readonly place: string;
    readonly folder: string;
    readonly files: readonly string[];
    readonly result: string;
    readonly code: number | null;
    readonly words: string;
    readonly send: () => Promise<void>;
  }): Promise<Outcome> {
    const { blobs } = this.#options;
    const { place, folder, files, result, code, words, send } = end;
    if (code === FAILED_CODE) return { hopeless: words };
    if (code === 0 && existsSync(join(folder, result))) {
      // Each try has a name of its own: the queue says which one counts.
      const blob = `${place}-output-${randomUUID()}`;
      await blobs.put(blob, bundle(folder, files));
      return { blob };
    }
    await send();
    if (this.#stopping.signal.aborted) throw new Error('the worker was stopped');
    // Another worker's disk may be well.
    if (code === UNWRITTEN_CODE) throw new Error(words);
    return { failed: words || (code === null ? 'it was killed' : `code ${code}`) };
  }
}

const orNull = <T>(asked: Promise<T>): Promise<T | null> =>
  asked.catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
