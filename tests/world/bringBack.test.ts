import { beforeAll, describe, expect, test } from 'vitest';
import { FALLOW_SECONDS } from '../../server/world/absences.ts';
import { decodeEntry } from '../../server/world/acts.ts';
import { MAX_BACK_AT_ONCE } from '../../server/world/bringBack.ts';
import { doer } from './doer.ts';
import { differences, factsOf } from './facts.ts';
import { brush, grown, loadBlob, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

const ANN = doer('Ann').guest;
const MODERATOR = { guest: '', name: 'Bob' };

async function live({ world, engine }: SmallWorld, seconds: number): Promise<void> {
  for (let half = 0; half < seconds * 2; half++) {
    await engine.step(1);
    await world.observe(0.5);
  }
}

describe('an organism that is gone', () => {
  test('grows again from a seed at its place, as its planter’s and as old as it was', async () => {
    const small = await grown([30, 30]);
    const { world } = small;
    await live(small, 5);
    world.removals.remove(1, MODERATOR);
    await live(small, 3);
    expect(world.returns.lost).toMatchObject([
      { loss: 1, species: 'blob', x: 30, y: 30, guest: ANN, planter: 'Ann', cause: 'removed', by: MODERATOR },
    ]);
    expect(await world.returns.bring({ loss: 1 })).toEqual({ organisms: 1, refused: [], left: 0 });
    const [back] = [...world.organisms];
    expect(back).toMatchObject({ x: 30, y: 30, guest: ANN, planter: 'Ann', bornSeconds: 0, absence: null });
    expect(back.plantedSeconds).toBeGreaterThan(7);
    await small.engine.step(60);
    await world.observe(0.25);
    expect(back.cells).toBeGreaterThan(20);
    expect(world.returns.lost).toEqual([]);
    expect(await world.returns.bring({ loss: 1 })).toEqual({ organisms: 0, refused: [], left: 0 });
  });

  test('stays lost where it has no room, and the reason is told', async () => {
    const small = await grown([30, 30]);
    small.world.removals.remove(1);
    await live(small, 3);
    await stroke(small, plant(33, 30));
    const answer = await small.world.returns.bring({ loss: 1 });
    expect(answer).toMatchObject({
      organisms: 0,
      refused: [{ species: 'blob', x: 30, y: 30, reason: 'No room: it would grow into a Blob.' }],
    });
    expect(small.world.returns.lost).toHaveLength(1);
  });

  test('is remembered by a save, and may be brought back after it', async () => {
    const small = await grown([30, 30], [90, 30]);
    small.world.removals.remove(1, MODERATOR);
    await live(small, 3);
    const again = await makeWorld();
    await again.world.restore(structuredClone(await stateOf(small.world)));
    expect(again.world.returns.lost).toEqual(small.world.returns.lost);
    expect(await again.world.returns.bring({ loss: 1 })).toMatchObject({ organisms: 1 });
    expect(again.world.bodies).toBe(2);
  });

  test('and whoever is back stands in the journal: a killed world recovers to the bit', async () => {
    const small = await grown([30, 30], [60, 30], [90, 30]);
    const { world } = small;
    world.log.start();
    const save = structuredClone(await stateOf(world));
    for (const id of [1, 2, 3]) world.removals.remove(id, MODERATOR);
    await live(small, 3);
    await world.returns.bring({ loss: 2 });
    await small.engine.step(5);
    const again = await makeWorld();
    await again.world.restore(save, undefined, [decodeEntry(world.log.take(true)!)]);
    expect(differences(await factsOf(again.world), await factsOf(world))).toEqual([]);
    expect(again.world.returns.lost).toMatchObject([{ loss: 3 }, { loss: 1 }]);
    expect(again.world.bodies).toBe(1);
  });

  test('because its place was cleared comes back, too', async () => {
    const small = await grown([30, 30]);
    await small.world.removals.clear(30, 30, 20, MODERATOR);
    await live(small, 1);
    expect(small.world.returns.lost).toMatchObject([{ cause: 'cleared', by: MODERATOR }]);
    expect(await small.world.returns.bring({ loss: 1 })).toMatchObject({ organisms: 1 });
  });
});

describe('an organism that is not gone yet', () => {
  test('and dissolves grows again from its seed', async () => {
    const small = await grown([30, 30]);
    const { world } = small;
    world.removals.remove(1);
    await live(small, 1);
    expect(await world.returns.bring({ organism: 1 })).toMatchObject({ organisms: 1 });
    await live(small, 2);
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'died', cells: 0 });
    await live(small, FALLOW_SECONDS);
    expect(world.overview.inspect(1)).toMatchObject({ absence: null });
    expect(world.returns.lost).toEqual([]);
  });

  test('and was killed is planted at once; without a fault it is left as it is', async () => {
    const small = await grown([30, 30], [90, 30]);
    const { world } = small;
    await stroke(small, brush('ablate', 15, 30, 30));
    await live(small, 0.5);
    expect(world.returns.lost).toMatchObject([
      { organism: 1, cause: 'killed', by: { guest: ANN, name: 'Ann' } },
    ]);
    expect(await world.returns.bring({ organism: 1 })).toMatchObject({ organisms: 1 });
    expect(world.overview.inspect(1)).toMatchObject({ absence: null, cells: 1 });
    expect(await world.returns.bring({ organism: 2 })).toMatchObject({
      organisms: 0,
      refused: [{ reason: 'It is not gone.' }],
    });
  });

  test('and stands in a cleared place has its seed again', async () => {
    const small = await grown([30, 30]);
    const { world } = small;
    await world.removals.clear(26, 30, 5, MODERATOR);
    const one = world.organisms.get(1)!;
    one.isUprooted = true;
    expect(await world.returns.bring({ organism: 1 })).toMatchObject({ organisms: 1 });
    await stroke(small, brush('ablate', 20, 30, 30));
    await live(small, 1);
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'died' });
  });
});

describe('all that a guest did away with', () => {
  test('is what they killed and what they removed, and nothing of anybody else', async () => {
    const small = await grown([30, 30], [60, 30], [90, 30]);
    const { world } = small;
    await stroke(small, brush('ablate', 12, 30, 30));
    world.removals.removeOwn(ANN, 2);
    world.removals.remove(3, MODERATOR);
    await live(small, 3);
    expect(await world.returns.bring({ by: ANN })).toEqual({ organisms: 2, refused: [], left: 0 });
    expect(Array.from(world.organisms, ({ x }) => x).sort()).toEqual([30, 60]);
    expect(world.returns.lost).toMatchObject([{ x: 90 }]);
  });

  test('comes back in parts, because all at once would be too much for the world', async () => {
    const small = await makeWorld(32, 32);
    const { guest, name } = doer('Ann');
    const loss = { species: 'blob', x: 16, y: 16, planter: '', guest: '', bornSeconds: 0, atSeconds: 0 };
    for (let id = 1; id <= MAX_BACK_AT_ONCE + 2; id++)
      small.world.losses.put({ ...loss, id, cause: 'removed', by: { guest, name } });
    const { organisms, refused, left } = await small.world.returns.bring({ by: ANN });
    expect([organisms, refused.length, left]).toEqual([1, MAX_BACK_AT_ONCE - 1, 2]);
  });
});
