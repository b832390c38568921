/**
 * The rules that a world starts with: those that the registry has in force. A registry that cannot be read stops the
 * start: bodies would go over to other rules.
 */
import { loadRuleFiles, type RuleFile } from '../rules/load.ts';
import { labelOf, Registry, SERVER, sha256Of } from '../rules/registry.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import { MatureError, type MatureForm, speciesOf } from './mature.ts';
import { type LoadedRule, MAX_SPECIES } from './ruleSlots.ts';
import type { SwapFate } from './worldFiles.ts';

/** At start no frame is due, so another process that writes the registry is waited for. */
const BUSY_MS = 2_000;

export interface StartRules {
  /** One per species, in order of names. */
  readonly rules: readonly LoadedRule[];
  /** What the operator should know. */
  readonly notes: readonly string[];
  /** The rule that a saved organism lived by; null: it cannot be found. */
  recall(species: string, sha256: string): Promise<LoadedRule | null>;
  close(): void;
}

interface Source {
  readonly species: string;
  readonly rule: Rule;
  readonly sha256: string;
  readonly label: string;
}

/**
 * @param grow - grows a rule's mature form; throws MatureError
 * @param fates - what became of swaps, as the world's journal has it: the registry follows
 * @throws RegistryError when the registry cannot be read or written
 * @throws RuleError for a bad shipped file
 * @throws Error when no rule grows a body
 */
export async function startRules(
  folders: { readonly weightsDir: string; readonly dataDir: string },
  grow: (rule: Rule) => Promise<MatureForm>,
  fates: ReadonlyMap<number, SwapFate> = new Map(),
): Promise<StartRules> {
  const notes: string[] = [];
  const shipped = loadRuleFiles(folders.weightsDir);
  const registry = openRegistry(folders.dataDir, shipped);
  follow(registry, fates);
  const load = async (source: Source): Promise<LoadedRule | null> => {
    try {
      return await loadRule(source, grow);
    } catch (error) {
      if (!(error instanceof MatureError)) throw error;
      notes.push(`rule refused: ${error.message}`);
      return null;
    }
  };

  const rules: LoadedRule[] = [];
  const sources = bySpecies(shipped, registry, notes);
  if (sources.size > MAX_SPECIES) {
    registry.close();
    throw new RuleError(
      `${sources.size} species are in ${folders.weightsDir} and the registry; a world holds at most ${MAX_SPECIES}`,
    );
  }
  for (const [, candidates] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const source of candidates) {
      const loaded = await load(source);
      if (loaded === null) continue;
      rules.push(loaded);
      break;
    }
  }
  if (rules.length === 0) {
    registry.close();
    const why = sources.size === 0 ? 'there is none' : notes.join('; ');
    throw new Error(`no rule in ${folders.weightsDir} can live: ${why}`);
  }
  return {
    rules,
    notes,
    async recall(species, sha256) {
      const record = asked(notes, () => registry.bySha256(sha256) ?? null);
      const file = record && asked(notes, () => registry.read(record.id));
      return record && file && load({ species, rule: file.rule, sha256, label: labelOf(record) });
    },
    close: () => registry.close(),
  };
}

/** @param grow - as for `startRules`; its errors are passed on */
export async function loadRule(
  { species, rule, sha256, label }: Source,
  grow: (rule: Rule) => Promise<MatureForm>,
): Promise<LoadedRule> {
  const mature = await grow(rule);
  return { rule, mature, card: { ...speciesOf(rule, mature), name: species }, sha256, label };
}

/** Species → the rules that may be loaded for it; the first that grows a body is taken. */
function bySpecies(shipped: readonly RuleFile[], registry: Registry, notes: string[]): Map<string, Source[]> {
  const sources = new Map<string, Source[]>();
  for (const { rule, bytes } of shipped) {
    const sha256 = sha256Of(bytes);
    const record = asked(notes, () => registry.bySha256(sha256) ?? null);
    const label = record ? labelOf(record) : rule.name;
    sources.set(rule.name, [{ species: rule.name, rule, sha256, label }]);
  }
  for (const [species, record] of asked(notes, () => registry.inForce()) ?? []) {
    // A species that was shipped once and is shipped no more is left out.
    if (record.isShipped) continue;
    const file = asked(notes, () => registry.read(record.id));
    if (file === null) continue;
    const chosen = { species, rule: file.rule, sha256: record.sha256, label: labelOf(record) };
    sources.set(species, [chosen, ...(sources.get(species) ?? [])]);
  }
  return sources;
}

/** A swap is in force when it is in the world's journal: the process may have died before the registry knew. */
function follow(registry: Registry, fates: ReadonlyMap<number, SwapFate>): void {
  const known = new Map(registry.swaps().map((swap) => [swap.id, swap]));
  for (const [id, fate] of fates) {
    const swap = known.get(id);
    const status = fate === 'watched' ? fate : fate.verdict;
    if (swap === undefined || swap.status === status) continue;
    const reason = fate === 'watched' ? '' : fate.reason;
    const actor = status === 'rolled back' ? SERVER : { who: swap.who, address: swap.address };
    registry.settle(id, status, reason, actor);
  }
}

function openRegistry(dataDir: string, shipped: readonly RuleFile[]): Registry {
  const registry = new Registry(dataDir, BUSY_MS);
  try {
    registry.enterShipped(shipped);
    return registry;
  } catch (error) {
    registry.close();
    throw error;
  }
}

/** Asks the registry. A rule that it does not have is noted for the operator, and the answer is null. */
function asked<T>(notes: string[], question: () => T): T | null {
  try {
    return question();
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    const note = `registry: ${error.message}`;
    if (!notes.includes(note)) notes.push(note);
    return null;
  }
}
