/**
 * Prepares a save for the world: puts its rules into slots, and leaves out organisms of species without a rule, with
 * their cells.
 */
import type { Size } from '../../shared/geometry.ts';
import type { OrganismId, PageState, RuleSlot } from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';
import type { OrganismRecord } from './organisms.ts';
import type { LoadedRule, RuleSlots } from './ruleSlots.ts';
import type { WorldState } from './snapshot.ts';

/** The save is of another size than this world. */
export class WorldMismatchError extends Error {
  override name = 'WorldMismatchError';
}

/** Finds the rule that a saved organism lived by; null: it is gone. */
export type Recall = (species: string, sha256: string) => Promise<LoadedRule | null>;

export interface RecalledWorld {
  /** The organisms that live on, and the slots of their rules. */
  readonly organisms: readonly OrganismRecord[];
  readonly slotOf: (record: OrganismRecord) => RuleSlot;
  /** Without cells of those left out. */
  readonly pages: readonly PageState[];
  /** What the operator should know. */
  readonly notes: readonly string[];
}

/**
 * An organism whose rule is gone lives by the rule in force of its species.
 *
 * @param state - its pages are changed in place
 * @throws WorldMismatchError when the save is of another size
 */
export async function recallWorld(
  state: WorldState,
  size: Size,
  rules: RuleSlots,
  recall: Recall,
): Promise<RecalledWorld> {
  if (state.width !== size.width || state.height !== size.height)
    throw new WorldMismatchError(
      `the saved world is ${state.width}x${state.height}, not ${size.width}x${size.height}: ` +
        `start with --size ${state.width}x${state.height}, or move the save away`,
    );
  const organisms = state.organisms.filter(({ species }) => rules.inForce(species) !== undefined);
  const { slotOf, forgotten } = await recallRules(organisms, rules, recall);
  const ids = new Set(organisms.map(({ id }) => id));
  const pages = state.pages.map((page) => withOnly(ids, page)).filter((page) => page !== null);
  const lost = state.organisms.filter(({ id }) => !ids.has(id)).map(({ species }) => species);
  return { organisms, slotOf, pages, notes: recallNotes(lost, forgotten) };
}

/**
 * Puts the rules that saved organisms live by into slots.
 *
 * @param records - of species that have a rule in force
 * @returns `forgotten`: organisms whose rule is gone, and that go on by the rule in force
 */
async function recallRules(
  records: readonly OrganismRecord[],
  rules: RuleSlots,
  recall: Recall,
): Promise<{ slotOf: RecalledWorld['slotOf']; forgotten: number }> {
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

/** @param lost - species of the organisms that are left out */
function recallNotes(lost: readonly string[], forgotten: number): string[] {
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
function withOnly(ids: ReadonlySet<number>, page: PageState): PageState | null {
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
