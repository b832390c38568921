import { beforeAll, describe, expect, test } from 'vitest';
import { WorldMismatchError } from '../../server/world/recall.ts';
import { grown, loadBlob, makeWorld, plant, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

describe('a restored world', () => {
  test('leaves out organisms whose rule is gone, with their cells, and says so', async () => {
    const first = await makeWorld(128, 64, ['old', 'blob']);
    await stroke(first, plant(30, 30, 'old'));
    await stroke(first, plant(60, 30, 'blob'));
    await first.engine.step(20);
    const second = await makeWorld();
    const { notes } = await second.world.restore(await stateOf(first.world));
    expect(notes).toEqual(['1 old left out: its rule is not there any more']);
    expect(second.world.overview.summaries()).toMatchObject([{ id: 2, species: 'blob' }]);
    const gone = await second.world.overview.pixels({ x: 20, y: 20, width: 20, height: 20 });
    expect(gone.every((byte) => byte === 0)).toBe(true);
    await second.engine.step(20);
    await stroke(second, plant(30, 30));
    expect(second.world.overview.summaries().map(({ id }) => id)).toEqual([2, 3]);
  });

  test('must be of the same size', async () => {
    const first = await grown([30, 30]);
    const state = await stateOf(first.world);
    const second = await makeWorld(128, 128);
    await expect(second.world.restore(state)).rejects.toThrow(WorldMismatchError);
    await expect(second.world.restore(state)).rejects.toThrow('--size 128x64');
  });
});
