import { beforeAll, describe, expect, test } from 'vitest';
import { capsulesOf, NOISE_AMPLITUDE, planStroke } from '../../server/world/perturb.ts';
import { loadBlob, makeWorld } from './makeWorld.ts';

describe('capsules', () => {
  test('a straight drag is one', () => {
    const points = Array.from({ length: 30 }, (_, i) => [i * 3.3, i * 1.1]).flat();
    expect(capsulesOf(points, 4)).toEqual([{ x0: 0, y0: 0, x1: 95, y1: 31, radius: 4 }]);
  });

  test('a dab is a circle, also when it is repeated in place', () => {
    const circle = { x0: 5, y0: 6, x1: 5, y1: 6, radius: 2 };
    expect(capsulesOf([5.5, 6.2], 2)).toEqual([circle]);
    expect(capsulesOf([5.5, 6.2, 5.6, 6.3, 5.1, 6.9], 2)).toEqual([circle]);
  });

  test('a path that turns or comes back keeps its turns', () => {
    expect(capsulesOf([0, 0, 10, 0, 10, 10], 1)).toHaveLength(2);
    expect(capsulesOf([0, 0, 10, 0, 0, 0], 1)).toHaveLength(2);
  });
});

describe('a stroke of noise', () => {
  beforeAll(loadBlob);

  test('is one perturbation over all of its capsules, and hits each body once', async () => {
    const { world, engine } = await makeWorld(128, 64, ['blob']);
    for (const x of [30, 80]) world.plantAt('blob', x, 30);
    await engine.step(10);
    const { organisms, rules } = world;
    const ground = { engine, organisms, species: rules.cards, roomFault: () => null };
    const points = [30, 30, 60, 50, 80, 30, 30, 30];
    const plan = await planStroke({ id: 1, tool: 'noise', radius: 2, points }, ground, -1);
    expect(plan).toEqual({
      ok: true,
      perturbations: [
        { kind: 'noise', capsules: capsulesOf(points, 2), amplitude: NOISE_AMPLITUDE, salt: 0xffff_ffff },
      ],
      hit: new Map([
        [1, [0]],
        [2, [0]],
      ]),
    });
  });
});
