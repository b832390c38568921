/**
 * One tuning process as the server watches it: what it reports, and how it is paused. It cannot harm the server: one
 * that does not pause is killed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { Job } from './jobs.ts';
import type { FromTuning, ToTuning } from './messages.ts';
import { Series } from './view.ts';

/** A process that has not ended this long after a pause was asked is killed. Its last checkpoint is whole. */
const PAUSE_MS = 900;
/** Characters of a dead process's last output that are kept. */
const MAX_LAST_WORDS = 2_000;

export interface Watch {
  /** An earlier process of the same job; its curves go on. */
  readonly before: TuningProcess | null;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
  /** Called once. @param code - null: it was killed, or could not be started */
  readonly onEnd: (code: number | null) => void;
}

export class TuningProcess {
  /** The job's name in the queue. */
  readonly name: string;
  readonly job: Job;
  readonly losses: Series;
  readonly spotChecks: Series;
  progress: Extract<FromTuning, { type: 'progress' }> | null = null;
  readonly #process: ChildProcess;
  readonly #watch: Watch;
  #lastWords = '';
  #pausedAtMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(name: string, job: Job, child: ChildProcess, watch: Watch) {
    this.name = name;
    this.job = job;
    this.losses = watch.before?.losses ?? new Series();
    this.spotChecks = watch.before?.spotChecks ?? new Series();
    this.#process = child;
    this.#watch = watch;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-MAX_LAST_WORDS);
    });
    child.on('message', (message) => this.#hear(message as FromTuning));
    // The process could not be started; `exit` may never come.
    child.once('error', (error) => {
      this.#lastWords = error.message;
      child.kill('SIGKILL');
      this.#end(null);
    });
    child.once('exit', (code) => this.#end(code));
  }

  /** The last line that it wrote to standard error; empty when it wrote none. */
  get lastWords(): string {
    return this.#lastWords.trim().split('\n').at(-1) ?? '';
  }

  /** Time since a pause was asked for; null: none was. */
  get pausedMs(): number | null {
    return this.#pausedAtMs === null ? null : performance.now() - this.#pausedAtMs;
  }

  /** The process writes a checkpoint and ends within a second. */
  pause(): void {
    if (this.#pausedAtMs !== null) return;
    this.#pausedAtMs = performance.now();
    const message: ToTuning = { type: 'pause' };
    if (this.#process.connected) this.#process.send(message, () => {});
    this.#timer = setTimeout(() => this.#process.kill('SIGKILL'), PAUSE_MS);
  }

  #hear(message: FromTuning): void {
    switch (message.type) {
      case 'progress':
        this.progress = message;
        if (message.stage === 'training' && message.loss !== null)
          this.losses.add(message.done, message.loss);
        return;
      case 'spotCheck':
        this.spotChecks.add(message.done, message.recovery);
        return;
      case 'log':
        this.#watch.log(message.line);
        return;
      case 'paused':
      case 'finished':
        return; // the `exit` event reports it, too
      default:
        message satisfies never;
    }
  }

  #end(code: number | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#watch.onEnd(code);
  }
}

/** Starts `process.ts` on a job's folder, at the lowest priority. */
export function forkTuning(folder: string): ChildProcess {
  const child = fork(join(import.meta.dirname, 'process.ts'), [folder], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  try {
    // It is set before the process has made threads, because they inherit it.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch (error) {
    // It has ended already; `exit` reports it.
    if (isNoProcess(error)) return child;
    child.kill('SIGKILL');
    throw error;
  }
  return child;
}

/** Whether an error of `node:os` says ESRCH. */
const isNoProcess = (error: unknown): boolean =>
  (error as { readonly info?: { readonly code?: string } }).info?.code === 'ESRCH';
