import { beforeEach, describe, expect, test } from 'vitest';
import { type Engine, EngineError, EngineLostError, isSamePage } from '../../server/engines/engine.ts';
import { LastingEngine } from '../../server/engines/lasting.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { brokenBound } from './boundsCases.ts';
import { changedPages, expectSameState, setRules } from './fixtures.ts';

const WORLD = { width: 200, height: 100 };
const OPTIONS = { ...WORLD, randomSeed: 4 };

/** Every engine made, in order; each is whole until it is broken. */
let made: Engine[];
let notes: string[];
/** Whether another engine of the kind can be made. */
let canAgain: boolean;

/** Makes every later call of the engine throw an EngineLostError. */
function lose(engine: Engine): void {
  for (const call of [
    'step',
    'save',
    'takeChanges',
    'copyPages',
    'census',
    'visitChanged',
    'readPage',
    'restore',
  ] as const) {
    (engine as unknown as Record<string, unknown>)[call] = async () => {
      throw new EngineLostError('the GPU was lost (test)');
    };
  }
}

async function make(): Promise<Engine> {
  const engine = await createReferenceEngine(OPTIONS);
  made.push(engine);
  return engine;
}

async function makeLasting(): Promise<LastingEngine> {
  const again = async () => {
    if (!canAgain) throw new EngineError('no GPU');
    return make();
  };
  const lasting = new LastingEngine(await make(), OPTIONS.randomSeed, {
    again,
    spare: make,
    log: (line) => notes.push(line),
  });
  setRules(lasting);
  return lasting;
}

beforeEach(() => {
  made = [];
  notes = [];
  canAgain = true;
});

test("after a loss the cells are as they were last saved, at the world's current step", async () => {
  const lasting = await makeLasting();
  lasting.plant(1, 0, 30, 30);
  lasting.plant(2, 2, 64, 30);
  await lasting.step(5);
  const saved = await lasting.save();
  await lasting.step(4);
  lose(made[0]);
  await lasting.step(3);
  expect(made).toHaveLength(2);
  expect(lasting.stepNumber).toBe(12);
  const expected = await createReferenceEngine(OPTIONS);
  setRules(expected);
  await expected.restore({ ...saved, stepNumber: 9 });
  await expected.step(3);
  expectSameState(await lasting.save(), await expected.save(), WORLD, 0);
  expect(notes).toEqual([
    'the GPU was lost (test); going on with reference, plain TypeScript, for tests: ' +
      '2 organisms as they were last saved, 0 from their seeds',
  ]);
});

test('after a loss an organism planted since the save starts from its seed, a removed one stays removed, and rules are the newest', async () => {
  const lasting = await makeLasting();
  lasting.plant(1, 0, 30, 30);
  lasting.plant(2, 2, 64, 30);
  lasting.plant(3, 0, 120, 30);
  await lasting.step(5);
  await lasting.save();
  lasting.remove(1);
  lasting.remove(3);
  lasting.plant(3, 2, 160, 60); // the same id for another organism
  lasting.plant(4, 0, 180, 20);
  lasting.setOrganismRule(2, 3);
  lasting.plant(5, 0, 10, 10);
  lasting.remove(5);
  await lasting.step(2);
  lose(made[0]);
  const census = await lasting.census();
  const cells = new Map(census.map(({ organism, cells }) => [organism, cells]));
  expect([...cells.keys()].sort()).toEqual([2, 3, 4]);
  expect(cells.get(2)).toBeGreaterThan(9);
  expect([cells.get(3), cells.get(4)]).toEqual([1, 1]);
  const { organisms } = await lasting.save();
  expect(organisms.find(({ id }) => id === 2)!.rule).toBe(3);
  expect(organisms.find(({ id }) => id === 3)!.rule).toBe(2);
});

test('saved territories, territories set since, and those of new organisms survive a loss', async () => {
  const lasting = await makeLasting();
  const box = (x: number, y: number) => ({ x, y, width: 30, height: 20 });
  lasting.plant(1, 0, 30, 30, box(20, 20));
  lasting.plant(2, 2, 64, 30, box(50, 20));
  lasting.plant(3, 0, 120, 30);
  await lasting.step(5);
  await lasting.save();
  lasting.setTerritory(2, box(60, 25));
  lasting.setTerritory(3, box(110, 30));
  lasting.plant(4, 0, 170, 70, box(160, 60));
  lasting.plant(5, 0, 10, 70, box(0, 60));
  lasting.setTerritory(5, box(100, 70)); // away from its seed
  lose(made[0]);
  await lasting.step(1);
  const state = await lasting.save();
  expect([...state.organisms].sort((a, b) => a.id - b.id)).toEqual([
    { id: 1, rule: 0, territory: box(20, 20) },
    { id: 2, rule: 2, territory: box(60, 25) },
    { id: 3, rule: 0, territory: box(110, 30) },
    { id: 4, rule: 0, territory: box(160, 60) },
    { id: 5, rule: 0, territory: box(100, 70) },
  ]);
  expect(brokenBound(state, WORLD)).toBeNull();
  expect((await lasting.census()).map(({ cells }) => cells > 0)).toEqual([true, true, true, true, false]);
});

test('after a loss everyone is awake, and those who slept are said to have woken', async () => {
  const lasting = await makeLasting();
  lasting.plant(1, 0, 30, 30);
  lasting.plant(2, 0, 120, 30);
  lasting.plant(3, 0, 160, 30);
  await lasting.step(5);
  await lasting.sleep(1);
  await lasting.save();
  await lasting.sleep(2);
  lasting.takeWoken();
  await lasting.step(2);
  expect([1, 2, 3].map((id) => lasting.isAsleep(id))).toEqual([true, true, false]);
  lose(made[0]);
  await lasting.step(1);
  expect([1, 2, 3].map((id) => lasting.isAsleep(id))).toEqual([false, false, false]);
  expect(lasting.takeWoken().toSorted()).toEqual([1, 2]);
  expect(lasting.takeWoken()).toEqual([]);
});

test('pages that the lost engine showed and that are empty in the next one are reported as zeros, once', async () => {
  const lasting = await makeLasting();
  lasting.plant(1, 0, 30, 30);
  await lasting.save();
  lasting.plant(2, 0, 160, 60);
  await lasting.step(3);
  expect((await changedPages(lasting)).size).toBeGreaterThan(1);
  lasting.remove(2);
  lose(made[0]);
  const changed = await changedPages(lasting);
  expect(changed.get(2)!.every((byte) => byte === 0)).toBe(true);
  expect(changed.get(0)!.some((byte) => byte !== 0)).toBe(true);
  expect((await changedPages(lasting)).size).toBe(0);
});

test('the spare takes over after the third loss, and when no engine of the lost kind can be made', async () => {
  const lasting = await makeLasting();
  lasting.plant(1, 0, 30, 30);
  for (let loss = 0; loss < 3; loss++) {
    lose(made.at(-1)!);
    await lasting.step(1);
  }
  canAgain = false;
  lose(made.at(-1)!);
  await lasting.step(1);
  expect(lasting.stepNumber).toBe(4);
  expect(notes).toHaveLength(4);

  const other = await makeLasting();
  lose(made.at(-1)!);
  await other.step(1);
  expect(notes[4]).toBe('no engine of that kind can be made: no GPU');
  expect(notes).toHaveLength(6);
});

test('an invalid call throws and is not a loss', async () => {
  const lasting = await makeLasting();
  lasting.plant(1, 0, 30, 30);
  expect(() => lasting.plant(1, 0, 40, 40)).toThrow(EngineError);
  await expect(lasting.restore({ stepNumber: -1, randomSeed: 1, organisms: [], pages: [] })).rejects.toThrow(
    EngineError,
  );
  expect(made).toHaveLength(1);
});

describe('a save in pieces', () => {
  /** Two bodies, on pages 0 and 2, of which the last save knows all. */
  async function saved(): Promise<LastingEngine> {
    const lasting = await makeLasting();
    lasting.plant(1, 0, 30, 30);
    lasting.plant(2, 0, 160, 30);
    await lasting.step(5);
    await lasting.copyPages((await lasting.takeChanges()).changed);
    return lasting;
  }

  const cut = { kind: 'ablate', x0: 30, y0: 30, x1: 30, y1: 30, radius: 3 } as const;

  test('is what survives a loss once its last page is copied; pages that it kept are as they were', async () => {
    const lasting = await saved();
    lasting.perturb(cut);
    lasting.plant(3, 0, 60, 80);
    const { changed, kept } = await lasting.takeChanges();
    expect([changed, kept]).toEqual([[0, 4], [2]]);
    await lasting.copyPages(changed);
    const want = await made[0].save();
    lose(made[0]);
    expectSameState(await lasting.save(), want, WORLD, 0);
    expect(notes[0]).toMatch('3 organisms as they were last saved, 0 from their seeds');
  });

  test('with pages missing does not survive a loss: the save before it does, and new organisms begin from seeds', async () => {
    const lasting = await saved();
    const want = await made[0].save();
    lasting.perturb(cut);
    lasting.plant(3, 0, 60, 80);
    await lasting.takeChanges();
    lose(made[0]);
    const { pages } = await lasting.save();
    expect(notes[0]).toMatch('2 organisms as they were last saved, 1 from their seeds');
    const [page] = pages.filter(({ page }) => page === 2);
    expect(isSamePage(page, want.pages.find(({ page }) => page === 2)!)).toBe(true);
  });

  test('that follows one that was not finished is complete with the pages of both', async () => {
    const lasting = await saved();
    lasting.perturb(cut);
    await lasting.takeChanges();
    lasting.perturb({ ...cut, x0: 160, x1: 160 });
    const { changed } = await lasting.takeChanges();
    expect(changed).toEqual([2]);
    await lasting.copyPages([2, 0]);
    const want = await made[0].save();
    lose(made[0]);
    expectSameState(await lasting.save(), want, WORLD, 0);
  });

  test('is given up when the device is lost, because its pages would come from two moments', async () => {
    const lasting = await saved();
    await lasting.takeChanges();
    lose(made[0]);
    await expect(lasting.copyPages([0])).rejects.toThrow(/lost.*during a save/);
    expect(made).toHaveLength(2);
    const { changed } = await lasting.takeChanges();
    expect(changed).toEqual([0, 2]);
    expect(await lasting.copyPages(changed)).toHaveLength(2);
  });

  test('that is loaded gives a world that survives a loss', async () => {
    const lasting = await saved();
    const state = await lasting.save();
    await lasting.load(state, state.pages.slice(1));
    lose(made[0]);
    expect((await lasting.save()).pages.map(({ page }) => page)).toEqual([2]);
  });
});
