/** What the soak says at its end: figures, bars and what they mean. */
import {
  backSeconds,
  FIGURES,
  type Figure,
  type FigureName,
  figureOf,
  MAX_BACK_SECONDS,
  steadiness,
} from './figures.ts';
import type { Sample } from './sampler.ts';
import { MAX_STRETCH_SECONDS, type SizeWatch } from './sizes.ts';
import type { Ledger } from './tally.ts';

/** For people. */
const MEANING: Readonly<Record<string, string>> = {
  livingOverMature: 'living cells over the sum of mature cells; at most 1.1',
  largestOverMature: 'the largest body over its mature size',
  bodies: 'organisms alive',
  stepsPerSecond: 'no slope that is not the bodies planted',
  framesPerSecond: 'to one viewer in the middle of the garden',
  bytesPerSecond: 'to all clients together; no slope that is not the bodies planted',
  processorPercent: "of one core, the server's process; no slope that is not the bodies planted",
  processorMsPerStep: 'the same for one step: other load makes steps fewer, not dearer',
  childrenPercent: 'of one core, processes that the server has started (the tuner)',
  rssMiB: 'no slope that is not the bodies planted',
  heapMiB: 'of the main thread',
  descriptors: 'open in the server; no slope that is not the bodies planted',
  dataDirMiB: 'files in the data directory',
  overSizeLongestSeconds: 'the longest that one body stood over 1.3 x its mature size; at most 5',
  overSizeSeconds: 'in which any body stood over 1.3 x its mature size',
  overSizeStretches: 'times that a body did so for longer than 5 s',
  bodyHours: 'lived by all bodies together',
  wiltedPer10BodyHours: 'at most 1',
  processorBackSeconds: "from the last player's leaving to within 1.1 x of the untouched level; at most 60",
  processorBackPerCellSeconds: 'the same for a step of one mature cell: what was planted costs',
  loadProcessorPercent: 'of one core: what this process took beside the server while bots were there',
};

const MAX_LIVING = 1.1;
const MAX_WILTED_PER_10_BODY_HOURS = 1;

export interface Soaked {
  readonly settings: Readonly<Record<string, number | string>>;
  readonly samples: readonly Sample[];
  /** Cells by species. */
  readonly mature: ReadonlyMap<string, number>;
  readonly sizes: SizeWatch['summary'];
  /** Bodies that have wilted, by the label of their rule; null: the server is not there to ask. */
  readonly wilted: Readonly<Record<string, number>> | null;
  /** The same by rule and cause, as the server has logged it. */
  readonly wiltedByCause: Readonly<Record<string, number>>;
  readonly ledger: Ledger;
  /** Told to everybody, by text. */
  readonly notices: Readonly<Record<string, number>>;
  /** When the last player had left, on the samples' clock. */
  readonly leftSeconds: number;
  /** Percent of one core that the bots used. */
  readonly loadPercent: number;
  /** Printed by the server. */
  readonly said: readonly string[];
}

export type Report = ReturnType<typeof reportOf>;

export function reportOf(soaked: Soaked) {
  const {
    settings,
    samples,
    mature,
    sizes,
    wilted,
    wiltedByCause,
    ledger,
    notices,
    leftSeconds,
    loadPercent,
    said,
  } = soaked;
  const figures = Object.fromEntries(FIGURES.map((name) => [name, figureOf(samples, name)])) as Record<
    FigureName,
    Figure
  >;
  const processorBackSeconds = backSeconds(samples, leftSeconds, false);
  const processorBackPerCellSeconds = backSeconds(samples, leftSeconds, true);
  const wiltings = wilted && Object.values(wilted).reduce((sum, count) => sum + count, 0);
  const wiltedPer10BodyHours =
    wiltings === null || sizes.bodyHours === 0 ? null : (10 * wiltings) / sizes.bodyHours;
  const isBack = (seconds: number | null): boolean => seconds !== null && seconds <= MAX_BACK_SECONDS;
  const { strokesApplied, joins, leaves, drops, stalls, cutWhileStalled, piecesWithoutEnergy } = ledger;
  return {
    ...settings,
    figures,
    ...sizes,
    matureCells: Object.fromEntries([...mature].map(([name, cells]) => [name, Math.round(cells)])),
    wiltedByRule: wilted,
    wiltedByCause,
    wiltedPer10BodyHours,
    processorBackSeconds,
    processorBackPerCellSeconds,
    loadProcessorPercent: loadPercent,
    /** null: too short or too noisy a run to tell, or the server does not say. */
    meets: {
      livingOverMature: sizes.livingOverMatureMax <= MAX_LIVING,
      overSizeLongestSeconds: sizes.overSizeLongestSeconds <= MAX_STRETCH_SECONDS,
      wiltedPer10BodyHours:
        wiltedPer10BodyHours === null ? null : wiltedPer10BodyHours <= MAX_WILTED_PER_10_BODY_HOURS,
      ...steadiness(samples),
      processorBackSeconds: isBack(processorBackSeconds),
      processorBackPerCellSeconds: isBack(processorBackPerCellSeconds),
    },
    load: {
      joins,
      leaves,
      drops,
      stalls,
      cutWhileStalled,
      piecesWithoutEnergy,
      strokesSent: ledger.sent.counts,
      strokesApplied,
      refused: ledger.refused.counts,
      planted: ledger.planted.counts,
    },
    errors: ledger.errors.counts,
    notices,
    serverSaid: said,
  };
}

const shown = (value: unknown): string => {
  if (value === null) return '–';
  if (typeof value === 'number') return value.toLocaleString('en', { maximumSignificantDigits: 4 });
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

export function printTable({ figures, ...rest }: Report): void {
  const columns = ['untouched', 'start', 'end', 'after', 'max', 'perHour', 'perHourBesideBodies'] as const;
  console.log(['figure'.padEnd(18), ...columns.map((column) => column.padStart(20))].join(''));
  for (const name of FIGURES) {
    const row = columns.map((column) => shown(figures[name][column]).padStart(20));
    console.log([name.padEnd(18), ...row, `  ${MEANING[name]}`].join(''));
  }
  console.log();
  for (const [name, value] of Object.entries(rest))
    console.log(`${name.padEnd(28)} ${shown(value).padEnd(14)} ${MEANING[name] ?? ''}`.trimEnd());
}
