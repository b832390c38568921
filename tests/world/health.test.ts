import { describe, expect, test } from 'vitest';
import type { Engine } from '../../server/engines/engine.ts';
import { type Following, HealthWatch } from '../../server/world/health.ts';
import type { MatureForm } from '../../server/world/mature.ts';
import type { Organism } from '../../server/world/organism.ts';
import { Organisms } from '../../server/world/organisms.ts';
import type { RuleSlots } from '../../server/world/ruleSlots.ts';
import { WoundWatch } from '../../server/world/woundWatch.ts';
import type { Rect } from '../../shared/geometry.ts';

/** The place that the body is remembered at; its form's top left corner is the seed. */
const PLACE = { x: 100, y: 100 };

/** The channel that is 1 in each row of the picture, beside alpha: rows weigh the same, and no two places look alike. */
const ROWS = [0, 1, 2, 0, 2, 1, 1, 0, 2, 2, 1, 0, 0, 0, 1, 2, 1, 2, 2, 0];

/** One settled body of this width. It stands `dx` cells to the right of its place, and its upper `part` is left. */
async function settled(
  width: number,
  dx: number,
  part: number,
  placeX = PLACE.x,
  follow: Partial<Following> = {},
): Promise<Organism> {
  const height = ROWS.length;
  const colourOf = (y: number, channel: number): number => (channel === 3 || channel === ROWS[y] ? 1 : 0);
  const form: MatureForm = {
    x: 0,
    y: 0,
    width,
    height,
    rgba: Float32Array.from({ length: width * height * 4 }, (_, i) =>
      colourOf(Math.floor(i / 4 / width), i % 4),
    ),
  };
  const has = (x: number, y: number): boolean =>
    x >= placeX + dx && x < placeX + dx + width && y >= PLACE.y && y < PLACE.y + Math.round(part * height);
  const engine = {
    width: 1_000,
    height: 1_000,
    stepNumber: 1_000,
    readOrganism: async (_id: number, rect: Rect, into: Float32Array) => {
      for (let cell = 0; cell < into.length / 4; cell++) {
        const x = rect.x + (cell % rect.width);
        const y = rect.y + Math.floor(cell / rect.width);
        for (let c = 0; c < 4; c++) into[cell * 4 + c] = has(x, y) ? colourOf(y - PLACE.y, c) : 0;
      }
    },
    readOwners: async (_rect: Rect, into: Uint16Array) => void into.fill(0),
  } as unknown as Engine;
  const organisms = new Organisms();
  const body = organisms.add({
    x: placeX,
    y: PLACE.y,
    id: 1,
    species: 'slab',
    planter: '',
    plantedStep: 0,
    plantedSeconds: 0,
    health: 1,
    slot: 0,
  });
  const rules = { at: () => ({ mature: form }) } as unknown as RuleSlots;
  const watch = new HealthWatch(engine, organisms, rules, new WoundWatch(), {
    isWatched: () => false,
    mayMove: () => true,
    hasMoved: () => {},
    ...follow,
  });
  await watch.measure(1);
  for (let sample = 0; sample < 8; sample++) organisms.sample(sample * 8);
  watch.moved([]);
  await watch.followMoved();
  return body;
}

describe('a settled body beside its place', () => {
  test('is followed when it is whole there', async () => {
    const body = await settled(20, 2, 1);
    expect([body.x, body.y, body.health]).toEqual([102, 100, 1]);
  });

  test('is followed when its health there is 0.8, and not when it is 0.75', async () => {
    const kept = await settled(20, 3, 0.8);
    expect([kept.x, kept.y]).toEqual([103, 100]);
    const torn = await settled(20, 3, 0.75);
    expect([torn.x, torn.y]).toEqual([100, 100]);
    expect(torn.health).toBeLessThan(0.6);
  });

  test('is not followed for a gain of less than 0.05', async () => {
    const near = await settled(50, 1, 0.9);
    expect(near.health).toBeGreaterThan(0.85);
    expect([near.x, near.y]).toEqual([100, 100]);
    const far = await settled(50, 2, 0.9);
    expect([far.x, far.y]).toEqual([102, 100]);
  });

  test('is followed up to 24 cells when it is out of shape in its place, and not farther', async () => {
    for (const dx of [9, 24]) {
      const body = await settled(20, dx, 1);
      expect([body.x, body.y]).toEqual([100 + dx, 100]);
      expect(body.health).toBeCloseTo(1, 5);
    }
    const lost = await settled(20, 35, 1);
    expect([lost.x, lost.y]).toEqual([100, 100]);
    expect(lost.health).toBeLessThan(0.6);
  });

  test('is followed that far if its territory cuts off nearly half of it, and not if it cuts off more', async () => {
    const cut = await settled(20, 12, 0.55);
    expect([cut.x, cut.health]).toEqual([112, expect.closeTo(0.55, 2)]);
    const torn = await settled(20, 12, 0.45);
    expect([torn.x, torn.y]).toEqual([100, 100]);
  });

  test('is not followed to where its seed would lie outside the world', async () => {
    expect((await settled(20, -9, 1, 9)).x).toBe(0);
    expect((await settled(20, -9, 1, 8)).x).toBe(8);
  });

  test('is not followed to where it may not stand, near or far', async () => {
    for (const dx of [2, 12]) {
      const asked: number[][] = [];
      const mayMove = (_one: Organism, x: number, y: number): boolean => asked.push([x, y]) === 0;
      const body = await settled(20, dx, 1, PLACE.x, { mayMove });
      expect([body.x, body.y]).toEqual([100, 100]);
      expect(asked).toEqual([[dx, 0]]);
    }
  });

  test('is followed near and not far while the swap of its rule is watched', async () => {
    const watched = { isWatched: () => true };
    expect((await settled(20, 2, 1, PLACE.x, watched)).x).toBe(102);
    expect((await settled(20, 12, 1, PLACE.x, watched)).x).toBe(100);
  });
});
