import { describe, expect, test } from 'vitest';
import {
  FAR_MARGIN,
  HEALTH_MARGIN,
  healthOf,
  healthRect,
  likestPlace,
  possibleShare,
  type Surroundings,
} from '../../server/world/likeness.ts';
import type { MatureForm } from '../../server/world/mature.ts';
import { loadBlob, makeWorld } from './makeWorld.ts';

const WORLD = { width: 64, height: 64 };

/** What an engine would read of a body that equals this form. */
function bodyOf(form: MatureForm): Float32Array {
  const { width, height } = healthRect(form, 0, 0);
  const own = new Float32Array(width * height * 4);
  for (let y = 0; y < form.height; y++) {
    const row = form.rgba.subarray(y * form.width * 4, (y + 1) * form.width * 4);
    own.set(row, ((y + HEALTH_MARGIN) * width + HEALTH_MARGIN) * 4);
  }
  return own;
}

/** No other organism lives around a body at (x, y). */
function freeAround(form: MatureForm, x: number, y: number): Surroundings {
  const rect = healthRect(form, x, y);
  return { organism: 1, rect, owners: new Uint16Array(rect.width * rect.height), world: WORLD };
}

/** Zeroes the cells of a body at (x, y) for which `isGone` holds. */
function without(own: Float32Array, { rect }: Surroundings, isGone: (x: number, y: number) => boolean) {
  for (let cell = 0; cell < own.length / 4; cell++)
    if (isGone(rect.x + (cell % rect.width), rect.y + Math.floor(cell / rect.width)))
      own.fill(0, cell * 4, cell * 4 + 4);
  return own;
}

describe('health', () => {
  test('is 1 for the form itself and 0 for nothing at all', async () => {
    const { mature } = await loadBlob();
    expect(healthOf(bodyOf(mature), mature)).toBeCloseTo(1, 5);
    expect(healthOf(new Float32Array(bodyOf(mature).length), mature)).toBeCloseTo(0, 5);
  });

  test('falls with what is missing and with what grows beside the form', async () => {
    const { mature } = await loadBlob();
    const half = bodyOf(mature);
    half.fill(0, 0, half.length / 2);
    expect(healthOf(half, mature)).toBeGreaterThan(0.2);
    expect(healthOf(half, mature)).toBeLessThan(0.8);
    const over = bodyOf(mature);
    over.fill(0.5, 0, 40);
    expect(healthOf(over, mature)).toBeLessThan(1 - 1e-3);
  });

  test('never leaves 0..1, whatever the cells hold', async () => {
    const { mature } = await loadBlob();
    for (const value of [1e6, -1e6, Number.NaN, Number.POSITIVE_INFINITY])
      expect(healthOf(bodyOf(mature).fill(value), mature)).toBe(0);
  });
});

describe('health against what can exist', () => {
  test('a body that the edge of the world clips is whole with the rest of it', async () => {
    const { mature } = await loadBlob();
    const around = freeAround(mature, 0, 30);
    const clipped = without(bodyOf(mature), around, (x) => x < 0);
    expect(healthOf(clipped, mature)).toBeLessThan(0.9);
    expect(healthOf(clipped, mature, possibleShare(mature, around))).toBeCloseTo(1, 5);
    const hurt = without(clipped, around, (_, y) => y < 30);
    expect(healthOf(hurt, mature, possibleShare(mature, around))).toBeLessThan(0.8);
  });

  test('cells that another organism owns are left out, its own and free ones are not', async () => {
    const { mature } = await loadBlob();
    const around = freeAround(mature, 30, 30);
    const half = without(bodyOf(mature), around, (x) => x < 30);
    const isLeft = (cell: number): boolean => around.rect.x + (cell % around.rect.width) < 30;
    const ownedBy = (left: number, right: number): number => {
      const owners = around.owners.map((_, cell) => (isLeft(cell) ? left : right));
      return possibleShare(mature, { ...around, owners });
    };
    expect(healthOf(half, mature, ownedBy(2, 1))).toBeCloseTo(1, 5);
    expect(healthOf(half, mature, ownedBy(2, 0))).toBeCloseTo(1, 5);
    const missing = healthOf(half, mature);
    expect(missing).toBeLessThan(0.8);
    expect(healthOf(half, mature, ownedBy(0, 1))).toBeCloseTo(missing, 5);
    expect(healthOf(half, mature, ownedBy(1, 1))).toBeCloseTo(missing, 5);
  });

  test('a remnant where less than a quarter can exist is measured against the whole form', async () => {
    const { mature } = await loadBlob();
    const around = freeAround(mature, 30, 30);
    const walled = around.owners.map((_, cell) => {
      const x = around.rect.x + (cell % around.rect.width);
      const y = around.rect.y + Math.floor(cell / around.rect.width);
      return x === 30 && y === 30 ? 1 : 2;
    });
    expect(possibleShare(mature, { ...around, owners: walled })).toBe(1);
  });

  test.each([
    [3, 0.3],
    [2, 1],
  ])('where a neighbour leaves %i of 10 rows, the share that can exist is %f', (rows, share) => {
    const form = { x: -5, y: -5, width: 10, height: 10, rgba: new Float32Array(400).fill(1) };
    const around = freeAround(form, 30, 30);
    around.owners.fill(2, (HEALTH_MARGIN + rows) * around.rect.width);
    expect(possibleShare(form, around)).toBeCloseTo(share, 6);
  });

  test('growth counts against it within 4 cells of the box', () => {
    const form = { x: -5, y: -6, width: 10, height: 12, rgba: new Float32Array(480).fill(1) };
    expect(healthRect(form, 100, 200)).toEqual({ x: 91, y: 190, width: 18, height: 20 });
  });

  test('for a body beside its place, what can exist is judged where it stands', async () => {
    const { mature } = await loadBlob();
    const around = freeAround(mature, 0, 30);
    // The seed's place is the world's left side, the body two cells farther right.
    const rowLength = around.rect.width * 4;
    const shifted = new Float32Array(bodyOf(mature).length);
    const body = bodyOf(mature);
    for (let row = 0; row < around.rect.height; row++)
      shifted.set(body.subarray(row * rowLength, (row + 1) * rowLength - 8), row * rowLength + 8);
    const clipped = without(shifted, around, (x) => x < 0);
    const { dx, dy, health } = likestPlace(clipped, mature, around);
    expect([dx, dy]).toEqual([2, 0]);
    expect(health).toBeCloseTo(1, 5);
  });

  test('a body of many cells is found by some of its rows, at the very cell', () => {
    const side = 130;
    const rgba = Float32Array.from({ length: side * side * 4 }, (_, i) => {
      const [x, y] = [(i >> 2) % side, Math.floor((i >> 2) / side)];
      return Math.hypot(x - 60, y - 70) < 60 &&
        (i % 4 === 3 || Math.sin(x / 5 + (i % 4)) * Math.cos(y / 7) > 0)
        ? 1
        : 0;
    });
    const form = { x: -65, y: -65, width: side, height: side, rgba };
    for (const [margin, dx, dy] of [
      [HEALTH_MARGIN, -3, 4],
      [FAR_MARGIN, 17, -22],
    ]) {
      const width = side + 2 * margin;
      const own = new Float32Array(width * width * 4);
      for (let y = 0; y < side; y++)
        own.set(
          rgba.subarray(y * side * 4, (y + 1) * side * 4),
          ((y + margin + dy) * width + margin + dx) * 4,
        );
      expect(likestPlace(own, form, undefined, margin)).toEqual({ dx, dy, health: 1 });
    }
  });

  test('bodies that the edge or a neighbour clips are whole in a world, and a wound in them still shows', async () => {
    const { world, engine } = await makeWorld();
    for (const [x, y] of [
      [2, 2],
      [60, 30],
      [65, 30],
    ])
      world.plantAt('blob', x, y);
    await engine.step(100);
    await world.observe(0.25);
    const { mature } = await loadBlob();
    for (const { id, x, y, health } of world.overview.summaries()) {
      const rect = healthRect(mature, x, y);
      const own = new Float32Array(rect.width * rect.height * 4);
      await engine.readOrganism(id, rect, own);
      expect(healthOf(own, mature)).toBeLessThan(0.94);
      expect(health).toBeGreaterThan(0.94);
    }
    engine.perturb({ kind: 'ablate', x0: 0, y0: 5, x1: 6, y1: 5, radius: 2 });
    await world.observe(0.25);
    expect(world.overview.summaries()[0].health).toBeLessThan(0.9);
  });
});
