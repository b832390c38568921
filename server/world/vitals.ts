/**
 * What the simulation thread tells of itself once per second, for the operator's metrics (`server/metrics/`). Totals
 * count from the start of the process.
 */

/** What saves and the journal have done. */
export interface DiskFigures {
  readonly savesWritten: number;
  readonly savesFailed: number;
  /** How long the last save took from its beginning until it was on disk; 0: there was none. */
  readonly saveSeconds: number;
  /** When the last save was on disk, in seconds since 1970; 0: never. */
  readonly savedAtSeconds: number;
  readonly saveBytes: number;
  readonly journalRecords: number;
  readonly journalBytes: number;
  /** Groups of records that were written together. */
  readonly journalFlushes: number;
  /** Bytes of records that are not written yet. */
  readonly journalWaitingBytes: number;
}

export const NO_DISK: DiskFigures = {
  savesWritten: 0,
  savesFailed: 0,
  saveSeconds: 0,
  savedAtSeconds: 0,
  saveBytes: 0,
  journalRecords: 0,
  journalBytes: 0,
  journalFlushes: 0,
  journalWaitingBytes: 0,
};

/** Where bodies are. Each organism is in one of them. */
export interface BodyCounts {
  readonly awake: number;
  readonly asleep: number;
  /** Wilting, withering or removed: they dissolve. */
  readonly dissolving: number;
  /** Seeds that wait to grow again. */
  readonly waiting: number;
}

export interface Vitals {
  readonly steps: number;
  /** Steps that were due and did not fit into their frames. */
  readonly stepsDropped: number;
  /** Steps per second that are set; 0: the world is paused. */
  readonly stepsPerSecondSet: number;
  readonly frames: number;
  /** Frames that were due and left out, because the one before was too late. */
  readonly framesDropped: number;
  /** How long each frame took since the last vitals, seconds; at most `MAX_SAMPLES`, the newest. */
  readonly frameSeconds: readonly number[];
  /** How late each of them began, seconds. */
  readonly lateSeconds: readonly number[];
  /** Share of the energy's usual pace that players get, 0 to 1; less than 1 while load is shed. */
  readonly energyScale: number;
  readonly strokesWaiting: number;
  readonly bodies: BodyCounts;
  readonly livingCells: number;
  /** Pages of cells that exist. */
  readonly pages: number;
  /** One per species. */
  readonly rules: readonly { readonly species: string; readonly label: string }[];
  /** Swaps on probation. */
  readonly swapsWatched: number;
  readonly disk: DiskFigures;
  readonly heapBytes: number;
  /** Seconds during which the thread's event loop was not waiting. */
  readonly busySeconds: number;
}

/** Frames whose times are kept until the next vitals: four seconds' worth at the highest rate. */
const MAX_SAMPLES = 240;

/** What the loop counts about its own pace. */
export class Pace {
  steps = 0;
  stepsDropped = 0;
  frames = 0;
  framesDropped = 0;
  #frameSeconds: number[] = [];
  #lateSeconds: number[] = [];

  /** Counts a frame. @param lateMs - how long after its time it began */
  frame(tookMs: number, lateMs: number): void {
    this.frames++;
    if (this.#frameSeconds.length === MAX_SAMPLES) {
      this.#frameSeconds.shift();
      this.#lateSeconds.shift();
    }
    this.#frameSeconds.push(tookMs / 1_000);
    this.#lateSeconds.push(Math.max(0, lateMs) / 1_000);
  }

  /** Takes the times of the frames since the last call. */
  takeTimes(): Pick<Vitals, 'frameSeconds' | 'lateSeconds'> {
    const taken = { frameSeconds: this.#frameSeconds, lateSeconds: this.#lateSeconds };
    this.#frameSeconds = [];
    this.#lateSeconds = [];
    return taken;
  }
}
