/**
 * The relays of one machine: processes that share this one's port. Each has a pipe to this process; when one ends, it is
 * started again.
 *
 * `node:cluster` shares the port: this process accepts each connection and hands it to a relay in turn. So it works on
 * every system, also with `--port 0`, and a relay that hangs gets at most one more connection. With SO_REUSEPORT
 * (`listen({ reusePort: true })`: Linux and FreeBSD only) the kernel would go on giving it its share.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PipeHub } from './pipe.ts';
import { Restarts } from './restarts.ts';
import { Watch, WELL } from './watch.ts';

/** Where a relay finds its pipe, behind the channel that `node:cluster` uses. */
export const PIPE_FD = 4;
const RESTARTS = { firstWaitMs: 250, maxWaitMs: 10_000, wellMs: 10_000 };
/** Tells a relay without a pipe to end. */
export const END = 'end';
/** A relay may take this long to listen, and to end. */
const MAX_START_MS = 30_000;
const MAX_STOP_MS = 6_000;
/** A relay that is silent for half a minute hangs. Those with a pipe are watched by the hub, and say nothing here. */
const MAX_LOOKS = 6;

export interface RelayProcessesOptions {
  readonly count: number;
  /** What a relay runs. */
  readonly entry: URL;
  /** Gets a pipe to each; null: they find their worlds by themselves. */
  readonly transport: PipeHub | null;
  /** The command line that the relays read as this process did. */
  readonly argv: readonly string[];
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
}

interface Address {
  readonly address: string;
  readonly port: number;
}

export class RelayProcesses {
  readonly #options: RelayProcessesOptions;
  readonly #workers = new Map<string, Worker>();
  readonly #restarts = new Restarts(RESTARTS);
  readonly #watch: Watch;
  #started = 0;
  /** All have listened once. Until then, one that ends before it listens ends the start, and none takes its place. */
  #isReady = false;
  #isStopping = false;

  constructor(options: RelayProcessesOptions) {
    this.#options = options;
    this.#watch = new Watch({
      maxLooks: MAX_LOOKS,
      onHang: (name, silent) => {
        options.log(`a relay hangs: it has not said for ${silent} that it is well`);
        this.kill(name);
      },
    });
  }

  /** Resolves with the port when all listen. @throws Error when one ends before it does */
  async start(): Promise<number> {
    cluster.setupPrimary({
      exec: fileURLToPath(this.#options.entry),
      args: [...this.#options.argv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(this.#options.transport ? ['pipe' as const] : [])],
    });
    const [{ port }] = await Promise.all(Array.from({ length: this.#options.count }, () => this.#begin()));
    this.#isReady = true;
    return port;
  }

  /** Ids of the processes. */
  get pids(): number[] {
    return Array.from(this.#workers.values(), ({ process }) => process.pid!);
  }

  /** Ends a relay that does not answer; another is started in its place. */
  kill(name: string): void {
    this.#workers.get(name)?.process.kill('SIGKILL');
  }

  /** Waits until all have ended, as those with a pipe do when the hub says so; those that do not are killed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#restarts.cancel();
    this.#watch.stop();
    const workers = [...this.#workers.values()];
    if (this.#options.transport === null)
      for (const worker of workers) if (worker.isConnected()) worker.send(END);
    const timer = setTimeout(() => {
      for (const { process } of workers) process.kill('SIGKILL');
    }, MAX_STOP_MS);
    await Promise.all(
      workers.map((worker) => worker.isDead() || new Promise((resolve) => worker.once('exit', resolve))),
    );
    clearTimeout(timer);
  }

  #begin(failures = 0): Promise<Address> {
    const name = `relay ${++this.#started}`;
    const { transport, log } = this.#options;
    const worker = cluster.fork();
    this.#workers.set(name, worker);
    const startedMs = performance.now();
    let hasListened = false;
    const hasProcess = worker.process.pid !== undefined;
    if (transport !== null && hasProcess) {
      const pipe = worker.process.stdio[PIPE_FD] as Duplex;
      transport.add(name, pipe);
      // Cut off, because it did not read or sent nonsense: it may hang, and its clients with it.
      pipe.once('close', () => {
        const kill = setTimeout(() => worker.process.kill('SIGKILL'), MAX_STOP_MS);
        worker.once('exit', () => clearTimeout(kill));
      });
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`a relay did not listen within ${MAX_START_MS / 1_000} s`));
        worker.process.kill('SIGKILL');
      }, MAX_START_MS);
      worker.on('message', (message) => {
        if (message === WELL) this.#watch.heard(name);
      });
      worker.once('listening', (address) => {
        hasListened = true;
        clearTimeout(timer);
        resolve(address);
      });
      const ended = (how: string): void => {
        clearTimeout(timer);
        this.#workers.delete(name);
        this.#watch.forget(name);
        reject(new Error(`a relay ended with ${how} before it listened`));
        if (this.#isStopping || !(this.#isReady || hasListened)) return;
        const waitMs = this.#restarts.after(failures, performance.now() - startedMs, (next) => {
          // Its end is told by `exit`.
          this.#begin(next).catch(() => {});
        });
        log(`a relay ended with ${how}; another is started in ${waitMs / 1_000} s`);
      };
      worker.on('error', ({ message }) => {
        // Where there is no process, no `exit` follows. Other errors are those of its channel, which ends with it.
        if (!hasProcess) ended(message);
      });
      worker.once('exit', (code, signal) => ended(signal ?? `code ${code}`));
    });
  }
}
