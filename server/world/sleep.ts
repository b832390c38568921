/**
 * Decides who sleeps: bodies that are whole and steady, and those that have long been steady without being whole,
 * because they do not heal any more. It wakes nobody: the engine does, before anything can reach a
 * sleeper (`engines/engine.ts`).
 */
import { stepsBetween } from '../../shared/numbers.ts';
import { type Engine, type OrganismId, REACH } from '../engines/engine.ts';
import { MATURE_STEPS } from './mature.ts';
import { type Organism, WHOLE } from './organism.ts';
import { byOrder, type Organisms } from './organisms.ts';
import { MIN_SHAPE } from './symptoms.ts';

/** A body whose health has kept within this much is steady; and so is one that is never whole within this much. */
const STEADY = 0.03;
const STEADY_UNWHOLE = 0.06;
/** A body that is not whole may fall asleep after this long, if it is not out of shape: such a body wilts. */
const RESIGNED_SECONDS = 20;
/** A body may fall asleep at this much below the best health that it has been steady at. */
const NEARLY_BEST = 0.002;
/** How long a body waits for such a moment: then any moment will do. */
const MAX_WAIT_SECONDS = 5;
/** Steps that a body must take for each of those seconds: in a slow world, seconds alone say nothing. */
const STEPS_PER_SECOND = 30;
/** Largest number of bodies that fall asleep in one sample: each is measured, and lifted out of the engine's pages. */
const MAX_PER_SAMPLE = 64;
/** Largest number of bodies in contact that fall asleep together. */
const MAX_TOGETHER = 64;
/** A body that touches one that cannot sleep looks again after this long. */
const LOOK_AGAIN_SECONDS = 2;

export interface SleepingWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** Whether something watches the body that must see it live: a swap, or an open wound. */
  readonly isWatched: (one: Organism) => boolean;
  /** Measures its health now. */
  readonly measure: (id: OrganismId) => Promise<unknown>;
}

/** How a body has been since it was last hurt, woken or unsteady. */
interface Quiet {
  readonly sinceSeconds: number;
  readonly sinceStep: number;
  least: number;
  best: number;
  /** When it may be looked at again, world time. */
  againSeconds: number;
}

export class SleepWatch {
  readonly #world: SleepingWorld;
  readonly #sleepSeconds: number;
  readonly #quiet = new Map<OrganismId, Quiet>();
  /** Everyone slept at the last look, and nobody has woken or been planted since; holds the number of organisms. */
  #allAsleep: number | null = null;

  /** How often somebody has fallen asleep or woken. */
  changes = 0;

  /** @param sleepSeconds - how long a body must have been whole and steady; 0: nobody sleeps */
  constructor(world: SleepingWorld, sleepSeconds: number) {
    this.#world = world;
    this.#sleepSeconds = sleepSeconds;
  }

  /** Whether everyone sleeps. */
  isAllAsleep(): boolean {
    this.pass();
    return this.#allAsleep === this.#world.organisms.size;
  }

  /** Once per frame: who has woken must be quiet for a while before they sleep again. */
  pass(): void {
    for (const id of this.#world.engine.takeWoken()) {
      this.#quiet.delete(id);
      this.#allAsleep = null;
      this.changes++;
    }
  }

  /** Once per sample of a world that runs, after bodies were measured: puts to sleep who may. */
  async look(): Promise<void> {
    if (this.#sleepSeconds === 0 || this.isAllAsleep()) return;
    const { engine, organisms } = this.#world;
    let awake = 0;
    const ready: Organism[] = [];
    for (const id of engine.awakeIds()) {
      const organism = organisms.get(id);
      if (organism === undefined) continue;
      awake++;
      if (this.#isReady(organism) && this.#mayLookAgain(organism)) ready.push(organism);
    }
    if (this.#quiet.size > organisms.size)
      for (const id of this.#quiet.keys()) if (organisms.get(id) === undefined) this.#quiet.delete(id);
    for (const organism of ready.sort(byOrder).slice(0, MAX_PER_SAMPLE)) {
      // It may have fallen asleep with another.
      if (!engine.isAsleep(organism.id)) awake -= await this.#settle(organism);
    }
    this.#allAsleep = awake === 0 ? organisms.size : null;
  }

  /** Whether it has been steady for long enough. */
  #isReady(organism: Organism): boolean {
    const { engine, runSeconds } = this.#world;
    const { id, health } = organism;
    if (!this.#mayBeQuiet(organism)) {
      this.#quiet.delete(id);
      return false;
    }
    const quiet = this.#quiet.get(id);
    if (quiet === undefined || !isSteady(Math.min(quiet.least, health), Math.max(quiet.best, health))) {
      const since = { sinceSeconds: runSeconds(), sinceStep: engine.stepNumber };
      this.#quiet.set(id, { ...since, least: health, best: health, againSeconds: 0 });
      return false;
    }
    quiet.least = Math.min(quiet.least, health);
    quiet.best = Math.max(quiet.best, health);
    const needed = this.#quietSeconds(quiet);
    const steps = stepsBetween(quiet.sinceStep, engine.stepNumber);
    return runSeconds() - quiet.sinceSeconds >= needed && steps >= needed * STEPS_PER_SECOND;
  }

  #mayLookAgain({ id }: Organism): boolean {
    return this.#world.runSeconds() >= (this.#quiet.get(id)?.againSeconds ?? 0);
  }

  /** How long a body must have been steady. */
  #quietSeconds({ least }: Quiet): number {
    return least >= WHOLE ? this.#sleepSeconds : Math.max(RESIGNED_SECONDS, this.#sleepSeconds);
  }

  #mayBeQuiet(organism: Organism): boolean {
    const { engine, isWatched } = this.#world;
    const isGrown = stepsBetween(organism.plantedStep, engine.stepNumber) >= MATURE_STEPS;
    return isGrown && organism.absence === null && organism.health >= MIN_SHAPE && !isWatched(organism);
  }

  /** @returns how many bodies fell asleep */
  async #settle(organism: Organism): Promise<number> {
    const { engine, measure, runSeconds } = this.#world;
    // Its picture stays for as long as it sleeps: it must be a good one.
    await measure(organism.id);
    const quiet = this.#quiet.get(organism.id)!;
    const waited = runSeconds() - quiet.sinceSeconds - this.#quietSeconds(quiet);
    if (organism.health < quiet.best - NEARLY_BEST && waited < MAX_WAIT_SECONDS) return 0;
    const together = await this.#together(organism);
    if (together === null) {
      quiet.againSeconds = runSeconds() + LOOK_AGAIN_SECONDS;
      return 0;
    }
    for (const { id } of together) {
      await engine.sleep(id);
      this.changes++;
      this.#quiet.delete(id);
    }
    return together.length;
  }

  /** The body and all awake ones that it touches, directly or by others; null: not all of them may sleep. */
  async #together(organism: Organism): Promise<Organism[] | null> {
    const { organisms } = this.#world;
    const found = [organism];
    for (let i = 0; i < found.length; i++) {
      for (const id of await this.#touching(found[i])) {
        const other = organisms.get(id);
        if (other === undefined || found.length >= MAX_TOGETHER || !this.#isReady(other)) return null;
        if (!found.includes(other)) found.push(other);
      }
    }
    return found;
  }

  /** Awake bodies that could meet this one in the next step. */
  async #touching({ id, territory }: Organism): Promise<Set<OrganismId>> {
    const { engine } = this.#world;
    if (territory === null) return new Set();
    const { width, height } = { width: territory.width + 2 * REACH, height: territory.height + 2 * REACH };
    const owners = new Uint16Array(width * height);
    await engine.readOwners({ x: territory.x - REACH, y: territory.y - REACH, width, height }, owners);
    const found = new Set<OrganismId>();
    for (let cell = 0; cell < owners.length; cell++) {
      const other = owners[cell];
      if (other === 0 || other === id || found.has(other) || engine.isAsleep(other)) continue;
      if (isNear(owners, width, height, cell, id)) found.add(other);
    }
    return found;
  }
}

const isSteady = (least: number, best: number): boolean =>
  best - least <= (best >= WHOLE ? STEADY : STEADY_UNWHOLE);

/** Whether a cell of the organism lies within `REACH` of a cell. @param owners - [height, width] */
function isNear(owners: Uint16Array, width: number, height: number, cell: number, id: OrganismId): boolean {
  const x = cell % width;
  const y = Math.floor(cell / width);
  for (let ny = Math.max(0, y - REACH); ny <= Math.min(height - 1, y + REACH); ny++)
    for (let nx = Math.max(0, x - REACH); nx <= Math.min(width - 1, x + REACH); nx++)
      if (owners[ny * width + nx] === id) return true;
  return false;
}
