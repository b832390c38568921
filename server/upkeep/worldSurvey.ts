/**
 * Reads what a data directory holds of a world: both saves and the journal. It only reads, and a server may write
 * meanwhile. A file that the server replaces under the reader looks damaged: a survey with a fault is taken again when
 * the files have changed.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DISK, isMissing } from '../files/disk.ts';
import { JournalDamageError, JournalReader } from '../storage/journalReader.ts';
import { type Manifest, packNumber, SaveError, SaveVersionError } from '../storage/manifest.ts';
import { look, openOld, openSave, type Saved } from '../storage/saved.ts';
import { JournalVersionError, segmentName, segmentsAmong } from '../storage/segment.ts';
import { EntryError } from '../world/acts.ts';
import { entryOf, type Facts, readOld, type SegmentFacts } from '../world/savedFiles.ts';
import { Records } from './records.ts';

/** How often a survey is taken again while a server changes the files. */
const MAX_TRIES = 10;

export const SAVE_FILES = { newest: 'world.regrow', previous: 'world.regrow.1' } as const;

export interface SaveSurvey {
  readonly path: string;
  readonly format: 1 | 2 | null;
  /** The file's, and those of the pages that it names. */
  readonly bytes: number;
  readonly pages: number;
  /** ISO 8601. */
  readonly writtenAt: string;
  /** null: it is sound. */
  readonly fault: string | null;
  /** It has a newer format. */
  readonly isNewer: boolean;
  readonly facts: Facts | null;
  /** null: it is unsound. */
  readonly saved: Saved | null;
  /** null: it is of format 1, or cannot be read. */
  readonly manifest: Manifest | null;
}

export interface SegmentSurvey {
  readonly seq: number;
  readonly bytes: number;
  /** How many are sound. */
  readonly entries: number;
}

export interface JournalSurvey {
  readonly segments: readonly SegmentSurvey[];
  readonly entries: number;
  /** Left by a crash behind the last entry, or of an entry that is being written; null: none. */
  readonly tornBytes: number | null;
  /** Names of segments that follow a gap; what is before it does not lead to them. */
  readonly afterGap: readonly string[];
  /** The place from which on it cannot be read; null: there is none. */
  readonly damage: JournalDamageError | null;
  /** The message when a newer version of the program has written it; null: none has. */
  readonly newer: string | null;
}

export interface WorldSurvey {
  /** The newest, and the one before it; those that are there. */
  readonly saves: readonly SaveSurvey[];
  /** The save that a start would go on from. */
  readonly from: SaveSurvey | null;
  /** What happened since that save. */
  readonly journal: JournalSurvey;
  /** The world's records after `from` and `journal`; null: no save is sound. */
  readonly records: Records | null;
  /** From the save before the newest up to the newest; null: there are not two sound ones with a journal. */
  readonly before: JournalSurvey | null;
}

export const isSoundJournal = ({ damage, newer }: JournalSurvey): boolean =>
  damage === null && newer === null;

/** @param isDeep - unpacks every page, and reads the journal from the older save on, too; else packs are not read */
export async function surveyWorld(folder: string, isDeep: boolean): Promise<WorldSurvey> {
  for (let tries = 1; ; tries++) {
    const identity = await identityOf(folder);
    let survey: WorldSurvey | null = null;
    try {
      survey = await surveyOnce(folder, isDeep);
      if (isSound(survey)) return survey;
    } catch (error) {
      // A save has removed a segment that it no longer needs.
      if (!isMissing(error as Error) || tries >= MAX_TRIES) throw error;
    }
    if (survey !== null && (tries >= MAX_TRIES || (await identityOf(folder)) === identity)) return survey;
  }
}

const isSound = ({ saves, journal, before, from }: WorldSurvey): boolean =>
  from !== null &&
  saves.every(({ fault }) => fault === null) &&
  isSoundJournal(journal) &&
  (before === null || isSoundJournal(before));

/** A save, pages of one, or a segment of the journal. */
export const isWorldFile = (name: string): boolean =>
  isSave(name) || packNumber(name) !== null || segmentsAmong([name]).length > 0;

export const isSave = (name: string): boolean => (Object.values(SAVE_FILES) as string[]).includes(name);

/** Changes with every save. */
export async function identityOf(folder: string): Promise<string> {
  const files = Object.values(SAVE_FILES).map(async (name) => {
    const found = await stat(join(folder, name)).catch(() => null);
    return found === null ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
  });
  return (await Promise.all([...files, readdir(folder).then((names) => segmentsAmong(names).join())])).join(
    ' ',
  );
}

async function surveyOnce(folder: string, isDeep: boolean): Promise<WorldSurvey> {
  const found = await Promise.all(
    Object.values(SAVE_FILES).map((name) => surveySave(join(folder, name), folder, isDeep)),
  );
  const saves = found.filter((save) => save !== null);
  const sound = saves.filter(({ saved }) => saved !== null);
  const [from = null] = sound;
  const records = from === null ? null : new Records(from.facts!);
  const journal = await surveyJournal(folder, from?.saved?.journal ?? 0, records);
  const [newest, previous] = sound;
  const isLinked = isDeep && previous?.format === 2;
  const before = isLinked ? await surveyBefore(folder, previous, newest) : null;
  return { saves, from, journal, records, before };
}

/** @returns null: it is not there */
async function surveySave(path: string, folder: string, isDeep: boolean): Promise<SaveSurvey | null> {
  const file = await stat(path).catch((error: Error) => (isMissing(error) ? null : Promise.reject(error)));
  if (file === null) return null;
  const head = { path, writtenAt: file.mtime.toISOString() };
  const nothing = { pages: 0, facts: null, saved: null, manifest: null };
  const failed = (error: unknown, known: Partial<SaveSurvey> = {}): SaveSurvey => {
    if (!(error instanceof SaveError)) throw error;
    const isNewer = error instanceof SaveVersionError;
    return { ...head, bytes: file.size, format: null, ...nothing, ...known, fault: error.message, isNewer };
  };
  const found = await look(path, DISK).catch(failed);
  // A save has renamed the file since `stat`.
  if (found === null) return null;
  if (found instanceof Error) return failed(found);
  if (typeof found === 'object' && 'path' in found) return found;
  const manifest = found === 'old' ? null : found;
  const packed = [...(manifest?.places.values() ?? [])].reduce((sum, { length }) => sum + length, 0);
  const known = {
    format: manifest === null ? (1 as const) : (2 as const),
    bytes: file.size + packed,
    pages: manifest?.places.size ?? 0,
    facts: (manifest?.facts as Facts | undefined) ?? null,
    manifest,
  };
  try {
    const saved =
      manifest === null
        ? await openOld(path, readOld)
        : await openSave(path, folder, manifest, DISK, isDeep ? 'checksums' : 'sizes');
    if (saved instanceof Error) return failed(saved, known);
    if (isDeep) for await (const _ of saved.pages());
    const facts = saved.facts as Facts;
    return { ...head, ...known, pages: saved.count, facts, saved, fault: null, isNewer: false };
  } catch (error) {
    return failed(error, known);
  }
}

/**
 * @param from - number of the first segment
 * @param records - are brought forward
 * @param end - number of the first segment that is not read
 */
async function surveyJournal(
  folder: string,
  from: number,
  records: Records | null,
  end = Number.POSITIVE_INFINITY,
): Promise<JournalSurvey> {
  const reader = new JournalReader(folder, from);
  const counts = new Map<number, number>();
  let damage: JournalDamageError | null = null;
  let newer: string | null = null;
  let gap = -1;
  try {
    // Without a save, nothing says where the journal begins.
    if (records !== null)
      for await (const { seq, at, record, facts } of reader.entries()) {
        if (seq >= end) break;
        take(records, folder, { seq, at, record, facts: facts as SegmentFacts });
        counts.set(seq, (counts.get(seq) ?? 0) + 1);
      }
  } catch (error) {
    if (error instanceof JournalVersionError) newer = error.message;
    else if (!(error instanceof JournalDamageError)) throw error;
    // The journal has a gap before `end`, and the save that closed it is there.
    else if (error.seq >= end) gap = error.seq;
    else damage = error;
  }
  const names = segmentsAmong(await readdir(folder)).filter((seq) => seq >= from && seq < end);
  const segments = await Promise.all(
    names.map(async (seq) => {
      const { size } = await stat(join(folder, segmentName(seq)));
      return { seq, bytes: size, entries: counts.get(seq) ?? 0 };
    }),
  );
  return {
    segments,
    entries: [...counts.values()].reduce((sum, count) => sum + count, 0),
    tornBytes: reader.tornBytes,
    afterGap: (gap < 0 ? reader.leftOut : [gap]).map(segmentName),
    damage,
    newer,
  };
}

interface Found {
  readonly seq: number;
  readonly at: number;
  readonly record: Uint8Array;
  readonly facts: SegmentFacts;
}

/** @throws JournalDamageError */
function take(records: Records, folder: string, { seq, at, record, facts }: Found): void {
  const path = join(folder, segmentName(seq));
  try {
    records.take(entryOf(record, path, at), facts.kernel);
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    const text = error.message.startsWith(path) ? error.message : `${path}, byte ${at}: ${error.message}`;
    throw new JournalDamageError(text, seq, at);
  }
}

/** The journal from the older save must lead to the newest. */
async function surveyBefore(
  folder: string,
  previous: SaveSurvey,
  newest: SaveSurvey,
): Promise<JournalSurvey> {
  const records = new Records(previous.facts!);
  const end = newest.saved!.journal;
  const survey = await surveyJournal(folder, previous.saved!.journal, records, end);
  if (!isSoundJournal(survey) || survey.afterGap.length > 0) return survey;
  try {
    // Checked like an entry: the save must not be earlier than the last entry before it.
    const { stepNumber: step, runSeconds, nextId } = newest.facts!;
    records.take({ entry: { acts: [], step, runSeconds, nextId }, pages: [] }, '');
  } catch (error) {
    if (!(error instanceof EntryError)) throw error;
    const fact = `${newest.path} does not follow from the journal before it: ${error.message}`;
    return { ...survey, damage: new JournalDamageError(fact, end, 0) };
  }
  return survey;
}
