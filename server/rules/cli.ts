/** `npm run rules -- …`: what can be done with rule files. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { describeEvaluation, evaluate, matureTarget, targetOf } from '../training/evaluate.ts';
import { DISTILL_ORDERS, type DistillOrder, exportDistill, importDistill } from './distill.ts';
import { MAX_RULE_BYTES } from './format.ts';
import { RULE_SUFFIX, readRule, writeRule, writeWhole } from './load.ts';
import { type Rule, RuleError } from './rule.ts';

const HELP = `Works with rule files (*${RULE_SUFFIX}).

  npm run rules -- inspect FILE [--json]
  npm run rules -- evaluate FILE [--json] [--image PNG] [--random-seeds N] [--threads N]
  npm run rules -- import DISTILL.json --name NAME --out FILE [--order planar|interleaved]
  npm run rules -- export FILE --format distill --out DISTILL.json [--order planar|interleaved]

evaluate grows the rule from several random seeds (default 8) and tells how far it is from its picture at
steps 200, 1,000 and 5,000, and how much of a cut is healed 200 steps later (1 is all, 0 is none).
import and export take the JSON of Distill's "Growing Neural Cellular Automata"; files straight from
TensorFlow are --order interleaved.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  image: { type: 'string' },
  'random-seeds': { type: 'string' },
  threads: { type: 'string' },
  name: { type: 'string' },
  out: { type: 'string' },
  order: { type: 'string' },
  format: { type: 'string' },
  help: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Flags = {
  [F in keyof typeof OPTIONS]?: (typeof OPTIONS)[F]['type'] extends 'boolean' ? boolean : string;
};

/** The flags that a command knows. */
const COMMANDS: Readonly<
  Record<string, { flags: readonly (keyof Flags)[]; run: (file: string, flags: Flags) => unknown }>
> = {
  inspect: { flags: ['json'], run: inspect },
  evaluate: { flags: ['json', 'image', 'random-seeds', 'threads'], run: evaluateFile },
  import: { flags: ['name', 'out', 'order'], run: importFile },
  export: { flags: ['format', 'out', 'order'], run: exportFile },
};

/** @throws RuleError whose message is all that the user shall read */
export async function main(args: string[]): Promise<void> {
  let parsed: { values: Flags; positionals: string[] };
  try {
    parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new RuleError((error as Error).message);
  }
  const { values: flags, positionals } = parsed;
  if (flags.help) {
    process.stdout.write(HELP);
    return;
  }
  const [word, file, ...more] = positionals;
  const command = Object.hasOwn(COMMANDS, word ?? '') ? COMMANDS[word] : undefined;
  if (!command)
    throw new RuleError(`${word ?? 'nothing'} is not a command: ${Object.keys(COMMANDS).join(', ')}, --help`);
  if (file === undefined || more.length > 0) throw new RuleError(`${word} takes one file`);
  const unknown = Object.keys(flags).find((flag) => !command.flags.includes(flag as keyof Flags));
  if (unknown) throw new RuleError(`${word} does not know --${unknown}`);
  await command.run(file, flags);
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
  for (const [key, value] of Object.entries(metadata)) lines.push(`  ${key}: ${printable(value)}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function extent(values: Float32Array): { smallest: number; largest: number } {
  return {
    smallest: values.reduce((least, value) => Math.min(least, value)),
    largest: values.reduce((most, value) => Math.max(most, value)),
  };
}

/** A file's words must not steer the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
const printable = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');

async function evaluateFile(file: string, flags: Flags): Promise<void> {
  const randomSeeds = wholeNumber('random-seeds', flags['random-seeds'], 8, 1, 256);
  const threads = wholeNumber('threads', flags.threads, availableParallelism(), 1, 256);
  const rule = readRule(file);
  let target = targetOf(rule, flags.image);
  if (!target) {
    console.error('its picture is not at hand (give it with --image): compared with what it grows by itself');
    target = await matureTarget(rule);
  }
  const evaluation = await evaluate(rule, target, { randomSeeds, threads });
  process.stdout.write(
    flags.json ? `${JSON.stringify(evaluation, null, 2)}\n` : `${describeEvaluation(evaluation)}\n`,
  );
}

function importFile(file: string, flags: Flags): void {
  const out = needed('out', flags.out);
  const name = needed('name', flags.name);
  const order = orderOf(flags.order);
  if (!out.endsWith(RULE_SUFFIX)) throw new RuleError(`--out ${out} does not end in ${RULE_SUFFIX}`);
  writeRule(
    out,
    about(file, () => importDistill(readText(file), name, { order })),
  );
}

function exportFile(file: string, flags: Flags): void {
  if (flags.format !== 'distill')
    throw new RuleError(`--format ${flags.format ?? 'is missing'}: distill is known`);
  const out = needed('out', flags.out);
  const order = orderOf(flags.order);
  writeWhole(out, exportDistill(readRule(file), order));
}

function readText(file: string): string {
  let size: number;
  try {
    size = statSync(file).size;
    if (size <= MAX_RULE_BYTES) return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new RuleError(missing ? 'no such file' : (error as Error).message);
  }
  throw new RuleError(`the file has ${size} bytes, at most ${MAX_RULE_BYTES} are read`);
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
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RuleError(`--${flag} ${text} is not a whole number from ${low} to ${high}`);
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
