/** Measures how whole the bodies are, a share of those that moved in each frame. */
import type { Engine, OrganismId } from '../engines/engine.ts';
import type { WoundWatch } from '../sessions/woundWatch.ts';
import { healthOf, healthRect } from './mature.ts';
import type { Organisms } from './organisms.ts';
import type { RuleSlots } from './ruleSlots.ts';

/**
 * Bodies measured in one frame at most (one of 40 cells takes about 0.03 ms). At 20 frames a second that is
 * 4 Hz for 640 bodies that move, more than a few cores step; those that stand still are not measured again.
 */
const MOST_MEASURED = 128;

export class HealthWatch {
  readonly #engine: Engine;
  readonly #organisms: Organisms;
  readonly #rules: RuleSlots;
  readonly #wounds: WoundWatch;
  /** Of the body that is being measured; as long as the largest yet. */
  #own = new Float32Array(0);
  /** Whose health may have changed since it was measured, first come first served. */
  readonly #stale = new Set<OrganismId>();
  /** Of them when last counted: all are to be measured until the next count. */
  #pace = 0;
  /** Measured bodies that time has earned and that are still to be taken. */
  #owed = 0;

  constructor(engine: Engine, organisms: Organisms, rules: RuleSlots, wounds: WoundWatch) {
    this.#engine = engine;
    this.#organisms = organisms;
    this.#rules = rules;
    this.#wounds = wounds;
  }

  /** These have moved since the last count. */
  moved(ids: Iterable<OrganismId>): void {
    for (const id of ids) this.#stale.add(id);
    this.#pace = this.#stale.size;
  }

  /** Measures its share of those that moved. @param samples - that the time is worth; in one, all are measured */
  async measureDue(samples: number): Promise<void> {
    this.#owed = Math.min(this.#owed + this.#pace * samples, this.#stale.size, MOST_MEASURED);
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
    const rect = healthRect(mature, organism.x, organism.y);
    const length = rect.width * rect.height * 4;
    if (this.#own.length < length) this.#own = new Float32Array(length);
    const own = this.#own.subarray(0, length);
    await this.#engine.readOrganism(organism.id, rect, own);
    organism.health = healthOf(own, mature);
    this.#wounds.measured(id, organism.health, this.#engine.stepNumber);
  }
}
