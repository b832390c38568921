/** Saves of a real world in a real folder: what is copied, written and kept, and what comes back. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { isSamePage, type PageState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { Saves } from '../../server/storage/saves.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { stillWorld } from '../../server/world/saving.ts';
import { WorldFiles } from '../../server/world/worldFiles.ts';
import type { WorldSave } from '../../server/world/worldSave.ts';
import { loadBlob, makeWorld, type SmallWorld } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

const WIDTH = 256;
const HEIGHT = 64;

let folder: string;
let made: SmallWorld[];
let openFiles: Set<WorldFiles>;
let other: LoadedRule;
/** Calls of `progress`. */
let told: [pages: number, of: number][];
const write = vi.spyOn(Saves.prototype, 'write');

beforeAll(async () => {
  other = { ...(await loadBlob()), sha256: 'other', label: 'blob v2' };
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  made = [];
  openFiles = new Set();
  told = [];
  write.mockClear();
});
afterEach(async () => {
  for (const files of openFiles) await files.close();
  for (const { engine } of made) engine.dispose();
  rmSync(folder, { recursive: true });
});

interface Opened extends SmallWorld {
  readonly files: WorldFiles;
  /** @returns the pages that were given to the store as changed, and as kept */
  save(): Promise<[changed: number[], kept: number[]]>;
}

const saveNow = ({ world }: SmallWorld, files: WorldFiles): WorldSave =>
  world.save({
    ...stillWorld({ segment: 1, isAfterGap: false }),
    canKeep: (page) => files.canKeep(page),
  });

async function* only(pages: readonly PageState[]): AsyncGenerator<PageState> {
  yield* pages;
}

/** As the simulation thread wakes. */
async function open(names = ['blob']): Promise<Opened> {
  const files = await WorldFiles.open({
    folder,
    durability: 'os',
    log: () => {},
    progress: (...call) => void told.push(call),
  });
  const small = await makeWorld(WIDTH, HEIGHT, names, createWasmEngine);
  made.push(small);
  if (files.state !== null)
    await small.world.restore(files.state, async (_species, sha256) => (sha256 === 'other' ? other : null));
  await files.begin('test');
  openFiles.add(files);
  const save = async (): Promise<[number[], number[]]> => {
    const begun = saveNow(small, files);
    const changed: number[] = [];
    const noted = (async function* () {
      for await (const page of begun.changed) {
        changed.push(page.page);
        yield page;
      }
    })();
    await files.write({ ...begun, changed: noted });
    begun.written();
    return [changed.sort(), [...begun.moment().kept].sort()];
  };
  return { ...small, files, save };
}

/** Three grown blobs, on pages 0, 1 and 3, saved. */
async function grown(names?: string[]): Promise<Opened> {
  const small = await open(names);
  const { world, engine } = small;
  for (const [i, x] of [30, 96, 224].entries()) world.plantAt((names ?? ['blob'])[i] ?? 'blob', x, 30);
  await engine.step(60);
  await world.observe(0.25);
  expect(await small.save()).toEqual([[0, 1, 3], []]);
  return small;
}

/** Closes the files, and opens them again. */
async function reopen({ files }: Opened, names?: string[]): Promise<Opened> {
  openFiles.delete(files);
  await files.close();
  return open(names);
}

async function expectSameCells(a: SmallWorld, b: SmallWorld): Promise<void> {
  const [before, after] = [await stateOf(a.world), await stateOf(b.world)];
  expect(after.pages.map(({ page }) => page)).toEqual(before.pages.map(({ page }) => page));
  for (const [i, page] of after.pages.entries()) expect(isSamePage(page, before.pages[i])).toBe(true);
}

const hurt = ({ engine }: SmallWorld, x: number): void =>
  engine.perturb({ kind: 'ablate', x0: x, y0: 30, x1: x, y1: 30, radius: 2 });

const packs = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.pack'));

test('a save copies and writes what has changed since the one before, and comes back as it was', async () => {
  const first = await grown();
  hurt(first, 96);
  expect(await first.save()).toEqual([[1], [0, 3]]);
  expect(await first.save()).toEqual([[], [0, 1, 3]]);
  const second = await reopen(first);
  await expectSameCells(first, second);
});

test('progress counts the pages to write, with those of bodies that are set aside', async () => {
  const first = await grown();
  told = [];
  hurt(first, 96);
  await first.save();
  expect(told).toEqual([[1, 1]]);
  const order = { id: 7, species: 'blob', scope: 'species', who: 'Ann' } as const;
  expect(await first.world.swap(order, other)).toMatchObject({ ok: true });
  told = [];
  const [changed] = await first.save();
  const of = changed.length + 3;
  expect(told).toEqual(Array.from({ length: of }, (_, i) => [i + 1, of]));
});

test('after a start, pages that nobody has touched are kept', async () => {
  const first = await grown();
  const second = await reopen(first);
  const before = packs();
  expect(await second.save()).toEqual([[], [0, 1, 3]]);
  expect(packs()).toEqual(before);
  hurt(second, 30);
  expect(await second.save()).toEqual([[0], [1, 3]]);
  await expectSameCells(second, await reopen(second));
});

test('a page that dies is in no later save', async () => {
  const first = await grown();
  first.engine.remove(2);
  expect(await first.save()).toEqual([[], [0, 3]]);
});

test('pages that a failed write was given as changed are written by the next one', async () => {
  const first = await grown();
  hurt(first, 30);
  const { files } = first;
  const failing = saveNow(first, files);
  const broken = (async function* () {
    yield* failing.changed;
    throw new Error('disk full');
  })();
  await expect(files.write({ ...failing, changed: broken })).rejects.toThrow('disk full');
  hurt(first, 224);
  expect(await first.save()).toEqual([[0, 3], [1]]);
  await expectSameCells(first, await reopen(first));
});

test('a save that was begun and did not reach the disk loses no change', async () => {
  const first = await grown();
  hurt(first, 30);
  for await (const _ of saveNow(first, first.files).changed);
  expect(await first.save()).toEqual([[0], [1, 3]]);
});

test('what changes while a save is written is in the next one', async () => {
  const first = await grown();
  hurt(first, 30);
  const { files } = first;
  const slow = saveNow(first, files);
  const pages: PageState[] = [];
  for await (const page of slow.changed) pages.push(page);
  hurt(first, 33);
  await files.write({ ...slow, changed: only(pages) });
  slow.written();
  expect(await first.save()).toEqual([[0], [1, 3]]);
  await expectSameCells(first, await reopen(first));
});

test('pages that have lost organisms without a rule are written anew', async () => {
  const first = await grown(['blob', 'old']);
  const second = await reopen(first, ['blob']);
  expect(await second.save()).toEqual([[], [0, 3]]);
  await expectSameCells(second, await reopen(second));

  // In a page that another organism shares.
  const third = await reopen(second, ['blob', 'old']);
  third.world.plantAt('old', 34, 60);
  await third.save();
  const fourth = await reopen(third, ['blob']);
  expect((await fourth.save())[0]).toEqual([0]);
});

test('bodies that a swap has set aside are saved, come back, and are then kept', async () => {
  const first = await grown();
  const order = { id: 7, species: 'blob', scope: 'species', who: 'Ann' } as const;
  expect(await first.world.swap(order, other)).toMatchObject({ ok: true });
  await first.save();
  const aside = (await stateOf(first.world)).aside!;
  expect(aside.map((pages) => pages.length)).toEqual([3]);
  await first.save();
  const kept = [...write.mock.lastCall![0].moment().kept];
  expect(kept.filter((page) => page >= 2 ** 24)).toHaveLength(3);

  const second = await reopen(first);
  expect(second.world.swaps.ids).toEqual([7]);
  const back = (await stateOf(second.world)).aside!;
  for (const [i, page] of back[0].entries()) expect(isSamePage(page, aside[0][i])).toBe(true);
  const before = packs();
  await second.save();
  await second.save();
  expect(packs()).toEqual(before);
  expect([...write.mock.lastCall![0].moment().kept].filter((page) => page >= 2 ** 24)).toHaveLength(3);
});
