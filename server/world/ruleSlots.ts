/** Which rule is in which slot of the engine, and which slot a species is planted with. */
import type { Species } from '../../shared/protocol.ts';
import { type Engine, MAX_RULES, type RuleSlot } from '../engines/engine.ts';
import type { Rule } from '../rules/rule.ts';
import { type MatureForm, reachOf } from './mature.ts';

/** Species at once; the other slots are for swaps, and for bodies that live by a rule of before. */
export const MAX_SPECIES = MAX_RULES - 32;

/** A rule that can be put into a slot. */
export interface LoadedRule {
  readonly rule: Rule;
  readonly mature: MatureForm;
  /** How clients show the species; `card.name` is the species, whatever the rule is called. */
  readonly card: Species;
  /** Hash of the rule file's bytes, hex: names the rule here, in the registry and in saves. */
  readonly sha256: string;
  /** For people: "pikachu v4". */
  readonly label: string;
}

export class RuleSlots {
  readonly #engine: Engine;
  readonly #slots = new Map<RuleSlot, LoadedRule>();
  readonly #inForce = new Map<string, RuleSlot>();
  /** Grows whenever another rule comes into force. */
  changes = 0;

  /** @param rules - one per species */
  constructor(engine: Engine, rules: readonly LoadedRule[]) {
    this.#engine = engine;
    for (const [slot, loaded] of rules.entries()) {
      engine.setRule(slot, loaded.rule);
      this.#slots.set(slot, loaded);
      this.#inForce.set(loaded.card.name, slot);
    }
  }

  at(slot: RuleSlot): LoadedRule {
    const loaded = this.#slots.get(slot);
    if (loaded === undefined) throw new Error(`no rule in slot ${slot}`);
    return loaded;
  }

  /** The slot that a species is planted with; undefined: there is no such species. */
  inForce(species: string): RuleSlot | undefined {
    return this.#inForce.get(species);
  }

  /** @param slot - undefined removes the species */
  putInForce(species: string, slot: RuleSlot | undefined): void {
    this.changes++;
    if (slot === undefined) this.#inForce.delete(species);
    else this.#inForce.set(species, slot);
  }

  /** The rules in force, one per species. */
  *[Symbol.iterator](): Generator<LoadedRule> {
    for (const slot of this.#inForce.values()) yield this.at(slot);
  }

  /** The farthest that any rule's body has a cell from its seed, in columns or rows. */
  get reach(): number {
    return Math.max(0, ...Array.from(this.#slots.values(), ({ mature }) => reachOf(mature)));
  }

  /** How many species there are. */
  get count(): number {
    return this.#inForce.size;
  }

  get cards(): Species[] {
    return Array.from(this, ({ card }) => card);
  }

  /** The slot that already holds this rule for this species. */
  find(species: string, sha256: string): RuleSlot | undefined {
    for (const [slot, loaded] of this.#slots)
      if (loaded.sha256 === sha256 && loaded.card.name === species) return slot;
    return undefined;
  }

  /**
   * Puts a rule into a slot that is not needed. A rule that is in a slot already stays there.
   *
   * @param needed - slots that organisms live by or may go back to
   * @returns undefined: every slot is needed
   * @throws EngineError when the engine cannot take the rule
   */
  take(loaded: LoadedRule, needed: ReadonlySet<RuleSlot>): RuleSlot | undefined {
    const there = this.find(loaded.card.name, loaded.sha256);
    if (there !== undefined) return there;
    const inForce = new Set(this.#inForce.values());
    for (let slot = 0; slot < MAX_RULES; slot++) {
      if (needed.has(slot) || inForce.has(slot)) continue;
      this.#engine.setRule(slot, loaded.rule);
      this.#slots.set(slot, loaded);
      return slot;
    }
    return undefined;
  }
}
