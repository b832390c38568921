/** Reads a data directory through, and says what is wrong, where, and what to do about it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_FILE, keyFault } from '../guests/token.ts';
import { type RegistrySurvey, surveyRegistry } from './registrySurvey.ts';
import { checkReplay } from './replayCheck.ts';
import { surveySessions } from './sessionsSurvey.ts';
import { type JournalSurvey, type SaveSurvey, surveyWorld, type WorldSurvey } from './worldSurvey.ts';

export interface Fault {
  /** Names the file. */
  readonly fact: string;
  readonly advice: string;
}

export interface Verdict {
  readonly faults: readonly Fault[];
  /** What was read, and remarks that are not faults. */
  readonly notes: readonly string[];
}

/**
 * @param weightsDir - folder of the shipped rules; if given, the journal is replayed on the wasm engine and compared
 * @throws Error of the disk
 */
export async function verify(folder: string, weightsDir?: string): Promise<Verdict> {
  const world = await surveyWorld(folder, true);
  const registry = surveyRegistry(folder);
  const faults = [
    ...worldFaults(world, folder),
    ...registryFaults(registry, world, folder),
    ...keyFaults(folder),
  ];
  const sessions = surveySessions(folder);
  const sessionAdvice = 'The world does not need it; the tuner does not learn from it. It may be deleted';
  faults.push(...sessions.faults.map((fact) => ({ fact, advice: sessionAdvice })));
  const notes = [
    ...worldNotes(world),
    ...(registry === null
      ? []
      : [`${registry.path}: ${registry.rows.rules} rules, ${registry.rows.swaps} swaps`]),
    `sessions: ${sessions.records} records, ${sessions.open} open`,
  ];
  if (weightsDir !== undefined && faults.length === 0) {
    const replay = await checkReplay(folder, world, weightsDir);
    const advice = `\`npm run world -- recover ${folder} --without-journal\` goes on from the newest save alone`;
    faults.push(...replay.faults.map((fact) => ({ fact, advice })));
    notes.push(...replay.notes);
  }
  return { faults, notes };
}

function keyFaults(folder: string): Fault[] {
  const path = join(folder, KEY_FILE);
  if (!existsSync(path)) return [];
  const fact = keyFault(path, statSync(path).size);
  return fact === null ? [] : [{ fact, advice: recoverAdvice(folder) }];
}

const recoverAdvice = (folder: string): string =>
  `The server does not start. \`npm run world -- recover ${folder}\` says what can be saved`;
const NEWER = 'A newer version of Regrow wrote it: use that one, or bring back an older backup';

function worldFaults(world: WorldSurvey, folder: string): Fault[] {
  const { saves, journal, before } = world;
  if (saves.length === 0)
    return [
      {
        fact: `${join(folder, 'world.regrow')} is missing: no world is saved here`,
        advice:
          journal.segments.length > 0
            ? recoverAdvice(folder)
            : 'If this is the right folder, the next start plants a new world',
      },
    ];
  const faults = saves.flatMap((save) => saveFault(save, world, folder));
  const damage = journalFault(journal);
  if (damage !== null)
    faults.push({ fact: damage, advice: journal.newer === null ? recoverAdvice(folder) : NEWER });
  const older = before === null ? null : journalFault(before);
  if (older !== null)
    faults.push({
      fact: older,
      advice: `The world goes on from ${saves[0].path} without it, but cannot fall back on the save before. Make a backup now; two further saves replace it`,
    });
  return faults;
}

function saveFault(save: SaveSurvey, { from, journal }: WorldSurvey, folder: string): Fault[] {
  const { fault, isNewer } = save;
  if (fault === null) return [];
  if (isNewer) return [{ fact: fault, advice: NEWER }];
  // Segments after a gap were acknowledged if this save was written after the gap.
  const advice =
    from === null || journal.afterGap.length > 0
      ? recoverAdvice(folder)
      : `The server goes on from ${from.path} and the journal. Start it: its next save takes the unsound one's place. Check the disk`;
  return [{ fact: fault, advice }];
}

const journalFault = ({ damage, newer }: JournalSurvey): string | null => newer ?? damage?.message ?? null;

function worldNotes({ saves, journal, records }: WorldSurvey): string[] {
  const sound = saves.filter(({ saved }) => saved !== null);
  return [
    ...sound.map(({ path, pages, facts }) => `${path}: ${pages} pages, step ${facts!.stepNumber}`),
    `journal: ${journal.entries} entries in ${journal.segments.length} segments, up to step ${records?.step ?? 0}`,
    ...(journal.tornBytes === null
      ? []
      : [`${journal.tornBytes} bytes at its end are torn or being written: the next start cuts them off`]),
    ...(journal.afterGap.length === 0
      ? []
      : [
          `${journal.afterGap.join(', ')}: the disk failed before; without a save, the next start sets them aside`,
        ]),
  ];
}

function registryFaults(registry: RegistrySurvey | null, { records }: WorldSurvey, folder: string): Fault[] {
  if (registry === null)
    return records === null || records.rules.size === 0
      ? []
      : [
          {
            fact: `${join(folder, 'registry.db')} is missing: organisms live by rules that it held`,
            advice: 'Put a copy in its place; without it, they live on by the shipped rules',
          },
        ];
  const advice = registry.isNewer ? NEWER : recoverAdvice(folder);
  const faults = registry.faults.map((fact) => ({ fact: `${registry.path}: ${fact}`, advice }));
  if (faults.length > 0) return faults;
  const lost = [...(records?.rules ?? [])].filter((rule) => !registry.rules.has(rule));
  return lost.map((rule) => ({
    fact: `${registry.path}: the rule ${rule.slice(0, 12)}…, by which organisms live, is not in it`,
    advice: 'Enter its file (npm run rules -- add FILE); without it, they live on by the rule in force',
  }));
}
