import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StrokeBuilder } from '../../../client/hands/strokeBuilder.ts';
import {
  BUDGET_CELLS,
  MAX_BRUSH_RADIUS,
  MAX_STROKE_POINTS,
  MIN_BRUSH_RADIUS,
} from '../../../shared/limits.ts';
import type { StrokeMessage } from '../../../shared/protocol.ts';
import { strokeCost, strokeFault, strokeLength } from '../../../shared/stroke.ts';

fc.configureGlobal({ seed: 1 });

const world = { width: 1_024, height: 1_024 };

describe('a drag', () => {
  test('becomes strokes that the server accepts, at any radius, speed and path', () => {
    const at = fc.double({ min: 0, max: 1_023, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: MIN_BRUSH_RADIUS, max: MAX_BRUSH_RADIUS, noNaN: true }),
        fc.array(fc.tuple(at, at, fc.integer({ min: 0, max: 200 })), { minLength: 1, maxLength: 30 }),
        (radius, path) => {
          const [first, ...rest] = path;
          let now = 0;
          const builder = new StrokeBuilder(radius, first[0], first[1], now);
          const pieces = builder.take(now);
          for (const [x, y, wait] of rest) {
            now += wait;
            builder.add(x, y);
            pieces.push(...builder.take(now));
          }
          pieces.push(...builder.take(now, true));
          for (const points of pieces) {
            const stroke: StrokeMessage = { id: 1, tool: 'ablate', radius, points };
            expect(strokeFault(stroke, world, [])).toBeNull();
            expect(points.length).toBeLessThanOrEqual(MAX_STROKE_POINTS * 2);
            expect(strokeCost(stroke)).toBeLessThan(BUDGET_CELLS / 2);
          }
          // Each piece begins where the one before it ended, so there is no gap.
          for (let i = 1; i < pieces.length; i++)
            expect(pieces[i].slice(0, 2)).toEqual(pieces[i - 1].slice(-2));
        },
      ),
    );
  });

  test('becomes pieces that cover the whole path', () => {
    const builder = new StrokeBuilder(6, 100, 100, 0);
    const pieces = builder.take(0);
    for (let x = 101; x <= 300; x++) {
      builder.add(x, 100);
      pieces.push(...builder.take(x * 8));
    }
    pieces.push(...builder.take(5_000, true));
    const length = pieces.reduce((sum, points) => sum + strokeLength(points), 0);
    expect(length).toBeGreaterThan(198);
    expect(length).toBeLessThanOrEqual(200);
  });

  test('is sent while it goes on, about ten times per second', () => {
    const builder = new StrokeBuilder(4, 0, 0, 0);
    let messages = builder.take(0).length;
    expect(messages).toBe(1);
    for (let ms = 10; ms <= 1_000; ms += 10) {
      builder.add(ms / 8, 0);
      messages += builder.take(ms).length;
    }
    expect(messages).toBeGreaterThanOrEqual(8);
    expect(messages).toBeLessThanOrEqual(12);
  });

  test('with the widest brush becomes pieces of more than a third of the budget, so that few discs are paid twice', () => {
    const builder = new StrokeBuilder(MAX_BRUSH_RADIUS, 0, 0, 0);
    const [, ...pieces] = builder.take(0);
    builder.add(900, 0);
    pieces.push(...builder.take(1_000, true));
    const costs = pieces
      .slice(0, -1)
      .map((points) => strokeCost({ id: 1, tool: 'ablate', radius: MAX_BRUSH_RADIUS, points }));
    expect(costs.length).toBeGreaterThan(10);
    for (const cost of costs) expect(cost).toBeGreaterThan(BUDGET_CELLS / 3);
  });

  test('that is slow waits until it is one and a half radii long, but no longer than 240 ms', () => {
    const builder = new StrokeBuilder(10, 0, 0, 0);
    builder.take(0);
    builder.add(14, 0);
    expect(builder.take(239)).toEqual([]);
    expect(builder.take(240)).toHaveLength(1);
    builder.add(29, 0);
    expect(builder.take(339)).toEqual([]);
    expect(builder.take(340)).toHaveLength(1);
  });
});
