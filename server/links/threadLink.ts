/** The main thread's link to the world: starts the simulation thread and exchanges messages with it. */
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { type Log, plainLog } from '../log/log.ts';
import {
  type FromWorld,
  NoAnswerError,
  type ToWorld,
  type WorldAnswers,
  type WorldLink,
  type WorldQuery,
  type WorldReady,
} from '../world/messages.ts';

const MAX_ANSWER_MS = 10_000;
/** Questions without an answer yet, with the strokes of 64 addresses; a flood of requests must not become one of work. */
const MAX_PENDING = 4_096;

export interface WorldThread extends WorldLink {
  /** Called when the thread ends without being asked to. */
  onDeath: (error: Error) => void;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** The part of a Worker that a link uses; tests fake it. */
export interface ThreadPort {
  postMessage(message: ToWorld): void;
  on(event: 'message', listener: (message: FromWorld) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  terminate(): Promise<unknown>;
}

/** @param log - gets the thread's lines @throws Error with the reason why the world cannot be started */
export async function startWorld(config: Config, log: Log = plainLog): Promise<WorldThread> {
  return linkWorld(
    new Worker(new URL('../world/worker.ts', import.meta.url), {
      workerData: config,
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
    const link = new Link(thread, answerMs, log, (ready) => {
      link.ready = ready;
      link.onDeath = () => {};
      resolve(link);
    });
    link.onDeath = reject;
  });
}

class Link implements WorldThread {
  ready!: WorldReady;
  stats: WorldLink['stats'] = null;
  vitals: WorldLink['vitals'] = null;
  onFrame: WorldLink['onFrame'] = () => {};
  onStats: WorldLink['onStats'] = () => {};
  onVitals: WorldLink['onVitals'] = () => {};
  onSpecies: WorldLink['onSpecies'] = () => {};
  onSwap: WorldLink['onSwap'] = () => {};
  onWounds: WorldLink['onWounds'] = () => {};
  onWilted: WorldLink['onWilted'] = () => {};
  onTrouble: WorldLink['onTrouble'] = () => {};
  onSeeds: WorldLink['onSeeds'] = () => {};
  trouble: WorldLink['trouble'] = null;
  readonly wilted = new Map<string, number>();
  onDeath: (error: Error) => void = () => {};
  readonly #thread: ThreadPort;
  readonly #answerMs: number;
  readonly #log: (line: string) => void;
  readonly #started: (ready: WorldReady) => void;
  readonly #pending = new Map<number, Pending>();
  /** Changes since the last message to the thread: pages to watch (true) or not (false), and keyframes to ask for. */
  readonly #watch = new Map<number, boolean>();
  readonly #keyframes = new Set<number>();
  #isFrameAwaited = false;
  #flush: NodeJS.Immediate | null = null;
  #lastRequest = 0;
  #death: Error | null = null;
  #stopped: (() => void) | null = null;
  #progress: (text: string) => void = () => {};

  constructor(
    thread: ThreadPort,
    answerMs: number,
    log: (line: string) => void,
    started: (ready: WorldReady) => void,
  ) {
    this.#thread = thread;
    this.#answerMs = answerMs;
    this.#log = log;
    this.#started = started;
    thread.on('message', (message) => this.#receive(message));
    thread.on('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))));
    thread.on('exit', (code) => this.#die(new Error(`the simulation thread ended with code ${code}`)));
  }

  watch(add: readonly number[], remove: readonly number[]): void {
    for (const key of remove) this.#watch.set(key, false);
    for (const key of add) this.#watch.set(key, true);
    this.#flushSoon();
  }

  requestKeyframes(keys: readonly number[]): void {
    for (const key of keys) this.#keyframes.add(key);
    this.#isFrameAwaited = true;
    this.#flushSoon();
  }

  present(guests: readonly string[]): void {
    this.#post({ type: 'present', guests });
  }

  /** Sends the changes of one turn of the event loop in one message: a thousand viewers may move at once. */
  #flushSoon(): void {
    this.#flush ??= setImmediate(() => {
      this.#flush = null;
      if (this.#watch.size > 0) {
        const add: number[] = [];
        const remove: number[] = [];
        for (const [key, isWatched] of this.#watch) (isWatched ? add : remove).push(key);
        this.#watch.clear();
        this.#post({ type: 'watch', add, remove });
      }
      if (this.#isFrameAwaited) {
        this.#isFrameAwaited = false;
        this.#post({ type: 'keyframes', keys: [...this.#keyframes] });
        this.#keyframes.clear();
      }
    });
  }

  ask<Q extends WorldQuery>(query: Q): Promise<WorldAnswers[Q['kind']]> {
    if (this.#death !== null) return Promise.reject(endedBy(this.#death));
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(new NoAnswerError('the world is busy'));
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(request);
        reject(
          new NoAnswerError(`the world did not answer ${query.kind} within ${this.#answerMs / 1_000} s`),
        );
      }, this.#answerMs);
      this.#pending.set(request, { resolve, reject, timer });
      this.#post({ type: 'query', request, query });
    });
  }

  async stop(progress: (text: string) => void = () => {}): Promise<void> {
    if (this.#death !== null) throw this.#death;
    this.#progress = progress;
    const stopped = new Promise<void>((resolve, reject) => {
      this.#stopped = resolve;
      this.onDeath = reject;
    });
    this.#post({ type: 'stop' });
    await stopped;
  }

  #post(message: ToWorld): void {
    if (this.#death === null) this.#thread.postMessage(message);
  }

  #receive(message: FromWorld): void {
    switch (message.type) {
      case 'ready':
        this.#started(message);
        return;
      case 'frame':
        this.onFrame(message);
        return;
      case 'stats':
        this.stats = message.stats;
        this.onStats(message.stats);
        return;
      case 'vitals':
        this.vitals = message.vitals;
        this.onVitals(message.vitals);
        return;
      case 'species':
        this.ready = { ...this.ready, species: message.species };
        this.onSpecies(message.species);
        return;
      case 'swap':
        this.onSwap(message.outcome);
        return;
      case 'wounds':
        this.onWounds(message.events);
        return;
      case 'wilted':
        for (const { label } of message.bodies) this.wilted.set(label, (this.wilted.get(label) ?? 0) + 1);
        this.onWilted(message.bodies);
        return;
      case 'seeds':
        this.onSeeds(message.seeds);
        return;
      case 'trouble':
        this.trouble = message.trouble;
        this.onTrouble(message.trouble);
        return;
      case 'saving':
        this.#progress(`${grouped(message.pages)} of ${grouped(message.of)} pages`);
        return;
      case 'log':
        this.#log(message.line);
        return;
      case 'answer':
        this.#settle(message.request, ({ resolve }) => resolve(message.value as never));
        return;
      case 'refused':
        this.#settle(message.request, ({ reject }) => reject(new NoAnswerError(message.message)));
        return;
      case 'stopped':
        this.#end(new Error('the world has stopped'));
        this.#stopped?.();
        return;
      default:
        message satisfies never;
    }
  }

  /** Settles a question; an answer that comes too late is ignored. */
  #settle(request: number, answer: (pending: Pending) => void): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    this.#pending.delete(request);
    clearTimeout(pending.timer);
    answer(pending);
  }

  #end(error: Error): void {
    this.#death = error;
    for (const request of [...this.#pending.keys()])
      this.#settle(request, ({ reject }) => reject(endedBy(error)));
  }

  #die(error: Error): void {
    if (this.#death !== null) return;
    this.#end(error);
    this.onDeath(error);
  }
}

/** "8,192" */
const grouped = (count: number): string => count.toLocaleString('en');

const endedBy = (death: Error): NoAnswerError => new NoAnswerError(death.message, { cause: death });
