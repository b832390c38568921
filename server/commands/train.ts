/** `npm run train -- …`: trains one rule, with checkpoints, and reports on it. */
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { EngineError } from '../engines/engine.ts';
import { report } from '../evaluation/report.ts';
import { checkName } from '../rules/format.ts';
import { RULE_SUFFIX, readRule } from '../rules/load.ts';
import { MAX_HIDDEN, type Rule, RuleError } from '../rules/rule.ts';
import { readCheckpoint, writeCheckpoint } from '../training/checkpoint.ts';
import { DAMAGE_KINDS, type DamageKind } from '../training/damage.ts';
import { OPTIMIZERS } from '../training/optimizer.ts';
import { RESEEDS, type TrainingPlan } from '../training/plan.ts';
import { clock, ProgressLine } from '../training/progress.ts';
import { COMPANY, FAR_OFF, PLACE_WEIGHT, POLISH } from '../training/regime.ts';
import type { OpenRollouts } from '../training/rollouts.ts';
import { type Snapshot, TrainingError, TrainingRun } from '../training/train.ts';

const CHECKPOINT_EVERY_MS = 60_000;
const INTERRUPTED = 130;

/** Rules trained on these from the start healed all other kinds, too (server/training/README.md). */
const DEFAULT_DAMAGE = 'circle,half,centre,swipes,noise';

/** A run that begins with the weights of an earlier one differs in these (server/training/README.md says why). */
const POLISH_FLAGS = {
  iterations: '800',
  batch: `${POLISH.batch}`,
  longest: '144',
  normalise: `${COMPANY.normalisation}`,
  rate: '0.002',
  reseed: POLISH.reseed,
  quiescence: `${POLISH.quiescenceWeight}`,
  walls: `${COMPANY.wallPart}`,
  'far-off': `${COMPANY.farOff}`,
  align: `${COMPANY.alignCells}`,
  stray: `${COMPANY.strayWeight}`,
  room: `${COMPANY.roomCells}`,
  damage: 'batter,batter,noise,drag,strokes,strokes,half,half,circle,centre,swipes',
  'random-seed': '2',
} as const satisfies Flags;

const asFlags = (flags: Flags): string =>
  Object.entries(flags)
    .map(([flag, value]) => `--${flag} ${value}`)
    .join(' ');

const HELP = `Trains an update rule that grows a picture from one cell, keeps it, and heals it.

  npm run train -- --sprite squirtle --out weights/squirtle.safetensors
  npm run train -- --polish weights/squirtle.safetensors
  npm run train -- --image my.png --out my.safetensors
  npm run train -- --resume build/train/squirtle/checkpoint.bin --out weights/squirtle.safetensors

What to grow
  --sprite NAME        a sprite of pokesprite-images (a development dependency)
  --image FILE         any PNG with transparency
  --scale X            cells a pixel, 1-8 (default 1.9 for a sprite, 1 for an image); at 2, 3, … a pixel is a block
                       of equal cells, and what heals stands beside its place more often
  --padding N          empty cells around it, 4-32 (default 12)
Where to
  --out FILE           the rule (required); written when training ends
  --name NAME          the rule's name (default: from --out)
  --report DIR         contact sheet and loss plot (default build/train/NAME)
  --checkpoint FILE    written every minute, and on Ctrl-C (default build/train/NAME/checkpoint.bin)
  --resume FILE        go on from a checkpoint; its plan stays as it was begun
How
  --polish FILE        go over a rule once more: --from it and --out to it, with its picture, and where nothing
                       else is said ${asFlags(POLISH_FLAGS).replace(/ (?=--reseed|--damage)/g, `\n${' '.repeat(23)}`)}
  --from FILE          begin with the weights of this rule instead of random ones
  --iterations N       of the pool phase, 1-1000000 (default 5000)
  --curriculum N       at most so many iterations of curriculum before it, 0-100000 (default 0)
  --hidden N           hidden units, a multiple of 4, 4-${MAX_HIDDEN} (default 128)
  --fire-rate X        probability that a cell updates in a step, above 0, at most 1 (default 0.5)
  --overflow X         how strongly hidden channels are kept within -1..1 at first, 0-1 (default 0)
  --place X            how strongly two hidden channels are taught where in the body a cell is, 0-100 (default ${PLACE_WEIGHT})
  --stray X            how much more strongly than the picture cells beside it are taught to be empty, 0-100 (default 0)
  --quiescence X       how strongly whole bodies are taught to keep still, 0-100 (default 0)
  --batch N            samples an iteration, 2-64 (default 4)
  --pool N             samples kept, at least the batch, to 4096 (default 64); 0: all start from seeds
  --seed-part X        how often one of a batch starts again from a seed, 0-1 (default 1)
  --reseed WHICH       worst: the worst of the batch does; any: whichever, so that the worst is taught (default worst)
  --damage KINDS       what grown bodies suffer: some of ${DAMAGE_KINDS.join(',')}, or none
                       (default ${DEFAULT_DAMAGE})
  --delay N            a body lives on for up to N steps before it is hurt, 0-96 (default 0)
  --twice X            part of the hurt that is hurt once more while it heals, 0-1 (default 0)
  --longest N          rollouts take 64 to N steps, 64-256 (default 96); with more, bodies heal with less haste
  --shortest N         hurt bodies are rolled out for N to as many steps as the others, 1-256 (default 64)
  --room N             empty cells around the padded picture while training, 0-32 (default 0): what leaves a body and
                       grows there is seen so far
  --walls X            how often a sample without walls gets some, the world's edge or neighbours, 0-1 (default 0)
  --far-off X          the worst of a batch starts again when its error is above this part of a bare seed's,
                       0.01-10 (default ${FAR_OFF}); higher, and bodies that have gone wrong are taught
  --align N            bodies that live beside their place are moved back by up to N cells, 0-8 (default 3)
  --rate X             learning rate, above 0, at most 1 (default 0.005); falls along a cosine in the pool phase
  --normalise X        how far the gradients of a batch are made equally long, 0-1 (default 0)
  --optimizer NAME     ${OPTIMIZERS.join(' or ')}, for the matrices (default muon)
  --random-seed N      0-4294967295 (default 1); one random seed gives one rule, whatever the threads
  --threads N          1-256 (default: cores); more than the batch are not used
  --engine NAME        wasm, or tfjs: TensorFlow.js, on CUDA where its binding is installed (default wasm)
  --help
`;

const OPTIONS = {
  sprite: { type: 'string' },
  image: { type: 'string' },
  scale: { type: 'string' },
  padding: { type: 'string' },
  out: { type: 'string' },
  name: { type: 'string' },
  report: { type: 'string' },
  checkpoint: { type: 'string' },
  resume: { type: 'string' },
  polish: { type: 'string' },
  from: { type: 'string' },
  iterations: { type: 'string' },
  curriculum: { type: 'string' },
  hidden: { type: 'string' },
  'fire-rate': { type: 'string' },
  batch: { type: 'string' },
  pool: { type: 'string' },
  'seed-part': { type: 'string' },
  reseed: { type: 'string' },
  overflow: { type: 'string' },
  quiescence: { type: 'string' },
  place: { type: 'string' },
  damage: { type: 'string' },
  delay: { type: 'string' },
  twice: { type: 'string' },
  longest: { type: 'string' },
  shortest: { type: 'string' },
  align: { type: 'string' },
  stray: { type: 'string' },
  room: { type: 'string' },
  walls: { type: 'string' },
  'far-off': { type: 'string' },
  rate: { type: 'string' },
  normalise: { type: 'string' },
  optimizer: { type: 'string' },
  'random-seed': { type: 'string' },
  threads: { type: 'string' },
  engine: { type: 'string' },
  help: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

type Flag = keyof typeof OPTIONS;
type Flags = Partial<Record<Flag, string | boolean>>;

interface Command {
  readonly from: TrainingPlan | Snapshot;
  readonly out: string;
  readonly report: string;
  readonly checkpoint: string;
  readonly threads: number;
  readonly engine: TrainingEngine;
}

const ENGINES = ['wasm', 'tfjs'] as const;
type TrainingEngine = (typeof ENGINES)[number];

/** @returns null when help is asked for @throws RuleError listing every wrong flag */
export function readCommand(args: string[]): Command | null {
  let flags: Flags;
  try {
    flags = parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw new RuleError((error as Error).message);
  }
  if (flags.help) return null;
  if (typeof flags.polish === 'string') flags = { ...polishing(flags.polish), ...flags };
  const wrong: string[] = [];
  const number = (flag: Flag, fallback: number, low: number, high: number, whole = true): number => {
    if (flags[flag] === undefined) return fallback;
    const value = flags[flag] === '' ? Number.NaN : Number(flags[flag]);
    if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
    wrong.push(
      `--${flag} ${flags[flag]} is not ${whole ? 'a whole number' : 'a number'} from ${low} to ${high}`,
    );
    return fallback;
  };
  const text = (flag: Flag): string | undefined => flags[flag] as string | undefined;
  const threads = number('threads', availableParallelism(), 1, 256);
  const engine = ENGINES.find((name) => name === (text('engine') ?? 'wasm'));
  if (engine === undefined) wrong.push(`--engine ${text('engine')} is not one of ${ENGINES.join(', ')}`);
  const out = text('out');
  if (out === undefined) wrong.push('--out is missing');
  else if (!out.endsWith(RULE_SUFFIX)) wrong.push(`--out ${out} does not end in ${RULE_SUFFIX}`);
  const name = text('name') ?? basename(out ?? '', RULE_SUFFIX);
  const sources = ['sprite', 'image', 'resume'].filter((flag) => flags[flag as Flag] !== undefined);
  if (sources.length !== 1) wrong.push('one of --sprite, --image and --resume must be given');
  const batch = number('batch', 4, 2, 64);
  const hidden = number('hidden', 128, 4, MAX_HIDDEN);
  if (hidden % 4 !== 0) wrong.push(`--hidden ${hidden} is not a multiple of 4`);
  const poolSize = number('pool', 64, 0, 4096);
  if (poolSize !== 0 && poolSize < batch) wrong.push(`--pool ${poolSize} is less than the batch of ${batch}`);
  const kinds = text('damage') ?? DEFAULT_DAMAGE;
  const damage = kinds === 'none' ? [] : (kinds.split(',') as DamageKind[]);
  for (const kind of damage)
    if (!DAMAGE_KINDS.includes(kind)) wrong.push(`--damage: there is no ${kind || 'empty kind'}`);
  const optimizer = OPTIMIZERS.find((known) => known === (text('optimizer') ?? 'muon'));
  if (optimizer === undefined) wrong.push(`--optimizer: there is no ${text('optimizer')}`);
  const reseed = RESEEDS.find((known) => known === (text('reseed') ?? 'worst'));
  if (reseed === undefined) wrong.push(`--reseed: there is no ${text('reseed')}`);
  const plan: TrainingPlan = {
    name,
    source: {
      sprite: text('sprite'),
      image: text('image'),
      scale: number('scale', flags.image === undefined ? 1.9 : 1, 1, 8, false),
      padding: number('padding', 12, 4, 32),
    },
    parent: text('from'),
    hidden,
    fireRate: number('fire-rate', 0.5, 1e-3, 1, false),
    overflowWeight: number('overflow', 0, 0, 1, false),
    placeWeight: number('place', PLACE_WEIGHT, 0, 100, false),
    quiescenceWeight: number('quiescence', 0, 0, 100, false),
    iterations: number('iterations', 5000, 1, 1_000_000),
    curriculumIterations: number('curriculum', 0, 0, 100_000),
    batch,
    poolSize,
    seedPart: number('seed-part', 1, 0, 1, false),
    reseed: reseed ?? 'worst',
    damage,
    delaySteps: number('delay', 0, 0, 96),
    twicePart: number('twice', 0, 0, 1, false),
    shortestSteps: number('shortest', 64, 1, 256),
    longestSteps: number('longest', 96, 64, 256),
    alignCells: number('align', 3, 0, 8),
    strayWeight: number('stray', 0, 0, 100, false),
    roomCells: number('room', 0, 0, 32),
    wallPart: number('walls', 0, 0, 1, false),
    farOff: number('far-off', FAR_OFF, 0.01, 10, false),
    rate: number('rate', 5e-3, 1e-7, 1, false),
    normalisation: number('normalise', 0, 0, 1, false),
    optimizer: optimizer ?? 'muon',
    randomSeed: number('random-seed', 1, 0, 0xffffffff),
  };
  if (wrong.length > 0 || out === undefined || engine === undefined) throw new RuleError(wrong.join('\n'));
  checkName(name);
  const report = text('report') ?? join('build/train', name);
  const resume = text('resume');
  return {
    from: resume === undefined ? plan : readCheckpoint(resume),
    out,
    report,
    checkpoint: text('checkpoint') ?? resume ?? join(report, 'checkpoint.bin'),
    threads,
    engine,
  };
}

/** @throws RuleError when there is no such rule */
function polishing(file: string): Flags {
  const { hidden, fireRate, name, metadata } = readRule(file);
  const { sprite, scale, padding, place = '0' } = metadata;
  const own = { sprite, scale, padding, place, hidden: String(hidden), 'fire-rate': String(fireRate) };
  return { ...POLISH_FLAGS, ...own, from: file, out: file, name };
}

/** The command that makes this rule, whatever it was resumed from. */
export function trainingCommand(plan: TrainingPlan, out: string, engine: TrainingEngine): string {
  const { sprite, image, scale, padding } = plan.source;
  const flags: [string, string | number][] = [
    sprite === undefined ? ['image', image ?? ''] : ['sprite', sprite],
    ['scale', scale],
    ['padding', padding],
    ...(plan.parent === undefined ? [] : ([['from', plan.parent]] as [string, string][])),
    ['iterations', plan.iterations],
    ['curriculum', plan.curriculumIterations],
    ['hidden', plan.hidden],
    ['fire-rate', plan.fireRate],
    ['overflow', plan.overflowWeight],
    ['quiescence', plan.quiescenceWeight],
    ['place', plan.placeWeight],
    ['batch', plan.batch],
    ['pool', plan.poolSize],
    ['seed-part', plan.seedPart],
    ['reseed', plan.reseed],
    ['damage', plan.damage.length === 0 ? 'none' : plan.damage.join(',')],
    ['delay', plan.delaySteps],
    ['twice', plan.twicePart],
    ['longest', plan.longestSteps],
    ['shortest', plan.shortestSteps],
    ['align', plan.alignCells],
    ['stray', plan.strayWeight],
    ['room', plan.roomCells],
    ['walls', plan.wallPart],
    ['far-off', plan.farOff],
    ['rate', plan.rate],
    ['normalise', plan.normalisation],
    ['optimizer', plan.optimizer],
    ['random-seed', plan.randomSeed],
    ...(engine === 'wasm' ? [] : ([['engine', engine]] as [string, string][])),
    ['out', out],
  ];
  return `npm run train -- ${flags.map(([flag, value]) => `--${flag} ${value}`).join(' ')}`;
}

function ruleOf(run: TrainingRun, { out, engine }: Command): Rule {
  const { plan, target } = run;
  const { sprite, image, scale, padding } = plan.source;
  return {
    name: plan.name,
    hidden: plan.hidden,
    ...run.weights,
    fireRate: plan.fireRate,
    metadata: {
      trainingCommand: trainingCommand(plan, out, engine),
      randomSeed: String(plan.randomSeed),
      trainingMinutes: (run.elapsedMs / 60_000).toFixed(1),
      targetWidth: String(target.width),
      targetHeight: String(target.height),
      ...(sprite === undefined ? { image: basename(image ?? '') } : { sprite }),
      scale: String(scale),
      padding: String(padding),
      place: String(plan.placeWeight),
      ...(plan.parent === undefined ? {} : parentage(plan.parent)),
    },
  };
}

/** What computes the rollouts: undefined is the default; TensorFlow.js is loaded only when asked for. */
async function opener(engine: TrainingEngine): Promise<OpenRollouts | undefined> {
  if (engine === 'wasm') return undefined;
  const { openTfjs } = await import('../training/tfjs.ts');
  const { open, backend, description } = await openTfjs();
  console.error(`training on ${description}`);
  if (backend === 'wasm' || backend === 'cpu') {
    console.error(
      'this is for trials: --engine wasm takes a thousandth of the time (server/engines/README.md)',
    );
  }
  return open;
}

/** How to make the parent and its parents again: commands, one per line, and their minutes. */
function parentage(file: string): Record<string, string> {
  const { parentCommand, parentMinutes, trainingCommand, trainingMinutes } = readRule(file).metadata;
  const chain = (parts: readonly (string | undefined)[], between: string): string =>
    parts.filter((part) => part !== undefined).join(between);
  return {
    parent: basename(file, RULE_SUFFIX),
    parentCommand: chain([parentCommand, trainingCommand], '\n'),
    parentMinutes: chain([parentMinutes, trainingMinutes], ' + '),
  };
}

async function train(command: Command): Promise<number> {
  const run = new TrainingRun(command.from, command.threads, await opener(command.engine));
  const line = new ProgressLine();
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  let saved = performance.now();
  try {
    while (!run.isFinished && !interrupted) {
      const progress = await run.iterate();
      line.update(progress);
      if (progress.rolledBack !== undefined) {
        line.end();
        console.error(`${progress.rolledBack}: back to the last good state, with a lower rate`);
      }
      if (performance.now() - saved < CHECKPOINT_EVERY_MS) continue;
      writeCheckpoint(command.checkpoint, run.snapshot());
      saved = performance.now();
    }
    line.end();
    writeCheckpoint(command.checkpoint, run.snapshot());
    if (interrupted) {
      console.error(`stopped; go on with --resume ${command.checkpoint} --out ${command.out}`);
      return INTERRUPTED;
    }
    const rule = ruleOf(run, command);
    await report(rule, run, command);
    console.error(`${command.out} after ${clock(run.elapsedMs)}; the report is in ${command.report}`);
    return 0;
  } finally {
    await run.dispose();
  }
}

if (import.meta.main) {
  try {
    const command = readCommand(process.argv.slice(2));
    if (command === null) process.stdout.write(HELP);
    else process.exitCode = await train(command);
  } catch (error) {
    const told = [RuleError, TrainingError, RangeError, EngineError];
    if (!(error instanceof Error) || !told.some((kind) => error instanceof kind)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
