/**
 * The worlds of one machine: a process each, which owns its world as if it were the only one. A world that ends is started
 * again, and no other notices.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Restarts } from './restarts.ts';
import { Watch, WELL } from './watch.ts';

/** Sent by a world's process when its clients can come. */
export const READY = 'ready';
/** A world that is silent for a minute hangs: longer than a lost GPU takes to be replaced. */
const MAX_LOOKS = 12;
/**
 * When one world is ready, the others are waited for no longer than this: one that hangs, or that restores for minutes, must
 * not keep people from the rest. They see it as one that starts.
 */
const OTHERS_MS = 10_000;
const RESTARTS = { firstWaitMs: 500, maxWaitMs: 60_000, wellMs: 60_000 };

export interface WorldProcessesOptions {
  readonly names: readonly string[];
  /** What a world's process runs. */
  readonly entry: URL;
  /** The command line of a world. */
  readonly argvOf: (name: string) => readonly string[];
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
  /** How long the others are waited for when one is ready. Default: 10 s. */
  readonly othersMs?: number;
}

export class WorldProcesses {
  readonly #options: WorldProcessesOptions;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #restarts = new Restarts(RESTARTS);
  readonly #watch: Watch;
  #isStopping = false;

  constructor(options: WorldProcessesOptions) {
    this.#options = options;
    this.#watch = new Watch({
      maxLooks: MAX_LOOKS,
      onHang: (name, silent) => {
        options.log(`the world ${name} hangs: it has not said for ${silent} that it is well`);
        this.#processes.get(name)?.kill('SIGKILL');
      },
    });
  }

  /**
   * Resolves when each world is ready, or has ended and waits for its next start; or 10 s after the first that is ready.
   *
   * @throws Error when all have ended
   */
  async start(): Promise<void> {
    const { names, othersMs = OTHERS_MS } = this.#options;
    const late = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const begun = names.map(async (name) => {
      const end = await this.#begin(name, 0);
      if (end === null) timer ??= setTimeout(late.resolve, othersMs);
      return end;
    });
    const ends = await Promise.race([Promise.all(begun), late.promise]);
    clearTimeout(timer);
    if (ends?.every((end) => end !== null)) throw new Error(ends[0]!);
  }

  /** Ids of the processes, by the name of their world. */
  get pids(): ReadonlyMap<string, number> {
    return new Map(Array.from(this.#processes, ([name, { pid }]) => [name, pid!]));
  }

  /** Tells all to save and end, and waits until they have. @param progress - called with each that has ended */
  async stop(progress: (text: string) => void): Promise<void> {
    this.#end();
    const processes = [...this.#processes.values()];
    let left = processes.length;
    await Promise.all(
      processes.map(
        (process) =>
          new Promise<void>((resolve) => {
            process.once('exit', () => {
              progress(`${--left} of ${processes.length} worlds are left`);
              resolve();
            });
            process.kill('SIGTERM');
          }),
      ),
    );
  }

  /** Ends at once what is left. */
  kill(): void {
    this.#end();
    for (const process of this.#processes.values()) process.kill('SIGKILL');
  }

  /** Nothing is started or looked at any more. */
  #end(): void {
    this.#isStopping = true;
    this.#restarts.cancel();
    this.#watch.stop();
  }

  /** @returns null: it is ready; else how it ended before */
  #begin(name: string, failures: number): Promise<string | null> {
    const { entry, argvOf, log } = this.#options;
    const process = fork(fileURLToPath(entry), argvOf(name), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#processes.set(name, process);
    const startedMs = performance.now();
    return new Promise((resolve) => {
      process.on('message', (message) => {
        // Before, it may restore for minutes.
        if (message === READY || message === WELL) this.#watch.heard(name);
        if (message === READY) resolve(null);
      });
      const ended = (how: string): void => {
        this.#processes.delete(name);
        this.#watch.forget(name);
        resolve(how);
        if (this.#isStopping) return;
        const waitMs = this.#restarts.after(failures, performance.now() - startedMs, (next) => {
          void this.#begin(name, next);
        });
        log(`${how}; it is started again in ${waitMs / 1_000} s`);
      };
      process.on('error', ({ message }) => {
        // Where there is no process, no `exit` follows. Any other error is one of signalling it.
        if (process.pid === undefined) ended(`the world ${name} has no process: ${message}`);
      });
      process.once('exit', (code, signal) =>
        ended(`the world ${name} ended with ${signal ?? `code ${code}`}`),
      );
    });
  }
}
