/**
 * Makes a starting rule: weights from which any picture is learned fast. Reptile (Nichol et al. 2018, "On first-order
 * meta-learning algorithms"): learn one picture for some hundred iterations, move the start a part of the way to what
 * was learned, take the next picture. One random seed gives one start.
 */
import { ALIVE_THRESHOLD } from '../rules/rule.ts';
import { cellIndex, type Weights } from './kernel.ts';
import { LEARNING, LEARNING_PADDING } from './learning.ts';
import { between } from './optimizer.ts';
import type { TrainingPlan } from './plan.ts';
import { Random, type RandomState } from './random.ts';
import { forEachCell, seedX, seedY } from './states.ts';
import { fromPixels, type Pixels, readPixels, spriteNames, type Target } from './target.ts';
import { TrainingError, TrainingRun } from './train.ts';

/** Never learned from: with them starts are compared. */
export const HELD_OUT = [
  'cubone',
  'ditto',
  'horsea',
  'jigglypuff',
  'lotad',
  'magnemite',
  'oddish',
  'psyduck',
  'staryu',
  'vulpix',
] as const;

export interface StartPlan {
  /** Pictures to learn, one after the other. */
  readonly pictures: number;
  /** Iterations on each. */
  readonly iterations: number;
  readonly rate: number;
  /** 0..1: how much of the way the start moves to what was learned, for the first picture … */
  readonly firstPart: number;
  /** … and for the last. */
  readonly lastPart: number;
  /** Cells that a picture has, at least and at most. */
  readonly minCells: number;
  readonly maxCells: number;
  readonly randomSeed: number;
}

export interface LearnedPicture {
  readonly sprite: string;
  readonly cells: number;
  /** Mean loss of the last fifth of the iterations; null: the learning diverged, and the start did not move. */
  readonly loss: number | null;
  readonly ms: number;
}

export interface StartSnapshot {
  readonly plan: StartPlan;
  readonly weights: Weights;
  /** Mean of the start after each picture of the last third: what is finally written. */
  readonly mean: Weights;
  readonly meanOf: number;
  readonly random: RandomState;
  readonly learned: readonly LearnedPicture[];
}

export class StartRun {
  readonly #names: readonly string[];
  readonly #threads: number;
  #now: StartSnapshot;

  /**
   * @param from - a plan to begin with these weights, or a snapshot to continue
   * @param threads - 0 works on the calling thread
   */
  constructor(
    from: StartSnapshot | { readonly plan: StartPlan; readonly weights: Weights },
    threads: number,
  ) {
    this.#threads = threads;
    this.#names = spriteNames().filter((name) => !isHeldOut(name));
    this.#now =
      'random' in from
        ? from
        : {
            ...from,
            mean: mapped(from.weights, () => 0),
            meanOf: 0,
            random: new Random(from.plan.randomSeed).state,
            learned: [],
          };
  }

  get snapshot(): StartSnapshot {
    return this.#now;
  }

  get isFinished(): boolean {
    return this.#now.learned.length >= this.#now.plan.pictures;
  }

  /** The start as it stands. */
  get start(): Weights {
    const { mean, meanOf, weights } = this.#now;
    return meanOf === 0 ? weights : mean;
  }

  /** Learns one picture. */
  async learn(): Promise<LearnedPicture> {
    const { plan, learned } = this.#now;
    const started = performance.now();
    const random = new Random(this.#now.random);
    const { sprite, target, cells } = drawPicture(this.#names, plan, random);
    const run = new TrainingRun(
      learningPlan(sprite, plan.iterations, plan.rate, random.uint32()),
      this.#threads,
      undefined,
      { target, weights: this.#now.weights },
    );
    let loss: number | null = null;
    try {
      while (!run.isFinished) await run.iterate();
      const last = run.losses.slice(Math.floor(run.losses.length * 0.8));
      loss = last.reduce((sum, value) => sum + value, 0) / last.length;
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
    } finally {
      await run.dispose();
    }
    const done = learned.length / Math.max(1, plan.pictures - 1);
    const part = plan.firstPart + (plan.lastPart - plan.firstPart) * done;
    const weights = loss === null ? this.#now.weights : between(this.#now.weights, run.weights, part);
    const isLate = learned.length >= (plan.pictures * 2) / 3;
    const meanOf = this.#now.meanOf + (isLate ? 1 : 0);
    const picture = { sprite, cells, loss, ms: performance.now() - started };
    this.#now = {
      plan,
      weights,
      mean: isLate ? between(this.#now.mean, weights, 1 / meanOf) : this.#now.mean,
      meanOf,
      random: random.state,
      learned: [...learned, picture],
    };
    return picture;
  }
}

/** The first iterations of a learning, as starts are made and compared with them. */
export const learningPlan = (
  name: string,
  iterations: number,
  rate: number,
  randomSeed: number,
): TrainingPlan => ({
  ...LEARNING,
  name,
  source: { sprite: name, scale: 1, padding: LEARNING_PADDING },
  iterations,
  rate,
  randomSeed,
});

const isHeldOut = (name: string): boolean =>
  HELD_OUT.some((held) => name === held || name.startsWith(`${held}-`));

/** Most cells per pixel: at 2 and more, pixels are blocks of equal cells. */
const MAX_SCALE = 1.9;

/** A sprite at a random size, mirrored in half of the cases, its colour channels in any order. */
function drawPicture(
  names: readonly string[],
  { minCells, maxCells }: Pick<StartPlan, 'minCells' | 'maxCells'>,
  random: Random,
): { sprite: string; target: Target; cells: number } {
  for (;;) {
    const sprite = names[random.whole(0, names.length - 1)];
    const pixels = recoloured(readPixels({ sprite }), random);
    const want = random.between(minCells, maxCells);
    const at = (scale: number): Target =>
      fromPixels(pixels.rgba, pixels.width, pixels.height, { scale, padding: LEARNING_PADDING }, sprite);
    const scale = Math.min(MAX_SCALE, Math.max(1, Math.sqrt(want / aliveCells(at(1)))));
    const target = at(scale);
    const cells = aliveCells(target);
    if (cells >= minCells && cells <= maxCells && canGrow(target, cells)) return { sprite, target, cells };
  }
}

function recoloured({ width, height, rgba, label }: Pixels, random: Random): Pixels {
  const isMirrored = random.unit() < 0.5;
  const first = random.whole(0, 2);
  const second = (first + random.whole(1, 2)) % 3;
  const order = [first, second, 3 - first - second, 3];
  const drawn = new Uint8Array(rgba.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + (isMirrored ? width - 1 - x : x)) * 4;
      for (let c = 0; c < 4; c++) drawn[(y * width + x) * 4 + c] = rgba[from + order[c]];
    }
  }
  return { width, height, rgba: drawn, label };
}

function aliveCells({ shape, rgba }: Target): number {
  let count = 0;
  forEachCell(shape, (_x, _y, cell) => {
    if (rgba[cell * 4 + 3] > ALIVE_THRESHOLD) count++;
  });
  return count;
}

/** Whether life can spread from the seed to every cell of the picture. */
function canGrow({ shape, rgba }: Target, cells: number): boolean {
  const isAlive = (x: number, y: number): boolean =>
    x >= 0 &&
    y >= 0 &&
    x < shape.width &&
    y < shape.height &&
    rgba[cellIndex(shape, x, y) * 4 + 3] > ALIVE_THRESHOLD;
  const [x0, y0] = [seedX(shape), seedY(shape)];
  if (!isAlive(x0, y0)) return false;
  const seen = new Set([y0 * shape.width + x0]);
  for (const place of seen) {
    const [x, y] = [place % shape.width, Math.floor(place / shape.width)];
    for (let v = y - 1; v <= y + 1; v++) {
      for (let u = x - 1; u <= x + 1; u++) if (isAlive(u, v)) seen.add(v * shape.width + u);
    }
  }
  return seen.size === cells;
}

const mapped = ({ w1, b1, w2, b2 }: Weights, map: (value: number) => number): Weights => ({
  w1: w1.map(map),
  b1: b1.map(map),
  w2: w2.map(map),
  b2: b2.map(map),
});
