/** Where a body that stands beside its place is followed to, in a world with neighbours and an edge. */
import { describe, expect, test } from 'vitest';
import type { EngineState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { allCellsOf } from '../../server/world/perturb.ts';
import { makeWorld, type SmallWorld } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

const SIDE = 64;

/** Grown blobs at these places. The first is moved by `dx` cells, within its territory. */
async function movedBody(
  dx: number,
  places: readonly (readonly [x: number, y: number])[],
  killed: readonly number[] = [],
): Promise<SmallWorld> {
  const small = await makeWorld(SIDE, SIDE, ['blob'], createWasmEngine);
  for (const [x, y] of places) small.world.plantAt('blob', x, y);
  for (let i = 0; i < 60; i++) await live(small, 6);
  for (const id of killed) small.engine.perturb(allCellsOf(id));
  await small.engine.restore(moved(await small.engine.save(), dx));
  return small;
}

async function live({ world, engine }: SmallWorld, steps: number): Promise<void> {
  await engine.step(steps);
  await world.observe(0.25);
}

/** The world has one page. */
function moved({ pages: [{ page, cells, owners }], ...state }: EngineState, dx: number): EngineState {
  const after = { page, cells: cells.slice(), owners: owners.slice() };
  for (const isOld of [true, false]) {
    for (let cell = 0; cell < owners.length; cell++) {
      const x = (cell % SIDE) + (isOld ? 0 : dx);
      if (owners[cell] !== 1 || x < 0 || x >= SIDE) continue;
      const to = isOld ? cell : cell + dx;
      if (!isOld && after.owners[to] !== 0) continue;
      after.owners[to] = isOld ? 0 : 1;
      if (isOld) after.cells.fill(0, to * 16, to * 16 + 16);
      else after.cells.set(cells.subarray(cell * 16, cell * 16 + 16), to * 16);
    }
  }
  return { ...state, pages: [after] };
}

/** Where the first body is held to be after some seconds. */
async function placeOf(small: SmallWorld): Promise<[x: number, y: number]> {
  for (let sample = 0; sample < 16; sample++) await live(small, 6);
  const { x, y } = small.world.overview.inspect(1)!;
  return [x, y];
}

describe('a body that stands beside its place', () => {
  test('is followed to where there is room', async () => {
    expect(await placeOf(await movedBody(9, [[30, 30]]))).toEqual([39, 30]);
  });

  test('is not followed onto the place of another whose seed waits', async () => {
    const small = await movedBody(
      9,
      [
        [30, 30],
        [39, 30],
      ],
      [2],
    );
    expect(await placeOf(small)).toEqual([30, 30]);
    expect(small.world.overview.inspect(2)).toMatchObject({ absence: 'died' });
  });

  test('is not followed onto a neighbour, although what the neighbour owns is left out of its health', async () => {
    expect(
      await placeOf(
        await movedBody(4, [
          [30, 30],
          [38, 30],
        ]),
      ),
    ).toEqual([30, 30]);
  });

  test('is not followed over the edge, although what lies outside is left out of its health', async () => {
    expect(await placeOf(await movedBody(-6, [[6, 30]]))).toEqual([6, 30]);
    expect(await placeOf(await movedBody(-6, [[14, 30]]))).toEqual([8, 30]);
  });

  test('is followed no farther than 48 cells from where it was planted, also over restarts', async () => {
    const push = async (small: SmallWorld, dx: number): Promise<number> => {
      await small.engine.restore(moved(await small.engine.save(), dx));
      const [x] = await placeOf(small);
      return x;
    };
    let small = await movedBody(9, [[6, 30]]);
    expect(await placeOf(small)).toEqual([15, 30]);
    for (const x of [24, 33, 42, 51]) {
      const again = await makeWorld(SIDE, SIDE, ['blob'], createWasmEngine);
      await again.world.restore(structuredClone(await stateOf(small.world)));
      small = again;
      expect(await push(small, 9)).toBe(x);
    }
    expect(await push(small, 4)).toBe(51);
    expect(await push(small, -2)).toBe(53);
  });
});
