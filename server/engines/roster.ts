/** The organisms of an engine: the rule slot of each id in use, and the territories of those that have one. */
import type { Rect } from '../../shared/geometry.ts';
import type { OrganismId, OrganismState, RuleSlot } from './engine.ts';

export class Roster {
  readonly #slots = new Map<OrganismId, RuleSlot>();
  readonly #territories = new Map<OrganismId, Rect>();

  get size(): number {
    return this.#slots.size;
  }

  has(organism: OrganismId): boolean {
    return this.#slots.has(organism);
  }

  ids(): Iterable<OrganismId> {
    return this.#slots.keys();
  }

  /** Those of these ids that are in use. Default: all that are. */
  *among(organisms: Iterable<OrganismId> = this.#slots.keys()): Generator<OrganismId> {
    for (const organism of organisms) if (this.#slots.has(organism)) yield organism;
  }

  slotOf(organism: OrganismId): RuleSlot | undefined {
    return this.#slots.get(organism);
  }

  /** undefined: the whole world. */
  territoryOf(organism: OrganismId): Rect | undefined {
    return this.#territories.get(organism);
  }

  /** Adds an organism, or changes the rule of one that is here. */
  enlist(organism: OrganismId, slot: RuleSlot): void {
    this.#slots.set(organism, slot);
  }

  /** @param territory - copied; undefined: the whole world */
  stake(organism: OrganismId, territory: Rect | undefined): void {
    if (territory === undefined) this.#territories.delete(organism);
    else this.#territories.set(organism, { ...territory });
  }

  /** Whether the organism has this territory already. */
  isStaked(organism: OrganismId, territory: Rect | undefined): boolean {
    const own = this.#territories.get(organism);
    if (own === undefined || territory === undefined) return own === territory;
    const sides = ['x', 'y', 'width', 'height'] as const;
    return sides.every((side) => own[side] === territory[side]);
  }

  delete(organism: OrganismId): void {
    this.#slots.delete(organism);
    this.#territories.delete(organism);
  }

  clear(): void {
    this.#slots.clear();
    this.#territories.clear();
  }

  /** The organisms as a save holds them. @param isAsleep - default: everyone is awake */
  states(isAsleep: (organism: OrganismId) => boolean = () => false): OrganismState[] {
    return Array.from(this.#slots, ([id, rule]) => {
      const territory = this.#territories.get(id);
      return {
        id,
        rule,
        ...(territory !== undefined && { territory }),
        ...(isAsleep(id) && { isAsleep: true as const }),
      };
    });
  }
}
