/** The messages between the fan-out benchmark and its processes (IPC, structured clone). */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Config } from '../../../server/config.ts';
import type { Size } from '../../../shared/geometry.ts';
import type { FrameTally } from './tally.ts';

/** Milliseconds since 1970 with microseconds: one clock for all processes and threads of a machine. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

export interface Costs {
  /** User and system, of the whole process since it began. */
  readonly cpuSeconds: number;
  /** The main thread's time: sockets. */
  readonly mainThreadSeconds: number;
  readonly rssBytes: number;
}

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadResult {
  readonly seconds: number;
  /** From when the simulation thread closes a frame until a reading client has handled it. */
  readonly latency: Latencies;
  readonly framesPerViewerSecond: number;
  readonly bytesPerViewerSecond: number;
  readonly inputToPixel: Latencies;
  readonly inputs: number;
  /** Deltas without their base; 0 on a connection that loses nothing. */
  readonly gaps: number;
}

/** The messages sent during the measurement, to be sent again: [n] each, in order of time. */
export interface Schedule {
  readonly atMs: Float64Array;
  readonly client: Uint16Array;
  readonly bytes: Uint32Array;
}

export interface Server {
  readonly url: string;
  readonly world: Size;
  readonly organisms: number;
}

/** The requests to each kind of process, and their answers. */
export interface ServerCalls {
  start: { ask: Partial<Config>; answer: Server };
  costs: { ask: null; answer: Costs };
  /** Since the start. */
  tally: { ask: null; answer: FrameTally };
  /** Frames by number: when each was closed. */
  frames: { ask: null; answer: Float64Array };
}
export interface LoadCalls {
  join: { ask: { server: Server; viewers: number; strokesPerSecond: number }; answer: null };
  measure: { ask: { ms: number; stalledShare: number; keep: boolean }; answer: null };
  /** A viewer of the whole, unhurt garden: bytes per second once every page has arrived. */
  quiet: { ask: { server: Server; ms: number }; answer: number };
  /** Newcomers, one after the other: milliseconds from the request for a seat to the last page in view. */
  newcomers: { ask: number; answer: number[] };
  /** The figures of each `measure` so far, in order. */
  results: { ask: Float64Array; answer: LoadResult[] };
  /** All viewers hide their pages, and are sent nothing, or show them again. */
  hide: { ask: boolean; answer: null };
  /** Frames by number: when the first viewer had each, in the last `measure` that was kept. */
  firsts: { ask: null; answer: Float64Array };
  /** The recording of the last `measure` that was kept. */
  schedule: { ask: Float64Array; answer: Schedule };
  leave: { ask: null; answer: null };
  /** Plain sockets that read and do nothing else. */
  plain: { ask: { url: string; viewers: number }; answer: null };
  received: { ask: null; answer: { messages: number; bytes: number } };
}
export interface RawCalls {
  start: { ask: null; answer: { url: string } };
  /** Sends the recording; answers when the last message is handed over, with the time used. */
  play: { ask: Schedule; answer: Costs & { seconds: number } };
}

/** A process that answers requests. */
export class Remote<C extends { [K in keyof C]: { ask: unknown; answer: unknown } }> {
  readonly #child: ChildProcess;
  /** Rejects when the process ends. */
  readonly #end: Promise<never>;

  constructor(script: string) {
    this.#child = fork(new URL(script, import.meta.url), { serialization: 'advanced' });
    this.#end = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`${script} ended with code ${code}`);
    });
    // The process also ends when it is stopped, which is not an error.
    this.#end.catch(() => {});
  }

  async ask<K extends keyof C & string>(name: K, ask: C[K]['ask']): Promise<C[K]['answer']> {
    const answered = once(this.#child, 'message') as Promise<[{ error?: string; answer: unknown }]>;
    this.#child.send({ name, ask });
    const [{ error, answer: value }] = await Promise.race([answered, this.#end]);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    return value as C[K]['answer'];
  }

  /** At once, without a chance to save anything. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#end.catch(() => {});
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await this.#end.catch(() => {});
  }
}

/** Answers the parent, one request at a time. */
export function answer<C extends { [K in keyof C]: { ask: unknown; answer: unknown } }>(
  handlers: {
    [K in keyof C]: (ask: C[K]['ask']) => Promise<C[K]['answer']> | C[K]['answer'];
  },
): void {
  process.on('message', async ({ name, ask }: { name: keyof C; ask: never }) => {
    try {
      process.send!({ answer: await handlers[name](ask) });
    } catch (error) {
      process.send!({ error: (error as Error).stack });
    }
  });
  // The parent has disconnected or ended.
  process.on('disconnect', () => process.exit(0));
}

export function costs(): Costs {
  const { user, system } = process.cpuUsage();
  const main = process.threadCpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    mainThreadSeconds: (main.user + main.system) / 1e6,
    rssBytes: process.memoryUsage.rss(),
  };
}
