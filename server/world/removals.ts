/** How bodies go for good: an admin clears or removes, a planter takes back, nobody visits. */
import type { Engine, OrganismId } from '../engines/engine.ts';
import type { Absences } from './absences.ts';
import { type Culprit, type Losses, NOBODY } from './losses.ts';
import { isEnding, type Organism } from './organism.ts';
import type { Organisms } from './organisms.ts';
import { ownersUnder } from './perturb.ts';
import type { RuleSlots } from './ruleSlots.ts';
import type { Swaps } from './swap.ts';
import type { Wilting } from './wilting.ts';
import type { WoundWatch } from './woundWatch.ts';

export interface RemovalParts {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly slots: RuleSlots;
  readonly swaps: Swaps;
  readonly wounds: WoundWatch;
  readonly wilting: Wilting;
  readonly absences: Absences;
  readonly losses: Losses;
  /** Measures a body's health now. */
  readonly measure: (id: OrganismId) => Promise<unknown>;
  /** Called when a species is the world's no longer. */
  readonly speciesGone: () => void;
}

export class Removals {
  readonly #parts: RemovalParts;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** Zeroes a circle. What dies of it, and seeds that wait there, do not come back. @returns how many lost cells */
  async clear(x: number, y: number, radius: number, by: Culprit = NOBODY): Promise<number> {
    const { engine, organisms, swaps, wounds, wilting, absences, losses, measure } = this.#parts;
    const circle = { x0: x, y0: y, x1: x, y1: y, radius };
    const hit = [...(await ownersUnder([circle], engine)).keys()];
    for (const id of hit) wounds.leave(id);
    engine.perturb({ kind: 'ablate', ...circle });
    swaps.strike(hit);
    wilting.struck(hit);
    for (const id of hit) await measure(id);
    for (const one of organisms.near(x, y, radius)) {
      if (Math.hypot(one.x - x, one.y - y) > radius) continue;
      if (!isEnding(one)) losses.blame(one.id, by);
      absences.uproot(one);
    }
    return hit.length;
  }

  /** The body dissolves, and the organism is gone. @returns how many organisms that is: 0 or 1 */
  remove(id: OrganismId, by: Culprit = NOBODY): number {
    const { organisms, losses } = this.#parts;
    const organism = organisms.get(id);
    if (organism === undefined || isEnding(organism)) return 0;
    losses.blame(id, by);
    this.end(organism, 'removed');
    return 1;
  }

  /** As `remove`, of all that a guest has planted. @returns how many */
  removeByGuest(guest: string, by: Culprit = NOBODY): number {
    let removed = 0;
    for (const { id } of [...this.#parts.organisms.of(guest)]) removed += this.remove(id, by);
    return removed;
  }

  /** The species is the world's no longer, and its bodies dissolve. @returns how many organisms */
  removeSpecies(species: string, by: Culprit = NOBODY): number {
    const { organisms, slots, swaps, speciesGone } = this.#parts;
    if (slots.inForce(species) !== undefined) {
      swaps.forget(species);
      speciesGone();
    }
    let removed = 0;
    for (const one of [...organisms]) if (one.species === species) removed += this.remove(one.id, by);
    return removed;
  }

  /** As `remove`, by a guest. @returns why not, for the guest to read; null: it is done */
  removeOwn(guest: string, id: OrganismId): string | null {
    const organism = this.#parts.organisms.get(id);
    if (organism === undefined) return 'It is gone already.';
    if (guest === '' || organism.guest !== guest) return 'Only who planted it can remove it.';
    this.remove(id, { guest, name: organism.planter });
    return null;
  }

  /** It dissolves, and is gone. */
  end(organism: Organism, cause: 'removed' | 'withering'): void {
    const { swaps, wounds, wilting, absences } = this.#parts;
    const { id } = organism;
    wounds.leave(id);
    swaps.strike([id]);
    wilting.forget(id);
    absences.dissolve(organism, cause);
  }
}
