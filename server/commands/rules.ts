/** `npm run rules -- …`: commands on rule files. */

import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { evaluate, matureTarget, targetOf } from '../evaluation/evaluate.ts';
import { evaluationPage } from '../evaluation/page.ts';
import { contactSheet, type Evaluated } from '../evaluation/sheet.ts';
import { describeEvaluations, missedBars } from '../evaluation/verdict.ts';
import { choice, type FlagsOf, type FlagValues, text, toggle, whole } from '../flags.ts';
import { DISTILL_ORDERS, exportDistill, importDistill } from '../rules/distill.ts';
import { loadRules, RULE_SUFFIX, readRule, readText, writeRule, writeWhole } from '../rules/load.ts';
import { meanOf } from '../rules/mean.ts';
import { RegistryError } from '../rules/registryFile.ts';
import { type Rule, RuleError } from '../rules/rule.ts';
import * as registry from './registry.ts';
import { type Program, runMain, runProgram } from './subcommands.ts';
import { inWorld, isOfTheStore, WORLD_FLAG_NAMES, WORLD_FLAGS } from './worldOf.ts';

// biome-ignore format: one flag, one line
const GROUPS = {
  'What is printed': {
    json: toggle('prints every figure as JSON'),
    sheet: text('PNG', 'a contact sheet'),
    page: text('HTML', 'one page of plots'),
  },
  'What is evaluated': {
    seeds: whole(1, 256, 32, 'random seeds that each rule grows from'),
    image: text('PNG', 'the picture of the one rule that is evaluated', 'the sprite it was trained on, else what it grows by itself'),
    padding: whole(0, 32, undefined, 'empty cells around the picture', "the rule's own, else 12"),
    'no-trials': toggle('leaves out walls, edge, battering and strokes of a hand'),
    threads: whole(1, 256, availableParallelism(), 'training threads', 'one per core'),
  },
  'What is read and written': {
    name: text('NAME', "the rule's name"),
    out: text('FILE', `the file that is written; import needs *${RULE_SUFFIX}`),
    format: choice(['distill'], undefined, 'what export writes'),
    order: choice(DISTILL_ORDERS, 'planar', "how the values of Distill's JSON lie; files straight from TensorFlow are interleaved"),
  },
  'What is averaged': {
    weights: text('LIST', "each file's weight, as 2,1; only their ratio counts", 'all alike'),
  },
  'The registry': {
    ...WORLD_FLAGS,
    parent: text('RULE', 'the rule that it was made from: NAME or NAME@VERSION'),
    to: whole(1, 999_999_999, undefined, 'the version to go back to', 'the rule before the one in force'),
    help: toggle('prints this'),
  },
} as const;

type Flags = FlagValues<FlagsOf<typeof GROUPS>>;

const COMMANDS: Program<typeof GROUPS>['commands'] = {
  inspect: {
    takes: ['FILE'],
    needs: [],
    flags: ['json'],
    meaning: 'prints what a rule file holds',
    run: ([file], flags) => inspect(file, flags),
  },
  evaluate: {
    takes: ['[FILE...]'],
    needs: [],
    flags: ['json', 'sheet', 'page', 'seeds', 'threads', 'image', 'padding', 'order', 'no-trials'],
    meaning:
      "grows each rule of weights/, or of the files, from several random seeds: how far it is from its picture at steps 200, 1,000, 5,000 and 10,000, how much of each kind of damage is healed 200 steps later (1: all, 0: nothing), how many bodies died or ran away, and how many cells change per step. Then it tries each rule: crowded between walls of other bodies, grown at the world's edge, battered by 40 strokes, and under strokes that a hand drew. Bounds are off throughout. Distill's JSON (*.json) is evaluated like a rule file",
    run: evaluateFiles,
  },
  import: {
    takes: ['FILE'],
    needs: ['name', 'out'],
    flags: ['order'],
    meaning: 'makes a rule file of the JSON of Distill\'s "Growing Neural Cellular Automata"',
    run: ([file], flags) => importFile(file, flags),
  },
  export: {
    takes: ['FILE'],
    needs: ['format', 'out'],
    flags: ['order'],
    meaning: 'makes that JSON of a rule file',
    run: ([file], flags) => exportFile(file, flags),
  },
  mean: {
    takes: ['[FILE...]'],
    needs: ['out'],
    flags: ['weights'],
    meaning:
      'makes a rule file of the weighted mean of rules that were polished from one rule, which is often better than each; its metadata names the files',
    run: (files, flags) => meanOfFiles(files, flags),
  },
  list: {
    takes: [],
    needs: [],
    flags: ['json', ...WORLD_FLAG_NAMES],
    meaning: 'lists the rules of the registry, with the server running or not',
    run: (_, flags) => inWorld(flags, 'reads', registry.list),
  },
  show: {
    takes: ['RULE'],
    needs: [],
    flags: ['json', ...WORLD_FLAG_NAMES],
    meaning: "prints a rule's record and its swaps; RULE is NAME or NAME@VERSION",
    run: ([rule], flags) => inWorld(flags, 'reads', (here) => registry.show(rule, here)),
  },
  add: {
    takes: ['FILE'],
    needs: [],
    flags: ['name', 'parent', ...WORLD_FLAG_NAMES],
    meaning: "enters a rule file, or Distill's JSON with a --name, into the registry",
    run: ([file], flags) => inWorld(flags, 'changes', (here) => registry.add(file, here)),
  },
  rollback: {
    takes: ['SPECIES'],
    needs: [],
    flags: ['to', ...WORLD_FLAG_NAMES],
    meaning: 'puts the rule before the one in force back into force',
    run: ([species], flags) => inWorld(flags, 'changes', (here) => registry.rollback(species, here)),
  },
};

/** @throws RuleError or RegistryError; its message is all that the user reads */
export const main = (args: readonly string[]): Promise<void> =>
  runProgram(
    {
      name: 'rules',
      intro: `Works with rule files (*${RULE_SUFFIX}), and with the registry of a world.`,
      groups: GROUPS,
      commands: COMMANDS,
    },
    args,
  );

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

async function evaluateFiles(files: readonly string[], flags: Flags): Promise<void> {
  const { seeds: randomSeeds, threads, padding, order } = flags;
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

function importFile(file: string, { name = '', out = '', order }: Flags): void {
  if (!out.endsWith(RULE_SUFFIX)) throw new RuleError(`--out ${out} does not end in ${RULE_SUFFIX}`);
  writeRule(
    out,
    about(file, () => importDistill(readText(file, MAX_RULE_BYTES), name, { order })),
  );
}

function meanOfFiles(files: readonly string[], { weights = '', out = '' }: Flags): void {
  if (!out.endsWith(RULE_SUFFIX)) throw new RuleError(`--out ${out} does not end in ${RULE_SUFFIX}`);
  const parts = weights === '' ? files.map(() => 1) : weights.split(',').map(Number);
  const mean = meanOf(files.map(readRule), parts);
  const { metrics: _ofTheFirst, ...metadata } = mean.metadata;
  const of = files.map((file, i) => `${basename(file)} ${parts[i]}`).join(', ');
  writeRule(out, { ...mean, metadata: { ...metadata, meanOf: of } });
}

function exportFile(file: string, { out = '', order }: Flags): void {
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

if (import.meta.main)
  await runMain(
    main,
    (error): error is Error =>
      error instanceof RuleError || error instanceof RegistryError || isOfTheStore(error),
  );
