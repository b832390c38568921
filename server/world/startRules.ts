/**
 * The rules that a world begins with: those that the registry says are in force, else the shipped ones.
 * Without a registry that can be read, the world lives by the shipped rules all the same.
 */
import { loadRuleFiles, type RuleFile } from '../rules/load.ts';
import { labelOf, Registry, sha256Of } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import { MatureError, type MatureForm, speciesOf } from './mature.ts';
import type { LoadedRule } from './ruleSlots.ts';

/** At start nobody waits for a frame: a writer may be waited for. */
const BUSY_MS = 2_000;

export interface StartRules {
  /** One a species, by name. */
  readonly rules: readonly LoadedRule[];
  /** What the operator should know. */
  readonly notes: readonly string[];
  /** The rule that a saved organism lives by; null when it is not to be had. */
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
 * @param grow - what a rule grows by itself; throws MatureError
 * @throws RuleError when a shipped file is bad
 * @throws Error when no rule can live
 */
export async function startRules(
  folders: { readonly weightsDir: string; readonly dataDir: string },
  grow: (rule: Rule) => Promise<MatureForm>,
): Promise<StartRules> {
  const notes: string[] = [];
  const shipped = loadRuleFiles(folders.weightsDir);
  const registry = openRegistry(folders.dataDir, shipped, notes);
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
  for (const [, candidates] of [...sources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const source of candidates) {
      const loaded = await load(source);
      if (loaded === null) continue;
      rules.push(loaded);
      break;
    }
  }
  if (rules.length === 0) {
    registry?.close();
    const why = sources.size === 0 ? 'there is none' : notes.join('; ');
    throw new Error(`no rule in ${folders.weightsDir} can live: ${why}`);
  }
  return {
    rules,
    notes,
    async recall(species, sha256) {
      const record = asked(notes, () => registry?.bySha256(sha256) ?? null);
      const file = record && asked(notes, () => registry!.read(record.id));
      return record && file && load({ species, rule: file.rule, sha256, label: labelOf(record) });
    },
    close: () => registry?.close(),
  };
}

/** @param grow - as for `startRules`; what it throws is thrown */
export async function loadRule(
  { species, rule, sha256, label }: Source,
  grow: (rule: Rule) => Promise<MatureForm>,
): Promise<LoadedRule> {
  const mature = await grow(rule);
  return { rule, mature, card: { ...speciesOf(rule, mature), name: species }, sha256, label };
}

/** Species → what may be loaded for it, the first that can live. */
function bySpecies(
  shipped: readonly RuleFile[],
  registry: Registry | null,
  notes: string[],
): Map<string, Source[]> {
  const sources = new Map<string, Source[]>();
  for (const { rule, bytes } of shipped) {
    const sha256 = sha256Of(bytes);
    const record = asked(notes, () => registry?.bySha256(sha256) ?? null);
    const label = record ? labelOf(record) : rule.name;
    sources.set(rule.name, [{ species: rule.name, rule, sha256, label }]);
  }
  for (const [species, record] of asked(notes, () => registry?.inForce()) ?? []) {
    // What was shipped once and has been taken away since is no species any more.
    if (record.isShipped) continue;
    const file = asked(notes, () => registry!.read(record.id));
    if (file === null) continue;
    const chosen = { species, rule: file.rule, sha256: record.sha256, label: labelOf(record) };
    sources.set(species, [chosen, ...(sources.get(species) ?? [])]);
  }
  return sources;
}

function openRegistry(dataDir: string, shipped: readonly RuleFile[], notes: string[]): Registry | null {
  const registry = asked(notes, () => new Registry(dataDir, BUSY_MS));
  if (registry === null)
    notes.push('no rule can be swapped until then; the world lives by the shipped rules');
  else asked(notes, () => registry.enterShipped(shipped));
  return registry;
}

/** The registry's trouble is told, and is no reason not to live. */
function asked<T>(notes: string[], question: () => T): T | null {
  try {
    return question();
  } catch (error) {
    if (!(error instanceof RegistryError || error instanceof RuleError)) throw error;
    const note = `registry: ${error.message}`;
    if (!notes.includes(note)) notes.push(note);
    return null;
  }
}
