/**
 * How good a rule is: does it grow the picture, keep it, and heal what is cut off? Every figure comes from
 * several random seeds, grown from one cell on the padded grid.
 */
import { CHANNELS, type Rule, RuleError } from '../rules/rule.ts';
import { Rollouts } from './rollouts.ts';
import { forEachCell, plantSeed } from './states.ts';
import { fromPixels, readTarget, type Target } from './target.ts';

export const MEASURED_STEPS = [200, 1000, 5000] as const;
/** Cuts are made at this age. */
export const CUT_STEP = 1000;
export const RECOVERY_STEPS = 200;
const HOLE_CELLS = 16;
const DEFAULT_PADDING = 12;

/** What a cut removes; coordinates are of the padded grid. */
export const CUTS: Readonly<
  Record<string, (x: number, y: number, width: number, height: number) => boolean>
> = {
  left: (x, _y, width) => x < width / 2,
  right: (x, _y, width) => x >= width / 2,
  top: (_x, y, _width, height) => y < height / 2,
  bottom: (_x, y, _width, height) => y >= height / 2,
  centre: (x, y, width, height) =>
    Math.abs(x + 0.5 - width / 2) < HOLE_CELLS / 2 && Math.abs(y + 0.5 - height / 2) < HOLE_CELLS / 2,
};

export interface Spread {
  readonly median: number;
  readonly worst: number;
}

export interface Evaluation {
  readonly rule: string;
  /** What the rule was compared with. */
  readonly target: string;
  readonly width: number;
  readonly height: number;
  readonly randomSeeds: number;
  /** Mean square error of RGBA over the padded target, by step. */
  readonly mse: Readonly<Record<string, Spread>>;
  /** (post − final) / (post − pre), by cut: 1 is whole again, 0 as it was cut. */
  readonly recovery: Readonly<Record<string, Spread>>;
}

export interface EvaluationTarget {
  readonly label: string;
  readonly target: Target;
}

/**
 * The picture that the rule was trained on: from `image`, else from the rule's metadata.
 *
 * @returns undefined when neither names one that is at hand
 * @throws RuleError when the picture named is bad
 */
export function targetOf(rule: Rule, image?: string): EvaluationTarget | undefined {
  const { sprite, scale = '1', padding = String(DEFAULT_PADDING) } = rule.metadata;
  const source = {
    scale: smallNumber(scale, 1, 8, 1),
    padding: smallNumber(padding, 0, 32, DEFAULT_PADDING),
  };
  if (image !== undefined) return { label: image, target: readTarget({ ...source, image }) };
  if (sprite === undefined) return undefined;
  try {
    return { label: `sprite ${sprite} at ${source.scale}x`, target: readTarget({ ...source, sprite }) };
  } catch (error) {
    if (error instanceof RuleError) return undefined; // the sprites are a development dependency
    throw error;
  }
}

/** What the rule grows by itself in 1,000 steps: for rules whose picture is not at hand. */
export async function matureTarget(rule: Rule): Promise<EvaluationTarget> {
  const width = smallNumber(rule.metadata.targetWidth, 1, 128, 48);
  const height = smallNumber(rule.metadata.targetHeight, 1, 128, 48);
  const opaque = new Uint8Array(width * height * 4).fill(255);
  const target = fromPixels(opaque, width, height, { scale: 1, padding: DEFAULT_PADDING }, rule.name);
  const rollouts = open(rule, target, 1, 0);
  try {
    plantSeed(rollouts.state(0), target.shape);
    await rollouts.run([{ steps: CUT_STEP, randomSeed: 0 }]);
    const state = rollouts.state(0);
    forEachCell(target.shape, (_x, _y, cell) => {
      for (let c = 0; c < 4; c++) {
        target.rgba[cell * 4 + c] = Math.min(1, Math.max(0, state[cell * CHANNELS + c]));
      }
    });
  } finally {
    await rollouts.dispose();
  }
  return { label: 'its own form at step 1000 (its picture is not at hand)', target };
}

function smallNumber(text: string | undefined, low: number, high: number, fallback: number): number {
  const value = Number(text);
  return Number.isInteger(value) && value >= low && value <= high ? value : fallback;
}

/** Rollouts of a rule against a target, without gradients. */
export function open(rule: Rule, target: Target, slots: number, threads: number): Rollouts {
  const { shape } = target;
  const rollouts = new Rollouts({
    shape,
    hidden: rule.hidden,
    fireRate: rule.fireRate,
    overflowWeight: 0,
    slots,
    threads: Math.min(threads, slots),
    maxSteps: 0,
  });
  rollouts.setWeights(rule);
  rollouts.target.set(target.rgba);
  return rollouts;
}

export async function evaluate(
  rule: Rule,
  { label, target }: EvaluationTarget,
  { randomSeeds = 8, threads = 1 } = {},
): Promise<Evaluation> {
  const rollouts = open(rule, target, randomSeeds, threads);
  const { shape } = target;
  const seeds = Array.from({ length: randomSeeds }, (_, slot) => slot + 1);
  const advance = async (from: number, to: number): Promise<readonly number[]> =>
    (await rollouts.run(seeds.map((randomSeed) => ({ steps: to - from, randomSeed, firstStep: from }))))
      .losses;
  try {
    for (const slot of seeds.keys()) plantSeed(rollouts.state(slot), shape);
    const mse: Record<string, Spread> = {};
    const recovery: Record<string, Spread> = {};
    let step = 0;
    for (const next of MEASURED_STEPS) {
      const losses = await advance(step, next);
      mse[next] = spread(losses, Math.max);
      step = next;
      if (step !== CUT_STEP) continue;
      const grown = seeds.map((_, slot) => rollouts.state(slot).slice());
      for (const [cut, removes] of Object.entries(CUTS)) {
        grown.forEach((state, slot) => {
          rollouts.state(slot).set(state);
          applyCut(rollouts.state(slot), target, removes);
        });
        const posts = await advance(step, step);
        const finals = await advance(step, step + RECOVERY_STEPS);
        const recovered = losses.map((pre, slot) => (posts[slot] - finals[slot]) / (posts[slot] - pre));
        recovery[cut] = spread(recovered, Math.min);
      }
      for (const [slot, state] of grown.entries()) rollouts.state(slot).set(state);
    }
    const { width, height } = shape;
    return { rule: rule.name, target: label, width, height, randomSeeds, mse, recovery };
  } finally {
    await rollouts.dispose();
  }
}

export function applyCut(state: Float32Array, target: Target, removes: (typeof CUTS)[string]): void {
  const { shape } = target;
  forEachCell(shape, (x, y, cell) => {
    if (removes(x, y, shape.width, shape.height)) state.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  });
}

function spread(values: readonly number[], worst: (...values: number[]) => number): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median, worst: worst(...values) };
}

/** The table that people read. */
export function describeEvaluation(evaluation: Evaluation): string {
  const { rule, target, width, height, randomSeeds, mse, recovery } = evaluation;
  const row = (label: string, { median, worst }: Spread, show: (value: number) => string): string =>
    `${label.padEnd(18)}${show(median).padStart(9)}${show(worst).padStart(10)}`;
  return [
    `${rule} against ${target}, ${width}x${height} cells, ${randomSeeds} random seeds`,
    `${''.padEnd(18)}${'median'.padStart(9)}${'worst'.padStart(10)}`,
    ...Object.entries(mse).map(([step, values]) =>
      row(`MSE at step ${step}`, values, (v) => v.toExponential(2)),
    ),
    ...Object.entries(recovery).map(([cut, values]) => row(`recovery, ${cut}`, values, (v) => v.toFixed(3))),
  ].join('\n');
}
