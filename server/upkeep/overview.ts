/** What is in a data directory, in figures and in words. */
import { basename } from 'node:path';
import { type Holder, holderOf } from '../storage/lock.ts';
import { type RegistrySurvey, surveyRegistry } from './registrySurvey.ts';
import { type SessionsSurvey, surveySessions } from './sessionsSurvey.ts';
import { isSoundJournal, surveyWorld, type WorldSurvey } from './worldSurvey.ts';

/** What `info --json` prints. */
export interface Overview {
  readonly folder: string;
  /** Who holds it; null: nobody. Of a world in a store, host and process of its owner. */
  readonly holder: Holder | 'unnamed' | { readonly owner: string } | null;
  /** As the newest sound save and the journal have it; null: no save is sound. */
  readonly world: {
    readonly width: number;
    readonly height: number;
    readonly step: number;
    /** World time. */
    readonly runSeconds: number;
    readonly organisms: number;
    readonly bySpecies: Readonly<Record<string, number>>;
    /** By name; the garden's planter has none. */
    readonly byPlanter: Readonly<Record<string, number>>;
    /** `rule`: sha256, hex. */
    readonly watchedSwaps: readonly {
      readonly id: number;
      readonly species: string;
      readonly rule: string;
    }[];
  } | null;
  readonly saves: readonly {
    readonly file: string;
    readonly format: number | null;
    readonly isSound: boolean;
    readonly fault: string | null;
    /** ISO 8601; null: a store does not know. */
    readonly writtenAt: string | null;
    readonly step: number | null;
    readonly pages: number;
    readonly bytes: number;
  }[];
  readonly journal: {
    readonly isSound: boolean;
    readonly fault: string | null;
    readonly segments: WorldSurvey['journal']['segments'];
    readonly entries: number;
    readonly bytes: number;
    readonly lastStep: number | null;
    readonly tornBytes: number | null;
    readonly afterGap: readonly string[];
    readonly kernels: readonly string[];
  };
  /** null: there is none. */
  readonly registry:
    | (Omit<RegistrySurvey, 'rules' | 'path' | 'isNewer'> & { readonly isSound: boolean })
    | null;
  readonly sessions: SessionsSurvey;
}

/** Only reads; not to be called in the process that holds the folder. */
export async function overview(folder: string): Promise<Overview> {
  const { saves, journal, records } = await surveyWorld(folder, false);
  const registry = surveyRegistry(folder);
  return {
    folder,
    holder: holderOf(folder),
    world: records && {
      width: records.width,
      height: records.height,
      step: records.step,
      runSeconds: records.runSeconds,
      organisms: records.organisms.size,
      bySpecies: countBy([...records.organisms.values()], ({ species }) => species),
      byPlanter: countBy([...records.organisms.values()], ({ planter }) => planter),
      watchedSwaps: records.swaps.map(({ order: { id, species }, rule }) => ({ id, species, rule })),
    },
    saves: saves.map(({ path, format, fault, writtenAt, facts, pages, bytes }) => ({
      file: basename(path),
      format,
      isSound: fault === null,
      fault,
      writtenAt,
      step: facts?.stepNumber ?? null,
      pages,
      bytes,
    })),
    journal: {
      isSound: isSoundJournal(journal),
      fault: journal.newer ?? journal.damage?.message ?? null,
      segments: journal.segments,
      entries: journal.entries,
      bytes: journal.segments.reduce((sum, { bytes }) => sum + bytes, 0),
      lastStep: journal.entries > 0 ? records!.step : null,
      tornBytes: journal.tornBytes,
      afterGap: journal.afterGap,
      kernels: [...(records?.kernels ?? [])],
    },
    registry: registry && registryFigures(registry),
    sessions: surveySessions(folder),
  };
}

function registryFigures({ bytes, faults, rows, inForce }: RegistrySurvey): Overview['registry'] {
  return { bytes, isSound: faults.length === 0, faults, rows, inForce };
}

function countBy<T>(all: readonly T[], nameOf: (one: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of all) counts[nameOf(one)] = (counts[nameOf(one)] ?? 0) + 1;
  return counts;
}

const COLUMN = 10;

/** One line per fact. */
export function describe(found: Overview): string[] {
  const { folder, holder, world, saves, journal, registry, sessions } = found;
  const rows: [title: string, lines: readonly string[]][] = [
    ['folder', [folder, heldBy(holder)]],
    ['world', world === null ? ['no save is sound'] : worldLines(world)],
    ['saves', saves.length === 0 ? ['none'] : saves.map(saveLine)],
    ['journal', journalLines(journal)],
    ['registry', registry === null ? ['none'] : registryLines(registry)],
    ['sessions', [`${sessions.records} records, ${sessions.open} open`, ...sessions.faults]],
  ];
  return rows.flatMap(([title, lines]) =>
    lines.map((line, i) => `${(i === 0 ? title : '').padEnd(COLUMN)}${line}`),
  );
}

function heldBy(holder: Overview['holder']): string {
  if (holder === null) return 'not in use';
  if (holder === 'unnamed') return 'in use by a process that has not given its name';
  if ('owner' in holder) return `owned by ${holder.owner}`;
  return `in use by ${holder.purpose}: process ${holder.pid} on host ${holder.host}, since ${holder.since}`;
}

function worldLines(world: NonNullable<Overview['world']>): string[] {
  const { width, height, step, runSeconds, organisms, bySpecies, byPlanter, watchedSwaps } = world;
  const planters = Object.entries(byPlanter).map(([name, count]) => `${count} by ${name || 'the garden'}`);
  const swaps = watchedSwaps.map(
    ({ id, species, rule }) => `watched: swap ${id} of ${species}, to the rule ${rule.slice(0, 12)}…`,
  );
  return [
    `${width}x${height} cells at step ${step}, ${runSeconds.toFixed(1)} s of world time`,
    `${organisms} organisms: ${listed(Object.entries(bySpecies).map(([name, count]) => `${count} ${name}`))}`,
    `planted: ${listed(planters)}`,
    ...swaps,
  ];
}

function saveLine({ file, format, fault, writtenAt, step, pages, bytes }: Overview['saves'][number]): string {
  const written = writtenAt === null ? '' : `, written ${writtenAt}`;
  if (fault !== null) return `${file}: UNSOUND${written}: ${fault}`;
  return `${file}: whole, format ${format}${written}, step ${step}, ${pages} pages, ${sizeOf(bytes)}`;
}

function journalLines({ segments, entries, bytes, lastStep, ...rest }: Overview['journal']): string[] {
  const end = lastStep === null ? '' : `, up to step ${lastStep}`;
  return [
    `${entries} entries in ${segments.length} segments, ${sizeOf(bytes)}${end}`,
    ...(rest.fault === null ? [] : [`UNSOUND: ${rest.fault}`]),
    ...(rest.tornBytes === null ? [] : [`${rest.tornBytes} bytes at its end are torn or being written`]),
    ...(rest.afterGap.length === 0 ? [] : [`after a gap: ${rest.afterGap.join(', ')}`]),
  ];
}

function registryLines({ rows, inForce, faults, bytes }: NonNullable<Overview['registry']>): string[] {
  const rules = Object.entries(inForce).map(([species, label]) => `${species}: ${label}`);
  return [
    `${rows.rules} rules, ${rows.swaps} swaps, ${rows.guests} guests, ${rows.bans + rows.sanctions} mutes and bans, ${rows.admins} admins, ${rows.reports} reports, ${rows.audit} entries of the audit log, ${sizeOf(bytes)}`,
    `in force: ${listed(rules)}`,
    ...faults.map((fault) => `UNSOUND: ${fault}`),
  ];
}

const listed = (items: readonly string[]): string => items.join(', ') || 'none';

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
