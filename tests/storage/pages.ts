/** Pages and saves of them, for tests. */
import { isSameBytes, type PageState } from '../../server/engines/engine.ts';
import {
  type OldSave,
  type Restored,
  type SaveMoment,
  type SaveOrder,
  Saves,
} from '../../server/storage/saves.ts';
import { SealError } from '../../server/storage/sealed.ts';

import type { FakeDisk } from './fakeDisk.ts';

export const NEWEST = 'world.regrow';
export const PREVIOUS = 'world.regrow.1';

/** A page that holds one number everywhere: cheap to pack and to compare. */
export const plainPage = (page: number, content: number): PageState => ({
  page,
  cells: new Float32Array(64 * 64 * 16).fill(content),
  owners: new Uint16Array(64 * 64).fill(content),
});

/** A page full of random bits, among them NaNs. */
export function densePage(page: number, randomSeed: number): PageState {
  const bits = new Uint32Array(64 * 64 * 16);
  let state = (page * 2_654_435_761 + randomSeed * 40_503 + 1) >>> 0;
  for (let i = 0; i < bits.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bits[i] = state;
  }
  return {
    page,
    cells: new Float32Array(bits.buffer),
    owners: Uint16Array.from({ length: 64 * 64 }, (_, i) => bits[i] & 0xffff),
  };
}

/** There is no save of version 1: a file that says so is corrupt. */
export const noOldSave = async (): Promise<OldSave> => {
  throw new SealError('its checksum does not match');
};

/** Page index → content, of plain pages. */
export type Contents = ReadonlyMap<number, number>;

/** Content → a page of it, which is only read. */
const plains = new Map<number, PageState>();

/** All pages of a save. @throws Error when a page is not plain */
export async function contentsOf({ saved }: Restored): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for await (const { page, cells, owners } of saved!.pages()) {
    const content = owners[0];
    const plain = plains.get(content) ?? plainPage(page, content);
    plains.set(content, plain);
    // By their bytes: a look at every value took a tenth of the time of random histories.
    if (!isSameBytes(cells, plain.cells) || !isSameBytes(owners, plain.owners))
      throw new Error(`page ${page} is not plain`);
    if (found.has(page)) throw new Error(`page ${page} comes twice`);
    found.set(page, content);
  }
  if (found.size !== saved!.count) throw new Error(`${found.size} pages, not ${saved!.count}`);
  return found;
}

/** An order of pages that are there already. */
export const orderOf = ({
  changed,
  facts = 0,
  journal = 0,
  kept = [],
  gone,
}: Pick<SaveOrder, 'changed'> & Partial<SaveMoment>): SaveOrder => ({
  changed,
  moment: () => ({ facts, journal, kept, gone }),
});

/** Saves plain pages; all are called changed, but those of `kept`. */
export const save = (saves: Saves, facts: unknown, contents: Contents, kept: number[] = []) =>
  saves.write(
    orderOf({
      facts,
      journal: 1,
      changed: [...contents]
        .filter(([page]) => !kept.includes(page))
        .map(([page, one]) => plainPage(page, one)),
      kept,
    }),
  );

export async function opened(files: FakeDisk): Promise<Saves> {
  const saves = new Saves('data', { readOld: noOldSave, files });
  await saves.read();
  return saves;
}
export const reread = (files: FakeDisk): Promise<Restored> =>
  new Saves('data', { readOld: noOldSave, files }).read();

/** Pages 0, 1, …, with these contents. */
export const contents = (...pages: number[]): Contents => new Map(pages.map((one, page) => [page, one]));

/** The first has contents 1, 9; the second has 2, 9. */
export async function twoSaves(disk: FakeDisk): Promise<Saves> {
  const saves = await opened(disk);
  await save(saves, 'first', contents(1, 9));
  await save(saves, 'second', contents(2, 9), [1]);
  return saves;
}

export function flip(disk: FakeDisk, name: string, at: number, bits = 1): void {
  const bytes = Buffer.from(disk.bytesOf(name));
  bytes[at] ^= bits;
  disk.put(name, bytes);
}

/** Names and bytes. */
export const everything = (disk: FakeDisk): unknown => disk.names.map((name) => [name, disk.bytesOf(name)]);

export const packsOn = (disk: FakeDisk): string[] => disk.names.filter((name) => name.endsWith('.pack'));
export const packBytes = (disk: FakeDisk): number =>
  packsOn(disk).reduce((sum, name) => sum + disk.bytesOf(name).length, 0);
