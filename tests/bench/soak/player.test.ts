import { describe, expect, test } from 'vitest';
import { strokeFault } from '../../../shared/stroke.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { type Act, Player, type Scene } from './player.ts';

const SPECIES = ['gengar', 'mew', 'pikachu'].map((name) => ({ name, width: 40, height: 36 }));
const world = { width: 512, height: 384 };
const crowd: Scene = {
  world,
  species: SPECIES,
  bodies: [
    { x: 100, y: 100, species: 'gengar' },
    { x: 4, y: 380, species: 'mew' },
    { x: 400, y: 20, species: 'pikachu' },
  ],
  view: { x: -20, y: -20, width: 560, height: 420 },
  energy: 1,
};

const acts = (scene: Scene, count = 3_000, randomSeed = 3): Act[] => {
  const player = new Player(seededRandom(randomSeed));
  return Array.from({ length: count }, () => player.next(scene));
};
const only = <K extends Act['kind']>(all: readonly Act[], kind: K): (Act & { kind: K })[] =>
  all.filter((act): act is Act & { kind: K } => act.kind === kind);

describe('Player', () => {
  test('the same random seed decides the same', () => {
    expect(acts(crowd, 100)).toEqual(acts(crowd, 100));
    expect(acts(crowd, 100)).not.toEqual(acts(crowd, 100, 4));
  });

  test('does everything that a player may', () => {
    const all = acts(crowd);
    expect(new Set(all.map(({ kind }) => kind))).toEqual(
      new Set(['drag', 'shrink', 'plant', 'pan', 'zoom', 'stall', 'leave', 'drop']),
    );
    expect(new Set(only(all, 'drag').map(({ tool }) => tool))).toEqual(new Set(['ablate', 'noise']));
    expect(new Set(only(all, 'plant').map(({ species }) => species))).toEqual(
      new Set(SPECIES.map(({ name }) => name)),
    );
  });

  test('every stroke is valid, even at the edge of the world', () => {
    for (const act of acts(crowd)) {
      const points =
        act.kind === 'drag' ? act.path : act.kind === 'shrink' || act.kind === 'plant' ? [act.at] : [];
      for (const { x, y } of points) {
        const tool = act.kind === 'drag' ? act.tool : act.kind === 'plant' ? 'plant' : 'truncate';
        const radius = act.kind === 'drag' || act.kind === 'shrink' ? act.radius : 1;
        const species = act.kind === 'plant' ? act.species : undefined;
        expect(strokeFault({ id: 1, tool, radius, points: [x, y], species }, world, SPECIES)).toBeNull();
      }
    }
  });

  test('brushes are smaller, as large and larger than the first of the page', () => {
    const radii = only(acts(crowd), 'drag').map(({ radius }) => radius);
    const usual = Math.round(0.19 * 40 * 2) / 2;
    const share = (test: (radius: number) => boolean): number => radii.filter(test).length / radii.length;
    expect(share((radius) => radius === usual)).toBeGreaterThan(0.45);
    expect(share((radius) => radius < usual)).toBeGreaterThan(0.15);
    expect(share((radius) => radius > usual)).toBeGreaterThan(0.15);
    expect(radii.every((radius) => Number.isInteger(radius * 2))).toBe(true);
  });

  test('two to six seconds lie between strokes, less between looks', () => {
    const player = new Player(seededRandom(8));
    for (const act of acts(crowd, 500)) {
      const pauseMs = player.pauseMs(act);
      const isStroke = ['drag', 'shrink', 'plant'].includes(act.kind);
      expect(pauseMs).toBeGreaterThanOrEqual(isStroke ? 2_000 : 200);
      expect(pauseMs).toBeLessThanOrEqual(isStroke ? 6_000 : 1_000);
    }
  });

  test('a player without budget makes no stroke', () => {
    const all = acts({ ...crowd, energy: 0.1 });
    expect([...only(all, 'drag'), ...only(all, 'shrink')]).toEqual([]);
    expect(only(all, 'pan').length).toBeGreaterThan(0);
  });

  test('a player without a body in view moves to one', () => {
    const [act] = acts({ ...crowd, view: { x: 200, y: 200, width: 40, height: 40 } }, 1);
    expect(act).toMatchObject({ kind: 'pan' });
    expect(crowd.bodies).toContainEqual(expect.objectContaining((act as Act & { kind: 'pan' }).to));
  });

  test('in an empty world they plant and look about', () => {
    const all = acts({ ...crowd, bodies: [] });
    expect(only(all, 'plant').length).toBeGreaterThan(0);
    expect([...only(all, 'drag'), ...only(all, 'shrink')]).toEqual([]);
  });

  test('most seeds are put where their body has room, some anywhere', () => {
    // Three tenths of the world are taken.
    const bodies = Array.from({ length: 12 }, (_, i) => ({
      x: 64 + 128 * (i % 4),
      y: 64 + 128 * Math.floor(i / 4),
      species: 'gengar',
    }));
    const seeds = only(acts({ ...crowd, bodies, view: { x: 0, y: 0, ...world } }, 20_000), 'plant');
    const crowded = seeds.filter(({ at }) =>
      bodies.some(({ x, y }) => Math.hypot(x - at.x, y - at.y) < 40),
    ).length;
    expect(crowded / seeds.length).toBeGreaterThan(0.05);
    expect(crowded / seeds.length).toBeLessThan(0.2);
  });
});
