/** A recorded blow that the trainer repeats must hit exactly the cells that the world's engine hit. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine, EngineState } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { cellIndex, gridShape } from '../../server/training/kernel.ts';
import { Random } from '../../server/training/random.ts';
import { deal, drawReplay, MAX_REPLAYED, replay, strike } from '../../server/training/recorded.ts';
import { Rollouts } from '../../server/training/rollouts.ts';
import { forEachCell, livingCells, plantSeed, seedX, seedY } from '../../server/training/states.ts';
import type { Target } from '../../server/training/target.ts';
import { Organisms } from '../../server/world/organisms.ts';
import { planStroke } from '../../server/world/perturb.ts';
import type { Blow } from '../../server/world/wound.ts';
import { blobRule } from '../world/blob.ts';
import { brush, loadBlob, makeWorld, plant, stroke } from '../world/makeWorld.ts';

const RANDOM_SEED = 5;
const SIDE = 64;
const shape = gridShape(SIDE, SIDE);
let engine: Engine;
let grown: EngineState;
/** The grown body as the picture to grow. */
let target: Target;

beforeAll(async () => {
  engine = await createReferenceEngine({ width: SIDE, height: SIDE, randomSeed: RANDOM_SEED });
  engine.setRule(0, blobRule('blob', 1.05));
  engine.plant(1, 0, seedX(shape), seedY(shape));
  await engine.step(60);
  grown = await engine.save();
  // As in a trained rule's body: every cell holds something.
  for (const { cells, owners } of grown.pages)
    for (const [cell, owner] of owners.entries()) if (owner !== 0) cells[cell * CHANNELS + 9] = 0.25;
  await engine.restore(grown);
  target = pictureOf(await stateOf());
});
afterAll(() => engine.dispose());

/** The engine's one page as a training state. */
async function stateOf(): Promise<Float32Array> {
  const { pages } = await engine.save();
  const state = new Float32Array(shape.cellCount * CHANNELS);
  if (pages.length === 0) return state;
  forEachCell(shape, (x, y, cell) => {
    const from = (y * SIDE + x) * CHANNELS;
    state.set(pages[0].cells.subarray(from, from + CHANNELS), cell * CHANNELS);
  });
  return state;
}

function pictureOf(state: Float32Array): Target {
  const rgba = new Float32Array(shape.cellCount * 4);
  for (let cell = 0; cell < shape.cellCount; cell++)
    rgba.set(state.subarray(cell * CHANNELS, cell * CHANNELS + 4), cell * 4);
  return { width: SIDE, height: SIDE, shape, rgba };
}

const inside = fc.double({ min: -14, max: 14, noNaN: true });
const blows: fc.Arbitrary<Blow> = fc.record({
  afterSteps: fc.constant(0),
  tool: fc.constantFrom('ablate' as const, 'noise' as const, 'truncate' as const),
  radius: fc.double({ min: 0.5, max: 9, noNaN: true }),
  points: fc.array(fc.tuple(inside, inside), { minLength: 1, maxLength: 6 }).map((points) => points.flat()),
});

test("a blow in a body's own coordinates changes exactly what the player's stroke changed in the world", async () => {
  expect(livingCells(await stateOf(), shape)).toBeGreaterThan(20);
  await fc.assert(
    fc.asyncProperty(blows, fc.nat({ max: 1e6 }), async (blow, salt) => {
      await engine.restore(grown);
      const before = await stateOf();
      const [x0, y0] = [seedX(shape), seedY(shape)];
      // A record holds strokes relative to the seed cell; here one is turned back into a stroke.
      const points =
        blow.tool === 'truncate' ? [x0, y0] : blow.points.map((value, i) => value + (i % 2 === 0 ? x0 : y0));
      const organisms = new Organisms();
      organisms.add({ id: 1, species: 'blob', x: x0, y: y0 } as never);
      const plan = await planStroke(
        { tool: blow.tool, radius: blow.radius, points } as never,
        { engine, organisms, species: [], roomFault: () => null },
        salt,
      );
      if (!plan.ok || !('perturbations' in plan)) throw new Error('the world refuses the stroke');
      for (const perturbation of plan.perturbations) engine.perturb(perturbation);
      strike(before, shape, blow, { randomSeed: RANDOM_SEED, salt, step: engine.stepNumber });
      expect(before).toEqual(await stateOf());
    }),
    { seed: 1, numRuns: 60 },
  );
});

test('a blow of the eraser takes the scraps that it takes in the world, and the whole body if it leaves nothing else', async () => {
  const small = await makeWorld(SIDE, SIDE);
  const { world, engine: own } = small;
  await stroke(small, plant(seedX(shape), seedY(shape)));
  await own.step(60);
  await world.observe(0.25);
  const before = await own.save();
  // As in a trained rule's body: every cell holds something.
  for (const { cells, owners } of before.pages)
    for (const [cell, owner] of owners.entries()) if (owner !== 0) cells[cell * CHANNELS + 9] = 0.25;
  const stateIn = async (): Promise<Float32Array> => {
    const { pages } = await own.save();
    const state = new Float32Array(shape.cellCount * CHANNELS);
    forEachCell(shape, (x, y, cell) => {
      const from = (y * SIDE + x) * CHANNELS;
      if (pages.length > 0) state.set(pages[0].cells.subarray(from, from + CHANNELS), cell * CHANNELS);
    });
    return state;
  };
  const { mature } = await loadBlob();
  const rgba = new Float32Array(shape.cellCount * 4);
  for (let y = 0; y < mature.height; y++)
    for (let x = 0; x < mature.width; x++) {
      const from = (y * mature.width + x) * 4;
      const cell = cellIndex(shape, seedX(shape) + mature.x + x, seedY(shape) + mature.y + y);
      rgba.set(mature.rgba.subarray(from, from + 4), cell * 4);
    }
  const form = { width: mature.width, height: mature.height, shape, rgba };
  let torn = 0;
  let killed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.5, max: 4, noNaN: true }),
      fc.array(fc.integer({ min: -7, max: 7 }), { minLength: 4, maxLength: 16 }),
      async (radius, drawn) => {
        const points = drawn.slice(0, drawn.length - (drawn.length % 2));
        await own.restore(before);
        const state = await stateIn();
        const cut = state.slice();
        const blow: Blow = { afterSteps: 0, tool: 'ablate', radius, points };
        strike(cut, shape, blow, { randomSeed: 0, salt: 0, step: 0 });
        deal(state, form, blow, { randomSeed: 0, salt: 0, step: 0 });
        const moved = points.map((value, i) => value + (i % 2 === 0 ? seedX(shape) : seedY(shape)));
        await stroke(small, brush('ablate', radius, ...moved));
        expect(state).toEqual(await stateIn());
        if (livingCells(state, shape) < livingCells(cut, shape)) torn++;
        if (livingCells(state, shape) === 0 && livingCells(cut, shape) > 0) killed++;
      },
    ),
    { seed: 2, numRuns: 300 },
  );
  expect(torn).toBeGreaterThan(10);
  expect(killed).toBeGreaterThan(0);
});

test('the blows of one stroke of noise shake each cell once', async () => {
  await engine.restore(grown);
  const before = await stateOf();
  const rollouts = { state: () => body, run: async () => {}, dispose: async () => {} };
  const body = before.slice();
  const line = { afterSteps: 0, tool: 'noise', radius: 5 } as const;
  const stroke = [
    { ...line, points: [0, 0] },
    { ...line, points: [0, 0, 4, 0] },
    { ...line, points: [4, 0, -4, 1] },
  ];
  await replay([{ slot: 0, blows: stroke, randomSeed: 3 }], rollouts as never, 1, target);
  const most = body.reduce((largest, value, i) => Math.max(largest, Math.abs(value - before[i])), 0);
  expect(most).toBeLessThanOrEqual(0.5);
  expect(most).toBeGreaterThan(0.49);
});

const wound: readonly Blow[] = Array.from({ length: 20 }, (_, i) => ({
  afterSteps: i * 5,
  tool: 'ablate',
  radius: 2,
  points: [i % 3, -2],
}));

test('a replay follows from the random numbers alone, takes a part of a long wound, and stays near its place', () => {
  const recorded = { wounds: [wound], part: 1, jitterCells: 2, healingSteps: 0 };
  fc.assert(
    fc.property(fc.nat(), (randomSeed) => {
      const drawn = drawReplay(0, recorded, new Random(randomSeed));
      expect(drawn).toEqual(drawReplay(0, recorded, new Random(randomSeed)));
      expect(drawn.blows).toHaveLength(MAX_REPLAYED);
      for (const { points } of drawn.blows) {
        expect(Math.abs(points[0])).toBeLessThanOrEqual(4);
        expect(Math.abs(points[1] + 2)).toBeLessThanOrEqual(2);
      }
    }),
    { seed: 1 },
  );
  const exact = drawReplay(0, { ...recorded, jitterCells: 0 }, new Random(1));
  const begin = wound.findIndex(({ points }, i) => points === exact.blows[0].points || i === 99);
  expect(exact.blows.map(({ afterSteps }) => afterSteps - exact.blows[0].afterSteps)).toEqual(
    Array.from({ length: MAX_REPLAYED }, (_, i) => i * 5),
  );
  expect(begin).toBeLessThan(wound.length);
});

test('a body heals between the blows of a replay, others stand still, and one without cells starts from a seed', async () => {
  const rule = blobRule('blob', 1.05);
  const rollouts = new Rollouts({
    shape,
    hidden: rule.hidden,
    fireRate: rule.fireRate,
    overflowWeight: 0,
    slots: 3,
    threads: 0,
    maxSteps: 0,
  });
  try {
    rollouts.setWeights(rule);
    for (const slot of [0, 1, 2]) plantSeed(rollouts.state(slot), shape);
    await rollouts.run([1, 2, 3].map((randomSeed) => ({ steps: 60, randomSeed })));
    const [whole, untouched] = [0, 1].map((slot) => rollouts.state(slot).slice());
    const bite: Blow = { afterSteps: 0, tool: 'ablate', radius: 2, points: [3, 0] };
    const all: Blow = { afterSteps: 40, tool: 'ablate', radius: 24, points: [0, 0] };
    await replay(
      [
        { slot: 0, blows: [bite, { ...bite, afterSteps: 40, points: [30, 30] }], randomSeed: 1 },
        { slot: 2, blows: [bite, all], randomSeed: 2 },
      ],
      rollouts,
      3,
      target,
    );
    // The second blow misses: what is left is the first one, healed.
    const bitten = cellIndex(shape, seedX(shape) + 3, seedY(shape)) * CHANNELS + 3;
    expect(rollouts.state(0)[bitten]).toBeCloseTo(whole[bitten], 1);
    expect(rollouts.state(0)).not.toEqual(whole);
    expect(rollouts.state(1)).toEqual(untouched);
    const seed = new Float32Array(shape.cellCount * CHANNELS);
    plantSeed(seed, shape);
    expect(rollouts.state(2)).toEqual(seed);
  } finally {
    await rollouts.dispose();
  }
});
