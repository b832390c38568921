/** One learning process as the server watches it: how far it is, its curves, and its newest film. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { forkLow, LowProcess } from '../../background/lowProcess.ts';
import { Series } from '../../background/series.ts';
import type { FromLearning, ToLearning } from '../messages.ts';

/** An iteration takes a fraction of a second, more on a busy machine; then it writes a checkpoint. */
const PAUSE_MS = 4_000;
/** Base64 of the largest film, of 88 x 88 cells and no pixel like another, is below this. */
const MAX_FILM_CHARACTERS = 1_500_000;

export interface Film {
  /** Goes up, also over restarts of the server: browsers keep a film by it. */
  readonly number: number;
  readonly png: Buffer;
}

export interface LearningWatch {
  /** An earlier process of the same drawing; its curves go on. */
  readonly before: LearningProcess | null;
  /** Iterations have passed. */
  readonly onPass: (iterations: number, seconds: number) => void;
  readonly log: (text: string) => void;
  /** Called once. @param code - null: it was killed, or could not be started */
  readonly onEnd: (code: number | null) => void;
}

export class LearningProcess {
  /** The drawing's. */
  readonly id: number;
  readonly losses: Series;
  readonly errors: Series;
  readonly healing: Series;
  recovery: Readonly<Record<string, number>>;
  progress: Extract<FromLearning, { type: 'progress' }> | null;
  /** The newest first, at most two: who has read a number just now finds its film. */
  films: readonly Film[];
  readonly #process: LowProcess<FromLearning, ToLearning>;
  readonly #watch: LearningWatch;
  #isWatched = false;

  constructor(id: number, child: ChildProcess, watch: LearningWatch) {
    const before = watch.before?.id === id ? watch.before : null;
    this.id = id;
    this.losses = before?.losses ?? new Series();
    this.errors = before?.errors ?? new Series();
    this.healing = before?.healing ?? new Series();
    this.recovery = before?.recovery ?? {};
    this.progress = before?.progress ?? null;
    this.films = before?.films ?? [];
    this.#watch = watch;
    this.#process = new LowProcess<FromLearning, ToLearning>(child, {
      pauseMs: PAUSE_MS,
      hear: (message) => this.#hear(message),
      onEnd: watch.onEnd,
    });
  }

  get lastWords(): string {
    return this.#process.lastWords;
  }

  get isPausing(): boolean {
    return this.#process.pausedMs !== null;
  }

  /** The process writes a checkpoint and ends. */
  pause(): void {
    this.#process.pause();
  }

  /** Says whether anybody looks: films cost time. */
  watch(isWatched: boolean): void {
    if (isWatched === this.#isWatched) return;
    this.#isWatched = isWatched;
    this.#process.tell({ type: 'watch', isWatched });
  }

  #hear(message: FromLearning): void {
    switch (message.type) {
      case 'progress': {
        const { iterations, seconds, loss } = message;
        if (this.progress !== null)
          this.#watch.onPass(iterations - this.progress.iterations, seconds - this.progress.seconds);
        this.progress = message;
        if (loss !== null && message.stage === 'learning') this.losses.add(iterations, loss);
        return;
      }
      case 'checked': {
        const { iterations, error, recovery } = message;
        if (error !== null) this.errors.add(iterations, error);
        const known = Object.entries(recovery).map(([kind, value]) => [kind, value ?? 0] as const);
        if (known.length > 0) {
          this.healing.add(iterations, Math.min(...known.map(([, value]) => value)));
          this.recovery = Object.fromEntries(known);
        }
        return;
      }
      case 'film': {
        if (message.png.length > MAX_FILM_CHARACTERS) return;
        // Films take longer than a second each, so this is beyond those of any process before.
        const number = Math.max(Math.floor(Date.now() / 1_000), (this.films[0]?.number ?? 0) + 1);
        const film = { number, png: Buffer.from(message.png, 'base64') };
        this.films = [film, ...this.films.slice(0, 1)];
        return;
      }
      case 'log':
        this.#watch.log(message.line);
        return;
      case 'finished':
      case 'paused':
        return; // the `exit` event reports it, too
      default:
        message satisfies never;
    }
  }
}

/** Starts `process.ts` on a job's folder, at the lowest priority. */
export const forkLearning = (folder: string): ChildProcess =>
  forkLow(join(import.meta.dirname, '../process.ts'), folder);
