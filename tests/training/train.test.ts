import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { zstdCompressSync } from 'node:zlib';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lossPlot } from '../../server/evaluation/report.ts';
import { readCheckpoint, writeCheckpoint } from '../../server/training/checkpoint.ts';
import { DAMAGE_KINDS } from '../../server/training/damage.ts';
import { firstState, firstWeights, meanDirection, update } from '../../server/training/optimizer.ts';
import type { TrainingPlan } from '../../server/training/plan.ts';
import { describe as describeProgress } from '../../server/training/progress.ts';
import { Random } from '../../server/training/random.ts';
import { Rollouts } from '../../server/training/rollouts.ts';
import type { Snapshot } from '../../server/training/snapshot.ts';
import { plantSeed } from '../../server/training/states.ts';
import { readTarget } from '../../server/training/target.ts';
import { openTfjs } from '../../server/training/tfjs.ts';
import { TrainingRun } from '../../server/training/train.ts';

let folder: string;
let plan: TrainingPlan;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-train-'));
  const image = join(folder, 'disc.png');
  const data = new Uint8Array(9 * 9 * 4);
  for (let i = 0; i < 81; i++) {
    if (Math.hypot((i % 9) - 4, Math.floor(i / 9) - 4) < 4.5) data.set([200, 40, 90, 255], i * 4);
  }
  writeFileSync(image, encode({ width: 9, height: 9, channels: 4, data }));
  plan = {
    name: 'disc',
    source: { image, scale: 1, padding: 4 },
    hidden: 16,
    fireRate: 0.5,
    overflowWeight: 0.005,
    quiescenceWeight: 1,
    placeWeight: 0.3,
    waveWeight: 0.3,
    iterations: 6,
    curriculumIterations: 6,
    batch: 4,
    poolSize: 8,
    seedPart: 0.5,
    reseed: 'worst',
    damage: DAMAGE_KINDS,
    delaySteps: 4,
    twicePart: 0.4,
    shortestSteps: 16,
    longestSteps: 80,
    alignCells: 3,
    strayWeight: 0,
    rimWeight: 2,
    roomCells: 0,
    wallPart: 0,
    farOff: 0.1,
    wardBodies: 2,
    sickPart: 0.5,
    rate: 3e-3,
    normalisation: 0.25,
    optimizer: 'muon',
    randomSeed: 5,
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

async function trained(
  from: TrainingPlan | Snapshot,
  threads: number,
  iterations: number,
): Promise<Snapshot> {
  const run = new TrainingRun(from, threads);
  for (let i = 0; i < iterations && !run.isFinished; i++) await run.iterate();
  await run.dispose();
  return run.snapshot();
}

describe('one random seed gives one rule', () => {
  test('with any number of threads', async () => {
    const [one, three] = [await trained(plan, 1, 99), await trained(plan, 3, 99)];
    expect(one.poolDone).toBe(plan.iterations);
    expect(three.losses).toEqual(one.losses);
    expect(three.optimizer.weights).toEqual(one.optimizer.weights);
  });

  test('also when the run was stopped in either phase and continued from a checkpoint', async () => {
    const whole = await trained(plan, 2, 99);
    const file = join(folder, 'checkpoint.bin');
    for (const stop of [4, 9]) {
      writeCheckpoint(file, await trained(plan, 2, stop));
      const resumed = await trained(readCheckpoint(file), 1, 99);
      expect(resumed.losses).toEqual(whole.losses);
      expect(resumed.optimizer.weights).toEqual(whole.optimizer.weights);
    }
  });
});

test('without curriculum and pool, every iteration grows from seeds', async () => {
  const run = new TrainingRun({ ...plan, curriculumIterations: 0, poolSize: 0 }, 1);
  expect((await run.iterate()).phase).toBe('pool');
  await run.iterate();
  const { pool, curriculumDone } = run.snapshot();
  await run.dispose();
  const { shape } = run.target;
  const seed = new Float32Array(pool.length / plan.batch);
  plantSeed(seed, shape);
  expect(curriculumDone).toBe(0);
  for (let at = 0; at < pool.length; at += seed.length)
    expect(pool.slice(at, at + seed.length)).toEqual(seed);
});

test('forty updates on one batch more than halve its loss', async () => {
  const target = readTarget(plan.source);
  const { shape } = target;
  const rollouts = new Rollouts({
    shape,
    hidden: 32,
    fireRate: 0.5,
    overflowWeight: 0.005,
    slots: 2,
    threads: 0,
    maxSteps: 16,
  });
  rollouts.target.set(target.rgba);
  let state = firstState(firstWeights(32, new Random(1)));
  const losses: number[] = [];
  for (let i = 0; i < 40; i++) {
    for (const slot of [0, 1]) plantSeed(rollouts.state(slot), shape);
    rollouts.setWeights(state.weights);
    const result = await rollouts.differentiate([1, 2].map((randomSeed) => ({ steps: 16, randomSeed })));
    losses.push(result.losses[0] + result.losses[1]);
    state = update(state, meanDirection([rollouts.gradient(0), rollouts.gradient(1)], 1), 1.5e-2);
  }
  await rollouts.dispose();
  expect(losses[39]).toBeLessThan(losses[0] / 2);
});

test('a run on TensorFlow.js goes through both phases, with the losses of one on WASM', async () => {
  const { open } = await openTfjs(['wasm']);
  const short = { ...plan, iterations: 3, curriculumIterations: 3, batch: 2 };
  const run = new TrainingRun(short, 1, open);
  while (!run.isFinished) await run.iterate();
  await run.dispose();
  const { losses, optimizer } = run.snapshot();
  expect(losses).toHaveLength(6);
  // The same draws; losses differ only by the order of sums.
  const wasm = await trained(short, 1, 99);
  for (const [i, loss] of losses.entries()) expect(loss / wasm.losses[i]).toBeCloseTo(1, 2);
  expect(optimizer.updates).toBe(6);
});

test('a run that diverges rolls back to the last good state, at a lower rate, and in the end gives up', async () => {
  const good = await trained(plan, 1, 8);
  const run = new TrainingRun({ ...good, pool: good.pool.map(() => 1e30) }, 1);
  const { rollbacks, done } = await run.iterate();
  expect([rollbacks, done]).toEqual([1, good.poolDone]);
  expect(run.weights).toEqual(good.optimizer.weights);
  await expect(async () => {
    for (let i = 0; i < 20; i++) await run.iterate();
  }).rejects.toThrow('try a lower --rate');
  await run.dispose();
});

test("a dead population is noticed within 10 iterations, though its loss is no larger than a seed's", async () => {
  const good = await trained(plan, 1, 3);
  const b2 = good.optimizer.weights.b2.slice();
  b2[3] = -50; // alpha falls at every step: every cell that fires dies
  const deadly = { ...good.optimizer, weights: { ...good.optimizer.weights, b2 } };
  const run = new TrainingRun({ ...good, optimizer: deadly }, 1);
  const faults: (string | undefined)[] = [];
  for (let i = 0; i < 12; i++) faults.push((await run.iterate()).rolledBack);
  await run.dispose();
  expect(faults.indexOf('no sample lives')).toBe(9);
});

test('a checkpoint that is missing, cut short or something else is refused by name', async () => {
  const file = join(folder, 'cut.bin');
  expect(() => readCheckpoint(file)).toThrow('cut.bin: no checkpoint is there');
  writeCheckpoint(file, await trained(plan, 1, 1));
  writeFileSync(file, readFileSync(file).subarray(0, 500));
  expect(() => readCheckpoint(file)).toThrow('cut.bin is not a checkpoint, or not a whole one');
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('words'),
    zstdCompressSync('words'),
    zstdCompressSync(serialize(null)),
  ]) {
    writeFileSync(file, bytes);
    expect(() => readCheckpoint(file)).toThrow('cut.bin is not a checkpoint, or not a whole one');
  }
  expect(() => readCheckpoint(folder)).toThrow(`${folder} cannot be read: EISDIR`);
});

describe('a checkpoint that does not fit its plan is refused before anything is opened, and the fault is named:', () => {
  let good: Snapshot;
  beforeAll(async () => {
    good = await trained(plan, 1, 8);
    const one = [good.ward!.bodies[0]];
    good = { ...good, ward: { ...good.ward!, sick: one, causes: one } };
  });

  const faultOf = (bad: Snapshot): string => {
    let opened = 0;
    const open = (): never => {
      opened++;
      throw new Error('opened');
    };
    let message = '';
    try {
      new TrainingRun(bad, 1, open);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(opened).toBe(0);
    return message;
  };

  test.each<[what: string, bad: (good: Snapshot) => Partial<Snapshot>, fault: RegExp]>([
    [
      'the bodies of its ward',
      ({ ward }) => ({ ward: { ...ward!, bodies: ward!.bodies.slice(1) } }),
      /: 1 bodies of the ward, expected 2$/,
    ],
    [
      'their ages and doubts',
      ({ ward }) => ({ ward: { ...ward!, ages: [1, 2, 3], doubts: [] } }),
      /: 3 ages of the ward, expected 2; 0 doubts of the ward, expected 2$/,
    ],
    [
      'a body of another size',
      ({ ward }) => ({ ward: { ...ward!, bodies: [ward!.bodies[0], new Float32Array(16)] } }),
      /: 16 values of one of the ward's bodies, expected \d+$/,
    ],
    [
      'a sick body of another size',
      ({ ward }) => ({ ward: { ...ward!, sick: [new Float32Array(16)] } }),
      /: 16 values of one of the ward's sick, expected \d+$/,
    ],
    [
      'more sick bodies than a ward keeps',
      ({ ward }) => {
        const many = Array(33).fill(ward!.bodies[0]);
        return { ward: { ...ward!, sick: many, causes: many } };
      },
      /: 33 sick bodies of the ward, expected 32$/,
    ],
    [
      'sick bodies without their causes',
      ({ ward }) => ({ ward: { ...ward!, causes: [] } }),
      /: 0 causes of sick bodies of the ward, expected 1$/,
    ],
    [
      'struck bodies of another number and size',
      ({ ward }) => ({ ward: { ...ward!, struck: [new Float32Array(16)] } }),
      /: 1 struck of the ward, expected 2; 16 values of one of the ward's struck, expected \d+$/,
    ],
    [
      'a ward that the plan does not have',
      () => ({ plan: { ...plan, wardBodies: 0 } }),
      /: 2 bodies of the ward, expected 0; /,
    ],
    [
      'a pool of another size',
      ({ pool, walls }) => ({ pool: pool.slice(1), walls: walls.slice(1) }),
      /: \d+ values of the pool, expected \d+; 7 walls of the pool, expected 8$/,
    ],
    [
      'another picture',
      () => ({ plan: { ...plan, source: { ...plan.source, padding: 6 } } }),
      /values of the pool, expected .* values of one of the ward's bodies, expected .* sick, expected .* causes, expected \d+$/,
    ],
    [
      'weights of another size',
      () => ({ plan: { ...plan, hidden: 32 } }),
      /: 768 values of weights\.w1, expected 1536; 16 values of weights\.b1, expected 32; .*second\.w2/,
    ],
  ])('%s', (_what, bad, fault) => {
    const message = faultOf({ ...good, ...bad(good) });
    expect(message).toMatch(/^the checkpoint does not fit its plan: /);
    expect(message).toMatch(fault);
  });

  test('one that fits is not', async () => {
    await new TrainingRun(good, 1).dispose();
  });
});

test('the loss plot is valid for no, one and many losses', () => {
  for (const losses of [[], [0.1], Array.from({ length: 200_000 }, (_, i) => 1 / (i + 1))]) {
    const svg = lossPlot('disc', losses, 1);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.length).toBeLessThan(200_000);
  }
});

test('progress reports loss, difficulty, steps and time left', () => {
  const line = describeProgress(
    {
      phase: 'pool',
      done: 250,
      planned: 1000,
      loss: 0.01,
      smoothedLoss: 0.0123,
      difficulty: 1,
      steps: 80,
      rollbacks: 2,
    },
    100,
  );
  expect(line).toBe(
    'pool ██████░░░░░░░░░░░░░░░░░░  250/1000  loss 1.23e-2  difficulty 100 %  80 steps  100 ms  ETA 1:15  2 rollbacks',
  );
});
