/**
 * A process at the lowest priority that does one job in a folder and ends, as the server watches it. It is paused by a
 * message, upon which it writes a checkpoint and ends. It cannot harm the server: one that does not pause is killed.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/** Characters of a dead process's last output that are kept. */
const MAX_LAST_WORDS = 2_000;

/** Exit code of a process that has paused. */
export const PAUSED_CODE = 75;
/** Exit code of a process that has reported why its job cannot succeed: trying again is useless. */
export const FAILED_CODE = 65;
/** Exit code of a process that could not write its files: the job is not at fault, and goes on when the disk is well. */
export const UNWRITTEN_CODE = 74;

/**
 * A terminal and most supervisors signal all processes of a service at once: the server decides when this one ends.
 *
 * @param end - called at a signal when there is no server
 */
export function leaveSignalsToServer(end: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!process.connected) end();
    });
}

/** Write a checkpoint and end. Every such process knows it. */
export interface Pause {
  readonly type: 'pause';
}

export interface LowProcessOptions<From> {
  /** A process that has not ended this long after a pause was asked is killed. Its last checkpoint is whole. */
  readonly pauseMs: number;
  readonly hear: (message: From) => void;
  /** Called once. @param code - null: it was killed, or could not be started */
  readonly onEnd: (code: number | null) => void;
}

export class LowProcess<From, To extends { readonly type: string }> {
  readonly #process: ChildProcess;
  readonly #options: LowProcessOptions<From>;
  #lastWords = '';
  #pausedAtMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(child: ChildProcess, options: LowProcessOptions<From>) {
    this.#process = child;
    this.#options = options;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-MAX_LAST_WORDS);
    });
    child.on('message', (message) => options.hear(message as From));
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

  tell(message: To | Pause): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** The process writes a checkpoint and ends, or is killed after `pauseMs`. */
  pause(): void {
    if (this.#pausedAtMs !== null) return;
    this.#pausedAtMs = performance.now();
    this.tell({ type: 'pause' });
    this.#timer = setTimeout(() => this.#process.kill('SIGKILL'), this.#options.pauseMs);
  }

  #end(code: number | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#options.onEnd(code);
  }
}

/** Starts a program on a job's folder. @param entry - absolute path */
export const forkJob = (entry: string, folder: string): ChildProcess =>
  fork(entry, [folder], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });

/** As `forkJob`, at the lowest priority. */
export function forkLow(entry: string, folder: string): ChildProcess {
  const child = forkJob(entry, folder);
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
