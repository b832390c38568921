/**
 * Wilting: a body that is sick for good (`wiltWatch.ts`) dissolves within 2 s of world time, and grows again from its
 * seed at its place. It stays the same organism: id, species, rule, planter and place are kept; its age starts again.
 */
import type { Rect } from '../../shared/geometry.ts';
import { EngineError, type OrganismId } from '../engines/engine.ts';
import type { Organism } from './organisms.ts';
import { RunningTime, type WiltCause } from './symptoms.ts';
import { type WatchedWorld, WiltWatch } from './wiltWatch.ts';

export const DISSOLVE_SECONDS = 2;
/** How long the seed waits when a body wilts a second time. The time doubles with each further wilting. */
export const RELAPSE_SECONDS = 20;
/** Longest wait. A body that wilts later than this after its seed was planted wilts as if for the first time. */
export const MAX_RELAPSE_SECONDS = 600;
/** Cells by which a dissolving body shrinks at a time: each time, the engine looks for all of its cells. */
const SHRINK_CELLS = 2;

/** A body has begun to wilt. */
export interface WiltedBody {
  readonly organism: OrganismId;
  readonly species: string;
  /** The rule it lives by: "pikachu v4". */
  readonly label: string;
  readonly x: number;
  readonly y: number;
  /** Empty: the garden's. */
  readonly planter: string;
  /** Id of the guest who planted it; empty: the garden's, or nobody known. */
  readonly guest: string;
  readonly cause: WiltCause;
}

export interface WiltWorld extends WatchedWorld {
  /** World time, seconds. */
  readonly runSeconds: () => number;
  readonly territoryOf: (one: Organism) => Rect;
  /** Called with a body that begins to wilt: from now on its changes are not healing. */
  readonly leaves: (id: OrganismId) => void;
}

interface Wilt {
  /** Cells from its place within which all of it lies: at the start, and now. */
  readonly reach: number;
  radius: number;
  /** Running time, in seconds, when it began to dissolve. */
  readonly sinceSeconds: number;
  /** From fully dissolved to planted again. */
  readonly waitSeconds: number;
  isDissolved: boolean;
}

export class Wilting {
  readonly #world: WiltWorld;
  readonly #time: RunningTime;
  readonly #watch: WiltWatch;
  readonly #wilts = new Map<OrganismId, Wilt>();
  #begun: WiltedBody[] = [];

  constructor(world: WiltWorld) {
    this.#world = world;
    this.#time = new RunningTime(world.engine.stepNumber);
    this.#watch = new WiltWatch(world, this.#time);
  }

  /** Whether it dissolves or its seed waits: then it is alive without cells. */
  has(id: OrganismId): boolean {
    return this.#wilts.has(id);
  }

  /** Bodies that began to wilt since the last call; null: none. */
  take(): WiltedBody[] | null {
    if (this.#begun.length === 0) return null;
    const begun = this.#begun;
    this.#begun = [];
    return begun;
  }

  /** A stroke has touched them. */
  struck(ids: Iterable<OrganismId>): void {
    for (const id of ids) this.#watch.struck(id);
  }

  /** It is dead, or about to die: its seed is not planted again. */
  forget(id: OrganismId): void {
    this.#wilts.delete(id);
    this.#watch.forget(id);
    const organism = this.#world.organisms.get(id);
    if (organism !== undefined) organism.isWilting = false;
  }

  /**
   * All organisms were replaced. Those that wilted go on; a seed's wait begins anew.
   *
   * @param lost - those whose last cell the bounds took
   */
  restore(lost: ReadonlySet<OrganismId>): void {
    this.#wilts.clear();
    this.#watch.forgetAll();
    this.#time.pass(0, this.#world.engine.stepNumber);
    for (const organism of this.#world.organisms) {
      if (organism.isWilting) this.#dissolve(organism);
      else if (lost.has(organism.id)) this.#begin(organism, 'out of range');
    }
  }

  /** Once per frame: shrinks dissolving bodies and plants seeds that are due. */
  async pass(elapsedSeconds: number): Promise<void> {
    const { engine, organisms } = this.#world;
    if (this.#time.pass(elapsedSeconds, engine.stepNumber) === 0) return;
    for (const [id, wilt] of this.#wilts) {
      const organism = organisms.get(id);
      if (organism === undefined) this.forget(id);
      else if (!wilt.isDissolved) this.#shrink(organism, wilt);
      else if (this.#since(wilt) >= DISSOLVE_SECONDS + wilt.waitSeconds) await this.#plantSeed(organism);
    }
  }

  /** Once per sample, after the count: bodies that are sick for good begin to wilt. */
  async look(): Promise<void> {
    for (const { organism, cause } of await this.#watch.look()) this.#begin(organism, cause);
  }

  // --- dissolving, and growing again ---

  #begin(organism: Organism, cause: WiltCause): void {
    const { slots, runSeconds, leaves } = this.#world;
    const { id, species, x, y, planter, guest, slot } = organism;
    leaves(id);
    this.#watch.forget(id);
    const mark = { atSeconds: runSeconds(), label: `wilted: ${cause}` };
    organism.marks = [...organism.marks.slice(-3), mark];
    const isRelapse = organism.wiltings > 0 && runSeconds() - organism.plantedSeconds < MAX_RELAPSE_SECONDS;
    organism.wiltings = isRelapse ? organism.wiltings + 1 : 1;
    this.#dissolve(organism);
    this.#begun.push({ organism: id, species, label: slots.at(slot).label, x, y, planter, guest, cause });
  }

  #dissolve(organism: Organism): void {
    organism.isWilting = true;
    const { x, y, width, height } = this.#world.territoryOf(organism);
    const reachX = Math.max(organism.x - x, x + width - organism.x);
    const reachY = Math.max(organism.y - y, y + height - organism.y);
    const reach = Math.hypot(reachX, reachY);
    const sinceSeconds = this.#time.seconds;
    const waitSeconds = waitOf(organism);
    this.#wilts.set(organism.id, { reach, radius: reach, sinceSeconds, waitSeconds, isDissolved: false });
  }

  #since({ sinceSeconds }: Wilt): number {
    return this.#time.seconds - sinceSeconds;
  }

  #shrink({ id, x, y }: Organism, wilt: Wilt): void {
    const left = 1 - this.#since(wilt) / DISSOLVE_SECONDS;
    const { engine } = this.#world;
    if (left > 0) {
      const radius = wilt.reach * left;
      if (radius > wilt.radius - SHRINK_CELLS) return;
      wilt.radius = radius;
      engine.perturb({ kind: 'truncate', organism: id, x, y, radius });
      return;
    }
    // Around a place outside the world: no cell stays.
    engine.perturb({ kind: 'truncate', organism: id, x: -1, y: -1, radius: 0 });
    wilt.isDissolved = true;
  }

  /** Tries again in the next frame if the seed's cell is taken or the engine has no room. */
  async #plantSeed(organism: Organism): Promise<void> {
    const { engine, organisms, runSeconds, territoryOf } = this.#world;
    const { id, slot } = organism;
    // Its place may have moved over the edge with its body.
    organism.x = Math.min(Math.max(organism.x, 0), engine.width - 1);
    organism.y = Math.min(Math.max(organism.y, 0), engine.height - 1);
    const { x, y } = organism;
    const owner = new Uint16Array(1);
    await engine.readOwners({ x, y, width: 1, height: 1 }, owner);
    const trialId = organisms.freeId(runSeconds());
    if (owner[0] !== 0 || trialId === null) return;
    try {
      // Under an unused id: if the engine refuses, the organism keeps its own.
      engine.plant(trialId, slot, x, y);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return;
    }
    engine.remove(trialId);
    engine.remove(id);
    const territory = territoryOf(organism);
    engine.plant(id, slot, x, y, territory);
    organism.territory = territory;
    organism.plantedStep = engine.stepNumber;
    organism.plantedSeconds = runSeconds();
    organism.health = 0;
    organism.isOutOfRange = false;
    organism.isWilting = false;
    organism.cells = 1;
    this.#wilts.delete(id);
  }
}

/** Seconds that its seed waits. */
const waitOf = ({ wiltings }: Organism): number =>
  wiltings < 2 ? 0 : Math.min(RELAPSE_SECONDS * 2 ** (wiltings - 2), MAX_RELAPSE_SECONDS);
