/** Questions from the main thread, answered between frames; of what must not be lost, once it is on disk. */
import type { StrokeMessage } from '../../shared/protocol.ts';
import { EngineError } from '../engines/engine.ts';
import { SaveError } from '../storage/saves.ts';
import type { Turns } from '../turns.ts';
import type { Culprit } from './losses.ts';
import type { Doer, FromWorld, StrokeOutcome, WorldAnswers, WorldControl, WorldQuery } from './messages.ts';
import { NotSavedError, type Recorder } from './recorder.ts';
import type { Saver } from './saver.ts';
import type { World } from './world.ts';

/** Errors that answer a question. */
const REFUSALS = [EngineError, RangeError, NotSavedError, SaveError];

export interface QuestionsOptions {
  readonly world: World;
  readonly recorder: Recorder;
  readonly saver: Saver;
  /** Calls to the engine, which must not overlap. */
  readonly turns: Turns;
  readonly post: (message: FromWorld, transfer?: readonly ArrayBuffer[]) => void;
  readonly endWounds: () => void;
  /** Called when an admin has set the speed. */
  readonly setSpeed: (stepsPerSecond: number) => void;
  /** Called after each answer: it may have changed the world between two frames. */
  readonly answered: () => void;
}

export class Questions {
  readonly #options: QuestionsOptions;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  async answer(request: number, query: WorldQuery): Promise<void> {
    const { post, answered } = this.#options;
    try {
      const value = await this.#ask(query);
      const pixels = query.kind === 'pixels' ? [(value as WorldAnswers['pixels']).buffer] : [];
      post({ type: 'answer', request, value }, pixels);
    } catch (error) {
      const { message, stack } = error as Error;
      // A bug is answered like a refusal; without this line, only the asker would learn of it.
      const isRefusal = REFUSALS.some((kind) => error instanceof kind);
      if (!isRefusal) post({ type: 'log', line: `the question ${query.kind} failed: ${stack}` });
      post({ type: 'refused', request, message });
    } finally {
      // It may have changed the world between two frames.
      answered();
    }
  }

  #ask(query: WorldQuery): Promise<WorldAnswers[WorldQuery['kind']]> {
    const { world, saver, turns, endWounds } = this.#options;
    switch (query.kind) {
      case 'pixels':
        return turns.take(() => world.overview.pixels(query.rect));
      case 'organisms':
        return turns.take(async () => world.overview.summaries(query));
      case 'census':
        return turns.take(async () => world.overview.census(query.known));
      case 'meanHealth':
        return turns.take(async () => world.overview.meanHealth);
      case 'bodiesOf':
        return turns.take(async () => world.overview.summariesOf(query.guest));
      case 'population':
        return turns.take(async () => world.overview.population());
      case 'planters':
        return turns.take(async () => world.overview.planters());
      case 'inspectAt':
        return turns.take(() => world.overview.inspectAt(query.x, query.y));
      case 'inspect':
        return turns.take(async () => world.overview.inspect(query.organism));
      case 'stroke':
        // Outside the queue: it waits for the next frame, which must be able to run.
        return this.#stroke(query.by, query.stroke);
      case 'room':
        return turns.take(() => world.roomFault(query.species, query.x, query.y, query.by));
      case 'save':
        return saver.save();
      case 'control':
        return this.#acknowledged(() => this.#control(query.control), query.control.kind === 'speed');
      case 'removeOwn':
        return this.#acknowledged(async () => world.removals.removeOwn(query.guest, query.organism));
      case 'lost':
        return turns.take(async () => world.returns.lost);
      case 'bringBack':
        return this.#acknowledged(() => world.returns.bring(query.wanted));
      case 'endWounds':
        return turns.take(async () => {
          endWounds();
          return null;
        });
      case 'swap':
        return this.#acknowledged(() => world.swap(query.order, query.next));
      default:
        return query satisfies never;
    }
  }

  /**
   * Does it between two frames.
   *
   * @param isUrgent - it is done without a disk, too: a world in trouble can be paused and slowed
   * @returns what it returned, once that is on disk
   */
  async #acknowledged<T>(work: () => Promise<T>, isUrgent = false): Promise<T> {
    const { recorder, turns } = this.#options;
    const isInTrouble = recorder.trouble !== null;
    if (!isUrgent) recorder.check();
    const { answer, onDisk } = await turns.take(async () => {
      const answer = await work();
      const onDisk = recorder.onDisk();
      recorder.record();
      return { answer, onDisk };
    });
    if (isUrgent && isInTrouble) onDisk.catch(() => {});
    else await onDisk;
    return answer;
  }

  /** @returns the outcome, once it is on disk */
  async #stroke(by: Doer, stroke: StrokeMessage): Promise<StrokeOutcome> {
    const { world, recorder } = this.#options;
    try {
      recorder.check();
      const outcome = await world.queueStroke(by, stroke);
      if (!outcome.ok) return outcome;
      await recorder.onDisk();
      return outcome;
    } catch (error) {
      if (!(error instanceof NotSavedError)) throw error;
      return { ok: false, reason: error.message };
    }
  }

  async #control(control: WorldControl): Promise<number> {
    const { world, setSpeed } = this.#options;
    switch (control.kind) {
      case 'speed':
        world.setSpeed(control.stepsPerSecond);
        setSpeed(control.stepsPerSecond);
        return world.organisms.size;
      case 'clear':
        return world.removals.clear(control.x, control.y, control.radius, adminOf(control.by));
      case 'remove':
        return world.removals.remove(control.organism, adminOf(control.by));
      case 'removeByGuest':
        return world.removals.removeByGuest(control.guest, adminOf(control.by));
      case 'removeSpecies':
        return world.removals.removeSpecies(control.species, adminOf(control.by));
      case 'garden':
        return world.plantMore(control.count, control.randomSeed);
      default:
        return control satisfies never;
    }
  }
}

const adminOf = (name = ''): Culprit => ({ guest: '', name });
