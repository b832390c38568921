import { beforeAll, describe, expect, test } from 'vitest';
import { capsuleRows } from '../../server/engines/capsule.ts';
import type { Engine } from '../../server/engines/engine.ts';
import { capsulesOf, organismNear, ownersUnder, planStroke } from '../../server/world/perturb.ts';
import type { Rect } from '../../shared/geometry.ts';
import { loadBlob, makeWorld } from './makeWorld.ts';

describe('capsules', () => {
  test('a straight drag is one capsule', () => {
    const points = Array.from({ length: 30 }, (_, i) => [i * 3.3, i * 1.1]).flat();
    expect(capsulesOf(points, 4)).toEqual([{ x0: 0, y0: 0, x1: 95, y1: 31, radius: 4 }]);
  });

  test('a dab is a circle, also when it is repeated in place', () => {
    const circle = { x0: 5, y0: 6, x1: 5, y1: 6, radius: 2 };
    expect(capsulesOf([5.5, 6.2], 2)).toEqual([circle]);
    expect(capsulesOf([5.5, 6.2, 5.6, 6.3, 5.1, 6.9], 2)).toEqual([circle]);
  });

  test('a path that turns or comes back keeps its turns, from one cell off the straight line on', () => {
    expect(capsulesOf([0, 0, 10, 1, 20, 0], 1)).toHaveLength(2);
    expect(capsulesOf([0, 0, 10, 1, 20, 1], 1)).toHaveLength(1);
    expect(capsulesOf([0, 0, 10, 0, 10, 10], 1)).toHaveLength(2);
    expect(capsulesOf([0, 0, 10, 0, 0, 0], 1)).toHaveLength(2);
  });
});

describe('the bodies under a stroke', () => {
  /** A world in which every cell is an organism of its own. */
  const width = 250;
  const height = 240;
  const ownerOf = (x: number, y: number): number =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : y * width + x + 1;
  const engine = {
    width,
    height,
    readOwners: async (rect: Rect, into: Uint16Array) => {
      for (let i = 0; i < into.length; i++)
        into[i] = ownerOf(rect.x + (i % rect.width), rect.y + Math.floor(i / rect.width));
    },
  } as unknown as Engine;

  test('are exactly those that lose a cell, at the rim, too', async () => {
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const near = (span: number): number => Math.floor(random() * (span + 20)) - 10;
    for (let round = 0; round < 200; round++) {
      const capsule = {
        x0: near(width),
        y0: near(height),
        x1: near(width),
        y1: near(height),
        radius: Math.floor(random() * 12),
      };
      const erased = capsuleRows(capsule, engine).flatMap(({ y, first, last }) =>
        Array.from({ length: last - first + 1 }, (_, i) => ownerOf(first + i, y)),
      );
      const hit = [...(await ownersUnder([capsule], engine)).keys()].sort((a, b) => a - b);
      expect(hit, JSON.stringify(capsule)).toEqual(erased);
    }
  });

  test('know which capsules of the stroke touched them, in order and once each', async () => {
    const dab = (x: number): { x0: number; y0: number; x1: number; y1: number; radius: number } => ({
      x0: x,
      y0: 5,
      x1: x,
      y1: 5,
      radius: 2,
    });
    const hit = await ownersUnder([dab(5), dab(50), dab(6)], engine);
    expect(hit.get(ownerOf(5, 5))).toEqual([0, 2]);
    expect(hit.get(ownerOf(50, 5))).toEqual([1]);
    expect(hit.get(ownerOf(30, 5))).toBeUndefined();
  });
});

describe('a pointer beside a body', () => {
  /** A world in which organism 7 owns the cell at (50, 50), and 8 the one at (53, 50). */
  const engine = {
    readOwners: async ({ x, y, width }: Rect, into: Uint16Array) => {
      for (let i = 0; i < into.length; i++) {
        const at = `${x + (i % width)},${y + Math.floor(i / width)}`;
        into[i] = at === '50,50' ? 7 : at === '53,50' ? 8 : 0;
      }
    },
  } as unknown as Engine;

  test('means the organism of the nearest cell that is at most two cells away', async () => {
    expect(await organismNear(50.9, 50.9, engine)).toBe(7);
    expect(await organismNear(48, 50, engine)).toBe(7);
    expect(await organismNear(47, 50, engine)).toBe(0);
    expect(await organismNear(51, 50, engine)).toBe(7);
    expect(await organismNear(52, 50, engine)).toBe(8);
  });
});

describe('a stroke of noise', () => {
  beforeAll(loadBlob);

  test('is one perturbation over all of its capsules, and hits each body once', async () => {
    const { world, engine } = await makeWorld(128, 64, ['blob']);
    for (const x of [30, 80]) world.plantAt('blob', x, 30);
    await engine.step(10);
    const { organisms, rules } = world;
    const strokeWorld = { engine, organisms, species: rules.cards, roomFault: () => null };
    const points = [30, 30, 60, 50, 80, 30, 30, 30];
    const plan = await planStroke({ id: 1, tool: 'noise', radius: 2, points }, strokeWorld, -1);
    expect(plan).toEqual({
      ok: true,
      perturbations: [
        {
          kind: 'noise',
          capsules: capsulesOf(points, 2),
          except: [],
          amplitude: 0.5,
          salt: 0xffff_ffff,
        },
      ],
      hit: new Map([
        [1, [0]],
        [2, [0]],
      ]),
    });
  });
});
