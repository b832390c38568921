/** `npm run rules -- …`: commands on rule files. */
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { isWhole } from '../../shared/numbers.ts';
import { evaluate, matureTarget, targetOf } from '../evaluation/evaluate.ts';
import { evaluationPage } from '../evaluation/page.ts';
import { contactSheet, type Evaluated } from '../evaluation/sheet.ts';
import { describeEvaluations, missedBars } from '../evaluation/verdict.ts';
import { DISTILL_ORDERS, type DistillOrder, exportDistill, importDistill } from '../rules/distill.ts';
import { MAX_RULE_BYTES } from '../rules/format.ts';
import { loadRules, RULE_SUFFIX, readRule, readText, writeRule, writeWhole } from '../rules/load.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import * as registry from './registry.ts';

const HELP = `Works with rule files (*${RULE_SUFFIX}), and with the registry of a world.

  npm run rules -- inspect FILE [--json]
  npm run rules -- evaluate [FILE...] [--json] [--sheet PNG] [--page HTML] [--seeds N] [--threads N]
                            [--image PNG] [--padding N] [--order planar|interleaved] [--no-trials]
  npm run rules -- import DISTILL.json --name NAME --out FILE [--order planar|interleaved]
  npm run rules -- export FILE --format distill --out DISTILL.json [--order planar|interleaved]
  npm run rules -- list [--json]
  npm run rules -- show NAME[@VERSION] [--json]
  npm run rules -- add FILE [--name NAME] [--parent NAME[@VERSION]]
  npm run rules -- rollback SPECIES [--to VERSION]

evaluate grows every rule of weights/, or those of the files, from several random seeds (--seeds, default 32), and
tells how far they are from their picture at steps 200, 1,000, 5,000 and 10,000, how much of each damage is healed 200
steps later (1 is all, 0 is none), how many died or ran away, and how many cells change a step. Then it tries each rule:
crowded between walls of other bodies, grown at the world's edge, battered by 40 strokes, and under strokes drawn by a
hand (--no-trials leaves this out); bounds are off throughout. Files may also be Distill's
JSON (*.json). The picture is --image, else the sprite that the rule was trained on, else what the rule grows by
itself, which is said. --sheet draws a contact sheet, --page one HTML page of plots; --json prints every figure.
import and export take the JSON of Distill's "Growing Neural Cellular Automata"; files straight from
TensorFlow are --order interleaved.
list, show, add and rollback work on the registry in --data-dir (default: REGROW_DATA_DIR, else data), with the
server running or not. add takes Distill's JSON, too; rollback brings back the rule before the one in force.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  image: { type: 'string' },
  seeds: { type: 'string' },
  sheet: { type: 'string' },
  page: { type: 'string' },
  padding: { type: 'string' },
  'no-trials': { type: 'boolean' },
  threads: { type: 'string' },
  name: { type: 'string' },
  out: { type: 'string' },
  order: { type: 'string' },
  format: { type: 'string' },
  'data-dir': { type: 'string' },
  parent: { type: 'string' },
  to: { type: 'string' },
  help: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Flags = {
  [F in keyof typeof OPTIONS]?: (typeof OPTIONS)[F]['type'] extends 'boolean' ? boolean : string;
};

interface Command {
  /** What its one argument is; without it the command takes none. `any`: any number. */
  readonly takes?: string;
  readonly any?: boolean;
  readonly flags: readonly (keyof Flags)[];
  run(given: string[], flags: Flags): unknown;
}

const command = (
  takes: string,
  flags: readonly (keyof Flags)[],
  work: (argument: string, flags: Flags) => unknown,
): Command => ({ takes, flags, run: ([argument], given) => work(argument, given) });

const COMMANDS: Readonly<Record<string, Command>> = {
  inspect: command('one file', ['json'], inspect),
  evaluate: {
    any: true,
    flags: ['json', 'image', 'padding', 'order', 'seeds', 'threads', 'sheet', 'page', 'no-trials'],
    run: evaluateFiles,
  },
  import: command('one file', ['name', 'out', 'order'], importFile),
  export: command('one file', ['format', 'out', 'order'], exportFile),
  list: { flags: ['json', 'data-dir'], run: (_, flags) => registry.list(undefined, flags) },
  show: command('one rule', ['json', 'data-dir'], registry.show),
  add: command('one file', ['name', 'parent', 'data-dir'], registry.add),
  rollback: command('one species', ['to', 'data-dir'], registry.rollback),
};

/** @throws RuleError or RegistryError; its message is all that the user reads */
export async function main(args: string[]): Promise<void> {
  let parsed: { values: Flags; positionals: string[] };
  try {
    parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new RuleError((error as Error).message.replaceAll(/\s+/g, ' '));
  }
  const { values: flags, positionals } = parsed;
  if (flags.help) {
    process.stdout.write(HELP);
    return;
  }
  const [word, ...given] = positionals;
  const command = Object.hasOwn(COMMANDS, word ?? '') ? COMMANDS[word] : undefined;
  if (!command)
    throw new RuleError(`${word ?? 'nothing'} is not a command: ${Object.keys(COMMANDS).join(', ')}, --help`);
  if (!command.any && given.length !== (command.takes === undefined ? 0 : 1))
    throw new RuleError(`${word} takes ${command.takes ?? 'no argument'}`);
  const unknown = Object.keys(flags).find((flag) => !command.flags.includes(flag as keyof Flags));
  if (unknown) throw new RuleError(`${word} does not know --${unknown}`);
  await command.run(given, flags);
}

function inspect(file: string, flags: Flags): void {
  const rule = readRule(file);
  const tensors = Object.fromEntries(
    (['w1', 'b1', 'w2', 'b2'] as const).map((name) => [
      name,
      { values: rule[name].length, ...extent(rule[name]) },
    ]),
  );
  const { name, hidden, fireRate, metadata } = rule;
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ name, hidden, fireRate, tensors, metadata }, null, 2)}\n`);
    return;
  }
  const lines = [`${name}: ${hidden} hidden units, fire rate ${fireRate}`];
  for (const [tensor, { values, smallest, largest }] of Object.entries(tensors)) {
    lines.push(`  ${tensor}  ${values} values from ${smallest.toFixed(4)} to ${largest.toFixed(4)}`);
  }
  for (const [key, value] of Object.entries(metadata)) lines.push(`  ${key}: ${registry.printable(value)}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function extent(values: Float32Array): { smallest: number; largest: number } {
  return {
    smallest: values.reduce((least, value) => Math.min(least, value)),
    largest: values.reduce((most, value) => Math.max(most, value)),
  };
}

/** Folder of the shipped rules. */
const WEIGHTS = join(import.meta.dirname, '../../weights');

async function evaluateFiles(files: string[], flags: Flags): Promise<void> {
  const randomSeeds = wholeNumber('seeds', flags.seeds, 32, 1, 256);
  const threads = wholeNumber('threads', flags.threads, availableParallelism(), 1, 256);
  const padding = flags.padding === undefined ? undefined : wholeNumber('padding', flags.padding, 0, 0, 32);
  const order = orderOf(flags.order);
  const rules =
    files.length === 0
      ? loadRules(WEIGHTS).map((rule) => ({ rule, crop: true }))
      : files.map((file) => {
          // Distill's pictures are not cropped: the seed is the middle of the image.
          if (!file.endsWith('.json')) return { rule: readRule(file), crop: true };
          const name = basename(file, '.json');
          return {
            rule: about(file, () => importDistill(readText(file, MAX_RULE_BYTES), name, { order })),
            crop: false,
          };
        });
  if (rules.length === 0) throw new RuleError(`${WEIGHTS} holds no rules`);
  if (flags.image !== undefined && rules.length > 1)
    throw new RuleError(`--image is the picture of one rule, not of ${rules.length}`);
  const evaluated: Evaluated[] = [];
  for (const { rule, crop } of rules) {
    let target = targetOf(rule, { image: flags.image, padding, crop });
    if (!target) {
      console.error(
        `${rule.name}: its picture is not at hand (give it with --image): compared with what it grows by itself`,
      );
      target = await matureTarget(rule, padding);
    }
    evaluated.push(await evaluate(rule, target, { randomSeeds, threads, withTrials: !flags['no-trials'] }));
  }
  const evaluations = evaluated.map(({ evaluation }) => evaluation);
  if (flags.sheet !== undefined) writeWhole(flags.sheet, contactSheet(evaluated));
  if (flags.page !== undefined) writeWhole(flags.page, evaluationPage(evaluated));
  const told = evaluations.map((evaluation) => ({ ...evaluation, missed: missedBars(evaluation) }));
  process.stdout.write(`${flags.json ? JSON.stringify(told, null, 2) : describeEvaluations(evaluations)}\n`);
}

function importFile(file: string, flags: Flags): void {
  const out = needed('out', flags.out);
  const name = needed('name', flags.name);
  const order = orderOf(flags.order);
  if (!out.endsWith(RULE_SUFFIX)) throw new RuleError(`--out ${out} does not end in ${RULE_SUFFIX}`);
  writeRule(
    out,
    about(file, () => importDistill(readText(file, MAX_RULE_BYTES), name, { order })),
  );
}

function exportFile(file: string, flags: Flags): void {
  if (flags.format !== 'distill')
    throw new RuleError(`--format ${flags.format ?? 'is missing'}: distill is known`);
  const out = needed('out', flags.out);
  const order = orderOf(flags.order);
  writeWhole(out, exportDistill(readRule(file), order));
}

function about(file: string, work: () => Rule): Rule {
  try {
    return work();
  } catch (error) {
    if (error instanceof RuleError) throw new RuleError(`${file}: ${error.message}`);
    throw error;
  }
}

function needed(flag: string, value: string | undefined): string {
  if (value === undefined) throw new RuleError(`--${flag} is missing`);
  return value;
}

function orderOf(value = 'planar'): DistillOrder {
  const order = DISTILL_ORDERS.find((known) => known === value);
  if (order === undefined) throw new RuleError(`--order ${value} is not ${DISTILL_ORDERS.join(' or ')}`);
  return order;
}

function wholeNumber(
  flag: string,
  text: string | undefined,
  fallback: number,
  low: number,
  high: number,
): number {
  if (text === undefined) return fallback;
  const value = text === '' ? Number.NaN : Number(text);
  if (isWhole(value, low, high)) return value;
  throw new RuleError(`--${flag} ${text} is not a whole number from ${low} to ${high}`);
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof RuleError || error instanceof RegistryError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
