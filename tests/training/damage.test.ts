import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHANNELS } from '../../server/rules/rule.ts';
import { DAMAGE_KINDS, type DamageKind, damage, drawKind } from '../../server/training/damage.ts';
import { gridShape } from '../../server/training/kernel.ts';
import { Random } from '../../server/training/random.ts';
import { strike } from '../../server/training/recorded.ts';
import { forEachCell, livingCells } from '../../server/training/states.ts';

const shape = gridShape(44, 40);
/** A disc of radius 14 in the middle. */
function body(): Float32Array {
  const state = new Float32Array(shape.cellCount * CHANNELS);
  forEachCell(shape, (x, y, cell) => {
    if (Math.hypot(x - 22, y - 20) < 14) state.fill(0.5, cell * CHANNELS, (cell + 1) * CHANNELS);
  });
  return state;
}

function hurt(kinds: readonly DamageKind[], randomSeed: number): Float32Array {
  const state = body();
  const random = new Random(randomSeed);
  const blows = damage({ state, shape, reach: 14 }, drawKind(kinds, random), random);
  for (const blow of blows) strike(state, shape, blow, { randomSeed, salt: 0, step: 0 });
  return state;
}

test('damage changes only cells inside the grid, and is the same for the same random seed', () => {
  fc.assert(
    fc.property(fc.nat(), (randomSeed) => {
      const first = hurt(DAMAGE_KINDS, randomSeed);
      expect(first).toEqual(hurt(DAMAGE_KINDS, randomSeed));
      forEachCell(shape, (_x, _y, cell) => first.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS));
      expect(first.every((value) => value === 0)).toBe(true);
    }),
    { seed: 1, numRuns: 60 },
  );
});

describe('every kind', () => {
  const whole = livingCells(body(), shape);

  test.each(DAMAGE_KINDS)('%s changes the body, and only sometimes leaves nothing', (kind) => {
    let dead = 0;
    for (let randomSeed = 0; randomSeed < 100; randomSeed++) {
      const state = hurt([kind], randomSeed);
      if (livingCells(state, shape) === 0) dead++;
    }
    expect(hurt([kind], 3)).not.toEqual(body());
    expect(dead).toBeLessThan(5);
  });

  test.each(['circle', 'half', 'centre', 'swipes', 'strokes', 'drag', 'truncate'] as const)(
    '%s only removes cells',
    (kind) => {
      const before = body();
      for (let randomSeed = 0; randomSeed < 50; randomSeed++) {
        hurt([kind], randomSeed).forEach((value, i) => {
          if (value !== 0 && value !== before[i]) throw new Error(`value ${i} became ${value}`);
        });
      }
    },
  );

  test('a half removes between a quarter and three quarters', () => {
    for (let randomSeed = 0; randomSeed < 50; randomSeed++) {
      const left = livingCells(hurt(['half'], randomSeed), shape) / whole;
      expect(left).toBeGreaterThan(0.25);
      expect(left).toBeLessThan(0.75);
    }
  });

  test('a drag goes right across the body, over several steps', () => {
    for (let randomSeed = 0; randomSeed < 50; randomSeed++) {
      const blows = damage({ state: body(), shape, reach: 14 }, 'drag', new Random(randomSeed));
      const first = blows[0].points.slice(0, 2);
      const last = blows.at(-1)!;
      expect(Math.hypot(first[0] - last.points[2], first[1] - last.points[3])).toBeCloseTo(2.6 * 14, 5);
      expect(last.afterSteps).toBeGreaterThanOrEqual(2);
      expect(last.afterSteps).toBeLessThanOrEqual(30);
      for (let i = 1; i < blows.length; i++) {
        expect(blows[i].points.slice(0, 2)).toEqual(blows[i - 1].points.slice(2));
        expect(blows[i].afterSteps).toBeGreaterThan(blows[i - 1].afterSteps);
      }
    }
  });

  test('a centre hole leaves a ring: the middle is gone, the rim is there', () => {
    for (let randomSeed = 0; randomSeed < 50; randomSeed++) {
      const state = hurt(['centre'], randomSeed);
      const left = livingCells(state, shape) / whole;
      expect(left).toBeGreaterThan(0.4);
      expect(left).toBeLessThan(1);
    }
  });
});

test('kinds are drawn in proportion to their weights, and only those that are named', () => {
  const none = Array.from({ length: 60 }, (_, seed) => hurt(['noise'], seed));
  expect(none.every((state) => livingCells(state, shape) > 0)).toBe(true);
  const removed = Array.from(
    { length: 200 },
    (_, seed) => 1 - livingCells(hurt(DAMAGE_KINDS, seed), shape) / 613,
  );
  expect(Math.min(...removed)).toBeLessThan(0.1);
  expect(Math.max(...removed)).toBeGreaterThan(0.5);
});
