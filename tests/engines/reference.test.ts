import { describe, expect, test } from 'vitest';
import { capsuleRows, firstSpanFrom, isInCapsule, strokeRows } from '../../server/engines/capsule.ts';
import { createEngine } from '../../server/engines/create.ts';
import {
  type Capsule,
  CHANNEL_LIMIT,
  type Engine,
  EngineError,
  type Perturbation,
} from '../../server/engines/engine.ts';
import { cellHash, fireThreshold, noiseAt } from '../../server/engines/fire.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import type { Rule } from '../../server/rules/rule.ts';
import { describeEngineContract } from './contract.ts';
import { randomRule, seededRandom } from './fixtures.ts';

describeEngineContract('reference', createReferenceEngine, { tolerance: 0 });

const SIDE = 40;
const SEED = 4242;

/** The plain model without owners: one dense state, one alive mask. */
class DenseModel {
  state: Float32Array = new Float32Array(SIDE * SIDE * 16);
  private readonly rule: Rule;

  constructor(rule: Rule) {
    this.rule = rule;
  }

  at(state: Float32Array, x: number, y: number, c: number): number {
    return x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : state[(y * SIDE + x) * 16 + c];
  }

  isAlive(state: Float32Array, x: number, y: number): boolean {
    let most = Number.NEGATIVE_INFINITY;
    for (const dy of [-1, 0, 1]) {
      for (const dx of [-1, 0, 1]) most = Math.max(most, this.at(state, x + dx, y + dy, 3));
    }
    return most > Math.fround(0.1);
  }

  perceive(x: number, y: number): number[] {
    const f = Math.fround;
    const identity: number[] = [];
    const sobelX: number[] = [];
    const sobelY: number[] = [];
    for (let c = 0; c < 16; c++) {
      const [nw, n, ne] = [-1, 0, 1].map((dx) => this.at(this.state, x + dx, y - 1, c));
      const [w, here, e] = [-1, 0, 1].map((dx) => this.at(this.state, x + dx, y, c));
      const [sw, s, se] = [-1, 0, 1].map((dx) => this.at(this.state, x + dx, y + 1, c));
      identity.push(here);
      // [-1 0 1; -2 0 2; -1 0 1] / 8 and its transpose, the diagonals first
      sobelX.push(f(f(f(e - w) * 0.25) + f(f(f(se - nw) + f(ne - sw)) * 0.125)));
      sobelY.push(f(f(f(s - n) * 0.25) + f(f(f(se - nw) - f(ne - sw)) * 0.125)));
    }
    return [...identity, ...sobelX, ...sobelY];
  }

  step(stepNumber: number): void {
    const f = Math.fround;
    const { rule } = this;
    const next = this.state.slice();
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        if (cellHash(SEED, stepNumber, x, y) >>> 8 >= fireThreshold(rule.fireRate)) continue;
        if (!this.isAlive(this.state, x, y)) continue;
        const seen = this.perceive(x, y);
        const hidden: number[] = [];
        for (let u = 0; u < rule.hidden; u++) {
          let sum = rule.b1[u];
          for (let i = 0; i < 48; i++) sum = f(sum + f(rule.w1[u * 48 + i] * seen[i]));
          hidden.push(sum > 0 ? sum : 0);
        }
        for (let c = 0; c < 16; c++) {
          let sum = rule.b2[c];
          for (let u = 0; u < rule.hidden; u++) sum = f(sum + f(rule.w2[c * rule.hidden + u] * hidden[u]));
          next[(y * SIDE + x) * 16 + c] += sum;
        }
      }
    }
    const masked = next.slice();
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        if (this.isAlive(this.state, x, y) && this.isAlive(next, x, y)) continue;
        masked.fill(0, (y * SIDE + x) * 16, (y * SIDE + x + 1) * 16);
      }
    }
    this.state = masked;
  }
}

async function denseState(engine: Engine): Promise<Float32Array> {
  const dense = new Float32Array(SIDE * SIDE * 16);
  for (const { cells } of (await engine.save()).pages) {
    for (let y = 0; y < SIDE; y++) {
      dense.set(cells.subarray(y * 64 * 16, (y * 64 + SIDE) * 16), y * SIDE * 16);
    }
  }
  return dense;
}

describe('a lone organism', () => {
  test.each([
    { growth: 0.06, fireRate: 0.5, territory: { x: 2, y: 2, width: 37, height: 90 } },
    { growth: 0.12, fireRate: 1 },
    { growth: 0.3, fireRate: 0.5, weights: 20, bounds: false },
  ])('equals the plain dense model to the bit ($growth, $fireRate, bounds $bounds)', async (options) => {
    const { growth, fireRate, territory, weights = 1, bounds } = options;
    const tame = randomRule(31, 12, fireRate, growth);
    const rule = { ...tame, w2: tame.w2.map((weight) => weight * weights) };
    const engine = await createReferenceEngine({ width: SIDE, height: SIDE, randomSeed: SEED, bounds });
    const model = new DenseModel(rule);
    engine.setRule(0, rule);
    engine.plant(1, 0, 20, 20, territory);
    model.state = await denseState(engine);
    const damage: Record<number, Perturbation> = {
      12: { kind: 'ablate', x0: 22, y0: 20, x1: 22, y1: 20, radius: 3 },
      20: { kind: 'truncate', organism: 1, x: 20, y: 20, radius: 6 },
      26: {
        kind: 'noise',
        capsules: [{ x0: 20, y0: 20, x1: 20, y1: 20, radius: 4 }],
        amplitude: 0.5,
        salt: 5,
      },
    };
    let largest = 0;
    for (let step = 0; step < 36; step++) {
      if (damage[step]) {
        engine.perturb(damage[step]);
        model.state = await denseState(engine);
      }
      await engine.step(1);
      model.step(step);
      const state = await denseState(engine);
      // Array equality, not toEqual: 0 and -0 are the same state.
      expect(state.findIndex((value, i) => value !== model.state[i])).toBe(-1);
      largest = Math.max(largest, (await engine.census())[0].cells);
    }
    expect(largest).toBeGreaterThan(100);
    if (bounds === false) expect(model.state.some((value) => Math.abs(value) > CHANNEL_LIMIT)).toBe(true);
  });

  test('is not changed by organisms that do not touch it', async () => {
    const make = async (others: boolean) => {
      const engine = await createReferenceEngine({ width: SIDE, height: SIDE, randomSeed: SEED });
      engine.setRule(0, randomRule(31, 8, 0.5, 0.08));
      engine.plant(1, 0, 8, 8);
      if (others) engine.plant(2, 0, 28, 28);
      await engine.step(8);
      const cells = new Float32Array(SIDE * SIDE * 4);
      await engine.readOrganism(1, { x: 0, y: 0, width: SIDE, height: SIDE }, cells);
      return cells;
    };
    expect(await make(true)).toEqual(await make(false));
  });
});

test('capsuleRows holds exactly the cells of isInCapsule', () => {
  const random = seededRandom(8);
  const world = { width: 50, height: 40 };
  for (let i = 0; i < 300; i++) {
    const whole = i % 3 === 0;
    const draw = (side: number) => (whole ? Math.floor(random() * side) : random() * side * 1.6 - side * 0.3);
    const [x0, y0] = [draw(50), draw(40)];
    const [x1, y1] = i % 4 === 0 ? [x0, y0] : i % 4 === 1 ? [draw(50), y0] : [draw(50), draw(40)];
    const capsule = { x0, y0, x1, y1, radius: whole ? Math.floor(random() * 12) : random() * 12 };
    const got = new Set<number>();
    for (const { y, first, last } of capsuleRows(capsule, world)) {
      for (let x = first; x <= last; x++) got.add(y * world.width + x);
    }
    for (let cell = 0; cell < world.width * world.height; cell++) {
      const inside = isInCapsule(capsule, cell % world.width, Math.floor(cell / world.width));
      if (got.has(cell) !== inside) expect.fail(`${JSON.stringify(capsule)} cell ${cell}: ${inside}`);
    }
  }
});

test('strokeRows holds each cell of its capsules once, and none of the cells in `except`, in reading order', () => {
  const random = seededRandom(9);
  const world = { width: 50, height: 40 };
  for (let i = 0; i < 100; i++) {
    const ends = Array.from({ length: 2 + (i % 6) }, () => [random() * 70 - 10, random() * 60 - 10]);
    const radius = random() * 7;
    const capsules = ends.slice(1).map(([x1, y1], n) => ({ x0: ends[n][0], y0: ends[n][1], x1, y1, radius }));
    const spans = strokeRows(capsules, world);
    const covered = new Array<number>(world.width * world.height).fill(0);
    for (const { y, first, last } of spans)
      for (let x = first; x <= last; x++) covered[y * world.width + x]++;
    const wanted = covered.map((_, cell) =>
      Number(capsules.some((one) => isInCapsule(one, cell % world.width, Math.floor(cell / world.width)))),
    );
    expect(covered).toEqual(wanted);
    for (const [s, { y, first }] of spans.entries()) {
      if (s > 0 && spans[s - 1].y === y) expect(first).toBeGreaterThan(spans[s - 1].last + 1);
      else if (s > 0) expect(y).toBeGreaterThan(spans[s - 1].y);
    }
    for (let y = -1; y <= world.height; y++) {
      const from = spans.findIndex((span) => span.y >= y);
      expect(firstSpanFrom(spans, y)).toBe(from < 0 ? spans.length : from);
    }
    const split = i % capsules.length;
    const [kept, except] = [capsules.slice(split), capsules.slice(0, split)];
    const left = new Array<number>(covered.length).fill(0);
    for (const { y, first, last } of strokeRows(kept, world, except))
      for (let x = first; x <= last; x++) left[y * world.width + x]++;
    const isIn = (some: readonly Capsule[], cell: number): boolean =>
      some.some((one) => isInCapsule(one, cell % world.width, Math.floor(cell / world.width)));
    expect(left).toEqual(left.map((_, cell) => Number(isIn(kept, cell) && !isIn(except, cell))));
  }
});

test('a cell under several capsules of noise gets it once: no channel moves by more than the amplitude', async () => {
  const engine = await createReferenceEngine({ width: SIDE, height: SIDE, randomSeed: SEED });
  engine.setRule(0, randomRule(31, 8, 0.5, 0.1));
  engine.plant(1, 0, 20, 20);
  await engine.step(14);
  const before = await denseState(engine);
  const capsule = { x0: 18, y0: 20, x1: 23, y1: 20, radius: 4 };
  engine.perturb({ kind: 'noise', capsules: [capsule, capsule, capsule], amplitude: 0.5, salt: 7 });
  const moved = (await denseState(engine)).map((value, i) => Math.abs(value - before[i]));
  expect(Math.max(...moved)).toBeLessThanOrEqual(0.5);
  expect(Math.max(...moved)).toBeGreaterThan(0.49);
});

test('noise lies in [-1, 1), differs by channel and salt, and averages to 0', () => {
  let sum = 0;
  for (let i = 0; i < 4000; i++) {
    const noise = noiseAt(1, 2, 3, i % 64, i >> 6, i % 16);
    expect(noise).toBeGreaterThanOrEqual(-1);
    expect(noise).toBeLessThan(1);
    sum += noise;
  }
  expect(Math.abs(sum / 4000)).toBeLessThan(0.05);
  expect(noiseAt(1, 2, 3, 4, 5, 0)).not.toBe(noiseAt(1, 2, 3, 4, 5, 1));
  expect(noiseAt(1, 2, 3, 4, 5, 0)).not.toBe(noiseAt(1, 3, 3, 4, 5, 0));
});

test('an unknown engine is refused by name', async () => {
  const options = { width: 8, height: 8, randomSeed: 0 };
  await expect(createEngine('cuda', options)).rejects.toThrow(EngineError);
  await expect(createEngine('cuda', options)).rejects.toThrow(/unknown engine "cuda".*auto.*wasm/);
  await expect(createEngine('toString', options)).rejects.toThrow(EngineError);
});
