import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Weights } from '../../server/training/kernel.ts';
import {
  firstState,
  firstWeights,
  meanDirection,
  OPTIMIZERS,
  orthogonal,
  update,
} from '../../server/training/optimizer.ts';
import { Random } from '../../server/training/random.ts';

function gaussian(rows: number, columns: number, randomSeed: number): Float64Array {
  const random = new Random(randomSeed);
  return Float64Array.from({ length: rows * columns }, () => random.normal());
}

describe('orthogonal', () => {
  test('brings every singular value near 1, for wide and for tall matrices', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom([16, 48], [48, 16], [12, 12]), (randomSeed, [rows, columns]) => {
        const x = orthogonal(gaussian(rows, columns, randomSeed), rows, columns);
        // The Gram matrix of the shorter side stretches vectors by the squared singular values.
        const short = Math.min(rows, columns);
        const at = (i: number, k: number): number =>
          rows <= columns ? x[i * columns + k] : x[k * columns + i];
        const random = new Random(randomSeed + 1);
        const v = Array.from({ length: short }, () => random.normal());
        const longer = Array.from({ length: Math.max(rows, columns) }, (_, k) =>
          v.reduce((sum, value, i) => sum + value * at(i, k), 0),
        );
        const stretch = Math.hypot(...longer) / Math.hypot(...v);
        expect(stretch).toBeGreaterThan(0.5);
        expect(stretch).toBeLessThan(1.35);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  test("keeps the matrix's direction", () => {
    const matrix = gaussian(16, 48, 3);
    const x = orthogonal(matrix, 16, 48);
    expect(x.reduce((sum, value, i) => sum + value * matrix[i], 0)).toBeGreaterThan(0);
  });

  test('gives zeros for zeros, not NaN', () => {
    expect(orthogonal(new Float64Array(48), 4, 12)).toEqual(new Float64Array(48));
  });
});

describe.each(OPTIMIZERS)('%s', (optimizer) => {
  const gradientOf = (randomSeed: number, size: number): Weights => {
    const random = new Random(randomSeed);
    const values = (length: number) => Float32Array.from({ length }, () => size * random.normal());
    return { w1: values(8 * 48), b1: values(8), w2: values(16 * 8), b2: values(16) };
  };

  test('uses the direction of a gradient, not its length', () => {
    const from = firstState(firstWeights(8, new Random(1)));
    const [small, large] = [1e-3, 1e3].map((size) => update(from, gradientOf(2, size), 1e-2, optimizer));
    for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
      small.weights[name].forEach((value, i) => {
        expect(value).toBeCloseTo(large.weights[name][i], 5);
      });
    }
  });

  test('moves against the gradient and leaves the old state whole', () => {
    const from = firstState(firstWeights(8, new Random(1)));
    const before = structuredClone(from);
    const gradient = gradientOf(2, 1);
    const to = update(from, gradient, 1e-2, optimizer);
    expect(from).toEqual(before);
    for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
      const along = gradient[name].reduce(
        (sum, g, i) => sum + g * (to.weights[name][i] - from.weights[name][i]),
        0,
      );
      expect(along).toBeLessThan(0);
    }
  });
});

describe('the mean of a batch', () => {
  const constant = (value: number): Weights => {
    const { w1, b1, w2, b2 } = firstWeights(4, new Random(1));
    return {
      w1: w1.map(() => value),
      b1: b1.map(() => value),
      w2: w2.map(() => value),
      b2: b2.map(() => value),
    };
  };
  const [loud, quiet] = [constant(16), constant(1)];

  test('is the plain mean when nothing is normalised', () => {
    expect(meanDirection([loud, quiet], 0)).toEqual(constant(8.5));
  });

  test('counts all samples alike at normalisation 1, and the longest 4 times as much at 0.5', () => {
    const parts = (normalisation: number): number[] => {
      const zero = constant(0);
      const alone = [meanDirection([loud, zero], normalisation), meanDirection([zero, quiet], normalisation)];
      return alone.map(({ w1 }) => w1[0]);
    };
    const [loudAll, quietAll] = parts(1);
    expect(loudAll / quietAll).toBeCloseTo(1, 5);
    const [loudRoot, quietRoot] = parts(0.5);
    expect(loudRoot / quietRoot).toBeCloseTo(4, 5);
  });
});
