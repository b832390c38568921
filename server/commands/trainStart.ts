/** `npm run train-start -- …`: makes a starting rule, from which other pictures are learned fast, and compares such rules. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { medianOf } from '../evaluation/statistics.ts';
import { real, text, toggle, whole } from '../flags.ts';
import { checkName } from '../rules/format.ts';
import { RULE_SUFFIX, readRule, writeRule } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import { readState, writeState } from '../training/checkpoint.ts';
import { LEARNING } from '../training/learning.ts';
import { clock } from '../training/progress.ts';
import { HELD_OUT, learningPlan, StartRun, type StartSnapshot } from '../training/start.ts';
import { TrainingRun } from '../training/train.ts';
import { type Program, runProgram } from './subcommands.ts';

const MAGIC = 'regrow-start-1';
const INTERRUPTED = 130;

// biome-ignore format: one flag, one line
const GROUPS = {
  'Flags': {
    from: text('FILE', 'the rule that the start begins with'),
    out: text('FILE', `the start, *${RULE_SUFFIX}; written after every picture`),
    checkpoint: text('FILE', 'written after every picture; if it exists, the run goes on from it', 'OUT.checkpoint'),
    pictures: whole(1, 100_000, 200, 'pictures to learn, one after the other'),
    iterations: whole(10, 10_000, 200, 'iterations on each'),
    rate: real(1e-7, 1, LEARNING.rate, 'learning rate within a picture'),
    'first-part': real(0, 1, 0.5, 'how much of the way to what was learned the start moves, for the first picture'),
    'last-part': real(0, 1, 0.1, '… and for the last'),
    'min-cells': whole(50, 4000, 200, 'least cells of a picture'),
    'max-cells': whole(50, 4000, 700, 'most cells of a picture'),
    'random-seed': whole(0, 0xffffffff, 1, 'one random seed gives one start'),
    threads: whole(0, 256, 0, 'training threads; 0: the calling thread'),
    help: toggle('prints this'),
  },
} as const;

const PROGRAM: Program<typeof GROUPS> = {
  name: 'train-start',
  intro: 'Makes a starting rule, from which other pictures are learned fast, and compares such rules.',
  groups: GROUPS,
  commands: {
    make: {
      takes: [],
      needs: ['from', 'out'],
      flags: [
        'checkpoint',
        'pictures',
        'iterations',
        'rate',
        'first-part',
        'last-part',
        'min-cells',
        'max-cells',
        'random-seed',
        'threads',
      ],
      meaning: 'learns sprites one after the other and moves the start towards each (Reptile)',
      run: (_words, flags) => make(flags),
    },
    compare: {
      takes: ['FILE', '[FILE...]'],
      needs: [],
      flags: ['iterations', 'rate', 'random-seed', 'threads'],
      meaning: 'learns each held-out sprite from each rule and prints the losses',
      run: (words, flags) => compare(words, flags),
    },
  },
};

type Flags = Parameters<(typeof PROGRAM)['commands'][string]['run']>[1];

async function make(flags: Flags): Promise<void> {
  const { from = '', out = '' } = flags;
  if (!out.endsWith(RULE_SUFFIX)) throw new RuleError(`--out ${out} does not end in ${RULE_SUFFIX}`);
  const parent = readRule(from);
  const plan = {
    pictures: flags.pictures,
    iterations: flags.iterations,
    rate: flags.rate,
    firstPart: flags['first-part'],
    lastPart: flags['last-part'],
    minCells: flags['min-cells'],
    maxCells: flags['max-cells'],
    randomSeed: flags['random-seed'],
  };
  const checkpoint = flags.checkpoint ?? `${out}.checkpoint`;
  const run = new StartRun(
    existsSync(checkpoint) ? readState<StartSnapshot>(checkpoint, MAGIC) : { plan, weights: parent },
    flags.threads,
  );
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const name = checkName(basename(out, RULE_SUFFIX));
  while (!run.isFinished && !interrupted) {
    const { sprite, cells, loss, ms } = await run.learn();
    const { learned } = run.snapshot;
    writeState(checkpoint, MAGIC, run.snapshot);
    writeRule(out, { ...parent, ...run.start, name, metadata: metadataOf(run.snapshot, from) });
    const recent = learned.slice(-20).map((one) => one.loss ?? Number.NaN);
    console.error(
      `${learned.length}/${run.snapshot.plan.pictures} ${sprite}, ${cells} cells: loss ${loss?.toExponential(2) ?? 'diverged'}` +
        ` in ${clock(ms)}; median of the last ${recent.length}: ${medianOf(recent).toExponential(2)}`,
    );
  }
  if (interrupted) process.exitCode = INTERRUPTED;
}

function metadataOf({ plan, learned }: StartSnapshot, from: string): Record<string, string> {
  const minutes = learned.reduce((sum, { ms }) => sum + ms, 0) / 60_000;
  return {
    startCommand:
      `npm run train-start -- make --from ${from} --pictures ${plan.pictures} --iterations ${plan.iterations}` +
      ` --rate ${plan.rate} --first-part ${plan.firstPart} --last-part ${plan.lastPart}` +
      ` --min-cells ${plan.minCells} --max-cells ${plan.maxCells} --random-seed ${plan.randomSeed}`,
    parent: basename(from, RULE_SUFFIX),
    picturesLearned: String(learned.length),
    trainingMinutes: minutes.toFixed(1),
    place: String(LEARNING.placeWeight),
    waves: String(LEARNING.waveWeight),
  };
}

async function compare(files: readonly string[], flags: Flags): Promise<void> {
  for (const sprite of HELD_OUT) {
    const row: string[] = [];
    for (const file of files) {
      const plan = learningPlan(sprite, flags.iterations, flags.rate, flags['random-seed']);
      const run = new TrainingRun(plan, flags.threads, undefined, { weights: readRule(file) });
      while (!run.isFinished) await run.iterate();
      const { losses } = run;
      await run.dispose();
      const at = (part: number): string => {
        const window = losses.slice(
          Math.floor(losses.length * (part - 0.2)),
          Math.floor(losses.length * part),
        );
        return (window.reduce((sum, value) => sum + value, 0) / window.length).toExponential(2);
      };
      row.push(`${basename(file, RULE_SUFFIX)} ${at(0.5)} ${at(1)}`);
    }
    console.log(`${sprite.padEnd(12)} ${row.join('   ')}`);
  }
}

if (import.meta.main) {
  try {
    await runProgram(PROGRAM, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
