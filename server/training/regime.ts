/**
 * What a rule is trained on, and when. Two phases, of which the first is off by default:
 *
 * 1. *Curriculum*, a ratchet: start on the finished picture with few steps. Whenever the smoothed loss falls below
 *    `passLoss`, everything gets harder (less of the body is left, more noise, larger bites, more steps), until the
 *    start is a single seed cell.
 * 2. *Pool* (Mordvintsev et al. 2020): bodies of every age, from a sample pool, so that a grown body persists. In each
 *    batch, worst first:
 *
 *    - the worst starts again from a seed: always while it is far off, else with probability `seedPart`; with
 *      `reseed: any` it is mostly another one;
 *    - the best half lives on for 0 to `delaySteps`, then is hurt (`damage.ts`); some are hurt once more while they
 *      heal;
 *    - the others live on; whole ones are taught to keep still.
 *
 * Before that, bodies that stand beside their place are moved back to it (`align` in `likeness.ts`). Some live within
 * walls for a few rollouts (`wallPart`, `walls.ts`): they are taught the picture where they may live, and to regrow the
 * rest when the walls are gone.
 *
 * Then all are rolled out for 64 to `longestSteps`, hurt ones for `shortestSteps` to as many. They are taught the
 * picture: mean square error of RGBA at the end. Five more terms count in the gradient only:
 *
 * - *place*: two hidden channels of every cell are taught where in the body it is, so that what is left of a torn body
 *   knows where it is (server/training/README.md has the figures).
 * - *stray*: cells where the picture is empty are taught more strongly to be empty.
 * - *rim*: cells whose alpha is near the alive threshold are taught the picture more strongly.
 * - *overflow*: hidden channels are drawn back into -1..1.
 * - *quiescence*: in bodies that were whole, the change from step to step.
 */
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import type { GridShape } from './kernel.ts';
import type { Random } from './random.ts';
import { addNoise, clearWhere, forEachCell, seedX, seedY, stampSeed } from './states.ts';

/** Default weight of the place. */
export const PLACE_WEIGHT = 0.3;

/**
 * What runs that begin with a trained rule have in common: a rule's last ones, and the tuner's
 * (server/training/README.md says why).
 */
export const POLISH = { batch: 8, reseed: 'any', quiescenceWeight: 3 } as const;

/** What a polish adds: neighbours, and bodies that went wrong. A tuning leaves it out (`tuner/plan.ts` says why). */
export const COMPANY = {
  normalisation: 0.75,
  wallPart: 0.3,
  farOff: 0.6,
  alignCells: 6,
  strayWeight: 1,
  rimWeight: 9,
  roomCells: 8,
} as const;

/**
 * Default of `farOff`: a body with a larger part of a bare seed's error is not worth keeping. While all bodies have a
 * larger error, the pool stays young.
 */
export const FAR_OFF = 0.1;

/** Walls of samples (`walls.ts`). */
export const WALLS = {
  /** Probability that a sample stays within its walls when it is drawn: a few rollouts on average. */
  stay: 0.65,
  /** Part of new walls that are the world's edge; the others are neighbours. */
  edgePart: 0.4,
} as const;

export interface Difficulty {
  /** Cells farther than this from the seed are zeroed at the first step. */
  readonly radiusCells: number;
  readonly steps: number;
  /** Deviation of the noise on living cells at the first step. */
  readonly noise: number;
  /** Radius of the circle that is ablated at the first step. */
  readonly biteCells: number;
}

export const CURRICULUM = {
  passLoss: 1.8e-2,
  /** Weight of the newest loss in the smoothed one. */
  smoothing: 0.1,
  radiusFactor: 0.975,
  /** At this radius only the seed cell is left: the curriculum is over. */
  seedRadiusCells: 0.5,
  firstSteps: 6,
  stepsMore: 1,
  mostSteps: 68,
  noiseMore: 0.002,
  mostNoise: 0.2,
  biteMore: 0.1,
  mostBiteCells: 8,
} as const;

export const POOL = {
  fewestSteps: 64,
  /** Steps per iteration by which rollouts grow from the curriculum's longest: all at once, they would run wild. */
  stepsMore: 0.1,
  /** Part of a batch (the best) that is damaged. */
  damagedPart: 0.5,
  /** Largest number of steps between the two wounds of a sample that is hurt once more (`twicePart`). */
  mostStepsBetween: 24,
  /** A body whose error is below this part of a bare seed's has grown: it can be damaged. */
  grown: 0.5,
  /** … and below this part it is whole: what still moves in it is unrest. */
  whole: 0.02,
  /** A whole body is taught to keep still over this many of its last steps. */
  quietSteps: 8,
} as const;

export function firstDifficulty(shape: GridShape): Difficulty {
  const radiusCells = Math.hypot(shape.width, shape.height) / 2;
  return { radiusCells, steps: CURRICULUM.firstSteps, noise: 0, biteCells: 0 };
}

/** @param longestSteps - the plan's */
export const mostPoolSteps = (poolDone: number, longestSteps: number): number =>
  Math.min(longestSteps, Math.floor(CURRICULUM.mostSteps + poolDone * POOL.stepsMore));

export const harder = (now: Difficulty): Difficulty => ({
  radiusCells: now.radiusCells * CURRICULUM.radiusFactor,
  steps: Math.min(CURRICULUM.mostSteps, now.steps + CURRICULUM.stepsMore),
  noise: Math.min(CURRICULUM.mostNoise, now.noise + CURRICULUM.noiseMore),
  biteCells: Math.min(CURRICULUM.mostBiteCells, now.biteCells + CURRICULUM.biteMore),
});

export const isSeed = (difficulty: Difficulty): boolean =>
  difficulty.radiusCells < CURRICULUM.seedRadiusCells;

/** 0 at the first difficulty, 1 when the start is a seed. */
export function progress(difficulty: Difficulty, shape: GridShape): number {
  const first = firstDifficulty(shape).radiusCells;
  const part = Math.log(first / difficulty.radiusCells) / Math.log(first / CURRICULUM.seedRadiusCells);
  return Math.min(1, Math.max(0, part));
}

/** The finished picture with hidden channels 1, made as hard as `difficulty` says. The seed cell is always whole. */
export function plantTarget(
  state: Float32Array,
  shape: GridShape,
  target: Float32Array,
  difficulty: Difficulty,
  random: Random,
): void {
  state.fill(0);
  forEachCell(shape, (x, y, cell) => {
    if (target[cell * 4 + 3] <= ALIVE_THRESHOLD) return;
    if (Math.hypot(x - seedX(shape), y - seedY(shape)) > difficulty.radiusCells) return;
    state.set(target.subarray(cell * 4, cell * 4 + 4), cell * CHANNELS);
    state.fill(1, cell * CHANNELS + 4, (cell + 1) * CHANNELS);
  });
  addNoise(state, shape, difficulty.noise, random);
  if (difficulty.biteCells > 0) {
    const angle = random.between(0, 2 * Math.PI);
    const away = difficulty.biteCells + random.between(0, difficulty.radiusCells / 2);
    const x = seedX(shape) + Math.cos(angle) * away;
    const y = seedY(shape) + Math.sin(angle) * away;
    clearWhere(state, shape, (u, v) => Math.hypot(u - x, v - y) < difficulty.biteCells);
  }
  stampSeed(state, shape);
}
