/** What `npm run train` is asked for: its flags, its help, and the command that makes a rule again. */
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import {
  choice,
  describeFlags,
  type FlagTable,
  type FlagValues,
  flagsOf,
  type GivenFlags,
  list,
  multipleOf,
  parseFlags,
  readFlags,
  real,
  showList,
  text,
  toggle,
  whole,
} from '../flags.ts';
import { checkName } from '../rules/format.ts';
import { RULE_SUFFIX, readRule } from '../rules/load.ts';
import { MAX_HIDDEN, RuleError } from '../rules/rule.ts';
import { readCheckpoint } from '../training/checkpoint.ts';
import { DAMAGE_KINDS, type DamageKind } from '../training/damage.ts';
import { OPTIMIZERS } from '../training/optimizer.ts';
import { RESEEDS, type TrainingPlan } from '../training/plan.ts';
import { COMPANY, FAR_OFF, PLACE_WEIGHT, POLISH } from '../training/regime.ts';
import type { Snapshot } from '../training/snapshot.ts';
import { drawingFlag, pictureFlag, readDrawing } from './picture.ts';
import type { QuickTraining } from './quick.ts';

const ENGINES = ['wasm', 'tfjs'] as const;
export type TrainingEngine = (typeof ENGINES)[number];

/** Rules trained on these from the start healed all other kinds, too (server/training/README.md). */
const DEFAULT_DAMAGE: readonly DamageKind[] = ['circle', 'half', 'centre', 'swipes', 'noise'];

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
  rim: `${COMPANY.rimWeight}`,
  room: `${COMPANY.roomCells}`,
  damage: 'batter,batter,noise,drag,strokes,strokes,half,half,circle,centre,swipes',
  'random-seed': '2',
} as const satisfies GivenFlags<FlagTable>;

const asFlags = (flags: Readonly<Record<string, string>>): string =>
  Object.entries(flags)
    .map(([flag, value]) => `--${flag} ${value}`)
    .join(' ');

// biome-ignore format: one flag, one line
const GROUPS = {
  'What to grow': {
    sprite: text('NAME', 'a sprite of pokesprite-images (a development dependency)'),
    image: text('FILE', 'any PNG with transparency'),
    drawing: text('LINK', 'a drawing of the drawing board: the link that carries it'),
    scale: real(1, 8, undefined, 'cells per pixel; at 2, 3 … a pixel is a block of equal cells, and what heals stands beside its place more often', '1.9 for a sprite, 1 for an image; a drawing is grown as it is'),
    padding: whole(4, 32, 12, 'empty cells around the picture'),
  },
  'Where to': {
    out: text('FILE', `the rule, *${RULE_SUFFIX}; written when training ends; required, except with --polish`),
    name: text('NAME', "the rule's name", 'from --out'),
    report: text('DIR', 'folder of contact sheet and loss plot', 'build/train/NAME'),
    checkpoint: text('FILE', 'written every minute and on Ctrl-C', 'checkpoint.bin in the report; with --resume, that file'),
  },
  'What to begin with': {
    resume: text('FILE', 'go on from a checkpoint; its plan stays as it was begun'),
    polish: text('FILE', `go over a rule once more: --from it and --out to it, with its picture, and where nothing else is said ${asFlags(POLISH_FLAGS)}`),
    from: text('FILE', 'begin with the weights of this rule instead of random ones'),
    quick: toggle('learn from the starting rule, or from --from, until the gates of the nursery are passed; beside the picture and the places only --iterations, --threads and --random-seed may be given'),
  },
  'The rule': {
    hidden: multipleOf(4, 4, MAX_HIDDEN, 128, 'hidden units'),
    'fire-rate': real(1e-3, 1, 0.5, 'probability that a cell updates in a step'),
  },
  'How long': {
    iterations: whole(1, 1_000_000, 5000, 'iterations of the pool phase'),
    curriculum: whole(0, 100_000, 0, 'largest number of iterations of the curriculum before it'),
    longest: whole(64, 256, 96, 'rollouts take 64 to this many steps; with more, bodies heal with less haste'),
    shortest: whole(1, 256, 64, 'hurt bodies are rolled out for this many steps to as many as the others'),
  },
  'What a batch is made of': {
    batch: whole(2, 64, 4, 'samples per iteration'),
    pool: whole(0, 4096, 64, 'samples kept, at least the batch; 0: all start from seeds'),
    'seed-part': real(0, 1, 1, 'how often one sample of a batch starts again from a seed'),
    reseed: choice(RESEEDS, 'worst', 'which sample starts again; any: mostly not the worst, so that the worst is taught'),
    'far-off': real(0.01, 10, FAR_OFF, "the worst of a batch starts again when its error is above this part of a bare seed's; higher, and bodies that have gone wrong are taught"),
    room: whole(0, 32, 0, 'empty cells around the padded picture while training: what leaves a body and grows there is seen so far'),
  },
  'What bodies suffer': {
    damage: list(DAMAGE_KINDS, DEFAULT_DAMAGE, 'kinds of damage to grown bodies; a kind named twice is drawn twice as often'),
    delay: whole(0, 96, 0, 'a body lives on for up to this many steps before it is hurt'),
    twice: real(0, 1, 0, 'part of the hurt bodies that are hurt once more while they heal'),
    ward: whole(0, 64, 0, 'bodies that are struck again and again beside the training'),
    sick: real(0, 1, 0.5, 'how often one of those that stay sick takes the place of a sample'),
    walls: real(0, 1, 0, "how often a sample without walls gets some: the world's edge or neighbours"),
  },
  'What they are taught': {
    align: whole(0, 8, 3, 'bodies that live beside their place are moved back by up to this many cells'),
    place: real(0, 100, PLACE_WEIGHT, 'how strongly two hidden channels are taught where in the body a cell is'),
    waves: real(0, 100, 0, 'how strongly four more hidden channels are taught waves of that place'),
    stray: real(0, 100, 0, 'how much more strongly than the picture cells beside it are taught to be empty'),
    rim: real(0, 100, 0, 'how much more strongly cells near the alive threshold are taught the picture'),
    quiescence: real(0, 100, 0, 'how strongly whole bodies are taught to keep still'),
    overflow: real(0, 1, 0, 'how strongly hidden channels are kept within -1..1 at first'),
  },
  'How they learn': {
    rate: real(1e-7, 1, 5e-3, 'learning rate; falls along a cosine in the pool phase'),
    normalise: real(0, 1, 0, 'how far the gradients of a batch are made equally long'),
    optimizer: choice(OPTIMIZERS, 'muon', 'for the matrices'),
    'random-seed': whole(0, 0xffffffff, 1, 'one random seed gives one rule, whatever the threads'),
  },
  'What computes': {
    threads: whole(1, 256, availableParallelism(), 'training threads; more than the batch are not used', 'one per core'),
    engine: choice(ENGINES, 'wasm', 'tfjs: TensorFlow.js, on CUDA where its binding is installed'),
    help: toggle('prints this'),
  },
} as const;

const FLAGS = flagsOf(GROUPS);
type Flags = FlagValues<typeof FLAGS>;
type Given = GivenFlags<typeof FLAGS>;

/** What may be said beside --quick. */
const QUICK_FLAGS: readonly string[] = [
  'quick',
  'sprite',
  'image',
  'drawing',
  'scale',
  'out',
  'name',
  'report',
  'checkpoint',
  'from',
  'iterations',
  'threads',
  'random-seed',
];

/** Flag → the field of the plan that it alone sets. */
const PLAN_FIELDS = {
  from: 'parent',
  iterations: 'iterations',
  curriculum: 'curriculumIterations',
  hidden: 'hidden',
  'fire-rate': 'fireRate',
  overflow: 'overflowWeight',
  quiescence: 'quiescenceWeight',
  place: 'placeWeight',
  waves: 'waveWeight',
  batch: 'batch',
  pool: 'poolSize',
  'seed-part': 'seedPart',
  reseed: 'reseed',
  damage: 'damage',
  delay: 'delaySteps',
  twice: 'twicePart',
  longest: 'longestSteps',
  shortest: 'shortestSteps',
  align: 'alignCells',
  stray: 'strayWeight',
  rim: 'rimWeight',
  room: 'roomCells',
  walls: 'wallPart',
  'far-off': 'farOff',
  ward: 'wardBodies',
  sick: 'sickPart',
  rate: 'rate',
  normalise: 'normalisation',
  optimizer: 'optimizer',
  'random-seed': 'randomSeed',
} as const satisfies Partial<Record<keyof Flags, keyof TrainingPlan>>;
type PlanFlag = keyof typeof PLAN_FIELDS;
/** The compiler checks that each flag has the type of its field. */
type PlanPart = { readonly [F in PlanFlag as (typeof PLAN_FIELDS)[F]]: Flags[F] };

const planPart = (flags: Flags): PlanPart =>
  Object.fromEntries(
    Object.entries(PLAN_FIELDS).map(([flag, field]) => [field, flags[flag as PlanFlag]]),
  ) as PlanPart;

export const HELP = `Trains an update rule that grows a picture from one cell, keeps it, and heals it.

  npm run train -- --sprite squirtle --out weights/squirtle.safetensors
  npm run train -- --polish weights/squirtle.safetensors
  npm run train -- --image my.png --out my.safetensors
  npm run train -- --quick --image my.png --out my.safetensors
  npm run train -- --quick --drawing 'https://regrow.example/#draw=…' --out mine.safetensors
  npm run train -- --resume build/train/squirtle/checkpoint.bin --out weights/squirtle.safetensors

${describeFlags(GROUPS)}
`;

export interface Command {
  readonly from: TrainingPlan | Snapshot;
  readonly out: string;
  readonly report: string;
  readonly checkpoint: string;
  readonly threads: number;
  readonly engine: TrainingEngine;
  /** Instead of the plan: learns until the gates are passed. */
  readonly quick: QuickTraining | null;
}

/** @returns null when help is asked for @throws RuleError listing every wrong flag */
export function readCommand(args: readonly string[]): Command | null {
  const wrong: string[] = [];
  const { given } = parseFlags(FLAGS, args, wrong);
  if (given.help) return null;
  if (wrong.length > 0) throw new RuleError(wrong.join('\n'));
  const all: Given =
    typeof given.polish === 'string' ? { ...polishing(given.polish, given), ...given } : given;
  const flags = readFlags(FLAGS, all, wrong);
  const { out, sprite, image, drawing, resume, batch, pool, threads, engine } = flags;
  if (out === undefined) wrong.push('--out is missing');
  else if (!out.endsWith(RULE_SUFFIX)) wrong.push(`--out ${out} does not end in ${RULE_SUFFIX}`);
  if ([sprite, image, drawing, resume].filter((source) => source !== undefined).length !== 1)
    wrong.push('one of --sprite, --image, --drawing and --resume must be given');
  if (drawing !== undefined && (flags.scale ?? 1) !== 1)
    wrong.push(`--scale ${flags.scale}: a drawing is grown as it is`);
  if (pool !== 0 && pool < batch) wrong.push(`--pool ${pool} is less than the batch of ${batch}`);
  if (given.quick)
    for (const flag of Object.keys(given))
      if (!QUICK_FLAGS.includes(flag)) wrong.push(`--${flag}: not with --quick`);
  if (wrong.length > 0 || out === undefined) throw new RuleError(wrong.join('\n'));
  const name = checkName(flags.name ?? basename(out, RULE_SUFFIX));
  const scale = flags.scale ?? (image === undefined && drawing === undefined ? 1.9 : 1);
  const picture = { sprite, image, drawing: drawing === undefined ? undefined : readDrawing(drawing, name) };
  const plan: TrainingPlan = {
    name,
    source: { ...picture, scale, padding: flags.padding },
    ...planPart(flags),
  };
  const report = flags.report ?? join('build/train', name);
  const checkpoint = flags.checkpoint ?? resume ?? join(report, 'checkpoint.bin');
  return {
    from: resume === undefined ? plan : readCheckpoint(resume),
    out,
    report,
    checkpoint,
    threads,
    engine,
    quick: given.quick
      ? {
          name,
          source: { ...picture, scale },
          start: flags.from,
          out,
          report,
          checkpoint,
          threads,
          randomSeed: flags['random-seed'],
          maxIterations: given.iterations === undefined ? undefined : flags.iterations,
        }
      : null,
  };
}

/**
 * @param given - a picture among these takes the place of the rule's own
 * @throws RuleError when there is no such rule
 */
function polishing(file: string, { sprite, image, drawing }: Given): Given {
  const { hidden, fireRate, name, metadata } = readRule(file);
  const { scale, padding, place = '0', waves = '0', title = name } = metadata;
  const own = { scale, padding, place, waves, hidden: String(hidden), 'fire-rate': String(fireRate) };
  const picture =
    metadata.drawing === undefined
      ? { sprite: metadata.sprite }
      : { drawing: drawingFlag({ drawing: metadata.drawing, title }) };
  const isOther = sprite !== undefined || image !== undefined || drawing !== undefined;
  return { ...POLISH_FLAGS, ...own, ...(isOther ? {} : picture), from: file, out: file, name };
}

/** The command that makes this rule, whatever it was resumed from. */
export function trainingCommand(plan: TrainingPlan, out: string, engine: TrainingEngine): string {
  const { scale, padding } = plan.source;
  const written = (value: TrainingPlan[(typeof PLAN_FIELDS)[PlanFlag]]): string | undefined =>
    typeof value === 'object' ? showList(value) : value?.toString();
  const flags: Given = {
    ...pictureFlag(plan.source),
    scale: String(scale),
    padding: String(padding),
    ...Object.fromEntries(Object.entries(PLAN_FIELDS).map(([flag, field]) => [flag, written(plan[field])])),
    engine: engine === FLAGS.engine.fallback ? undefined : engine,
    out,
  };
  const said = Object.entries(flags).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${value}`],
  );
  return `npm run train -- ${said.join(' ')}`;
}
