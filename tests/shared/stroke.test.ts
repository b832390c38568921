import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUDGET_CELLS, MIN_STROKE_COST_CELLS, PLANT_COST_CELLS } from '../../shared/limits.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { strokeCost, strokeFault, strokeLength, TRUNCATE_COST_CELLS } from '../../shared/stroke.ts';

const WORLD = { width: 128, height: 64 };
const SPECIES = [{ name: 'blob' }];
const sound: StrokeMessage = { id: 1, tool: 'ablate', radius: 4, points: [10, 10, 20, 10] };
const fault = (change: object): string | null => strokeFault({ ...sound, ...change }, WORLD, SPECIES);

describe('a stroke', () => {
  test('of each tool is accepted inside the world, and a brush may hang over its edge', () => {
    expect(fault({})).toBeNull();
    expect(fault({ tool: 'noise', points: [5, 5] })).toBeNull();
    expect(fault({ tool: 'truncate' })).toBeNull();
    expect(fault({ tool: 'plant', points: [127.9, 63.9], species: 'blob' })).toBeNull();
    expect(fault({ points: [-3.9, -3.9] })).toBeNull();
  });

  test.each([
    [{ tool: 'meteor' }, 'no tool "meteor"'],
    [{ radius: Number.NaN }, 'radius'],
    [{ radius: -1 }, 'radius'],
    [{ radius: 0.4 }, 'radius'],
    [{ radius: 25 }, 'radius'],
    [{ radius: '4' }, 'radius'],
    [{ points: [] }, 'at least one pair'],
    [{ points: [1] }, 'at least one pair'],
    [{ points: [1, 2, 3] }, 'at least one pair'],
    [{ points: 'abcd' }, 'at least one pair'],
    [{ points: Array(130).fill(1) }, 'at most 64 points'],
    [{ points: [1, Number.NaN] }, 'numbers'],
    [{ points: [1, Number.POSITIVE_INFINITY] }, 'numbers'],
    [{ points: [1, null] }, 'numbers'],
    [{ points: [-4.1, 5] }, 'outside'],
    [{ points: [5, 68] }, 'outside'],
    [{ tool: 'plant', points: [-1, 5], species: 'blob' }, 'outside'],
    [{ tool: 'truncate', points: [128, 5] }, 'outside'],
    [{ tool: 'plant', species: 'mew' }, 'no species "mew"'],
    [{ tool: 'plant', species: undefined }, 'no species'],
  ])('%o is refused with a reason', (change, reason) => {
    expect(fault(change)).toContain(reason);
  });

  test('that jumps more than 256 cells, or covers more than a full budget, is refused', () => {
    const wide = { width: 4096, height: 64 };
    const stroke = { ...sound, radius: 1, points: [0, 5, 300, 5] };
    expect(strokeFault(stroke, wide, SPECIES)).toContain('256 cells');
    const points = Array.from({ length: 16 }, (_, i) => [i * 200, 5]).flat();
    expect(strokeFault({ ...sound, radius: 4, points }, wide, SPECIES)).toContain(String(BUDGET_CELLS));
  });

  test('costs the area that its brush covers, and for plant and truncate a fixed price', () => {
    expect(strokeLength([0, 0, 3, 4, 3, 10])).toBe(11);
    expect(strokeCost({ ...sound, radius: 10, points: [5, 5] })).toBe(315);
    expect(strokeCost({ ...sound, radius: 10, points: [5, 5, 25, 5] })).toBe(715);
    expect(strokeCost({ ...sound, radius: 0.5, points: [5, 5] })).toBe(MIN_STROKE_COST_CELLS);
    expect(strokeCost({ ...sound, tool: 'plant' })).toBe(PLANT_COST_CELLS);
    expect(strokeCost({ ...sound, tool: 'truncate' })).toBe(TRUNCATE_COST_CELLS);
  });

  test('of values of any type is refused without an exception', () => {
    const junk = fc.record({
      tool: fc.anything(),
      radius: fc.anything(),
      points: fc.anything(),
      species: fc.anything(),
    });
    fc.assert(
      fc.property(junk, (stroke) => {
        expect(fault(stroke)).not.toBeNull();
      }),
      { seed: 1 },
    );
  });
});
