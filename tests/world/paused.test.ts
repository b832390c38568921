/** A world without steps is paused: only what people do changes it. One whose steps come slowly judges by steps. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { EngineState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { brush, loadBlob, makeWorld, plant, type SmallWorld, stroke } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

beforeAll(loadBlob);

const SIDE = 128;
/** Channel that keeps a blob's cells opaque (`blob.ts`). */
const HEART = 5;
/** Bodies of the garden, and Ann's, which is planted first. */
const ANNS = 1;
const BESIDE = 2;
const LOOSE = 3;
const DISSOLVES = 4;
const WAITS = 5;
const HEALTHY = 6;
const PLACES = { [BESIDE]: [64, 20], [LOOSE]: [104, 20], [DISSOLVES]: [20, 64], [WAITS]: [64, 64] } as const;

/** Bodies that are grown; Ann's withers after an hour. */
async function grown(): Promise<SmallWorld> {
  const limits = { plantsPerGuest: 9, plantsPerAddress: 9, witherHours: 1 };
  const small = await makeWorld(SIDE, SIDE, ['blob'], createWasmEngine, limits);
  expect(await stroke(small, plant(20, 20))).toMatchObject({ ok: true });
  for (const [x, y] of [...Object.values(PLACES), [104, 64]]) small.world.plantAt('blob', x, y);
  await live(small, 15);
  return small;
}

/** Half-second frames. */
async function live({ world, engine }: SmallWorld, seconds: number, stepsPerSecond = 30): Promise<void> {
  for (let owed = 0, frame = 0; frame < seconds * 2; frame++) {
    owed += stepsPerSecond / 2;
    if (owed >= 1) await engine.step(Math.floor(owed));
    owed %= 1;
    await world.observe(0.5);
  }
}

/** Changes cells as no stroke does. */
async function change(small: SmallWorld, cells: (state: EngineState) => EngineState): Promise<void> {
  await small.engine.restore(cells(structuredClone(await small.engine.save())));
}

/** What a state holds at a cell. */
function cellOf({ pages }: EngineState, x: number, y: number) {
  const page = pages.find(({ page }) => page === Math.floor(y / 64) * (SIDE / 64) + Math.floor(x / 64))!;
  const cell = (y % 64) * 64 + (x % 64);
  return { page, cell, channels: page.cells.subarray(cell * 16, cell * 16 + 16) };
}

/** A body nine cells beside its place. */
function moved(state: EngineState): EngineState {
  const [x0, y0] = PLACES[BESIDE];
  for (let y = y0 - 9; y < y0 + 9; y++) {
    for (let x = x0 + 18; x > x0 - 9; x--) {
      const to = cellOf(state, x, y);
      const from = x > x0 ? cellOf(state, x - 9, y) : null;
      to.page.owners[to.cell] = from?.page.owners[from.cell] ?? 0;
      to.channels.set(from?.channels ?? new Float32Array(16));
    }
  }
  return state;
}

/** Two cells beside a body that stay a little opaque. */
function smeared(state: EngineState): EngineState {
  const [x, y] = PLACES[LOOSE];
  for (const dx of [-9, 9]) {
    const { page, cell, channels } = cellOf(state, x + dx, y);
    page.owners[cell] = LOOSE;
    channels.fill(0);
    channels[0] = 0.1;
    channels[3] = channels[HEART] = 0.2;
  }
  return state;
}

const cellsOf = async ({ engine }: SmallWorld, id: number): Promise<number> =>
  (await engine.census([id]))[0]?.cells ?? 0;

describe('nothing of a paused world changes by itself:', () => {
  /** All that a save holds, with the territories, which follow from it. */
  async function all({ world, engine }: SmallWorld) {
    const cards = world.overview.summaries().map(({ id }) => world.overview.inspect(id));
    const { organisms } = await engine.save();
    return structuredClone({ state: await stateOf(world), cards, organisms });
  }

  test('no body is followed, sheds, dissolves, wilts or withers, and no seed grows; all of them do when it runs on', async () => {
    const small = await grown();
    const { world, engine } = small;
    await change(small, (state) => smeared(moved(state)));
    const [x, y] = PLACES[WAITS];
    expect(await stroke(small, brush('ablate', 15, x, y))).toMatchObject({ ok: true });
    // The moved body is settled, but for one sample; the smeared one sheds after 10 s.
    await live(small, 1.5);
    await live(small, 9.5, 2);
    await change(small, smeared);
    world.removals.remove(DISSOLVES);
    await live(small, 0.5);
    const smearedCells = await cellsOf(small, LOOSE);
    expect(world.overview.inspect(DISSOLVES)).toMatchObject({ absence: 'removed' });
    expect(world.overview.inspect(WAITS)).toMatchObject({ absence: 'died' });
    // Its colours are out of range.
    await change(small, (state) => {
      cellOf(state, 104, 64).channels.fill(1e9);
      return state;
    });
    // Counted and measured, as after a stroke.
    for (let frame = 0; frame < 4; frame++) await world.observe(0.25);
    const before = await all(small);
    for (let frame = 0; frame < 60; frame++) await world.observe(0.25);
    for (let hour = 0; hour < 2; hour++) await world.observe(3_600);
    expect(await all(small)).toEqual(before);

    await live(small, 5);
    expect(world.organisms.get(BESIDE)!.x).toBe(PLACES[BESIDE][0] + 9);
    expect(await cellsOf(small, LOOSE)).toBeLessThan(smearedCells);
    expect(world.organisms.get(DISSOLVES)).toBeUndefined();
    expect(world.organisms.get(WAITS)!.absence).toBeNull();
    expect(world.wilting.take()).toContainEqual(
      expect.objectContaining({ organism: HEALTHY, cause: 'out of range' }),
    );
    expect(world.organisms.get(ANNS)!.absence).toBeNull();
    await engine.step(1);
    await world.observe(3_600);
    await live(small, 5);
    expect(world.organisms.get(ANNS)).toBeUndefined();
  });
});

describe('in a slow world', () => {
  test('a body that grows is not held to be settled after two seconds', async () => {
    const small = await grown();
    await change(small, moved);
    // 40 steps, as far as its health is known to be steady.
    await live(small, 10, 4);
    expect(small.world.organisms.get(BESIDE)!.x).toBe(PLACES[BESIDE][0]);
    await live(small, 4, 4);
    expect(small.world.organisms.get(BESIDE)!.x).toBe(PLACES[BESIDE][0] + 9);
  });
});
