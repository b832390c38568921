/** Which rectangle each organism may own cells in. It follows the organism's place and the rules that it may live by. */
import type { Rect } from '../../shared/geometry.ts';
import type { Engine, RuleSlot } from '../engines/engine.ts';
import { territoryOf } from './mature.ts';
import type { Organism } from './organism.ts';
import type { RuleSlots } from './ruleSlots.ts';

export class Territories {
  readonly #engine: Engine;
  readonly #slots: RuleSlots;
  readonly #heldSlots: (one: Organism) => readonly RuleSlot[];

  /** @param heldSlots - rules besides its own that an organism may go back to */
  constructor(engine: Engine, slots: RuleSlots, heldSlots: (one: Organism) => readonly RuleSlot[]) {
    this.#engine = engine;
    this.#slots = slots;
    this.#heldSlots = heldSlots;
  }

  /** Its rule's territory around its place; while a swap is watched, with room for the old rule's form, too. */
  of(one: Organism): Rect {
    const forms = [one.slot, ...this.#heldSlots(one)].map((slot) => this.#slots.at(slot).mature);
    return territoryOf(forms, one.x, one.y);
  }

  /** Its rule or place has changed: tells the engine its new territory. */
  update(one: Organism): void {
    const territory = this.of(one);
    // The engine looks at all of its pages for this.
    if (one.territory !== null && isSameRect(one.territory, territory)) return;
    this.#engine.setTerritory(one.id, territory);
    one.territory = territory;
  }
}

const isSameRect = (a: Rect, b: Rect): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;
