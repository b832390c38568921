/** Bodies that sleep. Part of the contract (`contract.ts`). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Engine,
  EngineError,
  type EngineOptions,
  type EngineState,
  type OrganismId,
  type PageState,
  type Piece,
  REACH,
} from '../../server/engines/engine.ts';
import { piecesIn } from '../../server/engines/pieces.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { PAGE_BYTES, PAGE_CELLS, pagesAcross, type Rect } from '../../shared/geometry.ts';
import {
  changedPages,
  expectSameState,
  RULES,
  randomRule,
  randomState,
  seededRandom,
  setRules,
} from './fixtures.ts';

const WORLD = { width: 200, height: 130 };
const EVERYWHERE: Rect = { x: 0, y: 0, ...WORLD };
const PAGES = pagesAcross(WORLD.width) * pagesAcross(WORLD.height);
const EMPTY = { stepNumber: 7, randomSeed: 3, organisms: [], pages: [] };
/** Grows by about a cell in each step. */
const GROWING = 5;

export interface SleepingOptions {
  /** Rounds of the test with random acts; default 40. */
  readonly rounds?: number;
}

/** @param create - fresh engines; disposed of at the end */
export function describeSleep(
  create: (options: EngineOptions) => Promise<Engine>,
  { rounds = 40 }: SleepingOptions = {},
): void {
  describe('sleep', () => {
    let engine: Engine;
    /** Of the same kind; in it everyone is awake. */
    let model: Engine;

    beforeAll(async () => {
      engine = await create({ ...WORLD, randomSeed: 1 });
      model = await create({ ...WORLD, randomSeed: 1 });
    });

    beforeEach(async () => {
      for (const made of [engine, model]) {
        setRules(made);
        made.setRule(GROWING, randomRule(7, 8, 1, 0.4));
        await made.restore(EMPTY);
        await changedPages(made);
      }
    });

    afterAll(() => {
      engine.dispose();
      model.dispose();
    });

    /** Two grown bodies far from each other; 2 sleeps. */
    async function twoBodies(): Promise<EngineState> {
      engine.plant(1, 0, 30, 60);
      engine.plant(2, 0, 126, 62);
      await engine.step(8);
      await engine.sleep(2);
      await changedPages(engine);
      return engine.save();
    }

    test('a sleeper keeps its cells to the bit while others are stepped, and is drawn, read and counted', async () => {
      const before = await twoBodies();
      expect(engine.isAsleep(2)).toBe(true);
      expect(engine.isAsleep(1)).toBe(false);
      await engine.step(5);
      expect(engine.stepNumber).toBe(20);
      const after = await engine.save();
      expect(after.organisms).toContainEqual({ id: 2, rule: 0, isAsleep: true });
      expectSameState(without(after, 1), { ...without(before, 1), stepNumber: 20 }, WORLD, 0);
      expect(without(after, 2).pages).not.toEqual(without(before, 2).pages);
      await model.restore(awake(after));
      await expectSameReadings(engine, model);
    });

    test('when all sleep, steps only count, no page changes, and saves keep every page', async () => {
      await twoBodies();
      await engine.sleep(1);
      await engine.step(1);
      await changedPages(engine);
      const before = await engine.save();
      await engine.takeChanges();
      await engine.step(30);
      expect(engine.stepNumber).toBe(before.stepNumber + 30);
      expect(await changedPages(engine)).toEqual(new Map());
      const { changed, kept } = await engine.takeChanges();
      expect(changed).toEqual([]);
      expect(kept.toSorted()).toEqual(before.pages.map(({ page }) => page).toSorted());
      expectSameState(await engine.save(), { ...before, stepNumber: engine.stepNumber }, WORLD, 0);
    });

    test('a body that falls asleep and wakes between two steps is as if it had not slept', async () => {
      await twoBodies();
      engine.wake(2);
      await model.restore(await engine.save());
      for (const id of [1, 2]) {
        await engine.sleep(id);
        engine.wake(id);
      }
      await engine.step(6);
      await model.step(6);
      expectSameState(await engine.save(), await model.save(), WORLD, 0);
    });

    test('those that are awake are listed, and cells are counted of those that are asked for', async () => {
      await twoBodies();
      engine.plant(9, 0, 30, 10);
      await engine.sleep(9);
      expect([...engine.awakeIds()]).toEqual([1]);
      const all = new Map((await engine.census()).map(({ organism, cells }) => [organism, cells]));
      expect([...all.keys()].toSorted()).toEqual([1, 2, 9]);
      const some = await engine.census([9, 1, 77]);
      expect(some.toSorted((a, b) => a.organism - b.organism)).toEqual([
        { organism: 1, cells: all.get(1) },
        { organism: 9, cells: 1 },
      ]);
      engine.wake(9);
      expect([...engine.awakeIds()].toSorted()).toEqual([1, 9]);
      await engine.step(1);
      expect([...engine.awakeIds()].toSorted()).toEqual([1, 9]);
      engine.remove(1);
      expect([...engine.awakeIds()]).toEqual([9]);
    });

    test.each<{ what: string; act: () => void }>([
      {
        what: 'a cut that takes one of its cells',
        act: () => engine.perturb({ kind: 'ablate', x0: 126, y0: 62, x1: 126, y1: 62, radius: 0.5 }),
      },
      {
        what: 'noise on an opaque cell',
        act: () =>
          engine.perturb({
            kind: 'noise',
            capsules: [{ x0: 126, y0: 62, x1: 126, y1: 62, radius: 0 }],
            amplitude: 0.1,
            salt: 1,
          }),
      },
      {
        what: 'a truncation',
        act: () => engine.perturb({ kind: 'truncate', organism: 2, x: 126, y: 62, radius: 1 }),
      },
      { what: 'a seed in its place', act: () => engine.plant(3, 1, 126, 62) },
      { what: 'another rule', act: () => engine.setOrganismRule(2, 2) },
      { what: 'a change of its rule', act: () => engine.setRule(0, RULES[2]) },
      {
        what: 'a territory',
        act: () => engine.setTerritory(2, { x: 100, y: 30, width: 60, height: 60 }),
      },
      { what: 'a call', act: () => engine.wake(2) },
    ])('$what wakes it', async ({ act }) => {
      await twoBodies();
      engine.takeWoken();
      act();
      expect(engine.isAsleep(2)).toBe(false);
      expect(engine.takeWoken()).toEqual([2]);
      expect(engine.takeWoken()).toEqual([]);
    });

    test.each<{ what: string; act: () => void }>([
      {
        what: 'a stroke beside it',
        act: () => engine.perturb({ kind: 'ablate', x0: 126, y0: 20, x1: 126, y1: 20, radius: 9 }),
      },
      {
        what: 'a truncation that takes nothing',
        act: () => engine.perturb({ kind: 'truncate', organism: 2, x: 126, y: 62, radius: 500 }),
      },
      { what: 'the rule that it has', act: () => engine.setOrganismRule(2, 0) },
      { what: 'the territory that it has', act: () => engine.setTerritory(2, undefined) },
      { what: 'what is done to others', act: () => engine.setOrganismRule(1, 1) },
      { what: 'a call that is refused', act: () => expect(() => engine.wake(9)).toThrow(EngineError) },
    ])('$what does not wake it', async ({ act }) => {
      await twoBodies();
      engine.takeWoken();
      act();
      await engine.step(1);
      expect(engine.isAsleep(2)).toBe(true);
      expect(engine.takeWoken()).toEqual([]);
    });

    test('a body that grows towards a sleeper wakes it before the step in which they can meet, and it wakes the next', async () => {
      engine.plant(1, 1, 70, 60);
      engine.plant(2, 1, 72, 60);
      engine.plant(3, GROWING, 50, 60);
      for (const id of [1, 2]) await engine.sleep(id);
      let asleepFor = 0;
      for (; engine.isAsleep(1); asleepFor++) {
        const state = await engine.save();
        const isNear = closest(state, 3, 1) <= REACH;
        await engine.step(1);
        expect(engine.isAsleep(1)).toBe(!isNear);
        if (!isNear) expect(await engine.census()).toContainEqual({ organism: 1, cells: 1 });
        expect(asleepFor).toBeLessThan(40);
      }
      expect(asleepFor).toBeGreaterThan(5);
      expect(engine.takeWoken().toSorted()).toEqual([1, 2]);
    });

    test('a body beside one that is awake cannot sleep; both can', async () => {
      engine.plant(1, 0, 70, 60);
      engine.plant(2, 0, 72, 60);
      await engine.step(3);
      await engine.sleep(1);
      await engine.step(1);
      expect(engine.isAsleep(1)).toBe(false);
      await engine.sleep(1);
      await engine.sleep(2);
      await engine.step(3);
      expect([1, 2].map((id) => engine.isAsleep(id))).toEqual([true, true]);
    });

    test('an organism that is not there cannot sleep; one that was removed asleep leaves nothing and frees its id', async () => {
      await expect(engine.sleep(9)).rejects.toThrow(EngineError);
      await twoBodies();
      engine.remove(2);
      expect(engine.isAsleep(2)).toBe(false);
      expect(engine.takeWoken()).toEqual([]);
      const state = await engine.save();
      expect(without(state, 1).pages).toEqual([]);
      await changedPages(engine);
      engine.plant(2, 0, 126, 62);
      expect(await engine.census()).toContainEqual({ organism: 2, cells: 1 });
    });

    test('a save brings sleepers back asleep, and loaded pages are kept', async () => {
      const before = await twoBodies();
      for (const put of [() => engine.restore(before), () => engine.load(before, before.pages)]) {
        await engine.restore(EMPTY);
        await put();
        expect(engine.isAsleep(2)).toBe(true);
        expectSameState(await engine.save(), before, WORLD, 0);
        await model.restore(awake(before));
        await expectSameReadings(engine, model);
      }
      expect((await engine.takeChanges()).changed).toEqual([]);
    });

    test('a page that an awake body leaves to a sleeper has changed', async () => {
      await twoBodies();
      engine.plant(3, 0, 90, 20);
      await engine.step(3);
      const before = await engine.save();
      const shared = before.pages.find(({ owners }) => owners.includes(2) && owners.includes(3))!;
      expect(engine.isAsleep(2)).toBe(true);
      for (const begin of [() => engine.takeChanges(), () => engine.load(before, before.pages)]) {
        await engine.restore(before);
        await begin();
        engine.perturb({ kind: 'truncate', organism: 3, x: 0, y: 0, radius: 0 });
        const left = await engine.save();
        expect(left.pages.flatMap(({ owners }) => [...new Set(owners)])).not.toContain(3);
        const { changed, kept } = await engine.takeChanges();
        expect([changed.includes(shared.page), kept.includes(shared.page)]).toEqual([true, false]);
      }
    });

    test('a sleeper outside its bounds is mended, and its page is changed', async () => {
      const { pages, organisms, ...facts } = await twoBodies();
      const territory = { x: 120, y: 30, width: 5, height: 80 };
      const confined = organisms.map((one) => (one.id === 2 ? { ...one, territory } : one));
      await engine.load({ ...facts, organisms: confined }, pages);
      const found = new Uint16Array(WORLD.width * WORLD.height);
      await engine.readOwners(EVERYWHERE, found);
      const columns = Array.from(found.keys())
        .filter((cell) => found[cell] === 2)
        .map((cell) => cell % WORLD.width);
      expect(columns.length).toBeGreaterThan(0);
      expect(Math.min(...columns)).toBeGreaterThanOrEqual(120);
      expect(Math.max(...columns)).toBeLessThan(125);
      expect((await engine.takeChanges()).changed).toContain(1);
    });

    test('through random sleeps, acts and steps, sleepers are as they were and all others as if nobody slept', {
      timeout: 300_000,
    }, async () => {
      const random = seededRandom(41);
      const shown = new Map<number, Uint8Array>();
      const store = new Map<number, PageState>();
      let stepsAsleep = 0;
      let met = 0;
      for (let round = 0; round < rounds; round++) {
        if (round % 20 === 0) {
          const state = randomState(round, WORLD, 9);
          await engine.restore({
            ...state,
            organisms: state.organisms.map((one) => atHome(one, state, random)),
          });
        }
        const before = await engine.save();
        const sleepers = new Set(before.organisms.filter(({ isAsleep }) => isAsleep).map(({ id }) => id));
        engine.takeWoken();
        await model.restore(awake(before));
        await disturb([engine, model], before, sleepers, random, round);
        const acted = await engine.save();
        const woken = new Set(engine.takeWoken());
        for (const id of woken) sleepers.delete(id);
        expect(asleep(acted), `round ${round}`).toEqual([...sleepers].toSorted());
        expectSameState(awake(acted), await model.save(), WORLD, 0);
        for (const id of changedBodies(before, acted)) expect(sleepers.has(id)).toBe(false);

        const steps = Math.floor(random() * 5);
        await engine.step(steps);
        let expected = acted;
        for (let step = 0; step < steps; step++) {
          for (const id of reached(expected, sleepers)) {
            sleepers.delete(id);
            met++;
          }
          stepsAsleep += sleepers.size;
          await model.restore(awake(expected));
          await model.step(1);
          expected = kept(expected, await model.save(), sleepers);
        }
        const after = await engine.save();
        expect(asleep(after), `round ${round}, after ${steps} steps`).toEqual([...sleepers].toSorted());
        expectSameState(awake(after), awake(expected), WORLD, 0);

        await model.restore(awake(expected));
        for (const [page, rgba] of await changedPages(engine)) shown.set(page, rgba);
        await expectSameReadings(engine, model, shown);
        if (random() < 0.4) await expectSaved(engine, store);
        if (random() < 0.2) await engine.restore(await engine.save());
      }
      expect(stepsAsleep).toBeGreaterThan(rounds);
      expect(met).toBeGreaterThan(rounds / 10);
    });
  });
}

const awake = (state: EngineState): EngineState => ({
  ...state,
  organisms: state.organisms.map(({ isAsleep: _, ...one }) => one),
});

const asleep = ({ organisms }: EngineState): OrganismId[] =>
  organisms
    .filter(({ isAsleep }) => isAsleep)
    .map(({ id }) => id)
    .toSorted();

/** Gives half of the organisms a territory around one of their cells. */
function atHome(
  one: EngineState['organisms'][number],
  state: EngineState,
  random: () => number,
): EngineState['organisms'][number] {
  const cell = ownersOf(state).indexOf(one.id);
  if (random() < 0.5 || cell < 0) return one;
  const reach = 4 + Math.floor(random() * 20);
  const x = (cell % WORLD.width) - reach;
  const y = Math.floor(cell / WORLD.width) - reach;
  return { ...one, territory: { x, y, width: 2 * reach, height: 2 * reach } };
}

/** One random act, of both engines; only the first one's bodies fall asleep. */
async function disturb(
  [engine, model]: readonly [Engine, Engine],
  state: EngineState,
  sleepers: Set<OrganismId>,
  random: () => number,
  round: number,
): Promise<void> {
  const ids = state.organisms.map(({ id }) => id);
  const id = ids[Math.floor(random() * ids.length)];
  // At one of its cells, if it has any.
  const cell = Math.max(0, ownersOf(state).indexOf(id));
  const [x, y] = [cell % WORLD.width, Math.floor(cell / WORLD.width)];
  const near = { x0: x, y0: y, x1: x + 4, y1: y + 2, radius: random() * 4 };
  const kind = Math.floor(random() * 12);
  if (kind < 5) {
    for (const one of ids)
      if (random() < 0.7) {
        await engine.sleep(one);
        sleepers.add(one);
      }
    return;
  }
  // Beside where it was, so that it meets others.
  const moved = new Map([[id, piecesIn(state.pages, [id]).get(id)?.map(shifted) ?? []]]);
  for (const made of [engine, model]) {
    if (kind === 5) made.perturb({ kind: 'ablate', ...near });
    else if (kind === 6) made.perturb({ kind: 'noise', capsules: [near], amplitude: 30, salt: round });
    else if (kind === 7) made.perturb({ kind: 'truncate', organism: id, x, y, radius: 3 });
    else if (kind === 8) made.plant(2_000 + round, round % 4, x, y);
    else if (kind === 9) made.setTerritory(id, round % 2 === 0 ? undefined : { x, y, width: 8, height: 7 });
    else if (kind === 10) made.setOrganismRule(id, round % 5);
    else if (round % 2 === 0) await made.putBodies(moved);
    else if (made === engine) made.wake(id);
  }
}

/** The piece, two columns further to the right; cells that would lie in another page are left out. */
function shifted({ page, cells, values }: Piece): Piece {
  const kept = [...cells.keys()].filter((i) => cells[i] % PAGE_CELLS < PAGE_CELLS - 2);
  return {
    page,
    cells: Uint16Array.from(kept, (i) => cells[i] + 2),
    values: Float32Array.from(kept.flatMap((i) => [...values.subarray(i * CHANNELS, (i + 1) * CHANNELS)])),
  };
}

const ownersOf = ({ pages }: EngineState): Uint16Array => {
  const owners = new Uint16Array(WORLD.width * WORLD.height);
  for (const { page, owners: own } of pages) {
    const left = (page % pagesAcross(WORLD.width)) * PAGE_CELLS;
    const top = Math.floor(page / pagesAcross(WORLD.width)) * PAGE_CELLS;
    for (const [cell, owner] of own.entries()) {
      const x = left + (cell % PAGE_CELLS);
      const y = top + Math.floor(cell / PAGE_CELLS);
      if (owner !== 0) owners[y * WORLD.width + x] = owner;
    }
  }
  return owners;
};

/** The least number of rows or columns between cells of two bodies. */
function closest(state: EngineState, a: OrganismId, b: OrganismId): number {
  const owners = ownersOf(state);
  const placesOf = (id: OrganismId) =>
    Array.from(owners.keys())
      .filter((cell) => owners[cell] === id)
      .map((cell) => [cell % WORLD.width, Math.floor(cell / WORLD.width)]);
  const others = placesOf(b);
  let least = Number.POSITIVE_INFINITY;
  for (const [ax, ay] of placesOf(a))
    for (const [bx, by] of others) least = Math.min(least, Math.max(Math.abs(ax - bx), Math.abs(ay - by)));
  return least;
}

/** The sleepers that somebody awake could meet in the next step, and whom these could meet in turn. */
function reached(state: EngineState, sleepers: ReadonlySet<OrganismId>): Set<OrganismId> {
  const owners = ownersOf(state);
  const found = new Set<OrganismId>();
  for (let before = -1; found.size !== before; ) {
    before = found.size;
    for (const [cell, owner] of owners.entries()) {
      if (!sleepers.has(owner) || found.has(owner)) continue;
      const [x, y] = [cell % WORLD.width, Math.floor(cell / WORLD.width)];
      for (let ny = Math.max(0, y - REACH); ny <= Math.min(WORLD.height - 1, y + REACH); ny++) {
        for (let nx = Math.max(0, x - REACH); nx <= Math.min(WORLD.width - 1, x + REACH); nx++) {
          const other = owners[ny * WORLD.width + nx];
          if (other !== 0 && (!sleepers.has(other) || found.has(other))) found.add(owner);
        }
      }
    }
  }
  return found;
}

/** What a step makes of a world, if these bodies are left as they were and nothing else grows from them. */
function kept(before: EngineState, stepped: EngineState, sleepers: ReadonlySet<OrganismId>): EngineState {
  const pages = new Map<number, PageState>();
  const pageIn = (state: EngineState, index: number) => state.pages.find(({ page }) => page === index);
  for (let index = 0; index < PAGES; index++) {
    const was = pageIn(before, index);
    const is = pageIn(stepped, index);
    const made = {
      page: index,
      cells: is?.cells.slice() ?? new Float32Array(PAGE_CELLS * PAGE_CELLS * CHANNELS),
      owners: is?.owners.slice() ?? new Uint16Array(PAGE_CELLS * PAGE_CELLS),
    };
    for (let cell = 0; cell < made.owners.length; cell++) {
      const channels = made.cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS);
      if (was !== undefined && sleepers.has(was.owners[cell])) {
        made.owners[cell] = was.owners[cell];
        channels.set(was.cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS));
      } else if (sleepers.has(made.owners[cell])) {
        made.owners[cell] = 0;
        channels.fill(0);
      }
    }
    if (made.owners.some((owner) => owner !== 0)) pages.set(index, made);
  }
  return { ...stepped, pages: [...pages.values()] };
}

/** A state without the cells of an organism; pages without any other are left out. */
function without(state: EngineState, organism: OrganismId): EngineState {
  const organisms = state.organisms.filter(({ id }) => id !== organism);
  return { ...kept({ ...state, pages: [] }, state, new Set([organism])), organisms };
}

/** Organisms of which a cell differs. */
function changedBodies(before: EngineState, after: EngineState): Set<OrganismId> {
  const bodies = (state: EngineState) => {
    const found = new Map<OrganismId, number[]>();
    for (const { page, cells, owners } of state.pages.toSorted((a, b) => a.page - b.page))
      for (const [cell, owner] of owners.entries())
        if (owner !== 0) {
          const body = found.get(owner) ?? [];
          body.push(page, cell, ...cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS));
          found.set(owner, body);
        }
    return found;
  };
  const [a, b] = [bodies(before), bodies(after)];
  const isSame = (id: OrganismId): boolean => {
    const [was, is] = [a.get(id) ?? [], b.get(id) ?? []];
    return was.length === is.length && was.every((value, i) => Object.is(value, is[i]));
  };
  return new Set([...a.keys(), ...b.keys()].filter((id) => !isSame(id)));
}

/** @param shown - what the visits of changed pages have shown so far */
async function expectSameReadings(
  engine: Engine,
  model: Engine,
  shown?: ReadonlyMap<number, Uint8Array>,
): Promise<void> {
  const byId = (one: { organism: number }, other: { organism: number }) => one.organism - other.organism;
  const census = (await model.census()).sort(byId);
  expect((await engine.census()).sort(byId)).toEqual(census);
  for (const rect of [EVERYWHERE, { x: -5, y: 50, width: 90, height: 30 }]) {
    const [a, b] = [9, 0].map((fill) => new Uint16Array(rect.width * rect.height).fill(fill));
    await engine.readOwners(rect, a);
    await model.readOwners(rect, b);
    expect(a).toEqual(b);
    for (const { organism } of census.slice(0, 3)) {
      const [c, d] = [9, 0].map((fill) => new Float32Array(rect.width * rect.height * 4).fill(fill));
      await engine.readOrganism(organism, rect, c);
      await model.readOrganism(organism, rect, d);
      expect(c).toEqual(d);
    }
  }
  const all = new Map<number, Uint8Array>();
  await engine.visitAll((page, rgba) => {
    all.set(page, rgba.slice());
  });
  const [got, want] = [new Uint8Array(PAGE_BYTES), new Uint8Array(PAGE_BYTES)];
  for (let page = 0; page < PAGES; page++) {
    await model.readPage(page, want);
    await engine.readPage(page, got);
    expect(got).toEqual(want);
    expect(all.get(page) ?? new Uint8Array(PAGE_BYTES)).toEqual(want);
    if (shown !== undefined) expect(shown.get(page) ?? new Uint8Array(PAGE_BYTES)).toEqual(want);
  }
}

/** Saves what changed into a store, and expects the store to hold the world. */
async function expectSaved(engine: Engine, store: Map<number, PageState>): Promise<void> {
  const { changed, kept: same } = await engine.takeChanges();
  const copies = await engine.copyPages(changed);
  for (const page of [...store.keys()]) if (!same.includes(page)) store.delete(page);
  for (const page of copies) store.set(page.page, page);
  const state = await engine.save();
  expectSameState({ ...state, pages: [...store.values()] }, state, WORLD, 0);
}
