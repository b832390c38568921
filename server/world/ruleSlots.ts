/** Which rule sits in which slot of the engine, and which slot a species is planted with. */
import type { Species } from '../../shared/protocol.ts';
import { type Engine, MAX_RULES, type RuleSlot } from '../engines/engine.ts';
import type { Rule } from '../rules/rule.ts';
import type { MatureForm } from './mature.ts';

/** A rule that something here lives by. */
export interface LoadedRule {
  readonly rule: Rule;
  readonly mature: MatureForm;
  /** How the species is shown; its name is the species', whatever the rule is called. */
  readonly card: Species;
  /** Of the rule file's bytes, hex: the same rule is the same here, in the registry and in saves. */
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

  /** @param rules - one a species */
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

  /** The slot that a species is planted with from now on; undefined: there is no such species. */
  inForce(species: string): RuleSlot | undefined {
    return this.#inForce.get(species);
  }

  /** @param slot - undefined: the species is no more */
  putInForce(species: string, slot: RuleSlot | undefined): void {
    this.changes++;
    if (slot === undefined) this.#inForce.delete(species);
    else this.#inForce.set(species, slot);
  }

  /** The rules in force, one a species. */
  *[Symbol.iterator](): Generator<LoadedRule> {
    for (const slot of this.#inForce.values()) yield this.at(slot);
  }

  get cards(): Species[] {
    return Array.from(this, ({ card }) => card);
  }

  /** Where a rule sits already, for that species. */
  find(species: string, sha256: string): RuleSlot | undefined {
    for (const [slot, loaded] of this.#slots)
      if (loaded.sha256 === sha256 && loaded.card.name === species) return slot;
    return undefined;
  }

  /**
   * Puts a rule where it sits already, or into a slot that nobody needs.
   *
   * @param needed - slots that are lived by, or may be gone back to
   * @returns undefined when every slot is needed
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
