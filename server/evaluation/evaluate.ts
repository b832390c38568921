/**
 * How good a rule is: does it grow its picture, keep it, heal what is torn off, and hold still? Every figure comes from
 * several random seeds, grown from one cell on the padded grid. Every cell that fires is computed at every step: no
 * cell rests, and nothing is rounded.
 */
import { basename } from 'node:path';
import { DrawingError } from '../../shared/drawing/drawing.ts';
import { isWhole } from '../../shared/numbers.ts';
import { CHANNELS, type Rule, RuleError } from '../rules/rule.ts';
import type { Drawn } from '../training/drawn.ts';
import { drawnTarget } from '../training/learning.ts';
import { replay } from '../training/recorded.ts';
import type { Rollouts } from '../training/rollouts.ts';
import { forEachCell, livingCells, plantSeed } from '../training/states.ts';
import { fromPixels, pictureCells, readTarget, type Target } from '../training/target.ts';
import { openBodies } from './bodies.ts';
import { type LongPlayFigures, runLongPlay } from './longPlay.ts';
import { type PlayFigures, runPlay } from './play.ts';
import { recoveryOf, type Spread, spread, spreads } from './statistics.ts';
import { HARMS, type Harmed, harm } from './suite.ts';
import { runTrials, type Trial, type TrialFigures } from './trials.ts';

const MEASURED_STEPS = [200, 1000, 5000, 10_000] as const;
/** Age at which bodies are hurt. */
export const CUT_STEP = 1000;
export const RECOVERY_STEPS = 200;
/** A body with this many times the living cells of its picture runs away. */
export const RUNAWAY = 1.15;
/** Stillness is the mean over this many steps, from the age at which bodies are hurt. */
const STILL_STEPS = 32;
const DEFAULT_PADDING = 12;

/** Steps of growth, and after damage, at which a picture is kept. */
export const GROWTH_FRAMES: readonly number[] = [0, 20, 40, 80, 200, 1000, 10_000];
export const HEALING_FRAMES: readonly number[] = [0, 20, 60, RECOVERY_STEPS];

/** Steps at which growth stops for a look: error, life and death. */
const STOPS: readonly number[] = [
  ...every(20, 0, 200),
  ...every(50, 200, CUT_STEP),
  ...every(250, CUT_STEP, MEASURED_STEPS[3]),
];

function every(step: number, after: number, last: number): number[] {
  return Array.from({ length: (last - after) / step }, (_, i) => after + (i + 1) * step);
}

export interface Evaluation {
  readonly rule: string;
  /** Names the picture that the rule was compared with. */
  readonly target: string;
  readonly width: number;
  readonly height: number;
  readonly randomSeeds: number;
  /** Mean square error of RGBA over the padded target, by step. */
  readonly mse: Readonly<Record<string, Spread>>;
  /** (post − final) / (post − pre) of that error, by kind of damage: 1 is whole again, 0 is as hurt as before. */
  readonly recovery: Readonly<Record<string, Spread>>;
  /** Random seeds whose body had no living cell at some stop up to step 10,000. */
  readonly deaths: number;
  /** Random seeds whose body had over 1.15 times the target's living cells at some stop from step 200 on. */
  readonly runaways: number;
  /** Living cells (alpha above 0.1): of the target, and the median of bodies at step 1,000. */
  readonly cells: { readonly target: number; readonly median: number };
  /** Cells of a grown body whose RGBA8 changes per step. */
  readonly changingCells: Spread;
  /** Results of neighbours, world's edge and players, by trial; empty: not tried. */
  readonly trials: Partial<Readonly<Record<Trial, TrialFigures>>>;
  /** Results of strokes drawn by hand; null: not tried. */
  readonly play: PlayFigures | null;
  /** Results of thousands of strokes; null: not tried. */
  readonly longPlay: LongPlayFigures | null;
  /** The samples that the spreads summarise, by random seed. */
  readonly samples: {
    readonly mse: Readonly<Record<string, readonly number[]>>;
    readonly recovery: Readonly<Record<string, readonly number[]>>;
    readonly changingCells: readonly number[];
  };
  /** Error by age of undisturbed bodies. */
  readonly curve: readonly ({ readonly step: number; readonly best: number } & Spread)[];
}

/** Pixels of a body: straight RGBA, 0-255. */
export interface Frame {
  readonly step: number;
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;
}

/** The first random seed's: the target alone, its growth, and each kind of damage with its healing. */
export interface Frames {
  readonly target: Frame;
  readonly growth: readonly Frame[];
  readonly healing: Readonly<Record<string, readonly Frame[]>>;
}

export interface EvaluationTarget {
  readonly label: string;
  readonly target: Target;
}

export interface TargetOptions {
  /** PNG; default: the sprite in the rule's metadata. */
  readonly image?: string;
  /** Empty cells around the picture; default: as in the metadata, or 12. */
  readonly padding?: number;
  /** False: the middle of the whole image is the seed, not the middle of what it shows. */
  readonly crop?: boolean;
}

/**
 * The picture that the rule was trained on: its drawing, or its sprite.
 *
 * @returns undefined when none is named, the sprites are not installed, or the drawing is damaged
 * @throws RuleError when the given image is bad
 */
export function targetOf(
  rule: Rule,
  { image, padding, crop }: TargetOptions = {},
): EvaluationTarget | undefined {
  const { sprite, drawing, scale = '1' } = rule.metadata;
  const source = {
    scale: Number(scale) >= 1 && Number(scale) <= 8 ? Number(scale) : 1,
    padding: padding ?? smallNumber(rule.metadata.padding, 0, 32, DEFAULT_PADDING),
    crop,
  };
  if (image !== undefined) return { label: basename(image), target: readTarget({ ...source, image }) };
  if (drawing !== undefined) return targetOfDrawing({ title: rule.metadata.title ?? rule.name, drawing });
  if (sprite === undefined) return undefined;
  try {
    return { label: `sprite ${sprite} at ${source.scale}x`, target: readTarget({ ...source, sprite }) };
  } catch (error) {
    if (error instanceof RuleError) return undefined; // the sprites are a development dependency
    throw error;
  }
}

function targetOfDrawing(drawn: Drawn): EvaluationTarget | undefined {
  try {
    return { label: `the drawing of ${drawn.title}`, target: drawnTarget(drawn) };
  } catch (error) {
    if (error instanceof RuleError || error instanceof DrawingError) return undefined; // a stranger's file
    throw error;
  }
}

/** What the rule grows alone in 1,000 steps: for rules whose picture is not at hand. */
export async function matureTarget(rule: Rule, padding = DEFAULT_PADDING): Promise<EvaluationTarget> {
  const target = boxOf(rule, padding);
  const rollouts = openBodies(rule, target, 1, 0);
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

/** A rectangle as large as what the rule grows, in place of its picture. */
export function boxOf(rule: Rule, padding = DEFAULT_PADDING): Target {
  const width = smallNumber(rule.metadata.targetWidth, 1, 128, 48);
  const height = smallNumber(rule.metadata.targetHeight, 1, 128, 48);
  const opaque = new Uint8Array(width * height * 4).fill(255);
  return fromPixels(opaque, width, height, { scale: 1, padding }, rule.name);
}

function smallNumber(text: string | undefined, low: number, high: number, fallback: number): number {
  const value = Number(text);
  return text !== undefined && isWhole(value, low, high) ? value : fallback;
}

/**
 * @param threads - changes only the time taken; 0 works on the calling thread
 * @param lastStep - bodies are watched up to this step, at least 1,000; later figures are left out
 * @param withTrials - runs the trials, too (`trials.ts`, `play.ts`, `longPlay.ts`), which takes twice as long again
 */
export async function evaluate(
  rule: Rule,
  { label, target }: EvaluationTarget,
  { randomSeeds = 8, threads = 1, lastStep = Number.POSITIVE_INFINITY, withTrials = false } = {},
): Promise<{ evaluation: Evaluation; frames: Frames }> {
  const rollouts = openBodies(rule, target, randomSeeds, threads);
  try {
    const { width, height } = target.shape;
    const measured = await measure(rollouts, target, randomSeeds, Math.max(CUT_STEP, lastStep));
    return {
      ...measured,
      evaluation: {
        rule: rule.name,
        target: label,
        width,
        height,
        ...measured.evaluation,
        trials: withTrials ? await runTrials(rule, target, { randomSeeds, threads }) : {},
        play: withTrials ? await runPlay(rule, target, threads) : null,
        longPlay: withTrials ? await runLongPlay(rule, target, { threads }) : null,
      },
    };
  } finally {
    await rollouts.dispose();
  }
}

async function measure(rollouts: Rollouts, target: Target, randomSeeds: number, lastStep: number) {
  const { shape } = target;
  const seeds = Array.from({ length: randomSeeds }, (_, slot) => slot + 1);
  const advance = async (from: number, to: number): Promise<readonly number[]> =>
    (await rollouts.run(seeds.map((randomSeed) => ({ steps: to - from, randomSeed, firstStep: from }))))
      .losses;
  const frame = (step: number): Frame => frameOf(rollouts.state(0), CHANNELS, target, step);

  const targetCells = pictureCells(target);
  const dead = new Set<number>();
  const wild = new Set<number>();
  const mse: Record<string, readonly number[]> = {};
  const curve: Evaluation['curve'][number][] = [];
  let wounds: Awaited<ReturnType<typeof measureHealing>> | undefined;
  let changing: readonly number[] = [];
  let grownCells = 0;

  for (const slot of seeds.keys()) plantSeed(rollouts.state(slot), shape);
  const growth = [frame(0)];
  let step = 0;
  for (const next of STOPS) {
    if (next > lastStep) break;
    const losses = await advance(step, next);
    step = next;
    curve.push({ step, best: Math.min(...losses), ...spread(losses, Math.max) });
    const cells = seeds.map((_, slot) => livingCells(rollouts.state(slot), shape));
    for (const [slot, living] of cells.entries()) {
      if (living === 0) dead.add(slot);
      if (step >= MEASURED_STEPS[0] && living > RUNAWAY * targetCells) wild.add(slot);
    }
    if (GROWTH_FRAMES.includes(step)) growth.push(frame(step));
    if (MEASURED_STEPS.some((measured) => measured === step)) mse[step] = losses;
    if (step !== CUT_STEP) continue;
    grownCells = spread(cells, Math.max).median;
    const grown = seeds.map((_, slot) => rollouts.state(slot).slice());
    const restore = (): void => grown.forEach((state, slot) => void rollouts.state(slot).set(state));
    changing = await measureStillness(rollouts, target, seeds, advance);
    restore();
    wounds = await measureHealing(rollouts, target, seeds, losses, restore, advance, frame);
    restore();
  }
  const recovery = wounds?.recovery ?? {};
  const evaluation = {
    randomSeeds,
    mse: spreads(mse, Math.max),
    recovery: spreads(recovery, Math.min),
    deaths: dead.size,
    runaways: wild.size,
    cells: { target: targetCells, median: grownCells },
    changingCells: spread(changing, Math.max),
    samples: { mse, recovery, changingCells: changing },
    curve,
  };
  const frames: Frames = {
    target: frameOf(target.rgba, 4, target, 0),
    growth,
    healing: wounds?.healing ?? {},
  };
  return { evaluation, frames };
}

type Advance = (from: number, to: number) => Promise<readonly number[]>;

async function measureHealing(
  rollouts: Rollouts,
  target: Target,
  seeds: readonly number[],
  before: readonly number[],
  restore: () => void,
  advance: Advance,
  frame: (step: number) => Frame,
) {
  const recovery: Partial<Record<Harmed, readonly number[]>> = {};
  const healing: Partial<Record<Harmed, readonly Frame[]>> = {};
  for (const kind of HARMS) {
    restore();
    const dealt = [...seeds.entries()].map(([slot, randomSeed]) => ({
      slot,
      randomSeed,
      blows: harm(kind, rollouts.state(slot), target, randomSeed),
    }));
    await replay(dealt, rollouts, seeds.length, target, false);
    const hurt = await advance(CUT_STEP, CUT_STEP);
    const frames = [frame(0)];
    let healed = hurt;
    for (let i = 1; i < HEALING_FRAMES.length; i++) {
      healed = await advance(CUT_STEP + HEALING_FRAMES[i - 1], CUT_STEP + HEALING_FRAMES[i]);
      frames.push(frame(HEALING_FRAMES[i]));
    }
    recovery[kind] = hurt.map((post, slot) => recoveryOf(before[slot], post, healed[slot]));
    healing[kind] = frames;
  }
  return {
    recovery: recovery as Record<Harmed, readonly number[]>,
    healing: healing as Record<Harmed, Frame[]>,
  };
}

/** Cells whose RGBA8 changes per step, by random seed, from `CUT_STEP` on. */
export async function measureStillness(
  rollouts: Rollouts,
  target: Target,
  seeds: readonly number[],
  advance: Advance,
): Promise<number[]> {
  const pixels = (): Uint8Array[] => seeds.map((_, slot) => bytesOf(rollouts.state(slot), CHANNELS, target));
  const changes = seeds.map(() => 0);
  let last = pixels();
  for (let step = CUT_STEP; step < CUT_STEP + STILL_STEPS; step++) {
    await advance(step, step + 1);
    const now = pixels();
    for (const slot of seeds.keys()) {
      for (let i = 0; i < now[slot].length; i += 4) {
        const same = [0, 1, 2, 3].every((c) => now[slot][i + c] === last[slot][i + c]);
        if (!same) changes[slot] += 1 / STILL_STEPS;
      }
    }
    last = now;
  }
  return changes;
}

/** Premultiplied RGBA8 of the grid, as the world publishes it. */
function bytesOf(values: Float32Array, channels: number, { shape }: Target): Uint8Array {
  const bytes = new Uint8Array(shape.width * shape.height * 4);
  let at = 0;
  forEachCell(shape, (_x, _y, cell) => {
    for (let c = 0; c < 4; c++) {
      bytes[at++] = Math.round(255 * Math.min(1, Math.max(0, values[cell * channels + c])));
    }
  });
  return bytes;
}

function frameOf(values: Float32Array, channels: number, target: Target, step: number): Frame {
  const rgba = bytesOf(values, channels, target);
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3] / 255;
    for (let c = 0; c < 3; c++)
      rgba[i + c] = alpha === 0 ? 0 : Math.min(255, Math.round(rgba[i + c] / alpha));
  }
  return { step, width: target.shape.width, height: target.shape.height, rgba };
}
