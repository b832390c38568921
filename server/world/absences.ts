/**
 * Organisms without a body: it dissolves within 2 s of world time, or it is gone and the seed waits. Then they grow again
 * from the seed as the same organism: id, species, rule, planter and place are kept, and the body's age starts again. An
 * organism that was removed or that withers dissolves and is gone.
 */
import type { Rect } from '../../shared/geometry.ts';
import type { Absence } from '../../shared/protocol.ts';
import { type Engine, EngineError, type OrganismId } from '../engines/engine.ts';
import { isEnding, type Organism, WHOLE } from './organism.ts';
import type { Organisms } from './organisms.ts';
import { allCellsOf } from './perturb.ts';

const DISSOLVE_SECONDS = 2;
/** From a death to the new seed: long enough that players see the gap. */
export const FALLOW_SECONDS = 15;
/** How long the seed waits when a body wilts a second time. The time doubles with each further wilting. */
const RELAPSE_SECONDS = 20;
/** Longest wait. A body that wilts later than this after its seed was planted wilts as if for the first time. */
export const MAX_RELAPSE_SECONDS = 600;
/** Cells by which a dissolving body shrinks at a time: each time, the engine looks for all of its cells. */
const SHRINK_CELLS = 2;

/** Seeds that are told to players: more than anybody sees. */
const MAX_TOLD_SEEDS = 4_096;

/** A seed that waits. */
export interface WaitingSeed {
  /** The organism's. */
  readonly id: number;
  readonly x: number;
  readonly y: number;
  /** Until it grows; 0: its cell is not free yet. */
  readonly seconds: number;
}

export interface AbsentWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  readonly territoryOf: (one: Organism) => Rect;
  /** Called before an organism is gone for good. */
  readonly gone: (one: Organism) => void;
  /** Called when its seed has been planted again. */
  readonly planted: (one: Organism) => void;
}

interface Dissolving {
  /** Cells from its place within which all of it lies: at the start, and now. */
  readonly reach: number;
  radius: number;
  /** World time when it began to dissolve. */
  readonly sinceSeconds: number;
}

export class Absences {
  readonly #world: AbsentWorld;
  readonly #dissolving = new Map<OrganismId, Dissolving>();
  /** Organisms whose seeds wait. */
  readonly #waiting = new Set<OrganismId>();
  /** Bodies whose place an admin has cleared. */
  readonly #uprooted = new Set<OrganismId>();
  /** Seeds that wait have changed since `takeSeeds`. */
  #hasNews = false;

  constructor(world: AbsentWorld) {
    this.#world = world;
  }

  /** Whether it dissolves or its seed waits: then it is alive without cells. */
  has(id: OrganismId): boolean {
    return this.#dissolving.has(id) || this.#waiting.has(id);
  }

  /** Organisms whose seeds wait. */
  get waiting(): ReadonlySet<OrganismId> {
    return this.#waiting;
  }

  /** How many bodies dissolve. */
  get dissolving(): number {
    return this.#dissolving.size;
  }

  /** The world runs again after it stood still: clients have counted the seconds of seeds down meanwhile. */
  tellSeedsAgain(): void {
    this.#hasNews ||= this.#waiting.size > 0;
  }

  /** The seeds that wait, if they have changed since the last call, at most `MAX_TOLD_SEEDS`; null: they have not. */
  takeSeeds(): WaitingSeed[] | null {
    if (!this.#hasNews) return null;
    this.#hasNews = false;
    const { organisms, runSeconds } = this.#world;
    const seeds: WaitingSeed[] = [];
    for (const id of this.#waiting) {
      const one = organisms.get(id);
      if (one === undefined) continue;
      seeds.push({ id, x: one.x, y: one.y, seconds: Math.max(0, (one.dueSeconds ?? 0) - runSeconds()) });
      if (seeds.length >= MAX_TOLD_SEEDS) break;
    }
    return seeds;
  }

  /** Its last cell has died. What an admin has uprooted is gone; of any other organism, the seed waits. */
  died(organism: Organism): void {
    if (organism.isUprooted) {
      this.#end(organism);
      return;
    }
    const mark = { atSeconds: this.#world.runSeconds(), label: 'died' };
    organism.marks = [...organism.marks.slice(-3), mark];
    this.#wait(organism, 'died');
  }

  /** Its body begins to dissolve. One whose seed waits is gone at once if it is not to come back. */
  dissolve(organism: Organism, cause: Absence): void {
    const isWaiting = this.#stopWaiting(organism.id);
    organism.absence = cause;
    organism.dueSeconds = null;
    if (isWaiting && isEnding(organism)) {
      this.#end(organism);
      return;
    }
    const { x, y, width, height } = this.#world.territoryOf(organism);
    const reachX = Math.max(organism.x - x, x + width - organism.x);
    const reachY = Math.max(organism.y - y, y + height - organism.y);
    const reach = Math.hypot(reachX, reachY);
    this.#dissolving.set(organism.id, { reach, radius: reach, sinceSeconds: this.#world.runSeconds() });
  }

  /** After a count, of an organism that has cells: the body of one whose seed waits was put back by a rollback. */
  foundAlive(organism: Organism): void {
    if (this.#stopWaiting(organism.id)) this.#isBack(organism);
  }

  /** After a count: a body that was uprooted and is whole again has its seed again. */
  forgive(): void {
    for (const id of this.#uprooted) {
      const organism = this.#world.organisms.get(id);
      if (organism !== undefined && (organism.cells === 0 || organism.health < WHOLE)) continue;
      this.#uprooted.delete(id);
      if (organism !== undefined) organism.isUprooted = false;
    }
  }

  /** An admin has cleared its place: it does not come back. One whose seed waits is gone at once. */
  uproot(organism: Organism): void {
    if (isEnding(organism)) return;
    organism.isUprooted = true;
    this.#uprooted.add(organism.id);
    this.#dissolving.delete(organism.id);
    if (this.#stopWaiting(organism.id)) this.#end(organism);
    else this.#isBack(organism);
  }

  /**
   * An organism that would be gone comes back: one that dissolves grows again from its seed then, as after a death; a seed
   * that waits is planted now.
   *
   * @returns why not, for people; null: it is done
   */
  async bringBack(organism: Organism): Promise<string | null> {
    const { id, isUprooted } = organism;
    organism.isUprooted = false;
    if (isEnding(organism)) {
      organism.absence = 'died';
      return null;
    }
    if (!this.#waiting.has(id)) return isUprooted ? null : 'It is not gone.';
    if (await this.#plantSeed(organism)) return null;
    return 'No room: somebody lives where its seed is.';
  }

  /** The organism is gone, by another hand. */
  forget(id: OrganismId): void {
    this.#dissolving.delete(id);
    this.#stopWaiting(id);
  }

  /** All organisms were replaced: bodies that dissolved begin to anew, and seeds go on waiting. */
  restore(): void {
    this.#dissolving.clear();
    this.#waiting.clear();
    this.#uprooted.clear();
    this.#hasNews = true;
    for (const organism of this.#world.organisms) {
      const { id, absence, dueSeconds, isUprooted } = organism;
      if (isUprooted) this.#uprooted.add(id);
      if (absence === null) continue;
      if (dueSeconds === null) this.dissolve(organism, absence);
      else this.#startWaiting(id);
    }
  }

  /** Once per frame of a world that runs: shrinks dissolving bodies and plants seeds that are due. */
  async pass(): Promise<void> {
    const { organisms, runSeconds } = this.#world;
    for (const [id, dissolving] of this.#dissolving) {
      const organism = organisms.get(id);
      if (organism === undefined) this.forget(id);
      else this.#shrink(organism, dissolving);
    }
    const now = runSeconds();
    for (const id of this.#waiting) {
      const organism = organisms.get(id);
      if (organism === undefined) this.forget(id);
      else if (organism.dueSeconds === null || organism.dueSeconds <= now) await this.#plantSeed(organism);
    }
  }

  #shrink(organism: Organism, dissolving: Dissolving): void {
    const left = 1 - (this.#world.runSeconds() - dissolving.sinceSeconds) / DISSOLVE_SECONDS;
    const { engine } = this.#world;
    const { id, x, y } = organism;
    if (left > 0) {
      const radius = dissolving.reach * left;
      if (radius > dissolving.radius - SHRINK_CELLS) return;
      dissolving.radius = radius;
      engine.perturb({ kind: 'truncate', organism: id, x, y, radius });
      return;
    }
    engine.perturb(allCellsOf(id));
    this.#dissolving.delete(id);
    if (isEnding(organism)) this.#end(organism);
    else this.#wait(organism, organism.absence ?? 'wilting');
  }

  #wait(organism: Organism, cause: Absence): void {
    organism.absence = cause;
    organism.dueSeconds = this.#world.runSeconds() + waitOf(organism);
    organism.health = 0;
    organism.cells = 0;
    organism.isOutOfRange = false;
    this.#startWaiting(organism.id);
  }

  #startWaiting(id: OrganismId): void {
    this.#waiting.add(id);
    this.#hasNews = true;
  }

  /** @returns whether it waited */
  #stopWaiting(id: OrganismId): boolean {
    const waited = this.#waiting.delete(id);
    this.#hasNews ||= waited;
    return waited;
  }

  #isBack(organism: Organism): void {
    organism.absence = null;
    organism.dueSeconds = null;
  }

  #end(organism: Organism): void {
    const { engine, organisms, runSeconds, gone } = this.#world;
    gone(organism);
    this.forget(organism.id);
    engine.remove(organism.id);
    organisms.remove(organism.id, runSeconds());
  }

  /**
   * Tries again in the next frame if the seed's cell is taken or the engine has no room.
   *
   * @returns whether it is planted
   */
  async #plantSeed(organism: Organism): Promise<boolean> {
    const { engine, organisms, runSeconds, territoryOf } = this.#world;
    const { id, slot } = organism;
    // Its place may have moved over the edge with its body.
    organism.x = Math.min(Math.max(organism.x, 0), engine.width - 1);
    organism.y = Math.min(Math.max(organism.y, 0), engine.height - 1);
    const { x, y } = organism;
    const owner = new Uint16Array(1);
    await engine.readOwners({ x, y, width: 1, height: 1 }, owner);
    const trialId = organisms.freeId(runSeconds());
    if (owner[0] !== 0 || trialId === null) return false;
    try {
      // Under an unused id: if the engine refuses, the organism keeps its own.
      engine.plant(trialId, slot, x, y);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return false;
    }
    engine.remove(trialId);
    engine.remove(id);
    const territory = territoryOf(organism);
    engine.plant(id, slot, x, y, territory);
    this.#stopWaiting(id);
    this.#isBack(organism);
    organism.territory = territory;
    organism.plantedStep = engine.stepNumber;
    organism.plantedSeconds = runSeconds();
    organism.health = 0;
    organism.isOutOfRange = false;
    organism.cells = 1;
    this.#world.planted(organism);
    return true;
  }
}

/** Seconds that its seed waits. */
function waitOf({ absence, wiltings }: Organism): number {
  if (absence === 'died') return FALLOW_SECONDS;
  return wiltings < 2 ? 0 : Math.min(RELAPSE_SECONDS * 2 ** (wiltings - 2), MAX_RELAPSE_SECONDS);
}
