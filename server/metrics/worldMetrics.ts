/** Metrics of the simulation thread: steps, frames, bodies, rules, saves and the journal. */
import { Histogram, type Registry } from 'prom-client';
import type { WorldLink } from '../world/messages.ts';
import type { Vitals } from '../world/vitals.ts';
import { level, levels, type Sample, total, totals } from './define.ts';

/**
 * Rules that have series of their own. Whoever uploads rules names them, so there could be any number; the others are
 * counted as `other`.
 */
export const MAX_RULE_SERIES = 64;
const OTHER = 'other';

/** Upper bounds, seconds: a frame has 50 ms at 20 Hz. */
const FRAME_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export type MeasuredWorld = Pick<WorldLink, 'vitals' | 'trouble' | 'wilted'>;

export interface WorldMetricsOptions {
  readonly registry: Registry;
  readonly world: MeasuredWorld;
  /** Whether the world has sent something lately. */
  readonly isAlive: () => boolean;
  /** How many pages may exist. */
  readonly maxPages: number;
}

/** @returns a function that takes the vitals as they come, once per second */
export function worldMetrics({
  registry,
  world,
  isAlive,
  maxPages,
}: WorldMetricsOptions): (vitals: Vitals) => void {
  const meaning = (name: string, help: string) => ({ name: `regrow_${name}`, help, registry });
  const now = (name: string, help: string, read: (vitals: Vitals) => number): void =>
    level(meaning(name, help), () => (world.vitals === null ? null : read(world.vitals)));
  const sinceStart = (name: string, help: string, read: (vitals: Vitals) => number): void =>
    total(meaning(name, help), () => (world.vitals === null ? 0 : read(world.vitals)));

  level(meaning('world_up', '1 while the world sends something at least every 5 s.'), () =>
    Number(isAlive()),
  );
  level(meaning('disk_trouble', '1 while the world cannot be saved, and refuses strokes.'), () =>
    Number(world.trouble !== null),
  );

  sinceStart('steps_total', 'Steps of the world.', ({ steps }) => steps);
  sinceStart('steps_dropped_total', 'Steps that were due and did not fit into their frames.', (vitals) => {
    return vitals.stepsDropped;
  });
  now('steps_per_second_set', 'Steps per second that are set; 0 while the world is paused.', (vitals) => {
    return vitals.stepsPerSecondSet;
  });
  sinceStart('frames_total', 'Frames of the simulation.', ({ frames }) => frames);
  sinceStart(
    'frames_dropped_total',
    'Frames that were left out because one before was too late.',
    (vitals) => {
      return vitals.framesDropped;
    },
  );
  now('energy_scale', 'Share of the usual energy that players get; less than 1 under load.', (vitals) => {
    return vitals.energyScale;
  });
  now('strokes_waiting', 'Strokes that wait for the next step boundary.', (vitals) => vitals.strokesWaiting);
  const frames = histogram(registry, 'regrow_frame_seconds', 'How long a frame of the simulation takes.');
  const lateness = histogram(
    registry,
    'regrow_frame_late_seconds',
    'How late a frame of the simulation begins.',
  );

  levels(meaning('bodies', 'Organisms by what their body does.'), ['state'], () =>
    Object.entries(world.vitals?.bodies ?? {}).map(([state, count]): Sample => [{ state }, count]),
  );
  now('living_cells', 'Cells that are alive.', ({ livingCells }) => livingCells);
  now('pages', 'Pages of 64 x 64 cells that exist.', ({ pages }) => pages);
  level(meaning('pages_max', 'Pages that may exist (--max-pages).'), () => maxPages);

  now('rules_in_force', 'Rules in force: one per species.', ({ rules }) => rules.length);
  levels(
    meaning('rule_in_force', `1 for each rule in force, of ${MAX_RULE_SERIES} species at most.`),
    ['species', 'rule'],
    () =>
      (world.vitals?.rules ?? [])
        .slice(0, MAX_RULE_SERIES)
        .map(({ species, label }): Sample => [{ species, rule: label }, 1]),
  );
  now('swaps_watched', 'Swaps of rules on probation.', ({ swapsWatched }) => swapsWatched);
  totals(
    meaning('bodies_wilted_total', 'Bodies that began to wilt, by the rule they lived by.'),
    ['rule'],
    wiltedByRule(world),
  );

  totals(meaning('saves_total', 'Saves of the world.'), ['result'], () => {
    const disk = world.vitals?.disk;
    return [
      [{ result: 'written' }, disk?.savesWritten ?? 0],
      [{ result: 'failed' }, disk?.savesFailed ?? 0],
    ];
  });
  now('save_seconds', 'How long the last save took until it was on disk.', ({ disk }) => disk.saveSeconds);
  now(
    'last_save_timestamp_seconds',
    'When the last save of this process was on disk; 0: none was.',
    (vitals) => {
      return vitals.disk.savedAtSeconds;
    },
  );
  sinceStart('save_bytes_total', 'Bytes that saves have written.', ({ disk }) => disk.saveBytes);
  sinceStart('journal_records_total', 'Records of the journal on disk.', ({ disk }) => disk.journalRecords);
  sinceStart('journal_bytes_total', 'Bytes of the journal on disk.', ({ disk }) => disk.journalBytes);
  sinceStart(
    'journal_flushes_total',
    'Groups of records written together.',
    ({ disk }) => disk.journalFlushes,
  );
  now('journal_waiting_bytes', 'Bytes of the journal that wait for the disk.', ({ disk }) => {
    return disk.journalWaitingBytes;
  });

  return ({ frameSeconds, lateSeconds }) => {
    for (const seconds of frameSeconds) frames.observe(seconds);
    for (const seconds of lateSeconds) lateness.observe(seconds);
  };
}

const histogram = (registry: Registry, name: string, help: string): Histogram =>
  new Histogram({ name, help, buckets: FRAME_BUCKETS, registers: [registry] });

/** A rule that has a series keeps it: a total must not fall. */
function wiltedByRule({ wilted }: MeasuredWorld): () => Sample[] {
  const named = new Set<string>();
  return () => {
    let other = 0;
    const samples: Sample[] = [];
    for (const [rule, count] of wilted) {
      if (named.size < MAX_RULE_SERIES) named.add(rule);
      if (named.has(rule)) samples.push([{ rule }, count]);
      else other += count;
    }
    return other === 0 ? samples : [...samples, [{ rule: OTHER }, other]];
  };
}
