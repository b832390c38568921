/**
 * The tuner's server side. It queues what sessions leave, runs one tuning process at a time while nobody plays, and
 * enters results into the registry. It computes nothing itself, and a tuning process cannot harm the server: it is
 * watched, killed when it does not pause, and tried again at most three times.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { TunerMode, TunerView } from '../../shared/adminApi.ts';
import type { Config } from '../config.ts';
import { writeWhole } from '../rules/load.ts';
import { type Actor, labelOf } from '../rules/registry.ts';
import { RuleError } from '../rules/rule.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SwapDesk } from '../swaps/swapDesk.ts';
import type { Wound } from '../world/wound.ts';
import { Candidates } from './candidates.ts';
import { type Job, Jobs, type TuneOptions } from './jobs.ts';
import { FAILED_CODE, type FromTuning, type ToTuning } from './messages.ts';
import { Series } from './view.ts';

/** A process that has not ended this long after a pause was asked is killed. Its last checkpoint is whole. */
const PAUSE_MS = 900;
const MAX_FAILURES = 3;
const RETRY_MS = 2_000;
/** Wait before another try when registry or disk cannot be written. */
const LATER_MS = 30_000;
const MAX_NOTES = 12;
/** Wounds of a species per job, at most 1 MB of JSON: the thread that routes frames writes them. */
const MAX_WOUNDS = 400;
const MAX_COORDINATES = 150_000;
/** Characters of a dead process's last output that are kept. */
const MAX_LAST_WORDS = 2_000;

export interface TunerOptions extends TuneOptions {
  readonly desk: Pick<SwapDesk, 'ask' | 'swap'>;
  readonly dataDir: string;
  readonly mode: TunerMode;
  /** Gets what the operator should read. */
  readonly log: (text: string) => void;
  /** Starts the process; tests replace it. */
  readonly spawn?: (folder: string) => ChildProcess;
  /** After the first failure; doubles with each. Default 2 s. */
  readonly retryMs?: number;
}

/** The facts of an ended session that the tuner needs. */
export interface EndedSession {
  readonly id: string;
  readonly wounds: readonly Wound[];
}

interface Running {
  readonly name: string;
  readonly job: Job;
  readonly process: ChildProcess;
  readonly losses: Series;
  readonly spotChecks: Series;
  progress: Extract<FromTuning, { type: 'progress' }> | null;
  lastWords: string;
  /** When a pause was asked for. */
  pausedAtMs: number | null;
  timer?: NodeJS.Timeout;
}

export class Tuner {
  readonly #options: TunerOptions;
  readonly #jobs: Jobs;
  readonly candidates: Candidates;
  #mode: TunerMode;
  #running: Running | null = null;
  /** The running job, or the last one. */
  #last: Running | null = null;
  #isHeld = false;
  #isStarting = false;
  #isStopped = false;
  #cancelled: string | null = null;
  #retry: NodeJS.Timeout | undefined;
  #pauseMs: number | null = null;
  readonly #notes: { readonly at: string; readonly text: string }[] = [];
  #exited: (() => void) | null = null;

  constructor(options: TunerOptions) {
    this.#options = options;
    this.#mode = options.mode;
    this.#jobs = new Jobs(options.dataDir);
    this.candidates = new Candidates(options.desk, this.#jobs, options.dataDir, (text) => this.#log(text));
  }

  /** Continues the queue that an earlier server process left. */
  begin(): void {
    void this.#next();
  }

  // --- sessions ---

  /** Players are here: a running job stops at a checkpoint within a second. */
  sessionBegan(): void {
    this.#isHeld = true;
    this.#pause();
  }

  /**
   * Queues every species that was hurt; jobs run when nobody plays.
   *
   * @param isAnotherRunning - the next session began before this one's record was written
   */
  sessionEnded({ id, wounds }: EndedSession, isAnotherRunning = false): void {
    this.#isHeld = isAnotherRunning;
    const species = new Set(wounds.map((wound) => wound.species));
    if (this.#mode !== 'off') for (const one of species) this.#queue(id, one, wounds);
    void this.#next();
  }

  #queue(session: string, species: string, wounds: readonly Wound[]): void {
    const { seconds, threads, engine, iterations, rate, randomSeeds } = this.#options;
    const own = few(wounds.filter((wound) => wound.species === species)).map(({ blows }) => ({ blows }));
    const options = { seconds, threads, engine, iterations, rate, randomSeeds };
    try {
      const { dropped } = this.#jobs.add(
        { format: 1, session, species, wounds: own, options, incumbent: null, failures: 0 },
        new Date().toISOString(),
      );
      if (dropped !== null) this.#log(`the queue is full: ${dropped} is dropped`);
    } catch (error) {
      this.#log(`${species} cannot be queued: ${(error as Error).message}`);
    }
  }

  // --- one job after another ---

  get #mayRun(): boolean {
    return !this.#isHeld && !this.#isStopped && this.#mode !== 'off';
  }

  /** Never rejects: errors are logged and do not stop the server. */
  async #next(): Promise<void> {
    if (!this.#mayRun || this.#isStarting || this.#running !== null) return;
    clearTimeout(this.#retry);
    const [name] = this.#jobs.list();
    if (name === undefined) return;
    this.#isStarting = true;
    let isSettled = true;
    try {
      const job = await this.#prepared(name);
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
    } catch {
      return false;
    }
  }

  #later(ms: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#next(), ms);
    this.#retry.unref();
  }

  /**
   * Puts the rule in force beside the job. A job whose incumbent is no longer in force begins again.
   *
   * @returns null: the job was finished, and its result has been entered
   */
  async #prepared(name: string): Promise<Job | null> {
    const job = this.#jobs.read(name);
    if (await this.candidates.enter(name, job, this.#mode === 'auto')) return null;
    const now = await this.#options.desk.ask((registry) => {
      const record = registry.inForce().get(job.species);
      return record === undefined ? null : { record, bytes: registry.read(record.id).bytes };
    });
    if (now === null) throw new RuleError(`${job.species} has no rule in force`);
    const { id, sha256 } = now.record;
    if (job.incumbent?.sha256 === sha256) return job;
    this.#jobs.reset(name);
    writeWhole(this.#jobs.path(name, 'incumbent'), now.bytes);
    const begun = { ...job, incumbent: { rule: id, label: labelOf(now.record), sha256 } };
    this.#jobs.write(name, begun);
    return begun;
  }

  #start(name: string, job: Job): void {
    const folder = this.#jobs.path(name);
    const child = (this.#options.spawn ?? forkTuning)(folder);
    const before = this.#last?.name === name ? this.#last : null;
    const running: Running = {
      name,
      job,
      process: child,
      losses: before?.losses ?? new Series(),
      spotChecks: before?.spotChecks ?? new Series(),
      progress: null,
      lastWords: '',
      pausedAtMs: null,
    };
    this.#running = running;
    this.#last = running;
    child.stderr?.on('data', (chunk: Buffer) => {
      running.lastWords = (running.lastWords + chunk.toString()).slice(-MAX_LAST_WORDS);
    });
    child.on('message', (message) => this.#hear(running, message as FromTuning));
    // The process could not be started; `exit` may never come.
    child.once('error', (error) => {
      running.lastWords = error.message;
      child.kill('SIGKILL');
      this.#ended(running, null);
    });
    child.once('exit', (code) => this.#ended(running, code));
  }

  #hear(running: Running, message: FromTuning): void {
    switch (message.type) {
      case 'progress':
        running.progress = message;
        if (message.stage === 'training' && message.loss !== null)
          running.losses.add(message.done, message.loss);
        return;
      case 'spotCheck':
        running.spotChecks.add(message.done, message.recovery);
        return;
      case 'log':
        this.#log(message.line);
        return;
      case 'paused':
      case 'finished':
        return; // the `exit` event reports it, too
      default:
        message satisfies never;
    }
  }

  #ended(running: Running, code: number | null): void {
    if (this.#running !== running) return;
    this.#running = null;
    clearTimeout(running.timer);
    if (running.pausedAtMs !== null) this.#pauseMs = performance.now() - running.pausedAtMs;
    const { name } = running;
    const isCancelled = this.#cancelled === name;
    this.#cancelled = null;
    // A process that was not asked to stop has left a result or failed.
    const hasFailed =
      running.pausedAtMs === null && !(code === 0 && existsSync(this.#jobs.path(name, 'result')));
    if (isCancelled) this.#dropped(name);
    else if (hasFailed) this.#failed(running, code);
    this.#exited?.();
    if (!hasFailed) void this.#next();
  }

  #failed({ name, job, lastWords }: Running, code: number | null): void {
    const why = lastWords.trim().split('\n').at(-1) || (code === null ? 'it was killed' : `code ${code}`);
    const failures = job.failures + 1;
    const isHopeless = code === FAILED_CODE || failures >= MAX_FAILURES;
    const text = isHopeless ? 'given up' : `tried again (${failures} of ${MAX_FAILURES})`;
    this.#log(`tuning ${job.species} on session ${job.session} has failed: ${why}; ${text}`);
    try {
      if (isHopeless) this.#jobs.remove(name);
      else this.#jobs.write(name, { ...job, failures });
    } catch (error) {
      this.#log((error as Error).message);
    }
    this.#later((this.#options.retryMs ?? RETRY_MS) * 2 ** (failures - 1));
  }

  // --- pausing ---

  #pause(): void {
    const running = this.#running;
    if (running === null || running.pausedAtMs !== null) return;
    running.pausedAtMs = performance.now();
    const message: ToTuning = { type: 'pause' };
    if (running.process.connected) running.process.send(message, () => {});
    running.timer = setTimeout(() => running.process.kill('SIGKILL'), PAUSE_MS);
  }

  /** Resolves when no process runs. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    if (this.#running === null) return;
    const exited = new Promise<void>((resolve) => {
      this.#exited = resolve;
    });
    this.#pause();
    await exited;
  }

  // --- for an admin ---

  async setMode(mode: TunerMode, actor: Actor): Promise<void> {
    await this.#options.desk.ask((registry) => registry.note(actor, 'tuner', mode, ''));
    this.#mode = mode;
    if (mode === 'off') this.#pause();
    else void this.#next();
  }

  /** Drops the running job, or the next one. @throws RuleError when there is none */
  async cancel(actor: Actor): Promise<void> {
    const name = this.#running?.name ?? this.#jobs.list()[0];
    if (name === undefined) throw new RuleError('nothing is being tuned');
    await this.#options.desk.ask((registry) => registry.note(actor, 'cancel tuning', name, ''));
    if (this.#running?.name !== name) return this.#jobs.remove(name);
    this.#cancelled = name;
    this.#pause();
  }

  get view(): TunerView {
    const shown =
      this.#running ?? (this.#last !== null && this.#isQueued(this.#last.name) ? this.#last : null);
    const progress = shown?.progress ?? null;
    const names = this.#jobs.list();
    const state =
      this.#mode === 'off'
        ? 'off'
        : this.#running !== null
          ? (progress?.stage ?? 'preparing')
          : names.length === 0
            ? 'idle'
            : this.#isHeld
              ? 'paused'
              : 'waiting';
    return {
      mode: this.#mode,
      state,
      job: shown && {
        species: shown.job.species,
        session: shown.job.session,
        wounds: shown.job.wounds.length,
        incumbent: shown.job.incumbent?.label ?? '',
        done: progress?.done ?? 0,
        planned: progress?.planned ?? 0,
        loss: progress?.loss ?? null,
        seconds: progress?.seconds ?? 0,
        budgetSeconds: shown.job.options.seconds,
      },
      // Of the last job until another begins: an admin may look later.
      losses: this.#last?.losses.points ?? [],
      probes: this.#last?.spotChecks.points ?? [],
      queue: names.filter((name) => name !== shown?.name),
      pauseMs: this.#pauseMs,
      notes: [...this.#notes],
    };
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

/** Wounds evenly from the whole session, as many as a job can use; a session may hold 14 MB of them. */
function few(wounds: readonly Wound[]): Wound[] {
  const every = Math.max(1, Math.ceil(wounds.length / MAX_WOUNDS));
  let coordinates = 0;
  return wounds.filter((wound, i) => {
    if (i % every !== 0 || coordinates > MAX_COORDINATES) return false;
    coordinates += wound.blows.reduce((sum, { points }) => sum + points.length, 0);
    return true;
  });
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
    seconds: config.tunerSeconds,
    threads: config.tunerThreads,
    engine: engine === 'tfjs' ? 'tfjs' : 'wasm',
    log: (text) => console.error(text),
    ...more,
  });
  sessions.onBegin = () => tuner.sessionBegan();
  sessions.onEnd = (record) => tuner.sessionEnded(record, sessions.isRunning);
  for (const record of sessions.recovered) tuner.sessionEnded(record, sessions.isRunning);
  tuner.begin();
  return tuner;
}

function forkTuning(folder: string): ChildProcess {
  const child = fork(join(import.meta.dirname, 'process.ts'), [folder], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  try {
    // Before the process has made threads: they inherit the priority.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already; `exit` reports it.
  }
  return child;
}
