/** Measures health: in each frame, a share of the bodies that moved. */
import type { Engine, OrganismId } from '../engines/engine.ts';
import { FAR_MARGIN, HEALTH_MARGIN, hasMoved, hasMovedFar } from './likeness.ts';
import type { MatureForm } from './mature.ts';
import { Measure } from './measure.ts';
import type { Organism } from './organism.ts';
import type { Organisms } from './organisms.ts';
import type { RuleSlots } from './ruleSlots.ts';
import { MIN_SHAPE } from './symptoms.ts';
import type { WoundWatch } from './woundWatch.ts';

/**
 * Largest number of bodies measured in one frame (one of 40 cells takes about 0.03 ms). At 20 frames per second that is
 * 4 Hz for 640 moving bodies, more than a few cores can step. A body at rest is not measured again.
 */
const MAX_MEASURED = 128;
/**
 * A body that is not whole and whose health has settled within this much may be whole beside its place: a cell does not
 * know where in the world it is, and limbs that grow back may draw the rest along.
 */
const STEADY = 0.01;
/** A body out of shape may be looked for when its health was nearly steady: some flicker. */
const NEARLY_STEADY = 0.06;
/** A body that was looked for in vain is looked for again only when its health has changed by more than this. */
const SAME = 0.02;

const NEVER_SOUGHT = { health: Number.POSITIVE_INFINITY, turn: -1 };

/** When a body is followed, and what follows from it. */
export interface Following {
  /** Whether a swap of its rule is watched: a rule that throws bodies far from their places must be seen to fail. */
  readonly isWatched: (organism: Organism) => boolean;
  /** Whether there is room for its grown body so many cells beside its place. */
  readonly mayMove: (organism: Organism, dx: number, dy: number) => boolean;
  /** Called with a body that now stands at another place. */
  readonly hasMoved: (organism: Organism) => void;
}

export class HealthWatch {
  readonly #engine: Engine;
  readonly #organisms: Organisms;
  readonly #rules: RuleSlots;
  readonly #wounds: WoundWatch;
  readonly #measure: Measure;
  /** Organisms whose health may have changed since it was measured, in order of arrival. */
  readonly #stale = new Set<OrganismId>();
  /** Size of `#stale` at the last count: as many are measured before the next count. */
  #pace = 0;
  /** Measurements that are due and have not been made. */
  #owed = 0;

  /** True once between two counts. */
  #mayFollow = false;
  /** The health at which each was last looked for elsewhere, and in which turn. */
  readonly #sought = new WeakMap<Organism, { readonly health: number; readonly turn: number }>();
  #turn = 0;

  readonly #follow: Following;

  constructor(engine: Engine, organisms: Organisms, rules: RuleSlots, wounds: WoundWatch, follow: Following) {
    this.#follow = follow;
    this.#engine = engine;
    this.#measure = new Measure(engine);
    this.#organisms = organisms;
    this.#rules = rules;
    this.#wounds = wounds;
  }

  /** Notes organisms that changed since the last count. */
  moved(ids: Iterable<OrganismId>): void {
    for (const id of ids) this.#stale.add(id);
    this.#pace = this.#stale.size;
    this.#mayFollow = true;
  }

  /** Measures the share that is due. @param samples - samples that the elapsed time is worth; 1 measures all */
  async measureDue(samples: number): Promise<void> {
    this.#owed = Math.min(this.#owed + this.#pace * samples, this.#stale.size, MAX_MEASURED);
    for (const id of this.#stale) {
      if (this.#owed < 1) break;
      this.#owed--;
      this.#stale.delete(id);
      await this.measure(id);
    }
  }

  /** Measures one body now, if it is there. */
  async measure(id: number): Promise<void> {
    const organism = this.#organisms.get(id);
    if (organism === undefined) return;
    const { mature } = this.#rules.at(organism.slot);
    const { health, isOutOfRange } = await this.#measure.health(organism, mature);
    organism.isOutOfRange = isOutOfRange;
    this.#found(organism, health);
  }

  /**
   * Looks for one settled body around its place, and moves the place if the body stands whole beside it. Once per
   * sample of a world that runs: a body of 40 cells takes about 0.5 ms, one out of shape 2 ms more.
   */
  async followMoved(): Promise<void> {
    if (!this.#mayFollow) return;
    this.#mayFollow = false;
    const organism = this.#nextSought();
    if (organism === null) return;
    const turn = this.#turn++;
    this.#sought.set(organism, { health: organism.health, turn });
    const place = await this.#seek(organism, this.#rules.at(organism.slot).mature);
    if (place === null || !this.#follow.mayMove(organism, place.dx, place.dy)) return;
    organism.x += place.dx;
    organism.y += place.dy;
    this.#follow.hasMoved(organism);
    // Not in vain: when it moves as far again, it is looked for again.
    this.#sought.set(organism, { health: place.health, turn });
    this.#found(organism, place.health);
  }

  /** The settled body that is to be looked for and was looked for the longest ago. */
  #nextSought(): Organism | null {
    let next: Organism | null = null;
    let nextTurn = Number.POSITIVE_INFINITY;
    for (const organism of this.#organisms.unwell) {
      if (organism.absence !== null) continue;
      const { health, turn } = this.#sought.get(organism) ?? NEVER_SOUGHT;
      const within = organism.health < MIN_SHAPE ? NEARLY_STEADY : STEADY;
      if (turn >= nextTurn || Math.abs(organism.health - health) <= SAME) continue;
      if (!this.#organisms.isSettled(organism, within)) continue;
      [next, nextTurn] = [organism, turn];
    }
    return next;
  }

  /** @returns how far from its place a body stands, and its health there; null: it has not moved */
  async #seek(
    organism: Organism,
    mature: MatureForm,
  ): Promise<{ readonly dx: number; readonly dy: number; readonly health: number } | null> {
    const near = await this.#measure.likestPlace(organism, mature);
    if (hasMoved(organism.health, near.health)) return near;
    if (organism.health >= MIN_SHAPE || this.#follow.isWatched(organism)) return null;
    const far = await this.#measure.likestPlace(organism, mature, FAR_MARGIN);
    const { width, height } = this.#engine;
    const [x, y] = [organism.x + far.dx, organism.y + far.dy];
    // Its seed must be able to grow there.
    const isInside = x >= 0 && y >= 0 && x < width && y < height;
    const isFar = Math.max(Math.abs(far.dx), Math.abs(far.dy)) > HEALTH_MARGIN;
    return isInside && isFar && hasMovedFar(organism.health, far.health) ? far : null;
  }

  #found(organism: Organism, health: number): void {
    organism.health = health;
    this.#wounds.measured(organism.id, health, this.#engine.stepNumber);
  }
}
