/**
 * A process of a job that runs at a worker, as the tuner and the nursery watch it: what `fork` gives for one on this
 * machine. The job's number in the queue is made of what it says, so that who starts the same job again finds the one that
 * runs already. A pause only looks away: the worker goes on, as it takes nothing from this machine.
 */

import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PgBoss } from 'pg-boss';
import { FAILED_CODE, PAUSED_CODE } from '../background/lowProcess.ts';
import type { Blobs } from '../store/blobs.ts';
import { bundle, MAX_BUNDLE_BYTES, unbundle } from '../store/bundle.ts';
import { readNews, removeNews, sayWatched, WATCHED_AGAIN_MS } from './news.ts';
import { JOBS, type JobKind, type Order, type Outcome } from './queue.ts';

/** How often the queue is asked. */
const POLL_MS = 1_000;

export interface FarOptions {
  readonly kind: JobKind;
  readonly boss: PgBoss;
  readonly blobs: Blobs;
  readonly world: string;
  /** Names of a job's files. */
  readonly files: readonly string[];
  /** Those that say which job it is. */
  readonly identity: readonly string[];
  /** The file that says that a job is done. */
  readonly result: string;
  /** Default: 1 s. */
  readonly pollMs?: number;
}

export class FarProcess extends EventEmitter {
  readonly connected = true;
  /** Gets the worker's last words. */
  readonly stderr = new EventEmitter();
  readonly #folder: string;
  readonly #options: FarOptions;
  #hasEnded = false;
  /** Number of the worker's last news that was told. */
  #told = 0;
  /** Somebody looks at the job. */
  #isWatched = false;
  /** What the worker was told of that, and when. */
  #saidWatched = { isWatched: false, atMs: 0 };

  constructor(folder: string, options: FarOptions) {
    super();
    this.#folder = folder;
    this.#options = options;
    void this.#run();
  }

  /** A pause is heard here, and the worker not told; that somebody looks, it is told within seconds. */
  send(
    { type, isWatched = false }: { readonly type: string; readonly isWatched?: boolean },
    done: () => void = () => {},
  ): boolean {
    if (type === 'watch') this.#isWatched = isWatched;
    if (type === 'pause') {
      this.emit('message', { type: 'paused' });
      this.#end(PAUSED_CODE);
    }
    done();
    return true;
  }

  kill(): boolean {
    this.#end(null);
    return true;
  }

  async #run(): Promise<void> {
    let told = '';
    while (!this.#hasEnded) {
      try {
        const code = await this.#look();
        if (code !== null) this.#end(code);
      } catch (error) {
        // The store may answer again: the job is kept there.
        const line = `waiting for the store: ${(error as Error).message}`;
        if (line !== told && !this.#hasEnded) this.emit('message', { type: 'log', line });
        told = line;
      }
      await sleep(this.#options.pollMs ?? POLL_MS, undefined, { ref: false });
    }
  }

  /** @returns the exit code; null: it is not over */
  async #look(): Promise<number | null> {
    const { kind, boss, blobs, world, files, identity, result } = this.#options;
    const id = uuidOf(bundle(this.#folder, identity), `${kind} ${world}`);
    const input = `${world}/jobs/${id}-input`;
    const [job] = await boss.findJobs(JOBS, { id });
    if (job === undefined) {
      await blobs.put(input, bundle(this.#folder, files));
      await boss.send(JOBS, { kind, world, input } satisfies Order, { id });
      return null;
    }
    if (job.state === 'failed' || job.state === 'cancelled') {
      this.stderr.emit('data', Buffer.from(`the workers gave it up: ${lastWordsOf(job.output)}`));
      await this.#forget(id, [input]);
      return 1;
    }
    if (job.state !== 'completed') {
      if (job.state === 'active') {
        await this.#tellWatched(id);
        await this.#hearNews(id);
      }
      return null;
    }
    if (this.#hasEnded) return null;
    const outcome = job.output as Outcome;
    if ('hopeless' in outcome) {
      this.stderr.emit('data', Buffer.from(outcome.hopeless));
      await this.#forget(id, [input]);
      return FAILED_CODE;
    }
    if ('failed' in outcome) {
      this.stderr.emit('data', Buffer.from(outcome.failed));
      // The next try goes on from the checkpoint, as it does on this machine.
      const state = await blobs.get(`${world}/jobs/${id}-state`, 0, MAX_BUNDLE_BYTES).catch(() => null);
      if (state !== null) unbundle(state, this.#folder);
      await this.#forget(id, [input]);
      return 1;
    }
    unbundle(await blobs.get(outcome.blob, 0, MAX_BUNDLE_BYTES), this.#folder, result);
    // What stays when this fails is a few hundred kB, and the job's row ends by itself.
    await this.#forget(id, [input, outcome.blob]).catch(() => {});
    return 0;
  }

  async #tellWatched(id: string): Promise<void> {
    const { blobs, world } = this.#options;
    const { isWatched, atMs } = this.#saidWatched;
    const nowMs = performance.now();
    const isOld = this.#isWatched && nowMs - atMs > WATCHED_AGAIN_MS;
    if (this.#isWatched === isWatched && !isOld) return;
    this.#saidWatched = { isWatched: this.#isWatched, atMs: nowMs };
    await sayWatched(blobs, `${world}/jobs/${id}-watch`, this.#isWatched);
  }

  /** What the worker's process has said since, as a process of this machine would say it. */
  async #hearNews(id: string): Promise<void> {
    const { blobs, world } = this.#options;
    for (const { number, message } of await readNews(blobs, `${world}/jobs/${id}-news`, this.#told)) {
      if (this.#hasEnded) return;
      this.#told = number;
      this.emit('message', message);
    }
  }

  async #forget(id: string, names: readonly string[]): Promise<void> {
    const { boss, blobs, world } = this.#options;
    await removeNews(blobs, `${world}/jobs/${id}-news`);
    for (const end of ['state', 'watch']) await blobs.remove(`${world}/jobs/${id}-${end}`);
    for (const name of names) await blobs.remove(name);
    await boss.deleteJob(JOBS, id);
  }

  #end(code: number | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // As of a process: whoever made it has listeners by then.
    setImmediate(() => this.emit('exit', code));
  }
}

function lastWordsOf(output: unknown): string {
  const { message } = (output ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : 'nobody says why';
}

/** A UUID that names the content. */
function uuidOf(content: Uint8Array, world: string): string {
  const hex = createHash('sha256').update(world).update('\0').update(content).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
