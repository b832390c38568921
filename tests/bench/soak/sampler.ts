/** Looks at the world and at the server's process every two seconds, whatever the bots do. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchServer } from '../load/server.ts';
import { folderMiB, type Use, useOf } from './proc.ts';
import { type Body, hasBody, type Sizes, type SizeWatch } from './sizes.ts';
import type { Ledger } from './tally.ts';

const SAMPLE_MS = 2_000;
/** The admin's figures are asked for only in every n-th sample, because they contain every thumbnail. */
const LIVE_EVERY = 5;

/** Before the bots, with them, and after they have left. */
export type Phase = 'untouched' | 'played' | 'after';

export interface Sample extends Sizes {
  readonly phase: Phase;
  /** Since the first sample. Rates are averages since the sample before. */
  readonly atSeconds: number;
  /** Over the server's last second, as it says itself. */
  readonly stepsPerSecond: number;
  /** To the observer; null: there is none. */
  readonly framesPerSecond: number | null;
  /** To all clients together. */
  readonly bytesPerSecond: number;
  /** Percent of one core: the server's process with all its threads. */
  readonly processorPercent: number;
  /** The same per step, which other processes do not change: they make steps fewer, not dearer. Null without steps. */
  readonly processorMsPerStep: number | null;
  /** Percent of one core: processes that the server has started (the tuner). */
  readonly childrenPercent: number;
  readonly rssMiB: number;
  /** The main thread's heap; null: not asked for in this sample. */
  readonly heapMiB: number | null;
  readonly descriptors: number;
  readonly dataDirMiB: number;
}

export interface SamplerOptions {
  readonly server: BenchServer;
  readonly sizes: SizeWatch;
  readonly ledger: Ledger;
  readonly ticksPerSecond: number;
  /** Heard by the observer so far; null: there is none. */
  readonly frames: () => number | null;
}

export class Sampler {
  phase: Phase = 'untouched';
  readonly samples: Sample[] = [];
  /** As they were at the last look. */
  bodies: readonly Body[] = [];
  readonly #options: SamplerOptions;
  #startMs = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** On the samples' clock. */
  get nowSeconds(): number {
    return (performance.now() - this.#startMs) / 1_000;
  }

  /** Samples until the signal. @throws Error when the server has ended */
  async run(signal: AbortSignal): Promise<void> {
    const { server, sizes, ledger, frames, ticksPerSecond } = this.#options;
    const startMs = performance.now();
    this.#startMs = startMs;
    let before = { atSeconds: 0, use: this.#use(), bytes: ledger.bytes, frames: frames() };
    for (let n = 1; ; n++) {
      await sleep(Math.max(0, startMs + n * SAMPLE_MS - performance.now()), undefined, { signal });
      const { phase } = this;
      const use = this.#use();
      const atSeconds = this.nowSeconds;
      const seconds = atSeconds - before.atSeconds;
      const now = { atSeconds, use, bytes: ledger.bytes, frames: frames() };
      const last = before;
      before = now;
      try {
        this.bodies = (await server.organisms()).filter(hasBody);
        const { stepsPerSecond } = await server.health();
        const heapBytes = n % LIVE_EVERY === 0 ? (await server.live()).heapBytes : null;
        const processorPercent = (100 * (use.ticks - last.use.ticks)) / ticksPerSecond / seconds;
        this.samples.push({
          ...sizes.see(atSeconds, this.bodies),
          phase,
          atSeconds,
          stepsPerSecond,
          framesPerSecond:
            now.frames === null || last.frames === null ? null : (now.frames - last.frames) / seconds,
          bytesPerSecond: (now.bytes - last.bytes) / seconds,
          processorPercent,
          processorMsPerStep: stepsPerSecond > 0 ? (10 * processorPercent) / stepsPerSecond : null,
          // When a process ends, its time leaves the sum.
          childrenPercent:
            (100 * Math.max(0, use.childTicks - last.use.childTicks)) / ticksPerSecond / seconds,
          rssMiB: use.rssMiB,
          heapMiB: heapBytes === null ? null : heapBytes / 2 ** 20,
          descriptors: use.descriptors,
          dataDirMiB: folderMiB(server.dataDir),
        });
      } catch (error) {
        if (error instanceof RangeError || !server.isRunning) throw error;
        ledger.errors.add(`no answer: ${(error as Error).message}`);
      }
    }
  }

  #use(): Use {
    const { server } = this.#options;
    const use = useOf(server.pid);
    if (use === null || !server.isRunning)
      throw new Error(`the server has ended; it printed:\n${server.said.join('\n')}`);
    return use;
  }
}
