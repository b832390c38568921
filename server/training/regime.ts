/**
 * What a rule is trained on. Two phases:
 *
 * 1. *Curriculum*, the essay's: start on the finished picture and take few steps; whenever the smoothed loss
 *    passes the threshold, everything gets harder together (less of the body is left, more noise, larger
 *    bites, more steps), until the start is a single seed cell.
 * 2. *Pool*: bodies of every age, from a sample pool, so that a grown body persists; the worst of a batch
 *    often starts again from a seed, and some are damaged, so that it heals.
 *
 * A state is [cellCount, 16] as `kernel.ts` lays it out; every function here changes it in place.
 */
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import { cellIndex, type GridShape } from './kernel.ts';
import type { Random } from './random.ts';

export interface Difficulty {
  /** Cells farther than this from the seed are gone at the first step. */
  readonly radiusCells: number;
  readonly steps: number;
  /** Deviation of what is added to the channels of living cells at the first step. */
  readonly noise: number;
  /** Radius of the circle that is ablated at the first step. */
  readonly biteCells: number;
}

export const CURRICULUM = {
  passLoss: 1.8e-2,
  /** Weight of the newest loss in the smoothed one. */
  smoothing: 0.1,
  radiusFactor: 0.975,
  /** At this radius nothing but the seed cell is left: the curriculum is over. */
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
  mostSteps: 96,
  /** Rollouts grow from the curriculum's longest by so many steps an iteration: at once, they would run wild. */
  stepsMore: 0.1,
  /** Of a batch, this part (the best) is damaged. */
  damagedPart: 0.5,
} as const;

export function firstDifficulty(shape: GridShape): Difficulty {
  const radiusCells = Math.hypot(shape.width, shape.height) / 2;
  return { radiusCells, steps: CURRICULUM.firstSteps, noise: 0, biteCells: 0 };
}

export const mostPoolSteps = (poolDone: number): number =>
  Math.min(POOL.mostSteps, Math.floor(CURRICULUM.mostSteps + poolDone * POOL.stepsMore));

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

export const seedX = (shape: GridShape): number => Math.floor(shape.width / 2);
export const seedY = (shape: GridShape): number => Math.floor(shape.height / 2);

/** One cell in the middle: alpha and hidden channels 1, RGB 0. */
export function plantSeed(state: Float32Array, shape: GridShape): void {
  state.fill(0);
  stampSeed(state, shape);
}

function stampSeed(state: Float32Array, shape: GridShape): void {
  const seed = cellIndex(shape, seedX(shape), seedY(shape)) * CHANNELS;
  state.fill(0, seed, seed + 3);
  state.fill(1, seed + 3, seed + CHANNELS);
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

/** Kinds of damage to a grown body, and how often each is drawn. */
const DAMAGE: readonly {
  weight: number;
  hurt: (state: Float32Array, shape: GridShape, random: Random) => void;
}[] = [
  { weight: 0.27, hurt: circle },
  { weight: 0.27, hurt: halfPlane },
  { weight: 0.26, hurt: centreHole },
  { weight: 0.12, hurt: swipes },
  { weight: 0.04, hurt: truncate },
  { weight: 0.04, hurt: noisePatch },
];

export function damage(state: Float32Array, shape: GridShape, random: Random): void {
  let draw = random.unit();
  for (const kind of DAMAGE) {
    draw -= kind.weight;
    if (draw >= 0) continue;
    kind.hurt(state, shape, random);
    return;
  }
}

function circle(state: Float32Array, shape: GridShape, random: Random): void {
  const radius = random.between(4, 14);
  const x = seedX(shape) + random.between(-0.3, 0.3) * shape.width;
  const y = seedY(shape) + random.between(-0.3, 0.3) * shape.height;
  clearWhere(state, shape, (u, v) => Math.hypot(u - x, v - y) < radius);
}

/** Everything on one side of a line near the middle, at any angle; a third lie along the axes. */
function halfPlane(state: Float32Array, shape: GridShape, random: Random): void {
  const straight = random.unit() < 1 / 3;
  const angle = straight ? (random.whole(0, 3) * Math.PI) / 2 : random.between(0, 2 * Math.PI);
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const beyond = random.between(-4, 4);
  clearWhere(state, shape, (u, v) => (u - seedX(shape)) * nx + (v - seedY(shape)) * ny > beyond);
}

function centreHole(state: Float32Array, shape: GridShape, random: Random): void {
  const half = random.between(4, 11);
  const x = seedX(shape) + random.between(-4, 4);
  const y = seedY(shape) + random.between(-4, 4);
  clearWhere(state, shape, (u, v) => Math.abs(u - x) < half && Math.abs(v - y) < half);
}

/** One to four straight strokes across the body, as a mouse makes them. */
function swipes(state: Float32Array, shape: GridShape, random: Random): void {
  for (let count = random.whole(1, 4); count > 0; count--) {
    const angle = random.between(0, Math.PI);
    const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
    const beyond = random.between(-0.25, 0.25) * Math.min(shape.width, shape.height);
    const half = random.between(1, 4);
    clearWhere(
      state,
      shape,
      (u, v) => Math.abs((u - seedX(shape)) * nx + (v - seedY(shape)) * ny - beyond) < half,
    );
  }
}

function truncate(state: Float32Array, shape: GridShape, random: Random): void {
  const radius = random.between(3, 14);
  clearWhere(state, shape, (u, v) => Math.hypot(u - seedX(shape), v - seedY(shape)) > radius);
}

function noisePatch(state: Float32Array, shape: GridShape, random: Random): void {
  const radius = random.between(4, 20);
  const x = seedX(shape) + random.between(-0.3, 0.3) * shape.width;
  const y = seedY(shape) + random.between(-0.3, 0.3) * shape.height;
  const strength = random.between(0.05, 0.4);
  addNoise(state, shape, strength, random, (u, v) => Math.hypot(u - x, v - y) < radius);
}

export function forEachCell(shape: GridShape, visit: (x: number, y: number, cell: number) => void): void {
  for (let y = 0; y < shape.height; y++) {
    for (let x = 0; x < shape.width; x++) visit(x, y, cellIndex(shape, x, y));
  }
}

export function clearWhere(
  state: Float32Array,
  shape: GridShape,
  within: (x: number, y: number) => boolean,
): void {
  forEachCell(shape, (x, y, cell) => {
    if (within(x, y)) state.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  });
}

function addNoise(
  state: Float32Array,
  shape: GridShape,
  deviation: number,
  random: Random,
  within: (x: number, y: number) => boolean = () => true,
): void {
  if (deviation === 0) return;
  forEachCell(shape, (x, y, cell) => {
    const first = cell * CHANNELS;
    if (state[first + 3] <= ALIVE_THRESHOLD || !within(x, y)) return;
    for (let c = 0; c < CHANNELS; c++) state[first + c] += deviation * random.normal();
  });
}

/** Mean square error of RGBA, as the kernel measures it. */
export function meanSquareError(state: Float32Array, target: Float32Array, shape: GridShape): number {
  let sum = 0;
  forEachCell(shape, (_x, _y, cell) => {
    for (let c = 0; c < 4; c++) sum += (state[cell * CHANNELS + c] - target[cell * 4 + c]) ** 2;
  });
  return sum / (shape.width * shape.height * 4);
}
