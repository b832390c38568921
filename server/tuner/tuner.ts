/**
 * The tuner's server side: it runs one tuning process at a time (`tuningProcess.ts`), while nobody plays. What is attempted
 * next, and what became of it, stands in `attempts.ts`. A job that fails is tried again, at most three times in all.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TunerMode, TunerView } from '../../shared/adminApi.ts';
import { FAILED_CODE, UNWRITTEN_CODE } from '../background/lowProcess.ts';
import type { Config } from '../config.ts';
import { plainLog } from '../log/log.ts';
import type { Actor } from '../rules/registry.ts';
import { RuleError } from '../rules/rule.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { Wound } from '../world/wound.ts';
import { Attempts, watchedSpecies } from './attempts.ts';
import { Candidates } from './candidates.ts';
import { type Job, Jobs, type TuneOptions } from './jobs.ts';
import { forkTuning, TuningProcess } from './tuningProcess.ts';
import { viewOf } from './view.ts';

export const TUNER_MODES = ['off', 'manual', 'auto'] as const satisfies readonly TunerMode[];

const MAX_FAILURES = 3;
const RETRY_MS = 2_000;
/** Wait before another try when registry or disk cannot be written. */
const LATER_MS = 30_000;
const MAX_NOTES = 12;
/** How often a running job asks whether the rule that it began with is still in force, and one that waits for a verdict. */
const IN_FORCE_MS = 5_000;

export interface TunerOptions extends TuneOptions {
  readonly desk: Pick<SwapDesk, 'ask' | 'swap'>;
  readonly dataDir: string;
  readonly mode: TunerMode;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
  /** Starts the process; tests replace it. */
  readonly spawn?: (folder: string) => ChildProcess;
  /**
   * The process runs at a worker: it takes nothing from this machine, so it goes on while players are here; and a job that
   * has begun there keeps its wounds, as others would make it another job.
   */
  readonly isFar?: boolean;
  /** Default: 5 s. */
  readonly inForceMs?: number;
  /** Wait after the first failure; doubles with each further one. Default 2 s. */
  readonly retryMs?: number;
}

/** The facts of an ended session that the tuner needs. */
export interface EndedSession {
  readonly id: string;
  readonly wounds: readonly Wound[];
}

export class Tuner {
  readonly #options: TunerOptions;
  readonly #jobs: Jobs;
  readonly #attempts: Attempts;
  readonly candidates: Candidates;
  #mode: TunerMode;
  #running: TuningProcess | null = null;
  /** The running process, or the last one. */
  #last: TuningProcess | null = null;
  #isHeld = false;
  /** Something else trains on this machine. */
  #makesRoom = false;
  #isStarting = false;
  #isStopped = false;
  #cancelled: string | null = null;
  #retry: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #pauseMs: number | null = null;
  readonly #notes: { readonly at: string; readonly text: string }[] = [];
  #exited: (() => void) | null = null;

  constructor(options: TunerOptions) {
    this.#options = options;
    this.#mode = options.mode;
    this.#jobs = new Jobs(options.dataDir);
    const log = (text: string): void => this.#log(text);
    this.candidates = new Candidates(options.desk, this.#jobs, options.dataDir, log);
    this.#attempts = new Attempts({
      ...options,
      jobs: this.#jobs,
      candidates: this.candidates,
      log,
      progressOf: (job) => this.#progressOf(job),
    });
  }

  /** Continues the queue that an earlier server process left. */
  begin(): void {
    this.#attempts.takeOver();
    void this.#next();
  }

  // --- sessions ---

  /** Players are here: a running job of this machine stops at a checkpoint within a second, and no other begins. */
  sessionBegan(): void {
    this.#isHeld = true;
    if (!this.#options.isFar) this.#running?.pause();
  }

  /**
   * Keeps the wounds of every species that was hurt, and queues those that have enough new ones; jobs run when nobody
   * plays.
   *
   * @param isAnotherRunning - the next session began before this one's record was written
   */
  sessionEnded({ id, wounds }: EndedSession, isAnotherRunning = false): void {
    this.#isHeld = isAnotherRunning;
    const species = new Set(wounds.map((wound) => wound.species));
    if (this.#mode !== 'off')
      for (const one of species)
        this.#attempts.gather(
          id,
          one,
          wounds.filter((wound) => wound.species === one),
        );
    void this.#next();
  }

  /** While something else trains on a small machine, a running job stops at a checkpoint. */
  makeRoom(isNeeded: boolean): void {
    if (isNeeded === this.#makesRoom) return;
    this.#makesRoom = isNeeded;
    if (isNeeded) this.#running?.pause();
    else void this.#next();
  }

  // --- one job after another ---

  get #inForceMs(): number {
    return this.#options.inForceMs ?? IN_FORCE_MS;
  }

  get #mayRun(): boolean {
    return !this.#isHeld && !this.#makesRoom && !this.#isStopped && this.#mode !== 'off';
  }

  /** Never rejects: errors are logged and do not stop the server. */
  async #next(): Promise<void> {
    if (!this.#mayRun || this.#isStarting || this.#running !== null) return;
    clearTimeout(this.#retry);
    const names = this.#jobs.list();
    if (names.length === 0) return;
    this.#isStarting = true;
    let isSettled = true;
    let [name] = names;
    try {
      const ready = await this.#attempts.firstReady(names);
      if (ready === null) {
        this.#later(this.#inForceMs);
        return;
      }
      name = ready;
      const job = await this.#attempts.prepared(name, this.#mode === 'auto');
      // A session may have begun meanwhile.
      if (job !== null && this.#mayRun) this.#start(name, job);
    } catch (error) {
      isSettled = error instanceof RuleError && this.#dropped(name);
      const { message } = error as Error;
      this.#log(isSettled ? `${message}: the job is dropped` : `${message}: tried again later`);
      if (!isSettled) this.#later(LATER_MS);
    } finally {
      this.#isStarting = false;
    }
    if (isSettled && this.#running === null) void this.#next();
  }

  #dropped(name: string): boolean {
    try {
      this.#jobs.remove(name);
      return true;
    } catch (error) {
      this.#log(`${name} cannot be removed: ${(error as Error).message}`);
      return false;
    }
  }

  #later(ms: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#next(), ms);
    this.#retry.unref();
  }

  #progressOf({ species, begun }: Job): TuningProcess['progress'] {
    const last = this.#last;
    return last !== null && last.job.species === species && last.job.begun === begun ? last.progress : null;
  }

  #start(name: string, job: Job): void {
    const before = this.#last?.name === name ? this.#last : null;
    const spawn = this.#options.spawn ?? forkTuning;
    const running: TuningProcess = new TuningProcess(name, job, spawn(this.#jobs.path(name)), {
      before,
      log: (text) => this.#log(text),
      onEnd: (code) => this.#ended(running, code),
    });
    this.#running = running;
    this.#last = running;
    clearInterval(this.#watch);
    this.#watch = setInterval(() => void this.#stopIfSwapped(running), this.#inForceMs);
    this.#watch.unref();
  }

  /** Once a swap has its verdict, an attempt on the rule before it stops, and begins again from the one in force. */
  async #stopIfSwapped(running: TuningProcess): Promise<void> {
    const { species, incumbent } = running.job;
    try {
      const now = await this.#options.desk.ask((registry) =>
        watchedSpecies(registry).has(species) ? incumbent : registry.inForce().get(species),
      );
      if (now?.sha256 !== incumbent?.sha256 && this.#running === running) running.pause();
    } catch {
      // The registry is asked again in a few seconds, and before anything is entered.
    }
  }

  #ended(running: TuningProcess, code: number | null): void {
    if (this.#running !== running) return;
    this.#running = null;
    clearInterval(this.#watch);
    const { name, pausedMs } = running;
    if (pausedMs !== null) this.#pauseMs = pausedMs;
    const isCancelled = this.#cancelled === name;
    this.#cancelled = null;
    // A process that was not asked to stop has left a result or failed.
    const hasFailed = pausedMs === null && !(code === 0 && existsSync(this.#jobs.path(name, 'result')));
    if (isCancelled) {
      this.#attempts.tell(running.job, 'ended', 'an admin cancelled it');
      this.#dropped(name);
    } else if (hasFailed) this.#failed(running, code);
    this.#exited?.();
    if (!hasFailed) void this.#next();
  }

  #failed({ name, job, lastWords }: TuningProcess, code: number | null): void {
    const why = lastWords || (code === null ? 'it was killed' : `code ${code}`);
    if (code === UNWRITTEN_CODE) {
      this.#log(`tuning ${job.species} on session ${job.session} waits for the disk: ${why}`);
      this.#later(this.#options.retryMs ?? RETRY_MS);
      return;
    }
    const failures = job.failures + 1;
    const isHopeless = code === FAILED_CODE || failures >= MAX_FAILURES;
    const text = isHopeless ? 'given up' : `tried again (${failures} of ${MAX_FAILURES})`;
    this.#log(`tuning ${job.species} on session ${job.session} has failed: ${why}; ${text}`);
    try {
      if (isHopeless) {
        this.#attempts.tell(job, 'failed', why);
        this.#jobs.remove(name);
      } else this.#jobs.write(name, { ...job, failures });
    } catch (error) {
      this.#log((error as Error).message);
    }
    this.#later((this.#options.retryMs ?? RETRY_MS) * 2 ** (failures - 1));
  }

  // --- pausing ---

  /** Resolves when no process runs. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    if (this.#running === null) return;
    const exited = new Promise<void>((resolve) => {
      this.#exited = resolve;
    });
    this.#running?.pause();
    await exited;
  }

  // --- for an admin ---

  async setMode(mode: TunerMode, actor: Actor): Promise<void> {
    await this.#options.desk.ask((registry) => registry.audit.note(actor, 'tuner', mode, ''));
    this.#mode = mode;
    if (mode === 'off') this.#running?.pause();
    else void this.#next();
  }

  /** Drops the running job, or the next one. @throws RuleError when there is none */
  async cancel(actor: Actor): Promise<void> {
    const name = this.#running?.name ?? this.#jobs.list()[0];
    if (name === undefined) throw new RuleError('nothing is being tuned');
    await this.#options.desk.ask((registry) => registry.audit.note(actor, 'cancel tuning', name, ''));
    if (this.#running?.name !== name) return this.#jobs.remove(name);
    this.#cancelled = name;
    this.#running?.pause();
  }

  get view(): TunerView {
    const shown =
      this.#running ?? (this.#last !== null && this.#isQueued(this.#last.name) ? this.#last : null);
    return viewOf({
      mode: this.#mode,
      running: this.#running,
      shown,
      last: this.#last,
      names: this.#jobs.list(),
      isHeld: this.#isHeld || this.#makesRoom,
      gathering: this.#attempts.gathering,
      attempts: this.#attempts.past,
      pauseMs: this.#pauseMs,
      notes: [...this.#notes],
    });
  }

  #isQueued(name: string): boolean {
    return this.#jobs.list().includes(name);
  }

  #log(text: string): void {
    this.#notes.unshift({ at: new Date().toISOString(), text });
    this.#notes.splice(MAX_NOTES);
    this.#options.log(`tuner: ${text}`);
  }
}

/**
 * Starts the tuner on its queue; it works between sessions.
 *
 * @param more - for tests
 */
export function startTuner(
  config: Config,
  engine: string,
  desk: TunerOptions['desk'],
  sessions: Pick<Sessions, 'isRunning' | 'recovered' | 'onBegin' | 'onEnd'>,
  more: Partial<TunerOptions> = {},
): Tuner {
  const tuner = new Tuner({
    desk,
    dataDir: config.dataDir,
    mode: config.tuner,
    iterations: config.tunerIterations,
    threads: config.tunerThreads,
    engine: engine === 'tfjs' ? 'tfjs' : 'wasm',
    log: plainLog.info,
    ...more,
  });
  sessions.onBegin = () => tuner.sessionBegan();
  sessions.onEnd = (record) => tuner.sessionEnded(record, sessions.isRunning);
  for (const record of sessions.recovered) tuner.sessionEnded(record, sessions.isRunning);
  tuner.begin();
  return tuner;
}
