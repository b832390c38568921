import { describe, expect, test } from 'vitest';
import type { EngineState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { TERRITORY_MARGIN } from '../../server/world/mature.ts';
import { doer } from './doer.ts';
import { makeWorld, type SmallWorld } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

const FRAMES_PER_SECOND = 20;
/** Where the only body stands. */
const PLACE = { x: 32, y: 30 };
/** Channel that makes a blob's heart (`blob.ts`): every cell that holds it keeps that opacity. */
const HEART = 5;

const makeSmall = (): Promise<SmallWorld> => makeWorld(64, 64, ['blob'], createWasmEngine);

/** @returns the most cells of organism 1 in any frame */
async function live({ world, engine }: SmallWorld, seconds: number, stepsPerSecond = 30): Promise<number> {
  let most = 0;
  let owed = 0;
  for (let frame = 0; frame < seconds * FRAMES_PER_SECOND; frame++) {
    owed += stepsPerSecond / FRAMES_PER_SECOND;
    const steps = Math.floor(owed);
    owed -= steps;
    if (steps > 0) await engine.step(steps);
    await world.observe(1 / FRAMES_PER_SECOND);
    most = Math.max(most, (await engine.census()).find(({ organism }) => organism === 1)?.cells ?? 0);
  }
  return most;
}

/** A blob of Ann's, grown long ago. */
async function grown(): Promise<SmallWorld> {
  const small = await makeSmall();
  const stroke = { id: 1, tool: 'plant', radius: 1, points: [PLACE.x, PLACE.y], species: 'blob' } as const;
  const answer = small.world.queueStroke(doer('Ann'), stroke);
  await small.world.applyStrokes();
  expect(await answer).toMatchObject({ ok: true });
  await live(small, 12);
  expect(small.world.overview.inspect(1)!.health).toBeGreaterThan(0.9);
  return small;
}

type Paint = (dx: number, dy: number) => { readonly heart: number; readonly alpha?: number } | null;

/** Paints cells of the organism, in coordinates from its place, and leaves the others as they are. */
function painted(state: EngineState, paint: Paint): EngineState {
  const pages = state.pages.map(({ page, cells, owners }) => {
    const painted = { page, cells: cells.slice(), owners: owners.slice() };
    for (let cell = 0; cell < owners.length; cell++) {
      const wanted = paint((cell % 64) - PLACE.x, Math.floor(cell / 64) - PLACE.y);
      if (wanted === null) continue;
      const { heart, alpha = heart } = wanted;
      painted.owners[cell] = 1;
      painted.cells.fill(0, cell * 16, cell * 16 + 16);
      painted.cells[cell * 16] = alpha / 2;
      painted.cells[cell * 16 + 3] = alpha;
      painted.cells[cell * 16 + HEART] = heart;
    }
    return painted;
  });
  return { ...state, pages };
}

/** Changes cells without a stroke, as a body that becomes sick by itself does. */
async function makeSick(small: SmallWorld, paint: Paint): Promise<void> {
  await small.engine.restore(painted(await small.engine.save(), paint));
}

const disc =
  (radius: number, heart: number): Paint =>
  (dx, dy) =>
    Math.hypot(dx, dy) <= radius ? { heart } : null;
/** Three times a blob's size. */
const tumour = disc(7.5, 1);
/** Its heart is so weak that it stays a small blob with health 0.5. */
const weak: Paint = (dx, dy) => (Math.hypot(dx, dy) <= 9 ? { heart: dx === 0 && dy === 0 ? 0.3 : 0 } : null);
const twin: Paint = (dx, dy) => (dx === 9 && dy === 0 ? { heart: 0.4 } : null);
const exploded = disc(2, 1e9);

async function expectWhole({ world }: SmallWorld): Promise<void> {
  expect(world.overview.inspect(1)).toMatchObject({
    id: 1,
    species: 'blob',
    planter: 'Ann',
    ...PLACE,
    absence: null,
  });
  const { health, cells } = world.overview.inspect(1)!;
  expect(health).toBeGreaterThan(0.9);
  expect(cells).toBeGreaterThan(40);
  expect(cells).toBeLessThan(80);
}

describe('a body that has been neither whole nor struck for 10 s', () => {
  /** A loose piece: a cell that keeps a little opacity, and its rim. */
  const smear: Paint = (dx, dy) => (dx === 9 && dy === 0 ? { heart: 0.2 } : null);

  test('sheds what is loose of it, and does not wilt', async () => {
    const small = await grown();
    const whole = small.world.overview.inspect(1)!.cells;
    await makeSick(small, smear);
    await live(small, 5);
    expect(small.world.overview.inspect(1)!.cells).toBeGreaterThan(whole + 5);
    await live(small, 30);
    expect(small.world.overview.inspect(1)!.cells).toBeLessThanOrEqual(whole);
    expect(small.world.wilting.take()).toBeNull();
    await expectWhole(small);
  });
});

describe('a sick body wilts, and grows again from its seed as the same organism', () => {
  test.each([
    ['too large', tumour, 5],
    ['two bodies', twin, 21],
    ['out of shape', weak, 22],
    ['out of range', exploded, 1],
  ] as const)('%s', async (cause, paint, seconds) => {
    const small = await grown();
    await makeSick(small, paint);
    await live(small, seconds);
    const { world } = small;
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'wilting', planter: 'Ann', ...PLACE });
    expect(world.overview.inspect(1)!.marks.at(-1)!.label).toBe(`wilted: ${cause}`);
    const told = {
      organism: 1,
      species: 'blob',
      label: 'blob v1',
      planter: 'Ann',
      guest: 'guest-Ann',
      cause,
      ...PLACE,
    };
    expect(world.wilting.take()).toEqual([told]);
    await live(small, 2);
    await live(small, 3);
    await expectWhole(small);
    expect(world.overview.inspect(1)!.age).toBeLessThan(150);
    expect(world.overview.inspect(1)!.ageSeconds).toBeLessThan(5.1);
    await live(small, 30);
    await expectWhole(small);
    expect(world.wilting.take()).toBeNull();
  });

  test('it is over its size for less than 5 s', async () => {
    const small = await grown();
    await makeSick(small, tumour);
    const cellsOf = async (): Promise<number> => (await small.engine.census())[0].cells;
    expect(await cellsOf()).toBeGreaterThan(1.3 * 61);
    await live(small, 5);
    expect(await cellsOf()).toBeLessThan(1.3 * 61);
  });

  test('it dissolves little by little, from outside', async () => {
    const small = await grown();
    await makeSick(small, tumour);
    await live(small, 3.5);
    const sizes: number[] = [];
    for (let tenth = 0; tenth < 20; tenth++) {
      sizes.push(await live(small, 0.1));
      const { health } = small.world.overview.inspect(1)!;
      expect(health).toBeLessThan(0.9);
    }
    expect(new Set(sizes).size).toBeGreaterThan(5);
    expect(small.world.overview.summaries()).toHaveLength(1);
  });

  test('an open wound ends, and is not counted as healed', async () => {
    const small = await grown();
    const { world } = small;
    void world.queueStroke(doer('Bob'), { id: 1, tool: 'ablate', radius: 2, points: [PLACE.x + 2, PLACE.y] });
    await world.applyStrokes();
    await makeSick(small, tumour);
    await live(small, 1);
    expect(world.wounds.isOpen(1)).toBe(true);
    await live(small, 5);
    expect(world.wounds.isOpen(1)).toBe(false);
    const closed = world.wounds.take()!.find(({ type }) => type === 'closed');
    expect(closed).toMatchObject({ healedInSteps: null });
  });

  test('a stroke meanwhile opens no wound: growing from the seed is not healing', async () => {
    const small = await grown();
    const { world } = small;
    await makeSick(small, tumour);
    await live(small, 4);
    expect(world.overview.inspect(1)!.absence).toBe('wilting');
    const answer = world.queueStroke(doer('Bob'), {
      id: 1,
      tool: 'ablate',
      radius: 2,
      points: [PLACE.x, PLACE.y],
    });
    await world.applyStrokes();
    expect(await answer).toMatchObject({ ok: true });
    expect(world.wounds.isOpen(1)).toBe(false);
    await live(small, 5);
    await expectWhole(small);
    expect(world.wounds.take()).toBeNull();
  });

  test('a swap meanwhile is not rolled back for it', async () => {
    const small = await grown();
    const { world } = small;
    await makeSick(small, tumour);
    await live(small, 3.5);
    expect(world.overview.inspect(1)!.absence).toBe('wilting');
    const outcomes: string[] = [];
    world.swaps.onOutcome = ({ verdict }) => outcomes.push(verdict);
    const next = { ...world.rules.at(0), sha256: 'next', label: 'blob v2' };
    const order = { id: 1, species: 'blob', scope: 'organism', organism: 1, who: '' } as const;
    expect(await world.swap(order, next)).toMatchObject({ ok: true });
    await live(small, 25);
    expect(outcomes).toEqual(['in force']);
    await expectWhole(small);
    expect(world.overview.inspect(1)!.rule).toBe('blob v2');
  });

  test('it waits while another organism holds the cell of its seed', async () => {
    const small = await grown();
    await makeSick(small, tumour);
    await live(small, 4.5);
    const { world, engine } = small;
    world.plantAt('blob', PLACE.x, PLACE.y);
    await live(small, 10);
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'wilting', cells: 0, health: 0 });
    engine.perturb({ kind: 'ablate', x0: PLACE.x, y0: PLACE.y, x1: PLACE.x, y1: PLACE.y, radius: 20 });
    await live(small, 5);
    await expectWhole(small);
  });

  test('it waits while the engine has no room for another page', async () => {
    const small = await grown();
    await makeSick(small, tumour);
    await live(small, 5);
    const { engine, world } = small;
    const plant = engine.plant.bind(engine);
    let isFull = true;
    engine.plant = (...seed) => {
      if (isFull) seed[1] = 77; // an empty slot: refused with an EngineError, as a full engine does
      return plant(...seed);
    };
    await live(small, 5);
    expect(world.overview.inspect(1)).toMatchObject({ absence: 'wilting', cells: 0 });
    isFull = false;
    await live(small, 5);
    await expectWhole(small);
  });

  test('an admin who clears its place ends it', async () => {
    const small = await grown();
    await makeSick(small, tumour);
    await live(small, 5);
    await small.world.removals.clear(PLACE.x, PLACE.y, 20);
    await live(small, 30);
    expect(small.world.overview.summaries()).toEqual([]);
  });
});

describe('a body that wilts again and again', () => {
  /** Seconds without a body, each time after another wilting. */
  async function absences(count: number): Promise<number[]> {
    const small = await grown();
    const seconds: number[] = [];
    for (let time = 0; time < count; time++) {
      await live(small, 11);
      await makeSick(small, exploded);
      await live(small, 1);
      expect(small.world.overview.inspect(1)!.absence).toBe('wilting');
      let absent = 0;
      for (; small.world.overview.inspect(1)!.absence !== null; absent++) await live(small, 1);
      seconds.push(absent);
    }
    return seconds;
  }

  test('waits 20 s the second time, 40 s the third, and so on', async () => {
    const waits = await absences(4);
    for (const [time, expected] of [2, 22, 42, 82].entries())
      expect(Math.abs(waits[time] - expected)).toBeLessThanOrEqual(1);
  });

  test('waits as long when the world was restarted meanwhile', async () => {
    const first = await grown();
    for (let time = 0; time < 2; time++) {
      await live(first, 11);
      await makeSick(first, exploded);
      await live(first, 3);
    }
    const second = await makeSmall();
    await second.world.restore(structuredClone(await stateOf(first.world)));
    // It had dissolved some tenths of a second before the world stopped.
    await live(second, 19);
    expect(second.world.overview.inspect(1)!.absence).toBe('wilting');
    await live(second, 2);
    expect(second.world.overview.inspect(1)!.absence).toBeNull();
    await live(second, 11);
    const third = await makeSmall();
    await third.world.restore(structuredClone(await stateOf(second.world)));
    await makeSick(third, exploded);
    await live(third, 41);
    expect(third.world.overview.inspect(1)!.absence).toBe('wilting');
    await live(third, 3);
    expect(third.world.overview.inspect(1)!.absence).toBeNull();
  });

  test('at most 10 minutes', async () => {
    const waits = await absences(8);
    expect(Math.max(...waits)).toBeLessThanOrEqual(603);
    expect(waits.at(-1)).toBeGreaterThan(598);
  });
});

describe('no body wilts', () => {
  const expectNobodyWilts = async (
    small: SmallWorld,
    seconds: number,
    stepsPerSecond = 30,
  ): Promise<void> => {
    await live(small, seconds, stepsPerSecond);
    expect(small.world.wilting.take()).toBeNull();
    expect(small.world.overview.inspect(1)!.absence).toBeNull();
  };

  test('that is whole', async () => {
    await expectNobodyWilts(await grown(), 60);
  });

  test('while it is struck again and again, and heals', async () => {
    const small = await grown();
    for (let stroke = 0; stroke < 12; stroke++) {
      const half = { id: 1, tool: 'ablate', radius: 3, points: [PLACE.x - 4, PLACE.y] } as const;
      void small.world.queueStroke(doer('Bob'), half);
      await small.world.applyStrokes();
      await expectNobodyWilts(small, 5);
    }
  });

  test('whose last stroke is less than 20 s ago', async () => {
    const small = await grown();
    await makeSick(small, weak);
    for (let stroke = 0; stroke < 3; stroke++) {
      const dab = { id: 1, tool: 'ablate', radius: 1, points: [PLACE.x + 3, PLACE.y] } as const;
      void small.world.queueStroke(doer('Bob'), dab);
      await small.world.applyStrokes();
      await expectNobodyWilts(small, 19);
    }
    await live(small, 2);
    expect(small.world.overview.inspect(1)!.absence).toBe('wilting');
  });

  test('that still grows from its seed', async () => {
    const small = await makeSmall();
    small.world.plantAt('blob', PLACE.x, PLACE.y);
    await live(small, 1);
    await makeSick(small, tumour);
    await expectNobodyWilts(small, 8);
  });

  test('while the world is paused', async () => {
    const small = await grown();
    await makeSick(small, tumour);
    await expectNobodyWilts(small, 60, 0);
    await live(small, 4);
    expect(small.world.overview.inspect(1)!.absence).toBe('wilting');
  });

  test('in a slow world before it has had 600 steps to heal in', async () => {
    const small = await grown();
    await makeSick(small, weak);
    // 600 steps are 60 s.
    await expectNobodyWilts(small, 55, 10);
    await live(small, 20, 10);
    expect(small.world.wilting.take()).toMatchObject([{ cause: 'out of shape' }]);
  });

  test('while the swap of its rule is being watched: the rule is rolled back', async () => {
    const small = await grown();
    const { world } = small;
    const next = { ...world.rules.at(0), sha256: 'next', label: 'blob v2' };
    const outcomes: string[] = [];
    world.swaps.onOutcome = ({ verdict }) => outcomes.push(verdict);
    expect(await world.swap({ id: 1, species: 'blob', scope: 'species', who: '' }, next)).toMatchObject({
      ok: true,
    });
    await makeSick(small, tumour);
    await live(small, 1);
    expect(outcomes).toEqual(['rolled back']);
    expect(world.wilting.take()).toBeNull();
    await expectWhole(small);
  });
});

describe('a save with a sick body in it', () => {
  test.each([
    ['a body three times its size', tumour, 10],
    ['an exploded body', exploded, 6],
    ['a body of NaN', disc(20, Number.NaN), 6],
  ] as const)('%s is whole some seconds after the restart', async (_, paint, seconds) => {
    const first = await grown();
    await live(first, 3);
    const saved = await stateOf(first.world);
    const sick = painted({ ...saved, organisms: [] }, paint);
    const second = await makeSmall();
    await second.world.restore({ ...saved, pages: sick.pages });
    await live(second, seconds + 3);
    await expectWhole(second);
    expect(second.world.overview.inspect(1)!.marks.at(-1)!.label).toMatch(/^wilted: /);
  });

  test('a body that was dissolving when the world stopped goes on dissolving', async () => {
    for (const seconds of [3.5, 5.2]) {
      const small = await grown();
      await makeSick(small, tumour);
      await live(small, seconds);
      expect(small.world.overview.inspect(1)!.absence).toBe('wilting');
      const second = await makeSmall();
      await second.world.restore(structuredClone(await stateOf(small.world)));
      expect(second.world.overview.inspect(1)!.absence).toBe('wilting');
      await live(second, 5);
      await expectWhole(second);
    }
  });
});

describe('a territory', () => {
  const reach = 3 + TERRITORY_MARGIN;
  /** How far the organism's cells reach to the left and right of its place. */
  async function reachOf({ engine }: SmallWorld): Promise<[left: number, right: number]> {
    const owners = new Uint16Array(64);
    await engine.readOwners({ x: 0, y: PLACE.y, width: 64, height: 1 }, owners);
    return [PLACE.x - owners.indexOf(1), owners.lastIndexOf(1) - PLACE.x];
  }
  const bar: Paint = (dx, dy) => (Math.abs(dx) <= 25 && dy === 0 ? { heart: 1 } : null);

  test('bounds a body to the box of its mature form and 8 cells around it, from its planting on', async () => {
    const small = await grown();
    await makeSick(small, bar);
    await small.engine.step(5);
    expect(await reachOf(small)).toEqual([reach, reach]);
  });

  test('is known again after a restart, though no save holds it', async () => {
    const first = await grown();
    const saved = await stateOf(first.world);
    const second = await makeSmall();
    await second.world.restore({ ...saved, pages: painted({ ...saved, organisms: [] }, bar).pages });
    expect(await reachOf(second)).toEqual([reach, reach]);
    await second.engine.step(5);
    expect(await reachOf(second)).toEqual([reach, reach]);
  });

  test('follows a body that has moved', async () => {
    const small = await grown();
    // The whole body, two cells farther right.
    const state = await small.engine.save();
    const [page] = state.pages;
    const moved = {
      page: page.page,
      cells: new Float32Array(page.cells.length),
      owners: new Uint16Array(4096),
    };
    for (let cell = 0; cell < 4096 - 2; cell++) {
      if (page.owners[cell] === 0) continue;
      moved.owners[cell + 2] = page.owners[cell];
      moved.cells.set(page.cells.subarray(cell * 16, cell * 16 + 16), (cell + 2) * 16);
    }
    await small.engine.restore({ ...state, pages: [moved] });
    await live(small, 5);
    expect(small.world.overview.inspect(1)).toMatchObject({ x: PLACE.x + 2, y: PLACE.y });
    await makeSick(small, bar);
    expect(await reachOf(small)).toEqual([reach - 2, reach + 2]);
  });
});
