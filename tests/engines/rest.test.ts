/** Cells at rest are passed over: what is skipped must never be seen in the state. */
import { expect, test } from 'vitest';
import { type Engine, EngineError, type Perturbation } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { expectSameState, randomRule, seededRandom } from './fixtures.ts';

const SIZE = { width: 100, height: 72 };
const REST = 2e-3;

/** Channels fall towards zero, faster where neighbours differ; alpha does so only in the outermost cells. */
function settlingRule(seed: number): Rule {
  const random = seededRandom(seed);
  const hidden = 2 * CHANNELS;
  const w1 = new Float32Array(hidden * PERCEPTION);
  const w2 = new Float32Array(CHANNELS * hidden);
  for (let c = 0; c < CHANNELS; c++) {
    // relu(x) and relu(-x), so that W2 sees the sign.
    for (const [unit, sign] of [
      [2 * c, 1],
      [2 * c + 1, -1],
    ]) {
      w1[unit * PERCEPTION + c] = sign;
      w1[unit * PERCEPTION + CHANNELS + c] = random() - 0.5;
      w2[c * hidden + unit] = c === 3 ? 0 : -0.3 * sign;
    }
  }
  return {
    name: 'settling',
    hidden,
    w1,
    b1: new Float32Array(hidden),
    w2,
    b2: new Float32Array(CHANNELS),
    fireRate: 0.5,
    metadata: {},
  };
}

/** Everything that happens to a world between steps, drawn from a seed. */
function disturb(engines: readonly Engine[], random: () => number, round: number): void {
  const x = Math.floor(random() * SIZE.width);
  const y = Math.floor(random() * SIZE.height);
  const near = { x0: x, y0: y, x1: x + 3, y1: y + 1, radius: 1 + random() * 6 };
  const perturbations: readonly Perturbation[] = [
    { kind: 'ablate', ...near },
    { kind: 'noise', ...near, amplitude: 0.2, salt: round },
    { kind: 'truncate', organism: 1, x: 63, y: 63, radius: 2 + random() * 8 },
  ];
  const kind = Math.floor(random() * 6);
  for (const engine of engines) {
    if (kind < 3) engine.perturb(perturbations[kind]);
    else if (kind === 3) engine.plant(100 + round, round % 3, x, y);
    else if (kind === 4) engine.setRule(0, settlingRule(round));
    else engine.setOrganismRule(1, round % 3);
  }
}

test.each([
  { threads: 1, seed: 1 },
  { threads: 1, seed: 2 },
  { threads: 3, seed: 3 },
])('a world at rest, disturbed again and again, equals the reference ($threads threads)', async (options) => {
  const create = { ...SIZE, randomSeed: options.seed, rest: REST };
  const wasm = await createWasmEngine({ ...create, relaxed: false, threads: options.threads });
  const engines = [wasm, await createReferenceEngine(create)];
  const random = seededRandom(options.seed);
  for (const engine of engines) {
    engine.setRule(0, settlingRule(1));
    engine.setRule(1, settlingRule(2));
    engine.setRule(2, randomRule(11, 16)); // never at rest
    engine.plant(1, 0, 63, 63);
    engine.plant(2, 1, 66, 60);
    engine.plant(3, 0, 20, 20);
  }
  for (let round = 0; round < 16; round++) {
    // Long enough to fall asleep, or caught while falling.
    for (const engine of engines) await engine.step(round % 3 === 0 ? 25 : 4);
    expectSameState(await engines[0].save(), await engines[1].save(), SIZE, 0);
    disturb(engines, random, round);
  }
  wasm.dispose();
});

test('a body at rest is stepped by nobody, and wakes where it is touched', async () => {
  const engine = await createWasmEngine({ ...SIZE, randomSeed: 1, rest: REST });
  engine.setRule(0, settlingRule(1));
  engine.plant(1, 0, 60, 60);
  await engine.step(200);
  const before = await engine.save();
  await engine.step(50);
  expectSameState(await engine.save(), { ...before, stepNumber: 250 }, SIZE, 0);
  engine.perturb({ kind: 'noise', x0: 60, y0: 60, x1: 60, y1: 60, radius: 1, amplitude: 0.5, salt: 1 });
  const touched = await engine.save();
  await engine.step(1);
  await engine.step(1);
  expect(touched.pages[0].cells).not.toEqual((await engine.save()).pages[0].cells);
  engine.dispose();
});

test('a threshold that would still a living body is refused', async () => {
  for (const rest of [-1, 0.02, Number.NaN]) {
    await expect(createWasmEngine({ ...SIZE, randomSeed: 1, rest })).rejects.toThrow(EngineError);
    await expect(createReferenceEngine({ ...SIZE, randomSeed: 1, rest })).rejects.toThrow(
      /rest .* 0\.\.0\.01/,
    );
  }
});
