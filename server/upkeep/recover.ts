/**
 * Brings a data directory into a state that a server starts with, after damage: from the newest save that can be read
 * and the journal up to the damage. What is unsound is set aside, never deleted. The operator is told the plan before
 * it is carried out.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { PageState } from '../engines/engine.ts';
import { DISK } from '../files/disk.ts';
import { KEY_FILE, keyFault } from '../guests/token.ts';
import { REGISTRY_FILE } from '../rules/registryFile.ts';
import { JournalReader } from '../storage/journalReader.ts';
import { byName, type Manifest, type Place, packNumber, packPath } from '../storage/manifest.ts';
import { readBlobs } from '../storage/packs.ts';
import { unpackBlob } from '../storage/pageBlobs.ts';
import { Saves } from '../storage/saves.ts';
import { segmentName, segmentsAmong } from '../storage/segment.ts';
import { ASIDE_PAGES, entryOf, type Facts, readOld } from '../world/savedFiles.ts';
import { copySynced, makeAside, setAside, UpkeepError } from './copying.ts';
import { rulesOf } from './records.ts';
import { type Salvage, salvageRegistry, surveyRegistry } from './registrySurvey.ts';
import {
  isSave,
  isSoundJournal,
  isWorldFile,
  SAVE_FILES,
  surveyWorld,
  type WorldSurvey,
} from './worldSurvey.ts';

export interface RecoverOptions {
  readonly folder: string;
  /** Goes on from the save alone. */
  readonly withoutJournal: boolean;
  /** sha256 (hex) of the rules that the server ships: a start enters them into a new registry. */
  readonly shipped: ReadonlySet<string>;
}

interface Action {
  /** In words, for the operator. */
  readonly says: readonly string[];
  run(): Promise<unknown>;
}

/** What would be done. The data directory must be locked until it is done. */
export interface Plan {
  /** What is saved, what is lost, and what is set aside. Empty: nothing is wrong. */
  readonly says: readonly string[];
  carryOut(): Promise<void>;
}

/** What SQLite keeps beside a database. */
const BESIDE = ['-wal', '-shm', '-journal'];

/** @throws UpkeepError when nothing may be done: a newer version has written it */
export async function planRecovery({ folder, withoutJournal, shipped }: RecoverOptions): Promise<Plan> {
  const survey = await surveyWorld(folder, true);
  const newer = survey.saves.find(({ isNewer }) => isNewer)?.fault ?? survey.journal.newer;
  const registry = surveyRegistry(folder);
  if (newer || registry?.isNewer)
    throw new UpkeepError(
      `${newer ?? `${registry!.path}: ${registry!.faults[0]}`}: a newer version of Regrow wrote it. Nothing is damaged: use that version`,
    );
  const isRegistryBad = registry !== null && registry.faults.length > 0;
  const actions: Action[] = [];
  const salvaged = isRegistryBad ? trySalvage(folder) : null;
  if (salvaged !== null) actions.push(registryAction(folder, registry!.faults, salvaged));
  if (survey.from === null) actions.push(...(await worldActions(folder, survey)));
  else if (withoutJournal) actions.push(dropJournal(folder, survey.from.saved!.journal));
  else if (!isSoundJournal(survey.journal)) {
    const { seq, at, message } = survey.journal.damage!;
    actions.push(cutJournal(folder, seq, at, message, survey));
  } else {
    const known = new Set([...shipped, ...((salvaged ?? registry)?.rules ?? [])]);
    const cut = await firstWithout(folder, survey.from.saved!.journal, known);
    if (cut !== null) actions.push(cutJournal(folder, cut.seq, cut.at, cut.reason, survey));
  }
  actions.push(...leftSaves(folder, survey), ...keyActions(folder));
  return {
    says: actions.flatMap(({ says }) => says),
    async carryOut() {
      for (const { run } of actions) await run();
      await DISK.syncFolder(folder);
    },
  };
}

// --- the registry ---

interface Salvaged extends Salvage {
  readonly rules: ReadonlySet<string>;
}

/** What can be read, found out on a copy that is thrown away. */
function trySalvage(folder: string): Salvaged {
  const scratch = mkdtempSync(join(tmpdir(), 'regrow-recover-'));
  try {
    const salvage = salvageRegistry(join(folder, REGISTRY_FILE), join(scratch, REGISTRY_FILE));
    return { ...salvage, rules: surveyRegistry(scratch)!.rules };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function registryAction(folder: string, faults: readonly string[], { kept, lost }: Salvaged): Action {
  const path = join(folder, REGISTRY_FILE);
  const counts = Object.entries(kept).map(([table, rows]) => `${rows} ${table}`);
  return {
    says: [
      `${path} is unsound: ${faults.slice(0, 3).join('; ')}${faults.length > 3 ? ' …' : ''}`,
      `what can be read goes into a new registry, and the old one is set aside; kept: ${counts.join(', ')}`,
      ...lost.map((what) => `lost: ${what}`),
    ],
    async run() {
      const fresh = `${path}.${crypto.randomUUID()}.tmp`;
      salvageRegistry(path, fresh);
      await setAside(folder, [REGISTRY_FILE, ...BESIDE.map((end) => `${REGISTRY_FILE}${end}`)]);
      await rename(fresh, path);
    },
  };
}

// --- the key of guests' tokens ---

function keyActions(folder: string): Action[] {
  const path = join(folder, KEY_FILE);
  if (!existsSync(path) || keyFault(path, statSync(path).size) === null) return [];
  return [
    {
      says: [
        `${path} is unsound and is set aside; the next start makes another, and nobody who was here is known again`,
      ],
      run: () => setAside(folder, [KEY_FILE]),
    },
  ];
}

// --- the journal ---

function dropJournal(folder: string, from: number): Action {
  return {
    says: [`the journal from ${segmentName(from)} on is set aside: what happened since the save is lost`],
    run: async () => setAside(folder, await segmentsFrom(folder, from)),
  };
}

/** What is sound before the place stays; from there on, the journal is set aside. */
function cutJournal(
  folder: string,
  seq: number,
  at: number,
  reason: string,
  { journal, records }: WorldSurvey,
): Action {
  const last = segmentName(journal.segments.at(-1)?.seq ?? seq);
  return {
    says: [
      reason,
      `the journal is kept up to ${segmentName(seq)}, byte ${at}, step ${records?.step}; what happened after that is lost, and set aside (up to ${last})`,
    ],
    async run() {
      const [damaged, ...later] = await segmentsFrom(folder, seq);
      if (at === 0 || damaged !== segmentName(seq)) return setAside(folder, await segmentsFrom(folder, seq));
      const aside = await makeAside(folder);
      await copySynced(join(folder, damaged), join(aside, damaged));
      // The last segment first: after a crash in between, no segment may follow a missing one.
      for (const name of later.toReversed()) await rename(join(folder, name), join(aside, name));
      await DISK.syncFolder(aside);
      const file = await open(join(folder, damaged), 'r+');
      await file.truncate(at);
      await file.sync();
      return file.close();
    },
  };
}

const segmentsFrom = async (folder: string, from: number): Promise<string[]> =>
  segmentsAmong(await DISK.list(folder))
    .filter((seq) => seq >= from)
    .map(segmentName);

/** The first entry that cannot be replayed, because a rule is lost. */
async function firstWithout(
  folder: string,
  from: number,
  known: ReadonlySet<string>,
): Promise<{ seq: number; at: number; reason: string } | null> {
  for await (const { seq, at, record } of new JournalReader(folder, from).entries()) {
    const path = join(folder, segmentName(seq));
    const missing = rulesOf(entryOf(record, path, at)).find((rule) => !known.has(rule));
    if (missing === undefined) continue;
    const reason = `${path}, byte ${at}: it needs the rule ${missing.slice(0, 12)}…, which is lost (npm run rules -- add FILE enters it)`;
    return { seq, at, reason };
  }
  return null;
}

// --- the saves ---

/** The server sets an unsound newest save aside itself, when the one before is sound. */
function leftSaves(folder: string, { from, saves, journal, records }: WorldSurvey): Action[] {
  const bad = saves.filter(({ fault }) => fault !== null);
  if (from === null || bad.length === 0) return [];
  return [
    {
      says: [
        ...bad.map(
          ({ path, fault }) => `${fault}: the world goes on from ${from.path}; ${path} is set aside`,
        ),
        ...(journal.afterGap.length === 0
          ? []
          : [
              `the journal behind it has a gap after step ${records!.step}, because the disk failed: what happened later is lost, and the next start sets ${journal.afterGap.join(', ')} aside`,
            ]),
      ],
      run: () =>
        setAside(
          folder,
          bad.map(({ path }) => basename(path)),
        ),
    },
  ];
}

/** No save is sound: a new one is made of the pages that can be read. */
async function worldActions(folder: string, { saves }: WorldSurvey): Promise<Action[]> {
  const names = await DISK.list(folder);
  const old = names.filter(isWorldFile);
  if (old.length === 0) return [];
  const readable = saves.find(({ manifest }) => manifest !== null);
  const faults = saves.map(({ fault }) => fault!);
  if (readable === undefined)
    return [
      {
        says: [
          ...(faults.length > 0 ? faults : [`${join(folder, SAVE_FILES.newest)} is missing`]),
          'no save can be read, in part or whole: the world is lost, and what is left of it is set aside. The next start plants a new one',
        ],
        run: () => setAside(folder, old),
      },
    ];
  const manifest = readable.manifest!;
  const facts = manifest.facts as Facts;
  const lost = await damagedPages(folder, manifest);
  const says = [
    ...faults,
    `${readable.path} holds ${facts.organisms.length} organisms at step ${facts.stepNumber}; ${lost.length} of its ${manifest.places.size} pages cannot be read: ${lost.join(', ')}`,
    'the world goes on from its other pages: bodies are cut where pages are lost. What happened since that save is lost, and no swap is watched any longer. The old saves, their pages and the journal are set aside',
  ];
  return [{ says, run: () => saveAnew(folder, manifest, old) }];
}

/** @param old - files that the new save takes the place of */
async function saveAnew(folder: string, manifest: Manifest, old: readonly string[]): Promise<void> {
  const pages: PageState[] = [];
  for await (const page of readablePages(folder, manifest)) if (page.page < ASIDE_PAGES) pages.push(page);
  // Watched swaps compare with bodies that were set aside, and may be lost.
  const { swaps: _, aside: __, isAfterGap: ___, ...facts } = manifest.facts as Facts;
  const journal = Math.max(0, ...segmentsAmong(old)) + 1;
  const fresh = join(folder, `recover.${crypto.randomUUID()}.tmp`);
  await mkdir(fresh);
  // Its packs get numbers that no old one has.
  await writeFile(
    join(fresh, basename(packPath('', Math.max(0, ...old.map((name) => packNumber(name) ?? 0))))),
    '',
  );
  const saves = new Saves(fresh, { readOld });
  await saves.read();
  await saves.write({ changed: pages, moment: () => ({ facts, journal, kept: [] }) });
  const made = (await DISK.list(fresh)).filter((name) => packNumber(name) !== null);
  // A start between two of these renames finds no save, but pages, and is refused.
  for (const name of made) await rename(join(fresh, name), join(folder, name));
  await setAside(folder, old.filter(isSave));
  await rename(join(fresh, SAVE_FILES.newest), join(folder, SAVE_FILES.newest));
  await DISK.syncFolder(folder);
  await setAside(
    folder,
    old.filter((name) => !isSave(name)),
  );
  await rm(fresh, { recursive: true });
}

async function damagedPages(folder: string, manifest: Manifest): Promise<number[]> {
  const lost = new Set(manifest.places.keys());
  for await (const { page } of readablePages(folder, manifest)) lost.delete(page);
  return [...lost].sort((a, b) => a - b);
}

async function* readablePages(folder: string, manifest: Manifest): AsyncGenerator<PageState> {
  const pagesWith = Map.groupBy(manifest.places.keys(), (page) => manifest.places.get(page)!.name);
  for (const place of byName(manifest).values()) {
    const state = await readPage(folder, place);
    if (state !== null) for (const page of pagesWith.get(place.name)!) yield { page, ...state };
  }
}

/** One blob by itself: damage to one does not hide the next. @returns null: it cannot be read, for whatever reason */
async function readPage(folder: string, place: Place): Promise<Omit<PageState, 'page'> | null> {
  try {
    for await (const { blob } of readBlobs(folder, [place], DISK)) return await unpackBlob(place.name, blob);
  } catch {}
  return null;
}
