/**
 * Damage as players really did it: a recorded wound's blows, done again to a training body at their steps. Cells are
 * covered exactly as the world covers them (`world/perturb.ts`, `engines/capsule.ts`), seen from the seed cell.
 */
import { strokeRows } from '../engines/capsule.ts';
import { type NoiseDraw, noiseAt } from '../engines/fire.ts';
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import { capsulesOf, NOISE_AMPLITUDE } from '../world/perturb.ts';
import type { Blow } from '../world/wound.ts';
import { cellIndex, type GridShape } from './kernel.ts';
import type { Random } from './random.ts';
import type { RolloutBatch } from './rollouts.ts';
import { clearWhere, plantSeed, seedX, seedY } from './states.ts';

/** Of a training plan: what was recorded, and how often it is drawn. */
export interface RecordedDamage {
  /** Blows of each wound, in order of time. At least one wound. */
  readonly wounds: readonly (readonly Blow[])[];
  /** Of the bodies that are hurt, 0..1; the others suffer the plan's own kinds. */
  readonly part: number;
  /** Half of the bodies heal for 0 to so many steps more before they are learned from: slow healing must be taught late, too. */
  readonly healingSteps: number;
  /** A wound is done up to so many cells beside where it was, each way. */
  readonly jitterCells: number;
}

/** Of a wound with more blows, training does so many in a row again; each costs a rollout. */
export const MAX_REPLAYED = 12;
/** Between two blows a training body heals for at most so many steps: after them little changes any more. */
export const MAX_STEPS_BETWEEN = 96;

/**
 * Does a blow to a body whose seed cell is the grid's middle, in place.
 *
 * @param state - [cellCount, 16]
 */
export function strike(state: Float32Array, shape: GridShape, blow: Blow, noise: NoiseDraw): void {
  const [x0, y0] = [seedX(shape), seedY(shape)];
  const { tool, radius } = blow;
  if (tool === 'truncate') {
    clearWhere(state, shape, (x, y) => (x - x0) ** 2 + (y - y0) ** 2 > radius * radius);
    return;
  }
  const points = blow.points.map((value, i) => value + (i % 2 === 0 ? x0 : y0));
  for (const { y, first, last } of strokeRows(capsulesOf(points, radius), shape)) {
    const row = cellIndex(shape, 0, y);
    if (tool === 'ablate') state.fill(0, (row + first) * CHANNELS, (row + last + 1) * CHANNELS);
    else for (let x = first; x <= last; x++) if (isLiving(state, row + x)) shake(state, row + x, x, y, noise);
  }
}

function shake(state: Float32Array, cell: number, x: number, y: number, draw: NoiseDraw): void {
  for (let c = 0; c < CHANNELS; c++) {
    const noise = noiseAt(draw.randomSeed, draw.salt, draw.step, x, y, c);
    state[cell * CHANNELS + c] += Math.fround(noise * NOISE_AMPLITUDE);
  }
}

const isLiving = (state: Float32Array, cell: number): boolean => state[cell * CHANNELS + 3] > ALIVE_THRESHOLD;

/** One wound as it is done to one slot. */
export interface Replay {
  readonly slot: number;
  readonly blows: readonly Blow[];
  /** Of the noise, and of which cells fire meanwhile. */
  readonly randomSeed: number;
}

/** Draws a wound for a slot: which, how many of its blows, where. */
export function drawReplay(slot: number, recorded: RecordedDamage, random: Random): Replay {
  const blows = recorded.wounds[random.whole(0, recorded.wounds.length - 1)];
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

/** Steps from blow `i` of a wound to the next. */
const stepsAfter = (blows: readonly Blow[], i: number): number =>
  i + 1 < blows.length
    ? Math.min(MAX_STEPS_BETWEEN, Math.max(0, blows[i + 1].afterSteps - blows[i].afterSteps))
    : 0;

/**
 * Does all the wounds, each to its slot, the bodies living on between their blows.
 *
 * @param slots - of the batch; those that are not hurt stand still
 * @param startsAgain - a body of which nothing is left becomes a seed
 */
export async function replay(
  replays: readonly Replay[],
  rollouts: RolloutBatch,
  slots: number,
  shape: GridShape,
  startsAgain = true,
): Promise<void> {
  const most = Math.max(0, ...replays.map(({ blows }) => blows.length));
  const steps = new Array<number>(replays.length).fill(0);
  for (let i = 0; i < most; i++) {
    for (const [at, { slot, blows, randomSeed }] of replays.entries()) {
      if (i >= blows.length) continue;
      const state = rollouts.state(slot);
      strike(state, shape, blows[i], { randomSeed, salt: i, step: steps[at] });
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
