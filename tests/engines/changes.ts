/** What an engine says about the pages that a save need not copy. Part of the contract (`contract.ts`). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Engine,
  type EngineChanges,
  EngineError,
  type EngineOptions,
  type EngineState,
  isSamePage,
  type PageState,
} from '../../server/engines/engine.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { randomRule, randomState, seededRandom, setRules, stillRule } from './fixtures.ts';
import { disturb, REST, SIZE, settlingRule } from './resting.ts';

const STILL = 5;

/** What a store holds that is given the changed pages of every save. */
class Store {
  pages = new Map<number, PageState>();

  /** Takes one save over, and expects it to be the world. */
  async save(engine: Engine): Promise<EngineChanges> {
    const changes = await engine.takeChanges();
    const changed = await engine.copyPages(changes.changed);
    const kept = changes.kept.map((page) => this.pages.get(page)!);
    this.pages = byIndex([...changed, ...kept]);
    const { pages, ...facts } = await engine.save();
    expect(changes).toMatchObject(facts);
    expect([...this.pages.keys()].sort()).toEqual(pages.map(({ page }) => page).sort());
    for (const page of pages) expect(isSamePage(this.pages.get(page.page)!, page)).toBe(true);
    return changes;
  }
}

const byIndex = (pages: readonly PageState[]): Map<number, PageState> =>
  new Map(pages.map((page) => [page.page, page]));

/** Hands the pages out one after another, as a file does. */
async function* oneByOne(pages: readonly PageState[]): AsyncGenerator<PageState> {
  for (const page of pages) yield page;
}

/** @param create - a fresh engine; disposed of at the end */
export function describeChanges(create: (options: EngineOptions) => Promise<Engine>): void {
  describe('what changed since the last save', () => {
    let engine: Engine;
    let store: Store;

    beforeAll(async () => {
      engine = await create({ ...SIZE, randomSeed: 1, rest: REST });
    });

    beforeEach(async () => {
      setRules(engine);
      engine.setRule(STILL, stillRule());
      await engine.restore({ stepNumber: 0, randomSeed: 3, organisms: [], pages: [] });
      store = new Store();
      await store.save(engine);
    });

    afterAll(() => engine.dispose());

    test('through random steps and edits, kept pages equal the last save to the bit, and no change is missing', async () => {
      const random = seededRandom(31);
      for (let slot = 0; slot < 3; slot++) engine.setRule(slot, settlingRule(slot));
      engine.plant(1, 0, 63, 63);
      let kept = 0;
      for (let round = 0; round < 60; round++) {
        disturb([engine], random, round);
        await engine.step(Math.floor(random() * 3));
        if (random() < 0.4) await engine.visitChanged(() => {});
        if (random() < 0.5) kept += (await store.save(engine)).kept.length;
      }
      await engine.step(100);
      await store.save(engine);
      await engine.step(3);
      expect(kept + (await store.save(engine)).kept.length).toBeGreaterThan(0);
    });

    test('in a world that stands still every page is kept, except those that an edit touches', async () => {
      engine.plant(1, STILL, 30, 30);
      engine.plant(2, STILL, 90, 30);
      await engine.step(2);
      expect((await store.save(engine)).kept).toEqual([]);
      await engine.step(20);
      expect((await store.save(engine)).changed).toEqual([]);
      engine.perturb({ kind: 'ablate', x0: 31, y0: 31, x1: 31, y1: 31, radius: 0.5 });
      await engine.visitChanged(() => {});
      const { changed, kept } = await store.save(engine);
      expect(changed).toContain(0);
      expect(kept).toEqual([1]);
    });

    test('a change of hidden channels alone is a change', async () => {
      const rule = stillRule();
      rule.b2[9] = 0.25;
      engine.setRule(STILL, rule);
      engine.plant(1, STILL, 30, 30);
      await store.save(engine);
      await engine.visitChanged(() => {});
      await engine.step(1);
      await engine.visitChanged(() => {});
      expect((await store.save(engine)).changed).toEqual([0]);
      engine.setRule(STILL, stillRule());
      await engine.step(1);
      expect((await store.save(engine)).kept).toEqual([0]);
    });

    test('a page that was emptied, freed and made again is changed', async () => {
      engine.plant(1, STILL, 30, 30);
      await engine.step(1);
      await store.save(engine);
      engine.remove(1);
      await engine.step(3);
      expect(engine.pageCount).toBe(0);
      engine.plant(2, STILL, 40, 40);
      expect((await store.save(engine)).changed).toEqual([0]);
      engine.remove(2);
      expect(await store.save(engine)).toMatchObject({ changed: [], kept: [] });
      engine.plant(2, STILL, 40, 40);
      expect((await store.save(engine)).changed).toEqual([0]);
    });

    test('growth into the next page changes that page', async () => {
      engine.setRule(STILL, { ...randomRule(7, 8, 1, 0.4) });
      engine.plant(1, STILL, 61, 30);
      await engine.step(1);
      expect((await store.save(engine)).changed).toEqual([0]);
      await engine.step(6);
      expect((await store.save(engine)).changed).toContain(1);
    });

    test('a save of the whole world does not change which pages count as changed', async () => {
      engine.plant(1, STILL, 30, 30);
      await engine.save();
      expect((await store.save(engine)).changed).toEqual([0]);
    });

    test('after a restore, kept pages are still as the last save has them', async () => {
      const before = randomState(90, SIZE, 6);
      await engine.restore(before);
      await store.save(engine);
      await engine.step(1);
      const later = await engine.save();
      const mixed = { ...later, pages: later.pages.map((page, i) => (i % 2 === 0 ? before.pages[0] : page)) };
      const pages = [...byIndex(mixed.pages).values()];
      await engine.restore({ ...mixed, pages });
      await store.save(engine);
    });

    test('loaded pages are kept, except those that had to be mended', async () => {
      const state = randomState(91, SIZE, 6);
      await engine.restore(state);
      const saved = await engine.save();
      const wild = saved.pages[0];
      const cell = wild.owners.findIndex((owner) => owner !== 0);
      const cells = wild.cells.slice();
      cells[cell * CHANNELS + 7] = 1_000;
      const { page, owners } = wild;
      const pages = [{ page, cells, owners }, ...saved.pages.slice(1)];
      await engine.load(saved, oneByOne(pages));
      store.pages = byIndex(pages);
      expect((await store.save(engine)).changed).toEqual([page]);
      await engine.load(saved, saved.pages);
      store.pages = byIndex(saved.pages);
      expect((await store.save(engine)).changed).toEqual([]);
      await engine.step(1);
      await store.save(engine);
    });

    test('a loaded world has the same future as a restored one', async () => {
      const state = randomState(92, SIZE, 6);
      const futures: EngineState[] = [];
      for (const put of [() => engine.restore(state), () => engine.load(state, oneByOne(state.pages))]) {
        await put();
        await engine.step(4);
        futures.push(await engine.save());
      }
      expect(futures[1].stepNumber).toBe(futures[0].stepNumber);
      const first = byIndex(futures[0].pages);
      for (const page of futures[1].pages) expect(isSamePage(page, first.get(page.page)!)).toBe(true);
    });

    test('facts that do not fit leave the world as it is; after a page that does not fit, a restore makes the engine usable again', async () => {
      const state = randomState(93, SIZE, 3);
      await engine.restore(state);
      await expect(engine.load({ ...state, stepNumber: -1 }, [])).rejects.toThrow(EngineError);
      await store.save(engine);
      expect(store.pages.size).toBe(state.pages.length);
      const [first] = state.pages;
      for (const wrong of [[{ ...first, page: 9 }], [first, first]])
        await expect(engine.load(state, oneByOne(wrong))).rejects.toThrow(EngineError);
      await engine.restore(state);
      await engine.step(1);
      await store.save(engine);
    });

    test('pages without life and pages that do not exist are not copied', async () => {
      engine.plant(1, STILL, 30, 30);
      expect((await engine.copyPages([3, 0, 1])).map(({ page }) => page)).toEqual([0]);
    });
  });
}
