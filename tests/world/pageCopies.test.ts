import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Engine, EngineChanges, PageState } from '../../server/engines/engine.ts';
import { Turns } from '../../server/turns.ts';
import { FEW, MAX_COPIED, PageCopies } from '../../server/world/pageCopies.ts';

/** An engine of pages that count what was done to them, as their only cell. */
class CountingEngine {
  readonly pages = new Map<number, number>();
  readonly dirty = new Set<number>();
  /** Numbers of pages that were copied at once. */
  readonly asked: number[] = [];
  /** What happens in every frame. */
  moves: readonly number[] = [];

  constructor(count: number) {
    for (let page = 0; page < count; page++) this.change(page);
  }

  change(page: number): void {
    this.pages.set(page, (this.pages.get(page) ?? 0) + 1);
    this.dirty.add(page);
  }

  async takeChanges(): Promise<EngineChanges> {
    const all = [...this.pages.keys()];
    const changed = all.filter((page) => this.dirty.has(page));
    const kept = all.filter((page) => !this.dirty.has(page));
    this.dirty.clear();
    return { stepNumber: 0, randomSeed: 0, organisms: [], changed, kept };
  }

  async copyPages(pages: readonly number[]): Promise<PageState[]> {
    this.asked.push(pages.length);
    return pages.map((page) => ({
      page,
      cells: Float32Array.of(this.pages.get(page)!),
      owners: new Uint16Array(0),
    }));
  }
}

interface Setup {
  readonly hasStopped?: () => boolean;
  readonly isUnsaved?: (page: number) => boolean;
}

/** A save of the engine's pages, with a frame between any two pieces of work. */
function begin(engine: CountingEngine, { hasStopped = () => false, isUnsaved = () => false }: Setup = {}) {
  const turns = new Turns();
  const frame = (): Promise<void> =>
    turns.take(async () => {
      for (const page of engine.moves) engine.change(page);
    });
  const unsaved = new Set<number>();
  let moment: ReadonlyMap<number, number> | null = null;
  let kept: number[] = [];
  let gone: number[] = [];
  const copies = new PageCopies(engine as unknown as Engine, {
    isUnsaved,
    hasStopped,
    between: async (work) => {
      await frame();
      return turns.take(work);
    },
    pause: frame,
    atMoment: () => {
      moment = new Map(engine.pages);
      [kept, gone] = [copies.keptPages(), copies.gonePages()];
    },
    noteUnsaved: (pages) => {
      for (const page of pages) unsaved.add(page);
    },
  });
  const read = async () => {
    const found = new Map<number, number>();
    for await (const { page, cells } of copies.read()) found.set(page, cells[0]);
    for (const page of gone) found.delete(page);
    return { found, moment: moment!, kept, gone };
  };
  return { copies, read, turns, frame, unsaved };
}

test('few pages are copied at one moment, and nothing before it', async () => {
  const engine = new CountingEngine(FEW);
  engine.moves = [3];
  const { found, moment } = await begin(engine).read();
  expect(engine.asked).toEqual([FEW]);
  expect(found).toEqual(moment);
});

test('of many, those that stand still are copied a few at a time, and only the others at the moment', async () => {
  const engine = new CountingEngine(4_000);
  engine.moves = [7, 8, 9];
  const { copies, read } = begin(engine);
  const { found, moment } = await read();
  expect(found).toEqual(moment);
  expect(copies.count).toBe(4_000);
  expect(Math.max(...engine.asked)).toBeLessThan(FEW);
  expect(engine.asked.at(-1)).toBeLessThanOrEqual(3);
});

test('a page that changes after it was copied comes again, and one that ceases to exist is told', async () => {
  const engine = new CountingEngine(1_000);
  const { copies, read } = begin(engine);
  let count = 0;
  const reading = read();
  const copy = engine.copyPages.bind(engine);
  engine.copyPages = async (pages) => {
    const copied = await copy(pages);
    if (++count === 9) {
      engine.change(copied[0].page);
      engine.pages.delete(copied[1].page);
    }
    return copied;
  };
  const { found, moment, gone } = await reading;
  expect(gone).toHaveLength(1);
  expect(found).toEqual(moment);
  expect(copies.count).toBe(1_000);
});

test('pages that change all the time are copied once: at the moment', async () => {
  const engine = new CountingEngine(600);
  engine.moves = [...engine.pages.keys()];
  const { found, moment } = await begin(engine).read();
  expect(found).toEqual(moment);
  expect(engine.asked).toEqual([600]);
});

test('memory holds at most 1,024 pages, and the world waits while more than that are left that never stand still', async () => {
  const engine = new CountingEngine(3 * MAX_COPIED);
  engine.moves = [...engine.pages.keys()];
  const { copies, turns } = begin(engine);
  let read = 0;
  let most = 0;
  let hasTurned = false;
  for await (const _ of copies.read()) {
    if (read === 0) void turns.take(async () => (hasTurned = true));
    read++;
    const inMemory = engine.asked.reduce((sum, one) => sum + one, 0) - read;
    most = Math.max(most, inMemory);
    await Promise.resolve();
    if (read < 2 * MAX_COPIED) expect(hasTurned).toBe(false);
  }
  expect(read).toBe(3 * MAX_COPIED);
  expect(most).toBeLessThan(MAX_COPIED);
  await turn();
  expect(hasTurned).toBe(true);
});

test('whoever stops reading lets the world go on', async () => {
  const engine = new CountingEngine(3 * MAX_COPIED);
  engine.moves = [...engine.pages.keys()];
  const { copies, frame } = begin(engine);
  for await (const _ of copies.read()) break;
  await frame();
  expect(engine.dirty.size).toBe(3 * MAX_COPIED);
});

test('a world that has stopped is copied at one moment, however many pages it has', async () => {
  const engine = new CountingEngine(3_000);
  const { read } = begin(engine, { hasStopped: () => true });
  const { found, moment } = await read();
  expect(found).toEqual(moment);
  expect(engine.asked.slice(0, 3)).toEqual([64, 64, 64]);
});

test('what the store does not hold is copied, though the engine does not call it changed', async () => {
  const engine = new CountingEngine(10);
  engine.dirty.clear();
  engine.change(4);
  const { read, unsaved } = begin(engine, { isUnsaved: (page) => page === 6 });
  const { found, kept } = await read();
  expect([...found.keys()].sort()).toEqual([4, 6]);
  expect(kept).toEqual([0, 1, 2, 3, 5, 7, 8, 9]);
  expect([...unsaved].sort()).toEqual([4, 6]);
});
