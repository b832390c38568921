/** The main thread's link to the world: starts the simulation thread and exchanges messages with it. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { type Log, plainLog } from '../log/log.ts';
import type { Owner } from '../store/ownership.ts';
import type { FromWorld, ToWorld, WorldLink, WorldReady } from '../world/messages.ts';
import { LinkBase, MAX_ANSWER_MS } from './linkBase.ts';

export interface WorldThread extends WorldLink {
  /** Called when the thread ends without being asked to. */
  onDeath: (error: Error) => void;
}

/** The part of a Worker that a link uses; tests fake it. */
export interface ThreadPort {
  postMessage(message: ToWorld): void;
  on(event: 'message', listener: (message: FromWorld) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  terminate(): Promise<unknown>;
}

/**
 * @param log - gets the thread's lines
 * @param owner - of a world whose state is in a store; null: it is in the data directory
 * @throws Error with the reason why the world cannot be started
 */
export async function startWorld(
  config: Config,
  log: Log = plainLog,
  owner: Owner | null = null,
): Promise<WorldThread> {
  return linkWorld(
    new Worker(new URL('../world/worker.ts', import.meta.url), {
      workerData: { ...config, owner },
      // Vulkan's loader reads the process's own environment, not a copy (`engines/webgpu/swiftshader.ts`).
      env: SHARE_ENV,
    }),
    { log: (line) => log.warn(line, { thread: 'world' }) },
  );
}

export interface LinkOptions {
  readonly answerMs?: number;
  /** Takes the thread's lines for the operator. */
  readonly log?: (line: string) => void;
}

/** Resolves when the thread is ready. */
export function linkWorld(
  thread: ThreadPort,
  { answerMs = MAX_ANSWER_MS, log = plainLog.warn }: LinkOptions = {},
): Promise<WorldThread> {
  return new Promise((resolve, reject) => {
    const link = new ThreadLink(thread, answerMs, log, (ready) => {
      link.ready = ready;
      link.onDeath = () => {};
      resolve(link);
    });
    link.onDeath = reject;
  });
}

class ThreadLink extends LinkBase implements WorldThread {
  onDeath: (error: Error) => void = () => {};
  readonly #thread: ThreadPort;
  readonly #log: (line: string) => void;
  readonly #started: (ready: WorldReady) => void;
  #stopped: (() => void) | null = null;
  #progress: (text: string) => void = () => {};

  constructor(
    thread: ThreadPort,
    answerMs: number,
    log: (line: string) => void,
    started: (ready: WorldReady) => void,
  ) {
    super(answerMs);
    this.#thread = thread;
    this.#log = log;
    this.#started = started;
    thread.on('message', (message) => this.#hear(message));
    thread.on('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    thread.on('exit', (code) => this.#die(new Error(`the simulation thread ended with code ${code}`)));
  }

  protected override post(message: ToWorld): void {
    this.#thread.postMessage(message);
  }

  override async stop(progress: (text: string) => void = () => {}): Promise<void> {
    if (this.endedBy !== null) throw this.endedBy;
    this.#progress = progress;
    const stopped = new Promise<void>((resolve, reject) => {
      this.#stopped = resolve;
      this.onDeath = reject;
    });
    this.post({ type: 'stop' });
    await stopped;
  }

  #hear(message: FromWorld): void {
    switch (message.type) {
      case 'ready':
        this.#started(message);
        return;
      case 'saving':
        this.#progress(`${grouped(message.pages)} of ${grouped(message.of)} pages`);
        return;
      case 'log':
        this.#log(message.line);
        return;
      case 'stopped':
        this.end(new Error('the world has stopped'));
        this.#stopped?.();
        return;
      default:
        this.receive(message);
    }
  }

  #die(error: Error): void {
    if (this.endedBy !== null) return;
    this.end(error);
    this.onDeath(error);
  }
}

/** "8,192" */
const grouped = (count: number): string => count.toLocaleString('en');
