/**
 * Damage as players really did it: a recorded wound's blows are repeated on a training body at their steps. The cells
 * are those that the world's engines change (`engines/capsule.ts`), relative to the seed cell.
 */
import { strokeRows } from '../engines/capsule.ts';
import type { Capsule } from '../engines/engine.ts';
import { type NoiseDraw, noiseAt } from '../engines/fire.ts';
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import { goesOn } from '../world/doses.ts';
import { capsulesOf, NOISE_AMPLITUDE } from '../world/perturb.ts';
import { leastPieceOf } from '../world/pieces.ts';
import { scrapsIn } from '../world/scraps.ts';
import type { Blow } from '../world/wound.ts';
import { cellIndex, type GridShape } from './kernel.ts';
import type { Random } from './random.ts';
import type { RolloutBatch } from './rollouts.ts';
import { clearWhere, forEachCell, plantSeed, seedX, seedY } from './states.ts';
import type { Target } from './target.ts';

/** The recorded part of a training plan. */
export interface RecordedDamage {
  /** Each wound's blows, in order of time. At least one wound. */
  readonly wounds: readonly (readonly Blow[])[];
  /** How often each wound is drawn, in parts of the sum. Default: all as often. */
  readonly weights?: readonly number[];
  /** Share of hurt bodies that suffer recorded wounds, 0..1; the others suffer the plan's own kinds. */
  readonly part: number;
  /**
   * Half of the bodies heal for 0 to this many steps before they are learned from, because slow healing must be taught,
   * too.
   */
  readonly healingSteps: number;
  /** A wound is moved by up to this many cells each way. */
  readonly jitterCells: number;
}

/** Longest run of a wound's blows that training repeats; each costs a rollout. */
export const MAX_REPLAYED = 12;
/** Most steps of healing between two blows in training: later, little changes. */
export const MAX_STEPS_BETWEEN = 96;

/**
 * Deals a blow, in place, to a body whose seed cell is the grid's middle.
 *
 * @param state - [cellCount, 16]
 * @param shaken - capsules of earlier blows of the same stroke of noise; cells in them get no more noise
 */
export function strike(
  state: Float32Array,
  shape: GridShape,
  blow: Blow,
  noise: NoiseDraw,
  shaken: readonly Capsule[] = [],
): void {
  const [x0, y0] = [seedX(shape), seedY(shape)];
  const { tool, radius } = blow;
  if (tool === 'truncate') {
    clearWhere(state, shape, (x, y) => (x - x0) ** 2 + (y - y0) ** 2 > radius * radius);
    return;
  }
  const except = tool === 'noise' ? shaken : [];
  for (const { y, first, last } of strokeRows(capsulesIn(shape, blow), shape, except)) {
    const row = cellIndex(shape, 0, y);
    if (tool === 'ablate') state.fill(0, (row + first) * CHANNELS, (row + last + 1) * CHANNELS);
    else for (let x = first; x <= last; x++) if (isLiving(state, row + x)) shake(state, row + x, x, y, noise);
  }
}

/** The capsules of a blow to a body whose seed cell is the grid's middle. */
export function capsulesIn(shape: GridShape, { points, radius }: Blow): Capsule[] {
  const moved = points.map((value, i) => value + (i % 2 === 0 ? seedX(shape) : seedY(shape)));
  return capsulesOf(moved, radius);
}

function shake(state: Float32Array, cell: number, x: number, y: number, draw: NoiseDraw): void {
  for (let c = 0; c < CHANNELS; c++) {
    const noise = noiseAt(draw.randomSeed, draw.salt, draw.step, x, y, c);
    state[cell * CHANNELS + c] += Math.fround(noise * NOISE_AMPLITUDE);
  }
}

const leastPieces = new WeakMap<Target, number>();

/** @see leastPieceOf. A cell of the picture is owned with a living one in its 3x3. */
function leastPiece(target: Target): number {
  const known = leastPieces.get(target);
  if (known !== undefined) return known;
  const { shape, rgba } = target;
  const owned = new Uint8Array(shape.width * shape.height);
  forEachCell(shape, (x, y) => {
    for (let ny = y - 1; ny <= y + 1; ny++)
      for (let nx = x - 1; nx <= x + 1; nx++) {
        if (nx < 0 || ny < 0 || nx >= shape.width || ny >= shape.height) continue;
        if (rgba[cellIndex(shape, nx, ny) * 4 + 3] > ALIVE_THRESHOLD) owned[y * shape.width + x] = 1;
      }
  });
  const least = leastPieceOf(owned, shape.width);
  leastPieces.set(target, least);
  return least;
}

/** As `strike`; and the scraps that an eraser leaves die, as in the world. */
export function deal(
  state: Float32Array,
  target: Target,
  blow: Blow,
  noise: NoiseDraw,
  shaken: readonly Capsule[] = [],
): void {
  const { shape } = target;
  const least = leastPiece(target);
  // A seed that has just begun to grow is all of its body.
  const mayTear =
    blow.tool === 'ablate' && least > 0 && ownedIn(state, shape).reduce((sum, one) => sum + one, 0) >= least;
  strike(state, shape, blow, noise, shaken);
  if (!mayTear) return;
  for (const cell of scrapsIn(ownedIn(state, shape), shape.width, least)) {
    const at = cellIndex(shape, cell % shape.width, Math.floor(cell / shape.width)) * CHANNELS;
    state.fill(0, at, at + CHANNELS);
  }
}

/** [height, width], 1 where a cell is not empty: no other cell has an owner. */
function ownedIn(state: Float32Array, shape: GridShape): Uint8Array {
  const owned = new Uint8Array(shape.width * shape.height);
  forEachCell(shape, (x, y, cell) => {
    for (let c = cell * CHANNELS; c < (cell + 1) * CHANNELS; c++) {
      if (state[c] === 0) continue;
      owned[y * shape.width + x] = 1;
      return;
    }
  });
  return owned;
}

const isLiving = (state: Float32Array, cell: number): boolean => state[cell * CHANNELS + 3] > ALIVE_THRESHOLD;

/** A wound that is dealt to one slot. */
export interface Replay {
  readonly slot: number;
  readonly blows: readonly Blow[];
  /** For the noise, and for the cells that fire meanwhile. */
  readonly randomSeed: number;
}

/** Draws a wound for a slot: which one, how many of its blows, and where. */
export function drawReplay(slot: number, recorded: RecordedDamage, random: Random): Replay {
  const blows = recorded.wounds[drawIndex(recorded, random)];
  const begin = random.whole(0, Math.max(0, blows.length - MAX_REPLAYED));
  const { jitterCells } = recorded;
  const [dx, dy] = [random.whole(-jitterCells, jitterCells), random.whole(-jitterCells, jitterCells)];
  return {
    slot,
    blows: blows.slice(begin, begin + MAX_REPLAYED).map((blow) => ({
      ...blow,
      points: blow.points.map((value, i) => value + (i % 2 === 0 ? dx : dy)),
    })),
    randomSeed: random.uint32() | 0,
  };
}

function drawIndex({ wounds, weights }: RecordedDamage, random: Random): number {
  if (weights === undefined) return random.whole(0, wounds.length - 1);
  let draw = random.unit() * weights.reduce((sum, weight) => sum + weight, 0);
  const index = weights.findIndex((weight) => {
    draw -= weight;
    return draw < 0;
  });
  return index < 0 ? wounds.length - 1 : index;
}

/** Steps from blow `i` of a wound to the next. */
const stepsAfter = (blows: readonly Blow[], i: number): number =>
  i + 1 < blows.length
    ? Math.min(MAX_STEPS_BETWEEN, Math.max(0, blows[i + 1].afterSteps - blows[i].afterSteps))
    : 0;

/**
 * Deals each wound to its slot; the bodies live on between blows.
 *
 * @param slots - number of slots in the batch; those without a wound stand still
 * @param startsAgain - a body that loses its last cell becomes a seed
 */
export async function replay(
  replays: readonly Replay[],
  rollouts: RolloutBatch,
  slots: number,
  target: Target,
  startsAgain = true,
): Promise<void> {
  const { shape } = target;
  const most = Math.max(0, ...replays.map(({ blows }) => blows.length));
  const steps = new Array<number>(replays.length).fill(0);
  const shaken = replays.map((): Capsule[] => []);
  for (let i = 0; i < most; i++) {
    for (const [at, { slot, blows, randomSeed }] of replays.entries()) {
      if (i >= blows.length) continue;
      const state = rollouts.state(slot);
      if (i > 0 && goesOn(blows[i - 1], blows[i])) shaken[at].push(...capsulesIn(shape, blows[i - 1]));
      else shaken[at] = [];
      deal(state, target, blows[i], { randomSeed, salt: i, step: steps[at] }, shaken[at]);
      if (startsAgain && !isAlive(state)) plantSeed(state, shape);
    }
    const next = replays.map(({ blows }) => stepsAfter(blows, i));
    if (next.every((count) => count === 0)) continue;
    await rollouts.run(
      Array.from({ length: slots }, (_, slot) => {
        const at = replays.findIndex((one) => one.slot === slot);
        if (at < 0) return { steps: 0, randomSeed: 0 };
        return { steps: next[at], randomSeed: replays[at].randomSeed, firstStep: steps[at] };
      }),
    );
    for (let at = 0; at < steps.length; at++) steps[at] += next[at];
  }
}

function isAlive(state: Float32Array): boolean {
  for (let alpha = 3; alpha < state.length; alpha += CHANNELS)
    if (state[alpha] > ALIVE_THRESHOLD) return true;
  return false;
}
