/** Prepares a save for the world: puts its rules into slots, and leaves out organisms of species without a rule. */
import type { Size } from '../../shared/geometry.ts';
import type { OrganismId, PageState, RuleSlot } from '../engines/engine.ts';
import { CHANNELS } from '../rules/rule.ts';
import type { OrganismRecord } from './organismRecord.ts';
import type { LoadedRule, RuleSlots } from './ruleSlots.ts';
import type { WorldFacts } from './worldSave.ts';

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
  /** Organisms of species without a rule. */
  readonly leftOut: Set<OrganismId>;
  /** What the operator should know. */
  readonly notes: readonly string[];
}

/**
 * An organism whose rule is gone lives by the rule in force of its species.
 *
 * @throws WorldMismatchError when the save is of another size
 */
export async function recallWorld(
  state: WorldFacts,
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
  const lost = state.organisms.filter(({ id }) => !ids.has(id));
  const species = lost.map((one) => one.species);
  const leftOut = new Set(lost.map(({ id }) => id));
  return { organisms, slotOf, leftOut, notes: recallNotes(species, forgotten) };
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

/** Drops these organisms' cells from the page, in place. @returns whether there were any */
export function leaveOut({ cells, owners }: PageState, organisms: ReadonlySet<OrganismId>): boolean {
  if (organisms.size === 0) return false;
  let isChanged = false;
  for (let cell = 0; cell < owners.length; cell++) {
    if (owners[cell] === 0 || !organisms.has(owners[cell])) continue;
    owners[cell] = 0;
    cells.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
    isChanged = true;
  }
  return isChanged;
}

/** Adds all organisms that own a cell of the page to `found`; and 0, if some cell has no owner. */
export function noteOwners({ owners }: PageState, found: Set<OrganismId>): void {
  let last = -1;
  for (const owner of owners) {
    if (owner === last) continue;
    found.add(owner);
    last = owner;
  }
}
