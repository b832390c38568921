/** Data directories that are damaged by hand: what is found, what is said, and what a start finds after a recovery. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PageState } from '../../server/engines/engine.ts';
import { SanctionTable } from '../../server/guests/sanctionTable.ts';
import { KEY_FILE, readKey } from '../../server/guests/token.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { Registry, sha256Of } from '../../server/rules/registry.ts';
import { segmentName } from '../../server/storage/segment.ts';
import { folderSource, makeBackup } from '../../server/upkeep/backup.ts';
import { planRecovery } from '../../server/upkeep/recover.ts';
import { verify } from '../../server/upkeep/verify.ts';
import { surveyWorld } from '../../server/upkeep/worldSurvey.ts';
import { type Act, encodeEntry } from '../../server/world/acts.ts';
import { WorldFiles } from '../../server/world/worldFiles.ts';
import { blobRule } from '../world/blob.ts';
import { stateAt } from '../world/smallState.ts';
import { saveOf } from '../world/wholeWorld.ts';

const ANN = { who: 'Ann', address: '' };
const RULE = serializeRule(blobRule('blob'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-recover-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): Promise<WorldFiles> => WorldFiles.open({ folder, durability: 'os', log: () => {} });
const entryAt = (step: number, acts: Act[] = []): Uint8Array =>
  encodeEntry({ acts: acts.map((act) => [step, act]), step, runSeconds: step, nextId: 8 });
const at = (name: string): string => join(folder, name);

/**
 * Saves at steps 1 and 5; entries at 2 in segment 1, at 6 and 7 in segment 2, at 8 in segment 3, at 9 in segment 4.
 * Page 0 is as at step 1 in both saves, page 5 has changed.
 */
async function makeWorld(): Promise<void> {
  const files = await open();
  await files.write(saveOf(stateAt(1), await files.begin('kernel')));
  files.append(entryAt(2), true);
  const state = { ...stateAt(5), pages: [stateAt(1).pages[0], stateAt(5).pages[1]] };
  await files.write(saveOf(state, files.rotate(false)));
  const plant: Act = {
    act: 'plant',
    organism: 9,
    rule: { species: 'blob', sha256: sha256Of(RULE) },
    x: 1,
    y: 1,
  };
  for (const step of [6, 7]) files.append(entryAt(step), true);
  files.rotate(false);
  files.append(entryAt(8, [plant]), true);
  files.rotate(false);
  files.append(entryAt(9), true);
  await files.close();
  const registry = new Registry(folder, 0);
  const { id } = registry.add({ bytes: RULE, origin: 'uploaded' }, ANN);
  registry.add({ bytes: serializeRule(blobRule('moss')), origin: 'uploaded', parent: id }, ANN);
  const swap = registry.wantSwap({ species: 'blob', rule: id, scope: 'species' }, ANN);
  registry.settle(swap.id, 'in force', '', ANN);
  const ban = { kind: 'ban', guest: '', address: '203.0.113.9', name: 'Mallory' } as const;
  new SanctionTable(registry).enter({ id: 'one', ...ban, since: '', until: '', reason: '', who: 'Ann' }, ANN);
  registry.close();
}

function flip(name: string, byte: number): void {
  const bytes = readFileSync(at(name));
  bytes.writeUInt8(bytes.at(byte)! ^ 1, byte < 0 ? bytes.length + byte : byte);
  writeFileSync(at(name), bytes);
}

const plan = (withoutJournal = false) => planRecovery({ folder, withoutJournal, shipped: new Set() });
const facts = async (): Promise<string> => (await verify(folder)).faults.map(({ fact }) => fact).join('\n');

/** Every file with its bytes, without aside folders. */
const contents = (): unknown =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [name, readFileSync(at(name)).toString('base64')]);
const asides = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith('aside-'))
    .flatMap((name) => readdirSync(at(name)));

/** What a start goes on from: the step of the save, and of the entries behind it. */
async function started(): Promise<{ save: number | null; entries: number[] }> {
  const files = await open();
  const save = files.state?.stepNumber ?? null;
  const entries: number[] = [];
  for await (const { entry } of files.entries()) entries.push(entry.step);
  await files.begin('kernel');
  await files.close();
  return { save, entries };
}

interface Ruin {
  readonly what: string;
  ruin(): void;
  /** What `verify` says. */
  readonly found: RegExp;
  /** What a start goes on from after the recovery. */
  readonly left: { readonly save: number | null; readonly entries: readonly number[] };
  /** What has been set aside, among other things. */
  readonly aside: readonly string[];
}

const ruins: readonly Ruin[] = [
  {
    what: 'the newest save is cut short',
    ruin: () => truncateSync(at('world.regrow'), 100),
    found: /world\.regrow is unsound/,
    left: { save: 1, entries: [2, 6, 7, 8, 9] },
    aside: ['world.regrow'],
  },
  {
    what: 'a byte of the newest pack is wrong',
    ruin: () => flip('pages-2.pack', 20),
    found: /world\.regrow is unsound: .*pages-2\.pack/,
    left: { save: 1, entries: [2, 6, 7, 8, 9] },
    aside: ['world.regrow'],
  },
  {
    what: 'a pack that both saves name is gone',
    ruin: () => rmSync(at('pages-1.pack')),
    found: /world\.regrow is unsound: .*pages-1\.pack/,
    left: { save: 5, entries: [] },
    aside: ['world.regrow', 'world.regrow.1', 'pages-2.pack', segmentName(1), segmentName(4)],
  },
  {
    what: 'both saves are cut short',
    ruin: () => {
      for (const name of ['world.regrow', 'world.regrow.1']) truncateSync(at(name), 100);
    },
    found: /world\.regrow is unsound.*\n.*world\.regrow\.1 is unsound/,
    left: { save: null, entries: [] },
    aside: ['world.regrow', 'world.regrow.1', 'pages-1.pack', segmentName(4)],
  },
  {
    what: 'both saves are gone',
    ruin: () => {
      for (const name of ['world.regrow', 'world.regrow.1']) rmSync(at(name));
    },
    found: /world\.regrow is missing/,
    left: { save: null, entries: [] },
    aside: ['pages-1.pack', segmentName(4)],
  },
  {
    what: 'a byte of a segment is wrong that others follow',
    ruin: () => flip(segmentName(2), -1),
    found: /journal-00000002\.log, byte \d+: record 2 has a wrong checksum/,
    left: { save: 5, entries: [6] },
    aside: [segmentName(2), segmentName(3), segmentName(4)],
  },
  {
    what: 'the preamble of a segment is wrong',
    ruin: () => flip(segmentName(3), 20),
    found: /journal-00000003\.log: the checksum of its header does not match/,
    left: { save: 5, entries: [6, 7] },
    aside: [segmentName(3), segmentName(4)],
  },
  {
    what: 'a segment is gone',
    ruin: () => rmSync(at(segmentName(3))),
    found: /journal-00000003\.log is missing/,
    left: { save: 5, entries: [6, 7] },
    aside: [segmentName(4)],
  },
  {
    what: 'the registry is no database',
    ruin: () => writeFileSync(at('registry.db'), 'nonsense'),
    found: /registry\.db: /,
    // The rule by which an organism was planted is lost with it.
    left: { save: 5, entries: [6, 7] },
    aside: ['registry.db', segmentName(3)],
  },
];

describe.each(ruins)('when $what', ({ ruin, found, left, aside }) => {
  beforeEach(async () => {
    await makeWorld();
    expect(await facts()).toBe('');
    ruin();
  });

  test('verify says so', async () => {
    const { faults } = await verify(folder);
    expect(faults.map(({ fact }) => fact).join('\n')).toMatch(found);
    expect(faults.every(({ advice }) => advice !== '')).toBe(true);
  });

  test('recover says what it would do, and does nothing unless told to', async () => {
    const before = contents();
    const { says } = await plan();
    expect(says.length).toBeGreaterThan(0);
    expect(contents()).toEqual(before);
    expect(asides()).toEqual([]);
  });

  test('a recovery sets aside what it takes away, and a start goes on with the rest', async () => {
    const before = readdirSync(folder);
    await (await plan()).carryOut();
    expect(asides()).toEqual(expect.arrayContaining([...aside]));
    // Nothing is deleted.
    expect([...readdirSync(folder), ...asides()]).toEqual(expect.arrayContaining(before));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    if (left.save !== null) expect(await facts()).toBe('');
    expect((await plan()).says).toEqual([]);
    expect(await started()).toEqual(left);
  });
});

test('of unsound saves, the pages that can be read are kept', async () => {
  await makeWorld();
  rmSync(at('pages-1.pack'));
  expect((await plan()).says.join('\n')).toMatch(/1 of its 2 pages cannot be read: 0\n/);
  await (await plan()).carryOut();
  const { state } = await open();
  const pages: PageState[] = [];
  for await (const page of state!.pages) pages.push(page);
  expect(pages).toEqual([stateAt(5).pages[1]]);
  expect(state?.organisms).toEqual(stateAt(5).organisms);
});

test('of a damaged registry, the rows that can be read are kept', async () => {
  await makeWorld();
  const registry = new Registry(folder, 0);
  const { id } = registry.find('moss');
  registry.close();
  const other = new DatabaseSync(at('registry.db'));
  other.prepare("UPDATE rules SET file = x'00' WHERE id = ?").run(id);
  other.close();
  expect(await facts()).toMatch(/registry\.db: the file of rule 2, moss v1, is not what was entered/);
  const { says, carryOut } = await plan();
  expect(says.join('\n')).toMatch(
    /kept: 1 rules, 1 swaps, 0 bans.*\nlost: rule moss v1: its file is damaged/,
  );
  await carryOut();
  expect(await facts()).toBe('');
  const mended = new Registry(folder, 0);
  expect(mended.rules().map(({ name }) => name)).toEqual(['blob']);
  expect(mended.inForce().get('blob')?.version).toBe(1);
  expect(new SanctionTable(mended).load()).toHaveLength(1);
  mended.close();
  expect(await started()).toEqual({ save: 5, entries: [6, 7, 8, 9] });
});

test('whichever page of the registry is wiped, a recovery makes a sound one', async () => {
  await makeWorld();
  const sound = readFileSync(at('registry.db'));
  const pageBytes = sound.readUInt16BE(16);
  for (let page = 0; page * pageBytes < sound.length; page++) {
    const bytes = Buffer.from(sound);
    bytes.fill(0xff, page * pageBytes, (page + 1) * pageBytes);
    writeFileSync(at('registry.db'), bytes);
    const { carryOut } = await planRecovery({
      folder,
      withoutJournal: false,
      shipped: new Set([sha256Of(RULE)]),
    });
    await carryOut();
    expect({ page, facts: await facts() }).toEqual({ page, facts: '' });
  }
});

test('without the journal, the world goes on from the save alone', async () => {
  await makeWorld();
  await (await plan(true)).carryOut();
  expect(asides()).toEqual([2, 3, 4].map(segmentName));
  expect(await started()).toEqual({ save: 5, entries: [] });
});

test('a sound data directory has nothing to recover, nor has an empty one', async () => {
  expect((await plan()).says).toEqual([]);
  await makeWorld();
  expect((await plan()).says).toEqual([]);
});

test('when the save that closed a gap is unsound, a recovery goes back to before the gap, and says so', async () => {
  const files = await open();
  await files.write(saveOf(stateAt(1), await files.begin('kernel')));
  files.append(entryAt(2), true);
  await files.flushed();
  await files.write(saveOf(stateAt(5), files.rotate(true), true));
  files.append(entryAt(6), true);
  await files.close();
  truncateSync(at('world.regrow'), 100);
  const { faults } = await verify(folder);
  expect(faults.map(({ advice }) => advice).join()).toContain('The server does not start');
  const { says, carryOut } = await plan();
  expect(says.join('\n')).toMatch(/has a gap after step 2.*journal-00000002\.log/);
  await carryOut();
  expect(await started()).toEqual({ save: 1, entries: [2] });
});

test('reading a registry leaves no file beside it, in either mode of its journal', async () => {
  await makeWorld();
  for (const mode of ['WAL', 'TRUNCATE']) {
    const database = new DatabaseSync(at('registry.db'));
    database.exec(`PRAGMA journal_mode = ${mode}`);
    database.close();
    const before = contents();
    expect(await facts()).toBe('');
    expect(contents()).toEqual(before);
  }
});

test('files of a newer version are no damage', async () => {
  await makeWorld();
  const bytes = readFileSync(at(segmentName(4)));
  bytes.writeUInt32LE(9, 8);
  writeFileSync(at(segmentName(4)), bytes);
  await expect(plan()).rejects.toThrow(/version 9.*a newer version of Regrow wrote it/);
  const { faults } = await verify(folder);
  expect(faults.map(({ advice }) => advice).join()).toContain('A newer version');
});

test('a torn tail and a segment after a gap are no faults, and a backup has neither', async () => {
  await makeWorld();
  const files = await open();
  await files.begin('kernel');
  files.append(entryAt(10), true);
  await files.flushed();
  files.rotate(true);
  await files.close();
  truncateSync(at(segmentName(5)), readFileSync(at(segmentName(5))).length - 1);
  const { faults, notes } = await verify(folder);
  expect(faults).toEqual([]);
  expect(notes.join()).toMatch(/torn or being written.*journal-00000006\.log: the disk failed before/);
  const to = join(folder, '..', `backup-${crypto.randomUUID()}`);
  try {
    await makeBackup({ source: folderSource(folder, false), to });
    expect(existsSync(join(to, segmentName(5)))).toBe(true);
    expect(existsSync(join(to, segmentName(6)))).toBe(false);
    expect((await verify(to)).notes.join()).not.toMatch(/torn|disk failed/);
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
});

test('a backup of a folder whose server was killed between the two renames of a save is whole', async () => {
  await makeWorld();
  renameSync(at('world.regrow'), at('world.regrow.1'));
  expect(await facts()).toBe('');
  const to = join(folder, '..', `backup-${crypto.randomUUID()}`);
  try {
    await makeBackup({ source: folderSource(folder, false), to });
    expect(readFileSync(join(to, 'world.regrow'))).toEqual(readFileSync(at('world.regrow.1')));
    const { journal, from } = await surveyWorld(to, true);
    expect([from!.facts!.stepNumber, journal.entries]).toEqual([5, 4]);
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
});

test('a damaged key of guests’ tokens is set aside, and a backup has a sound one', async () => {
  await makeWorld();
  const key = readKey(folder);
  const to = join(folder, '..', `backup-${crypto.randomUUID()}`);
  try {
    await makeBackup({ source: folderSource(folder, false), to });
    expect(readKey(to)).toEqual(key);
    expect(statSync(join(to, KEY_FILE)).mode & 0o777).toBe(0o600);
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
  truncateSync(at(KEY_FILE), 5);
  expect(await facts()).toMatch(/guest-key has 5 bytes, expected 32/);
  const { says, carryOut } = await plan();
  expect(says.join()).toMatch(/guest-key is unsound and is set aside/);
  await carryOut();
  expect(await facts()).toBe('');
  expect(readKey(folder)).toHaveLength(key.length);
});
