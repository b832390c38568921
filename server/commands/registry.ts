/** `npm run rules -- list|show|add|rollback`: the registry of a data directory, with its server running or not. */

import { userInfo } from 'node:os';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { dataDirOf } from '../config.ts';
import { importDistill } from '../rules/distill.ts';
import { serializeRule } from '../rules/format.ts';
import { readRuleFile, readText } from '../rules/load.ts';
import { type Actor, labelOf, Registry, type RuleRecord } from '../rules/registry.ts';
import { RuleError } from '../rules/rule.ts';

/** Longest wait for a server that is writing; it writes for milliseconds at most. */
const MAX_BUSY_MS = 5_000;
const HASH_SHOWN = 12;

export interface RegistryFlags {
  readonly 'data-dir'?: string;
  readonly json?: boolean;
  readonly name?: string;
  readonly parent?: string;
  /** A version. */
  readonly to?: number;
}

export function list(flags: RegistryFlags): void {
  withRegistry(flags, (registry) => {
    const rules = registry.rules().map((rule) => ({ ...rule, inForceFor: speciesOf(registry, rule) }));
    if (flags.json) return print(JSON.stringify(rules, null, 2));
    if (rules.length === 0) return print('no rule yet: they are entered when the server starts, or by add');
    const rows = rules.map((rule) => [
      labelOf(rule),
      rule.origin,
      rule.inForceFor.length > 0 ? `in force: ${rule.inForceFor.join(', ')}` : rule.status,
      parentOf(registry, rule),
      rule.created,
      rule.sha256.slice(0, HASH_SHOWN),
    ]);
    print(table([['rule', 'origin', 'status', 'parent', 'entered', 'sha256'], ...rows]));
  });
}

export function show(text: string, flags: RegistryFlags): void {
  withRegistry(flags, (registry) => {
    const rule = findRule(registry, text);
    const { rule: file } = registry.read(rule.id);
    const swaps = registry.swaps().filter((swap) => swap.rule === rule.id);
    const inForceFor = speciesOf(registry, rule);
    if (flags.json)
      return print(
        JSON.stringify({ ...rule, inForceFor, hidden: file.hidden, metadata: file.metadata, swaps }, null, 2),
      );
    const lines = [
      `${labelOf(rule)}: ${rule.origin}, ${rule.status}, ${file.hidden} hidden units, ${rule.bytes} bytes`,
      `  sha256: ${rule.sha256}`,
      `  entered: ${rule.created}`,
      `  parent: ${parentOf(registry, rule)}`,
      `  in force for: ${inForceFor.join(', ') || 'no species'}`,
      `  metrics: ${JSON.stringify(rule.metrics)}`,
      ...swaps.map(
        ({ created, species, scope, status, reason, who }) =>
          `  ${created}  ${species} (${scope}), by ${who}: ${status}${reason && `: ${reason}`}`,
      ),
    ];
    print(lines.map(printable).join('\n'));
  });
}

export function add(file: string, flags: RegistryFlags): void {
  const bytes = file.endsWith('.json') ? distillBytes(file, flags.name) : ruleBytes(file, flags.name);
  withRegistry(flags, (registry) => {
    const parent = flags.parent === undefined ? undefined : findRule(registry, flags.parent).id;
    const added = registry.add(
      { bytes, origin: parent === undefined ? 'uploaded' : 'trained', parent },
      me(),
    );
    print(`${labelOf(added)} is in the registry; the admin page swaps it in`);
  });
}

/** @throws RuleError without such a species or version, or when it is in force already; RegistryError */
export function rollback(species: string, flags: RegistryFlags): void {
  const version = flags.to;
  withRegistry(flags, (registry) => {
    const now = registry.inForce().get(species);
    if (now === undefined) throw new RuleError(`there is no species ${species}`);
    const target = version === undefined ? registry.beforeInForce(species) : registry.find(species, version);
    if (target.id === now.id) throw new RuleError(`${labelOf(now)} is in force already`);
    registry.wantSwap({ species, rule: target.id, scope: 'species' }, me());
    print(
      `${species} goes back from ${labelOf(now)} to ${labelOf(target)}: ` +
        'within seconds where the server is running, else when it is started',
    );
  });
}

function withRegistry(flags: RegistryFlags, work: (registry: Registry) => void): void {
  const registry = new Registry(dataDirOf(flags['data-dir']), MAX_BUSY_MS);
  try {
    work(registry);
  } finally {
    registry.close();
  }
}

/** `pikachu`: the newest version; `pikachu@3`: version 3. */
function findRule(registry: Registry, text: string): RuleRecord {
  const [name, version, ...more] = text.split('@');
  if (more.length > 0) throw new RuleError(`${text} is not NAME or NAME@VERSION`);
  return registry.find(name, version === undefined ? undefined : versionOf(version, text));
}

function versionOf(text: string, what: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new RuleError(`${what}: ${JSON.stringify(text)} is not a version: 1, 2, 3 …`);
}

function ruleBytes(file: string, name: string | undefined): Uint8Array {
  const { rule, bytes } = readRuleFile(file);
  return name === undefined || name === rule.name ? bytes : serializeRule({ ...rule, name });
}

function distillBytes(file: string, name: string | undefined): Uint8Array {
  if (name === undefined) throw new RuleError(`${file} says no name: --name is missing`);
  try {
    return serializeRule(importDistill(readText(file, MAX_RULE_BYTES), name));
  } catch (error) {
    if (error instanceof RuleError) throw new RuleError(`${file}: ${error.message}`);
    throw error;
  }
}

const speciesOf = (registry: Registry, rule: RuleRecord): string[] =>
  [...registry.inForce()].filter(([, { id }]) => id === rule.id).map(([species]) => species);

const parentOf = (registry: Registry, { parent }: RuleRecord): string =>
  parent === null ? '–' : labelOf(registry.byId(parent));

const me = (): Actor => ({ who: userInfo().username, address: 'command line' });

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]): string => row.map((cell, i) => cell.padEnd(widths[i])).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

/** Replaces control characters: text from a file must not steer the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
export const printable = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
