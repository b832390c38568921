/** Saves of a running world: one after another, beside the frames. A failure is trouble until a save succeeds. */
import { publicReason } from '../files/disk.ts';
import { SaveError } from '../storage/saves.ts';
import { Turns } from '../turns.ts';
import type { Clock, Recorder } from './recorder.ts';
import type { World } from './world.ts';
import type { WorldStore } from './worldSave.ts';

/** When the world stops, its save is tried this often: what it lacked may be free a moment later. */
const LAST_TRIES = 3;
const LAST_TRY_MS = 1_000;

export interface SaverOptions {
  readonly world: Pick<World, 'save'>;
  readonly store: WorldStore;
  readonly recorder: Recorder;
  readonly clock: Clock;
  /** Calls to the engine, which must not overlap. */
  readonly turns: Turns;
  /** In which pages that never stand still are told from those that do: a few frames. */
  readonly pauseMs: number;
}

export class Saver {
  readonly #options: SaverOptions;
  /** Saves must not overlap. */
  readonly #saves = new Turns();
  /** The save that has not begun; later calls share it. */
  #next: Promise<null> | null = null;
  #hasStopped = false;
  #heldMs = 0;

  constructor(options: SaverOptions) {
    this.#options = options;
  }

  /** How long the last save has held the world. */
  get heldMs(): number {
    return this.#heldMs;
  }

  /** Calls that come while a save waits for the one before it share it. @throws SaveError, and errors of the engine */
  save(): Promise<null> {
    this.#next ??= this.#saves.take(async () => {
      this.#next = null;
      await this.#write();
      if (this.#options.recorder.isSecondDue) await this.#write();
      return null;
    });
    return this.#next;
  }

  /** The world has stopped: saves its end, and tries again where that fails. @throws what the last try threw */
  async saveLast(): Promise<void> {
    this.#hasStopped = true;
    for (let tries = 1; ; tries++) {
      try {
        await this.save();
        return;
      } catch (error) {
        if (tries === LAST_TRIES) throw error;
      }
      await this.#options.clock.sleep(LAST_TRY_MS);
    }
  }

  async #write(): Promise<void> {
    const { world, store, recorder, clock, turns, pauseMs } = this.#options;
    const isLast = this.#hasStopped;
    const save = world.save({
      canKeep: (page) => store.canKeep(page),
      between: (work) => turns.take(() => this.#timed(work)),
      pause: () => clock.sleep(pauseMs),
      hasStopped: () => this.#hasStopped,
      atMoment: () => recorder.beginSave(isLast),
    });
    this.#heldMs = 0;
    try {
      await store.write(save, { isLast, ready: () => recorder.ready() });
    } catch (error) {
      recorder.notSaved(error instanceof SaveError ? error.reason : publicReason(error));
      throw error;
    }
    save.written();
    recorder.saved();
  }

  async #timed<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const startMs = clock.now();
    try {
      return await work();
    } finally {
      this.#heldMs = Math.max(this.#heldMs, clock.now() - startMs);
    }
  }
}
