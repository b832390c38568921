/** The threads that step the world: the caller's own thread, which leads, and the helpers. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { EngineError } from '../engine.ts';
import * as at from './assembly/layout.ts';
import type { HelperStart } from './helper.ts';
import { instantiateKernel, type Kernel } from './kernel.ts';
import { loadModule } from './modules.ts';
import { tilesAreWide } from './tiles.ts';
import type { Phase } from './waves.ts';

export class Crew {
  readonly threads: number;
  readonly relaxed: boolean;
  readonly wideTiles: boolean;
  /** A thread failed while a step wrote: part of the world is one step ahead of the rest. */
  isTorn = false;
  readonly #kernel: Kernel;
  readonly #control: Int32Array;
  readonly helpers: readonly Worker[];
  /** Why a helper ended, if one did. */
  #failure: string | undefined;
  #isDisposed = false;

  /**
   * @param wideTiles - default: the faster shape, as measured by `tiles.ts`
   * @throws EngineError when `threads` is not in 1..32, or a thread cannot start
   */
  static async assemble(
    memory: WebAssembly.Memory,
    threads: number,
    relaxed: boolean,
    wideTiles?: boolean,
  ): Promise<Crew> {
    if (!Number.isInteger(threads) || threads < 1 || threads > at.MAX_THREADS) {
      throw new EngineError(`threads ${threads} is not a whole number in 1..${at.MAX_THREADS}`);
    }
    const module = loadModule('engine', relaxed);
    const wide = wideTiles ?? tilesAreWide(module);
    const kernel = await instantiateKernel(module, memory, wide);
    const helpers = Array.from({ length: threads - 1 }, (_, i) => {
      const workerData: HelperStart = { module, memory, wideTiles: wide, thread: i + 1 };
      const helper = new Worker(new URL('./helper.ts', import.meta.url), { workerData });
      helper.unref(); // an engine that was never disposed of must not keep the process alive
      return helper;
    });
    const crew = new Crew(memory, kernel, helpers, relaxed, wide);
    await Promise.all(helpers.map((helper) => once(helper, 'message'))).catch((cause) => {
      crew.dispose();
      throw new EngineError(`a thread could not start: ${cause}`);
    });
    return crew;
  }

  private constructor(
    memory: WebAssembly.Memory,
    kernel: Kernel,
    helpers: readonly Worker[],
    relaxed: boolean,
    wideTiles: boolean,
  ) {
    this.#kernel = kernel;
    this.helpers = helpers;
    this.threads = helpers.length + 1;
    this.relaxed = relaxed;
    this.wideTiles = wideTiles;
    this.#control = new Int32Array(memory.buffer, 0, at.ORGANISM_RULES_AT >>> 2);
    helpers.forEach((helper, i) => {
      helper.on('error', (error) => {
        this.#failure ??= `thread ${i + 1} failed: ${error.message}`;
      });
      helper.on('exit', () => {
        if (!this.#isDisposed) this.#failure ??= `thread ${i + 1} ended`;
      });
    });
  }

  /**
   * Lists the awake pages, which the next step must compute (`assembly/awake.ts`).
   *
   * @param length - how many pages are listed at `LIST_AT`
   * @returns how many pages are awake; they are listed at `AWAKE_AT`
   * @throws EngineError when a thread has failed
   */
  muster(length: number, deltaRecords: number): number {
    this.#checkAlive();
    return this.#kernel.muster(length, deltaRecords);
  }

  /**
   * Runs one step over the awake pages.
   *
   * @param sensed - called on this thread when the awake pages first..end - 1 are sensed; it may rewrite their deltas
   * @throws EngineError when a thread has failed. If `isTorn` is false, the failure came before the step or while it
   *   only read, and the world is whole and can be saved
   */
  step(phases: readonly Phase[], sensed?: (first: number, end: number) => void): void {
    this.#checkAlive();
    let hasWritten = false;
    for (const { kind, first, end } of phases) {
      hasWritten ||= kind !== at.PHASE_SENSE;
      this.#control[at.FIRST_AT >>> 2] = first;
      this.#control[at.END_AT >>> 2] = end;
      const cause = this.#lead(kind, () => {
        if (kind === at.PHASE_SENSE) sensed?.(first, end);
      });
      if (cause === null) continue;
      this.#failure = `a thread failed in phase ${kind} of a step: ${cause}`;
      this.isTorn = hasWritten;
      throw new EngineError(this.#failure);
    }
  }

  #checkAlive(): void {
    if (this.#failure !== undefined) throw new EngineError(this.#failure);
  }

  /** @returns the failure, or null */
  #lead(kind: number, then: () => void): string | null {
    try {
      if (!this.#kernel.lead(kind, this.helpers.length)) return 'a helper did not finish';
      then();
      return null;
    } catch (error) {
      // This thread trapped; the helpers still finish the rest of the phase.
      return `${error}`;
    }
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#control[at.PHASE_KIND_AT >>> 2] = at.PHASE_QUIT;
    Atomics.add(this.#control, at.PHASE_AT >>> 2, 1);
    Atomics.notify(this.#control, at.PHASE_AT >>> 2);
  }
}
