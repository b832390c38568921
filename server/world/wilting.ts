/** Wilting: a body that is sick for good (`wiltWatch.ts`) dissolves, and grows again from its seed (`absences.ts`). */
import type { OrganismId } from '../engines/engine.ts';
import { type Absences, MAX_RELAPSE_SECONDS } from './absences.ts';
import type { Organism } from './organism.ts';
import type { RunningTime } from './runningTime.ts';
import type { WiltCause } from './symptoms.ts';
import { type WatchedWorld, WiltWatch } from './wiltWatch.ts';

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
  readonly absences: Absences;
  readonly time: RunningTime;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** Called with a body that begins to wilt: from now on its changes are not healing. */
  readonly leaves: (id: OrganismId) => void;
}

export class Wilting {
  readonly #world: WiltWorld;
  readonly #watch: WiltWatch;
  #begun: WiltedBody[] = [];

  constructor(world: WiltWorld) {
    this.#world = world;
    this.#watch = new WiltWatch(world, world.time);
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

  /** It has no body any more. */
  forget(id: OrganismId): void {
    this.#watch.forget(id);
  }

  /**
   * All organisms were replaced.
   *
   * @param lost - those whose last cell the bounds took
   */
  restore(lost: ReadonlySet<OrganismId>): void {
    this.#watch.forgetAll();
    for (const organism of this.#world.organisms)
      if (organism.absence === null && lost.has(organism.id)) this.#begin(organism, 'out of range');
  }

  /** Once per sample of a world that runs, after a count: bodies that are sick for good begin to wilt. */
  async look(): Promise<void> {
    for (const { organism, cause } of await this.#watch.look()) this.#begin(organism, cause);
  }

  #begin(organism: Organism, cause: WiltCause): void {
    const { slots, runSeconds, leaves, absences } = this.#world;
    const { id, species, x, y, planter, guest, slot } = organism;
    leaves(id);
    this.#watch.forget(id);
    const mark = { atSeconds: runSeconds(), label: `wilted: ${cause}` };
    organism.marks = [...organism.marks.slice(-3), mark];
    const isRelapse = organism.wiltings > 0 && runSeconds() - organism.plantedSeconds < MAX_RELAPSE_SECONDS;
    organism.wiltings = isRelapse ? organism.wiltings + 1 : 1;
    absences.dissolve(organism, 'wilting');
    this.#begun.push({ organism: id, species, label: slots.at(slot).label, x, y, planter, guest, cause });
  }
}
