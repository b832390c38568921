/** One tuning process as the server watches it: what it reports. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { TuningStage } from '../../shared/adminApi.ts';
import { forkLow, LowProcess } from '../background/lowProcess.ts';
import { Series } from '../background/series.ts';
import type { Job } from './jobs.ts';
import type { FromTuning, ToTuning } from './messages.ts';

/** A pause must take less than a second: a session has begun. */
const PAUSE_MS = 900;

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
  stage: TuningStage = 'preparing';
  /** null: it has not trained yet. */
  progress: Extract<FromTuning, { type: 'progress' }> | null = null;
  readonly #process: LowProcess<FromTuning, ToTuning>;
  readonly #watch: Watch;

  constructor(name: string, job: Job, child: ChildProcess, watch: Watch) {
    this.name = name;
    this.job = job;
    this.losses = watch.before?.losses ?? new Series();
    this.spotChecks = watch.before?.spotChecks ?? new Series();
    this.progress = watch.before?.progress ?? null;
    this.#watch = watch;
    const hear = (message: FromTuning): void => this.#hear(message);
    this.#process = new LowProcess(child, { pauseMs: PAUSE_MS, hear, onEnd: watch.onEnd });
  }

  /** The last line that it wrote to standard error; empty when it wrote none. */
  get lastWords(): string {
    return this.#process.lastWords;
  }

  /** Time since a pause was asked for; null: none was. */
  get pausedMs(): number | null {
    return this.#process.pausedMs;
  }

  /** The process writes a checkpoint and ends within a second. */
  pause(): void {
    this.#process.pause();
  }

  #hear(message: FromTuning): void {
    switch (message.type) {
      case 'stage':
        this.stage = message.stage;
        return;
      case 'progress':
        this.stage = 'training';
        this.progress = message;
        if (message.loss !== null) this.losses.add(message.done, message.loss);
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
}

/** Starts `process.ts` on a job's folder, at the lowest priority. */
export const forkTuning = (folder: string): ChildProcess =>
  forkLow(join(import.meta.dirname, 'process.ts'), folder);
