/** Prepares a save for the world: puts its rules into slots, and drops cells of organisms that are left out. */
import type { OrganismId, PageState, RuleSlot } from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';
import type { OrganismRecord } from './organisms.ts';
import type { LoadedRule, RuleSlots } from './ruleSlots.ts';

/** Finds the rule that a saved organism lived by; null: it is gone. */
export type Recall = (species: string, sha256: string) => Promise<LoadedRule | null>;

export interface Recalled {
  readonly slotOf: (record: OrganismRecord) => RuleSlot;
  /** Organisms whose rule is gone, and that now live by the rule in force. */
  readonly forgotten: number;
}

/**
 * Puts the rules that saved organisms live by into slots.
 *
 * @param records - of species that have a rule in force
 */
export async function recallRules(
  records: readonly OrganismRecord[],
  rules: RuleSlots,
  recall: Recall,
): Promise<Recalled> {
  const slots = new Map<string, RuleSlot>();
  const key = ({ species, rule = '' }: OrganismRecord): string => `${species} ${rule}`;
  let forgotten = 0;
  for (const record of records) {
    const { species, rule } = record;
    if (rule === undefined || slots.has(key(record))) continue;
    const there = rules.find(species, rule);
    const loaded = there === undefined ? await recall(species, rule) : null;
    const slot = loaded === null ? there : rules.take(loaded, new Set(slots.values()));
    if (slot === undefined) forgotten += records.filter((other) => key(other) === key(record)).length;
    slots.set(key(record), slot ?? rules.inForce(species)!);
  }
  return { slotOf: (record) => slots.get(key(record)) ?? rules.inForce(record.species)!, forgotten };
}

/** What the operator should know about a save that is not restored whole. @param lost - species of those left out */
export function recallNotes(lost: readonly string[], forgotten: number): string[] {
  const counts = new Map<string, number>();
  for (const species of lost) counts.set(species, (counts.get(species) ?? 0) + 1);
  const notes = [...counts].map(
    ([species, count]) => `${count} ${species} left out: its rule is not there any more`,
  );
  if (forgotten > 0)
    notes.push(
      `${forgotten} organisms lived by rules that are not there any more, and live by those in force`,
    );
  return notes;
}

/** Drops the cells of all other organisms from the page, in place; null: none of `ids` has a cell there. */
export function withOnly(ids: ReadonlySet<number>, page: PageState): PageState | null {
  let anyone = false;
  for (let cell = 0; cell < page.owners.length; cell++) {
    if (page.owners[cell] === 0) continue;
    if (ids.has(page.owners[cell])) {
      anyone = true;
      continue;
    }
    page.owners[cell] = 0;
    page.cells.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  }
  return anyone ? page : null;
}

/** All organisms that own a cell in these pages; contains 0 if some cell has no owner. */
export function ownersOf(pages: readonly PageState[]): Set<OrganismId> {
  const found = new Set<OrganismId>();
  for (const { owners } of pages) for (const owner of owners) found.add(owner);
  return found;
}
