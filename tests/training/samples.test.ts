import { expect, test } from 'vitest';
import { CHANNELS } from '../../server/rules/rule.ts';
import { cellIndex } from '../../server/training/kernel.ts';
import type { Reseed, TrainingPlan } from '../../server/training/plan.ts';
import { Random } from '../../server/training/random.ts';
import { FAR_OFF } from '../../server/training/regime.ts';
import type { RolloutBatch } from '../../server/training/rollouts.ts';
import { poolState, Samples } from '../../server/training/samples.ts';
import { forEachCell, plantSeed } from '../../server/training/states.ts';
import { fromPixels } from '../../server/training/target.ts';

const BATCH = 4;
const target = fromPixels(new Uint8Array(8 * 8 * 4).fill(255), 8, 8, { scale: 1, padding: 4 }, 'square');
const { shape } = target;
const length = shape.cellCount * CHANNELS;

/** Four whole bodies, of which the first is a little pale: the worst. Channel 15 is the body's number. */
function bodies(paleness: number): Float32Array {
  const pool = new Float32Array(BATCH * length);
  for (let index = 0; index < BATCH; index++) {
    const state = poolState(pool, shape, index);
    forEachCell(shape, (_x, _y, cell) => {
      for (let c = 0; c < 4; c++)
        state[cell * CHANNELS + c] = target.rgba[cell * 4 + c] * (index === 0 ? 1 - paleness : 1);
      state[cell * CHANNELS + 15] = index;
    });
  }
  return pool;
}

/** How often each of the pool's bodies starts from a seed in this many batches. */
async function reseeded(plan: { seedPart: number; reseed: Reseed }, paleness: number): Promise<number[]> {
  const slots = Array.from({ length: BATCH }, () => new Float32Array(length));
  const open = new Uint8Array(shape.cellCount);
  const rollouts = { state: (slot: number) => slots[slot], open: () => open } as unknown as RolloutBatch;
  const rest = { damage: [], delaySteps: 0, twicePart: 0, alignCells: 0, wallPart: 0, farOff: FAR_OFF };
  const whole = { batch: BATCH, ...rest, ...plan };
  const samples = new Samples(whole as unknown as TrainingPlan, target, rollouts);
  const seed = new Float32Array(length);
  plantSeed(seed, shape);
  const random = new Random(1);
  const counts = Array(BATCH).fill(0);
  for (let i = 0; i < 400; i++) {
    const drawn = await samples.fromPool(bodies(paleness), [], random);
    expect(drawn.map(({ index }) => index).toSorted()).toEqual([0, 1, 2, 3]);
    drawn.forEach(({ index }, slot) => {
      if (slots[slot].every((value, at) => value === seed[at])) counts[index]++;
      else expect(slots[slot][cellIndex(shape, 0, 0) * CHANNELS + 15]).toBe(index);
    });
  }
  return counts;
}

test('the worst of a batch starts again, as often as the plan says', async () => {
  expect(await reseeded({ seedPart: 1, reseed: 'worst' }, 0.2)).toEqual([400, 0, 0, 0]);
  const [worst, ...others] = await reseeded({ seedPart: 0.25, reseed: 'worst' }, 0.2);
  expect(worst).toBeGreaterThan(60);
  expect(worst).toBeLessThan(140);
  expect(others).toEqual([0, 0, 0]);
});

test('with `any`, a random body of every batch starts again: the worst is mostly taught, not replaced', async () => {
  const counts = await reseeded({ seedPart: 1, reseed: 'any' }, 0.2);
  expect(counts.reduce((sum, count) => sum + count)).toBe(400);
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(40);
});

test('a body that is far off starts again whatever the plan says', async () => {
  expect(await reseeded({ seedPart: 0, reseed: 'any' }, 0.9)).toEqual([400, 0, 0, 0]);
  expect(await reseeded({ seedPart: 0, reseed: 'any' }, 0.2)).toEqual([0, 0, 0, 0]);
});
