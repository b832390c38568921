import { expect, test } from 'vitest';
import { targetOf } from '../../server/evaluation/evaluate.ts';
import { readRule } from '../../server/rules/load.ts';
import { CHANNELS, PERCEPTION } from '../../server/rules/rule.ts';
import type { Weights } from '../../server/training/kernel.ts';
import { Random } from '../../server/training/random.ts';
import { Rollouts } from '../../server/training/rollouts.ts';
import { livingCells } from '../../server/training/states.ts';
import { fromPixels, type Target } from '../../server/training/target.ts';
import { Ward } from '../../server/training/ward.ts';

const BODIES = 3;
/** Passes after which a body that was never well is found: four to grow up, and three more looks. */
const FOUND_AFTER = 7;

const square = fromPixels(new Uint8Array(36 * 4).fill(255), 6, 6, { scale: 1, padding: 6 }, 'square');

/** Each channel of a living cell that fires changes by its delta. */
function steadily(deltas: Partial<Record<number, number>>): Weights {
  const hidden = 4;
  const w2 = new Float32Array(CHANNELS * hidden);
  for (const [channel, delta] of Object.entries(deltas)) w2[Number(channel) * hidden] = delta!;
  const w1 = new Float32Array(hidden * PERCEPTION);
  return { w1, b1: Float32Array.of(1, 0, 0, 0), w2, b2: new Float32Array(CHANNELS) };
}

function wardOf(target: Target, hidden = 4): Ward {
  const options = { shape: target.shape, hidden, fireRate: 0.5, overflowWeight: 0, maxSteps: 0 };
  return new Ward(new Rollouts({ ...options, slots: BODIES, threads: 0 }), BODIES, target);
}

async function passes(ward: Ward, weights: Weights, count: number, randomSeed = 1): Promise<void> {
  const random = new Random(randomSeed);
  for (let i = 0; i < count; i++) await ward.pass(weights, random);
}

test.each([
  ['that does not grow', {}],
  ['that outgrows its picture', { 3: 0.05 }],
])('a body %s is found sick at its fourth look after its youth, and starts again', async (_what, deltas) => {
  const ward = wardOf(square);
  await passes(ward, steadily(deltas), FOUND_AFTER - 1);
  expect([ward.found, ward.drawSick(new Random(1))]).toEqual([0, null]);
  await passes(ward, steadily(deltas), 1);
  expect(ward.found).toBe(BODIES);
  const { bodies, ages } = ward.state;
  expect(ages).toEqual([0, 0, 0]);
  expect(bodies.map((body) => livingCells(body, square.shape))).toEqual([1, 1, 1]);
  const isLarge = livingCells(ward.state.sick[0], square.shape) > 36;
  expect(isLarge).toBe(3 in deltas);
  await ward.dispose();
});

test.each([
  ['fades', { 3: -0.1 }],
  ['becomes NaN', { 0: Number.NaN }],
])(
  'a body that %s is found when it should be grown, and is no sample for the training',
  async (_what, deltas) => {
    const ward = wardOf(square);
    await passes(ward, steadily(deltas), 3);
    expect(ward.found).toBe(0);
    await passes(ward, steadily(deltas), 1);
    expect([ward.found, ward.drawSick(new Random(1))]).toEqual([BODIES, null]);
    expect(ward.state.ages).toEqual([0, 0, 0]);
    await ward.dispose();
  },
);

test('a sick body comes to the training as it is, and twice as often as its last stroke left it', async () => {
  const ward = wardOf(square);
  const [sick, cause] = [1, 2].map((value) =>
    new Float32Array(square.shape.cellCount * CHANNELS).fill(value),
  );
  ward.state = { ...ward.state, sick: [sick], causes: [cause] };
  const random = new Random(1);
  const drawn = Array.from({ length: 3000 }, () => ward.drawSick(random));
  expect(new Set(drawn)).toEqual(new Set([sick, cause]));
  const ofCause = drawn.filter((state) => state === cause).length;
  expect(ofCause).toBeGreaterThan(1900);
  expect(ofCause).toBeLessThan(2100);
  await ward.dispose();
});

test('what is kept of a sick body is how its last stroke left it: its seed, where there was none', async () => {
  const ward = wardOf(square);
  await passes(ward, steadily({}), FOUND_AFTER);
  const { causes, struck } = ward.state;
  expect(causes.map((cause) => livingCells(cause, square.shape))).toEqual([1, 1, 1]);
  expect(struck.map((state) => livingCells(state, square.shape))).toEqual([1, 1, 1]);
  await ward.dispose();
});

test('bodies that heal are struck and are not sick', async () => {
  const rule = readRule('weights/eevee.safetensors');
  const ward = wardOf(targetOf(rule)!.target, rule.hidden);
  await passes(ward, rule, 4);
  const grown = ward.state.bodies[0];
  await passes(ward, rule, 3, 4);
  expect(ward.found).toBe(0);
  expect(ward.state.ages).toEqual([7, 7, 7]);
  expect(ward.state.bodies[0]).not.toEqual(grown);
  const fewest = Math.min(
    ...ward.state.struck.map((state) => livingCells(state, targetOf(rule)!.target.shape)),
  );
  expect(fewest).toBeGreaterThan(1);
  await ward.dispose();
});

test('at most 32 sick bodies are kept', async () => {
  const ward = wardOf(square);
  await passes(ward, steadily({}), 12 * FOUND_AFTER);
  expect([ward.found, ward.state.sick.length]).toEqual([36, 32]);
  await ward.dispose();
});

test('a ward goes on from its state as if it had never stopped', async () => {
  const [one, other] = [wardOf(square), wardOf(square)];
  const weights = steadily({ 3: 0.002, 5: 0.01 });
  await passes(one, weights, 5);
  const state = structuredClone(one.state);
  await passes(one, weights, 5, 2);
  other.state = state;
  await passes(other, weights, 5, 2);
  expect(other.state).toEqual(one.state);
  await Promise.all([one.dispose(), other.dispose()]);
});
