import { expect, test } from 'vitest';
import type { Engine, PageState } from '../../server/engines/engine.ts';
import { copiesOf, MAX_COPIED } from '../../server/world/worldSave.ts';

const NOTHING = { cells: new Float32Array(0), owners: new Uint16Array(0) };

/** Copies of `count` pages; `asked` grows as the engine is asked for pages. */
async function copies(count: number) {
  const asked: number[][] = [];
  const engine = {
    async copyPages(pages: readonly number[]): Promise<PageState[]> {
      asked.push([...pages]);
      return pages.map((page) => ({ page, ...NOTHING }));
    },
  } as unknown as Engine;
  const pages = Array.from({ length: count }, (_, page) => page);
  const state = { isCopied: false };
  const stream = await copiesOf(pages, engine, () => {
    state.isCopied = true;
  });
  return { stream, asked, pages, state };
}

test('up to 1,024 pages are copied at once, before anything is read', async () => {
  for (const count of [0, 1, MAX_COPIED]) {
    const { stream, asked, pages, state } = await copies(count);
    expect(state.isCopied).toBe(true);
    const read: number[] = [];
    for await (const { page } of stream) read.push(page);
    expect(read.sort((a, b) => a - b)).toEqual(pages);
    expect(asked).toEqual([pages]);
  }
});

test('more pages are copied in pieces as they are read, and the last 1,024 or fewer at once', async () => {
  const { stream, asked, pages, state } = await copies(MAX_COPIED + 1_000);
  expect(asked).toEqual([]);
  const read: number[] = [];
  for await (const { page } of stream) {
    read.push(page);
    const most = Math.max(...asked.map(({ length }) => length));
    expect(state.isCopied).toBe(most > 64);
    const inMemory = asked.flat().length - read.length;
    expect(inMemory).toBeLessThanOrEqual(MAX_COPIED);
  }
  expect(read.sort((a, b) => a - b)).toEqual(pages);
  expect(asked.at(-1)!.length).toBeLessThanOrEqual(MAX_COPIED);
});

test('a stream that is not read to its end copies nothing more', async () => {
  const { stream, asked, state } = await copies(MAX_COPIED + 1_000);
  for await (const _ of stream) break;
  await new Promise(setImmediate);
  expect(asked).toHaveLength(1);
  expect(state.isCopied).toBe(false);
});
