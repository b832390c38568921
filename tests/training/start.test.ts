import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readState, writeState } from '../../server/training/checkpoint.ts';
import { LEARNING } from '../../server/training/learning.ts';
import { firstWeights } from '../../server/training/optimizer.ts';
import { Random } from '../../server/training/random.ts';
import { HELD_OUT, StartRun, type StartSnapshot } from '../../server/training/start.ts';

const folder = mkdtempSync(join(tmpdir(), 'regrow-start-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Changes no cell, so that its bodies cost next to nothing. */
const weights = firstWeights(LEARNING.hidden, new Random(1));
const plan = {
  pictures: 3,
  iterations: 2,
  rate: 5e-3,
  firstPart: 0.5,
  lastPart: 0.1,
  minCells: 150,
  maxCells: 300,
  randomSeed: 4,
};

async function made(from: ConstructorParameters<typeof StartRun>[0], pictures = 99): Promise<StartSnapshot> {
  const run = new StartRun(from, 0);
  for (let i = 0; i < pictures && !run.isFinished; i++) await run.learn();
  return run.snapshot;
}
const withoutTimes = ({ learned, ...rest }: StartSnapshot) => ({
  ...rest,
  learned: learned.map(({ ms: _, ...one }) => one),
});

test('a start is made of the pictures that were planned, none of them held out, within the bounds', async () => {
  const { learned, weights: end, mean, meanOf } = await made({ plan, weights });
  expect(learned).toHaveLength(3);
  for (const { sprite, cells } of learned) {
    expect(HELD_OUT.filter((held) => sprite.startsWith(held))).toEqual([]);
    expect(cells).toBeGreaterThanOrEqual(plan.minCells);
    expect(cells).toBeLessThanOrEqual(plan.maxCells);
  }
  expect(end.w2).not.toEqual(weights.w2);
  // Of the last third: one picture.
  expect(meanOf).toBe(1);
  expect(mean).toEqual(end);
});

test('one random seed gives one start, also when the run was stopped and continued', async () => {
  const whole = await made({ plan, weights });
  const file = join(folder, 'start.checkpoint');
  writeState(file, 'start-test', await made({ plan, weights }, 1));
  const continued = await made(readState<StartSnapshot>(file, 'start-test'));
  expect(withoutTimes(continued)).toEqual(withoutTimes(whole));
  const other = await made({ plan: { ...plan, randomSeed: 5 }, weights });
  expect(other.learned.map(({ sprite }) => sprite)).not.toEqual(whole.learned.map(({ sprite }) => sprite));
});

test('a state of another kind is refused, and named', async () => {
  const file = join(folder, 'other.checkpoint');
  writeState(file, 'something-else', { plan });
  expect(() => readState(file, 'start-test')).toThrow(`${file} is not a checkpoint, or not a whole one`);
});
