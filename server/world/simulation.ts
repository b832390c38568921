/**
 * The loop: once per frame strokes, steps, strokes, publishing, records; between frames, questions (`questions.ts`) and
 * saves (`saver.ts`). It never hurries to make up for lost time: late frames, and steps that do not fit, are dropped,
 * and the true speed is reported.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { PAGE_BYTES } from '../../shared/geometry.ts';
import type { Publisher } from '../stream/publish/publisher.ts';
import { Turns } from '../turns.ts';
import { LoadWatch } from './load.ts';
import type { FromWorld, ToWorld } from './messages.ts';
import { Questions } from './questions.ts';
import { type Clock, Recorder, type WorldJournal } from './recorder.ts';
import { Saver } from './saver.ts';
import { type DiskFigures, NO_DISK, Pace } from './vitals.ts';
import type { World } from './world.ts';
import type { WorldStore } from './worldSave.ts';

export interface SimulationOptions {
  readonly world: World;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly saveSeconds: number;
  readonly store: WorldStore;
  readonly journal: WorldJournal;
  /** Saves in the first frame. */
  readonly isSaveDue?: boolean;
  /** The world was restored from a save to which the one before does not lead. */
  readonly isAfterGap?: boolean;
  /** What saves and the journal have done, for the vitals. Default: nothing. */
  readonly diskFigures?: () => DiskFigures;
  readonly post: (message: FromWorld, transfer?: readonly ArrayBuffer[]) => void;
}

/** Share of a frame's time that steps may take; the rest is for publishing, records and questions. */
const STEP_SHARE = 0.75;
const STATS_MS = 1_000;
/** How long the loop rests at a time while the world is idle; what happens ends a rest. */
const REST_MS = 950;
const SEEDS_MS = 250;
/** Highest level at which one sees bodies: there, one of 40 cells is 10 pixels. */
const MAX_BODY_LEVEL = 2;
const BUSY = 'The world is busy: nothing can be planted now.';
/** A start takes the steps since the last save again: when they took this long, a save is due. */
const MAX_REPLAY_MS = 3_000;
/** Least time between two saves for that reason; and how much more than the last one held the world. */
const MIN_SAVE_MS = 10_000;
const MIN_SAVE_HELD = 20;
/** Frames in which a save sees which pages never stand still. */
const SAVE_PAUSE_FRAMES = 2;
/** A machine that slept all night does not age its world by a night. */
const MAX_TICK_SECONDS = 1.5;

export class Simulation {
  readonly #options: SimulationOptions;
  readonly #recorder: Recorder;
  readonly #frameMs: number;
  readonly #page = new Uint8Array(PAGE_BYTES);
  #stopping = false;
  /** Disk trouble, as it was told last. */
  #toldTrouble: string | null = null;
  /** Calls to the engine must not overlap. */
  readonly #turns = new Turns();
  readonly #saver: Saver;
  readonly #questions: Questions;
  /** The speed that was set last. */
  #stepsPerSecond: number;
  /** Steps that are due; a fraction waits for the next frame. */
  #stepsOwed = 0;
  #stepMs = 0;
  /** What the steps since the last save took: a start that must take them again takes as long. */
  #replayMs = 0;
  #lastTickMs: number;
  #lastSaveMs: number;
  #lastStatsMs: number;
  readonly #pace = new Pace();
  /** `#pace.steps` at the last report. */
  #stepsToldOf = 0;
  /** How long the loop has rested since the last frame. */
  #restedMs = 0;
  /** Ends the loop's rest; null: it does not rest. */
  #rouse: (() => void) | null = null;
  readonly #load: LoadWatch;
  #lastSeedsMs = Number.NEGATIVE_INFINITY;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#recorder = new Recorder(options.world.log, options.journal, options.clock, options.isAfterGap);
    this.#frameMs = 1_000 / options.framesPerSecond;
    this.#saver = new Saver({
      ...{ world: options.world, store: options.store, recorder: this.#recorder, clock: options.clock },
      ...{ turns: this.#turns, pauseMs: SAVE_PAUSE_FRAMES * this.#frameMs },
    });
    this.#questions = new Questions({
      ...{ world: options.world, recorder: this.#recorder, saver: this.#saver, turns: this.#turns },
      post: options.post,
      endWounds: () => this.#endWounds(),
      setSpeed: (stepsPerSecond) => {
        this.#stepsPerSecond = stepsPerSecond;
        this.#stepsOwed = 0;
      },
      answered: () => this.#rouse?.(),
    });
    this.#stepsPerSecond = options.world.stepsPerSecond ?? options.stepsPerSecond;
    this.#lastTickMs = this.#lastSaveMs = this.#lastStatsMs = options.clock.now();
    this.#load = new LoadWatch(options.clock.now());
    options.world.withering.isInView = (x, y) => options.publisher.isInView(x, y, MAX_BODY_LEVEL);
    if (options.isSaveDue) this.#lastSaveMs = Number.NEGATIVE_INFINITY;
  }

  /** Runs until `stop` is received, then saves. */
  async run(): Promise<void> {
    const { clock, post } = this.#options;
    let nextMs = clock.now();
    while (!this.#stopping) {
      const beganMs = clock.now();
      await this.#turns.take(() => this.#tick()).catch((error: Error) => this.#fail(error));
      const now = clock.now();
      this.#pace.frame(now - beganMs, beganMs - nextMs);
      nextMs += this.#frameMs;
      // One late frame is made up for, so that a slow timer costs no speed. More are dropped.
      const earliestMs = now - this.#frameMs;
      if (nextMs < earliestMs) this.#pace.framesDropped += Math.floor((earliestMs - nextMs) / this.#frameMs);
      nextMs = Math.max(nextMs, earliestMs);
      await clock.sleep(Math.max(0, nextMs - now));
      if (this.#isIdle()) {
        await this.#rest();
        nextMs = Math.max(nextMs, clock.now());
      }
    }
    // Strokes that still wait get an answer.
    await this.#turns.take(async () => {
      await this.#options.world.applyStrokes();
      this.#recorder.record();
    });
    this.#endWounds();
    await this.#saver.saveLast();
    post({ type: 'stopped' });
  }

  /** Whether a frame would do nothing but count steps. */
  #isIdle(): boolean {
    const { world, publisher } = this.#options;
    return !this.#stopping && world.isIdle() && publisher.isSettled && this.#recorder.trouble === null;
  }

  async #rest(): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.now();
    const alarm = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#rouse = resolve;
    await Promise.race([clock.sleep(REST_MS, alarm.signal), promise]);
    this.#rouse = null;
    alarm.abort();
    this.#restedMs = Math.min(clock.now() - startMs, REST_MS);
  }

  receive(message: ToWorld): void {
    const { publisher } = this.#options;
    this.#rouse?.();
    switch (message.type) {
      case 'watch':
        publisher.unwatch(message.remove);
        publisher.watch(message.add);
        return;
      case 'keyframes':
        publisher.requestKeyframes(message.keys);
        return;
      case 'present':
        this.#options.world.withering.present(message.guests);
        return;
      case 'query':
        void this.#questions.answer(message.request, message.query);
        return;
      case 'stop':
        this.#stopping = true;
        return;
      default:
        message satisfies never;
    }
  }

  // --- a frame ---

  async #tick(): Promise<void> {
    const { world, clock, saveSeconds } = this.#options;
    const startMs = clock.now();
    const elapsedSeconds = Math.min((startMs - this.#lastTickMs) / 1_000, MAX_TICK_SECONDS);
    this.#lastTickMs = startMs;
    await this.#countRest();

    await world.applyStrokes();
    // Now, so that the disk works while the engine steps.
    this.#recorder.recordActs();
    await this.#step();
    // Strokes that came during the steps are seen in this frame, not after the steps of the next one.
    await turn();
    await world.applyStrokes();
    this.#recorder.recordActs();
    await this.#publish();
    await world.observe(elapsedSeconds);
    this.#recorder.record();
    this.#recorder.pass();
    this.#tellWounds();
    this.#tellWilted();
    this.#tellSeeds();
    this.#report();

    const sinceSaveMs = clock.now() - this.#lastSaveMs;
    const minSaveMs = Math.max(MIN_SAVE_MS, MIN_SAVE_HELD * this.#saver.heldMs);
    const isLong = this.#replayMs >= MAX_REPLAY_MS && sinceSaveMs >= minSaveMs;
    if (this.#recorder.takeSaveDue() || isLong || sinceSaveMs >= saveSeconds * 1_000) {
      this.#lastSaveMs = clock.now();
      this.#replayMs = 0;
      // Its failure is told as trouble.
      void this.#saver.save().catch(() => {});
    }
    this.#tellTrouble();
  }

  /** Takes the steps of the time that the loop has rested. Nobody was awake, so all they do is count. */
  async #countRest(): Promise<void> {
    this.#stepsOwed += (this.#stepsPerSecond * this.#restedMs) / 1_000;
    this.#restedMs = 0;
    const steps = Math.floor(this.#stepsOwed + 1e-9);
    if (steps === 0) return;
    this.#stepsOwed = Math.max(0, this.#stepsOwed - steps);
    await this.#options.world.engine.step(steps);
    this.#pace.steps += steps;
  }

  async #step(): Promise<void> {
    const { world, clock, framesPerSecond } = this.#options;
    this.#stepsOwed += this.#stepsPerSecond / framesPerSecond;
    const owed = Math.floor(this.#stepsOwed + 1e-9);
    this.#stepsOwed = Math.max(0, this.#stepsOwed - owed);
    if (owed === 0) return;
    const affordable = this.#stepMs > 0 ? Math.floor((this.#frameMs * STEP_SHARE) / this.#stepMs) : owed;
    const steps = Math.max(1, Math.min(owed, affordable));
    this.#pace.stepsDropped += owed - steps;
    const startMs = clock.now();
    await world.engine.step(steps);
    const tookMs = clock.now() - startMs;
    this.#replayMs += tookMs;
    const stepMs = tookMs / steps;
    // Forgets a stall (a pause of the whole machine) within a few frames.
    this.#stepMs = this.#stepMs === 0 ? stepMs : this.#stepMs * 0.8 + stepMs * 0.2;
    this.#pace.steps += steps;
  }

  async #publish(): Promise<void> {
    const { world, publisher, clock, post } = this.#options;
    const { engine } = world;
    publisher.begin(clock.now());
    await engine.visitChanged((page, rgba) => publisher.see(page, rgba));
    if (publisher.startFill()) {
      await engine.visitAll((page, rgba) => publisher.fill(page, rgba));
      publisher.endFill();
    }
    for (const page of publisher.due()) {
      await engine.readPage(page, this.#page);
      publisher.read(page, this.#page);
    }
    const frame = publisher.collect(engine.stepNumber);
    if (frame !== null) post(frame, [frame.bytes.buffer]);
  }

  #tellWounds(): void {
    const events = this.#options.world.wounds.take();
    if (events !== null) this.#options.post({ type: 'wounds', events });
  }

  #tellWilted(): void {
    const bodies = this.#options.world.wilting.take();
    if (bodies !== null) this.#options.post({ type: 'wilted', bodies });
  }

  /** At most four times per second. */
  #tellSeeds(): void {
    const { world, clock, post } = this.#options;
    if (clock.now() - this.#lastSeedsMs < SEEDS_MS) return;
    const seeds = world.absences.takeSeeds();
    if (seeds === null) return;
    this.#lastSeedsMs = clock.now();
    post({ type: 'seeds', seeds });
  }

  #tellTrouble(): void {
    const { trouble } = this.#recorder;
    if (trouble === this.#toldTrouble) return;
    this.#toldTrouble = trouble;
    this.#options.post({ type: 'trouble', trouble });
  }

  #endWounds(): void {
    this.#options.world.wounds.endAll();
    this.#tellWounds();
  }

  /** Once per second. */
  #report(): void {
    const { world, clock, post } = this.#options;
    const nowMs = clock.now();
    const elapsedMs = nowMs - this.#lastStatsMs;
    if (elapsedMs < STATS_MS) return;
    const stepsPerSecond = Math.round(((this.#pace.steps - this.#stepsToldOf) * 10_000) / elapsedMs) / 10;
    this.#load.look(nowMs, stepsPerSecond, this.#stepsPerSecond);
    const { load } = this.#load;
    world.refusePlantings(load === null ? null : BUSY);
    post({
      type: 'stats',
      stats: {
        step: world.engine.stepNumber,
        stepsPerSecond,
        organisms: world.bodies,
        livingCells: world.livingCells,
        ...(load !== null && { load }),
        ...(this.#stepsPerSecond === 0 && { isPaused: true as const }),
      },
    });
    this.#lastStatsMs = nowMs;
    this.#stepsToldOf = this.#pace.steps;
    this.#tellVitals();
  }

  #tellVitals(): void {
    const { world, post, diskFigures } = this.#options;
    const { steps, stepsDropped, frames, framesDropped } = this.#pace;
    post({
      type: 'vitals',
      vitals: {
        steps,
        stepsDropped,
        stepsPerSecondSet: this.#stepsPerSecond,
        frames,
        framesDropped,
        ...this.#pace.takeTimes(),
        energyScale: this.#load.load?.energyScale ?? 1,
        strokesWaiting: world.strokesWaiting,
        bodies: world.overview.bodyCounts(),
        livingCells: world.livingCells,
        pages: world.engine.pageCount,
        rules: Array.from(world.rules, ({ card, label }) => ({ species: card.name, label })),
        swapsWatched: world.swaps.ids.length,
        disk: diskFigures?.() ?? NO_DISK,
        heapBytes: getHeapStatistics().used_heap_size,
        busySeconds: performance.eventLoopUtilization().active / 1_000,
      },
    });
  }

  /** The engine cannot go on: the state that it still has is saved before the thread ends. */
  async #fail(error: Error): Promise<never> {
    await this.#saver.save().then(
      () => this.#log(`${error.message}; the world as it was before is saved`),
      (reason: Error) => this.#log(`${error.message}; the world could not be saved: ${reason.message}`),
    );
    throw error;
  }

  #log(line: string): void {
    this.#options.post({ type: 'log', line });
  }
}
