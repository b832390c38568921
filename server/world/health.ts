/** Measures how whole the bodies are, a share of those that moved in each frame. */
import type { Engine, OrganismId } from '../engines/engine.ts';
import { Measure } from './measure.ts';
import type { Organism, Organisms } from './organisms.ts';
import type { RuleSlots } from './ruleSlots.ts';
import type { WoundWatch } from './woundWatch.ts';

/**
 * Bodies measured in one frame at most (one of 40 cells takes about 0.03 ms). At 20 frames a second that is
 * 4 Hz for 640 bodies that move, more than a few cores step; those that stand still are not measured again.
 */
const MAX_MEASURED = 128;
/**
 * A body that is less than whole, and has not got better or worse for so many samples, may be whole beside its place:
 * nothing tells a cell where in the world it is, and limbs that grow back may draw the rest along.
 */
const SETTLED_SAMPLES = 8;
const WHOLE = 0.95;
/** There it must be whole but for this, and so much liker than where it was: else it is torn, and has not moved. */
const NEARLY_WHOLE = 0.8;
const LIKER = 0.05;
/** Of a body that was looked for in vain: it is not again, until its health has changed by more. */
const SAME = 0.02;

export class HealthWatch {
  readonly #engine: Engine;
  readonly #organisms: Organisms;
  readonly #rules: RuleSlots;
  readonly #wounds: WoundWatch;
  readonly #measure: Measure;
  /** Whose health may have changed since it was measured, first come first served. */
  readonly #stale = new Set<OrganismId>();
  /** Of them when last counted: all are to be measured until the next count. */
  #pace = 0;
  /** Measured bodies that time has earned and that are still to be taken. */
  #owed = 0;

  /** Once between two counts. */
  #mayFollow = false;
  /** With which health they were last looked for elsewhere. */
  readonly #sought = new WeakMap<Organism, number>();

  readonly #hasMoved: (organism: Organism) => void;

  /** @param hasMoved - told of a body that stands at another place from now on */
  constructor(
    engine: Engine,
    organisms: Organisms,
    rules: RuleSlots,
    wounds: WoundWatch,
    hasMoved: (organism: Organism) => void,
  ) {
    this.#hasMoved = hasMoved;
    this.#engine = engine;
    this.#measure = new Measure(engine);
    this.#organisms = organisms;
    this.#rules = rules;
    this.#wounds = wounds;
  }

  /** These have moved since the last count. */
  moved(ids: Iterable<OrganismId>): void {
    for (const id of ids) this.#stale.add(id);
    this.#pace = this.#stale.size;
    this.#mayFollow = true;
  }

  /** Measures its share of those that moved. @param samples - that the time is worth; in one, all are measured */
  async measureDue(samples: number): Promise<void> {
    this.#owed = Math.min(this.#owed + this.#pace * samples, this.#stale.size, MAX_MEASURED);
    for (const id of this.#stale) {
      if (this.#owed < 1) break;
      this.#owed--;
      this.#stale.delete(id);
      await this.measure(id);
    }
  }

  async measure(id: number): Promise<void> {
    const organism = this.#organisms.get(id);
    if (organism === undefined) return;
    const { mature } = this.#rules.at(organism.slot);
    const { health, isOutOfRange } = await this.#measure.health(organism, mature);
    organism.isOutOfRange = isOutOfRange;
    this.#found(organism, health);
  }

  /**
   * A body that has settled whole but beside its place stands there from now on: one is looked for (40 cells take
   * about half a millisecond), once a sample.
   */
  async followMoved(): Promise<void> {
    if (!this.#mayFollow) return;
    this.#mayFollow = false;
    for (const organism of this.#organisms) {
      if (organism.health >= WHOLE || organism.isWilting) continue;
      const sought = this.#sought.get(organism) ?? Number.POSITIVE_INFINITY;
      if (Math.abs(organism.health - sought) <= SAME || !organism.history.isSteady(SETTLED_SAMPLES)) continue;
      this.#sought.set(organism, organism.health);
      const { mature } = this.#rules.at(organism.slot);
      const { dx, dy, health } = await this.#measure.likestPlace(organism, mature);
      if (health < Math.max(NEARLY_WHOLE, organism.health + LIKER)) return;
      organism.x += dx;
      organism.y += dy;
      this.#hasMoved(organism);
      this.#found(organism, health);
      return;
    }
  }

  #found(organism: Organism, health: number): void {
    organism.health = health;
    this.#wounds.measured(organism.id, health, this.#engine.stepNumber);
  }
}
