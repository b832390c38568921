/** From samples to figures and bars. Pure. */
import type { Phase, Sample } from './sampler.ts';
import { getsWorse, meanOf, type Trend, trendOf } from './trend.ts';

/** The share of the time with bots until all have come and caches are warm; slopes begin after it. */
const MAX_SETTLE_SECONDS = 120;
const SETTLE_SHARE = 0.1;
/** The time over which figures "at the start" and "at the end" are averaged. */
const MAX_WINDOW_SECONDS = 60;
const WINDOW_SHARE = 0.2;
/** The processor is back when this many samples in a row are back on average, and so are all later ones. */
const BACK_SAMPLES = 3;
/** A figure is back at a level when it is within a tenth of it. */
const MAX_BACK = 1.1;
export const MAX_BACK_SECONDS = 60;

export const FIGURES = [
  'livingOverMature',
  'largestOverMature',
  'bodies',
  'stepsPerSecond',
  'framesPerSecond',
  'bytesPerSecond',
  'processorPercent',
  'processorMsPerStep',
  'childrenPercent',
  'rssMiB',
  'heapMiB',
  'descriptors',
  'dataDirMiB',
] as const satisfies readonly (keyof Sample)[];
export type FigureName = (typeof FIGURES)[number];

/** null: nothing was measured. */
export interface Figure {
  readonly untouched: number | null;
  readonly start: number | null;
  readonly end: number | null;
  /** The mean over the second half of the time after all have left. */
  readonly after: number | null;
  /** While bots were there. */
  readonly max: number | null;
  /** Slopes while bots were there; null: too short a time. */
  readonly perHour: number | null;
  readonly perHourBesideBodies: number | null;
  readonly standardError: number | null;
}

const meanOrNull = (values: readonly number[]): number | null =>
  values.length === 0 ? null : meanOf(values);

function valuesOf(samples: readonly Sample[], name: FigureName): number[] {
  return samples
    .map((sample) => sample[name])
    .filter((value): value is number => value !== null && Number.isFinite(value));
}

/** The samples with bots in which all have come, and the hours that they span. */
function settled(samples: readonly Sample[]): { played: Sample[]; hours: number } {
  const played = samples.filter(({ phase }) => phase === 'played');
  if (played.length === 0) return { played, hours: 0 };
  const [first, last] = [played[0].atSeconds, played[played.length - 1].atSeconds];
  const from = first + Math.min(MAX_SETTLE_SECONDS, SETTLE_SHARE * (last - first));
  return {
    played: played.filter(({ atSeconds }) => atSeconds >= from),
    hours: (last - from) / 3_600,
  };
}

function trendIn(samples: readonly Sample[], name: FigureName): Trend | null {
  const points = samples.flatMap((sample) => {
    const value = sample[name];
    return value === null || !Number.isFinite(value)
      ? []
      : [{ hours: sample.atSeconds / 3_600, value, bodies: sample.bodies }];
  });
  return trendOf(points);
}

export function figureOf(samples: readonly Sample[], name: FigureName): Figure {
  const { played, hours } = settled(samples);
  const window = Math.min(MAX_WINDOW_SECONDS, WINDOW_SHARE * hours * 3_600);
  const [first, last] = [played.at(0)?.atSeconds ?? 0, played.at(-1)?.atSeconds ?? 0];
  const of = (phase: Phase): Sample[] => samples.filter((sample) => sample.phase === phase);
  const after = of('after');
  const values = valuesOf(of('played'), name);
  const trend = trendIn(played, name);
  return {
    untouched: meanOrNull(valuesOf(of('untouched'), name)),
    start: meanOrNull(
      valuesOf(
        played.filter(({ atSeconds }) => atSeconds <= first + window),
        name,
      ),
    ),
    end: meanOrNull(
      valuesOf(
        played.filter(({ atSeconds }) => atSeconds >= last - window),
        name,
      ),
    ),
    after: meanOrNull(valuesOf(after.slice(Math.floor(after.length / 2)), name)),
    max: values.length === 0 ? null : Math.max(...values),
    perHour: trend?.perHour ?? null,
    perHourBesideBodies: trend?.perHourBesideBodies ?? null,
    standardError: trend?.standardError ?? null,
  };
}

/** The figures that must not get worse by themselves, and the direction that is worse. */
const STEADY = {
  stepsPerSecond: 'down',
  bytesPerSecond: 'up',
  processorPercent: 'up',
  rssMiB: 'up',
  descriptors: 'up',
} as const satisfies Partial<Record<FigureName, 'up' | 'down'>>;

/** By figure: true when it does not get worse by itself; null when the time is too short to tell. */
export function steadiness(samples: readonly Sample[]): Record<keyof typeof STEADY, boolean | null> {
  const { played, hours } = settled(samples);
  const judged = Object.entries(STEADY).map(([name, worse]) => {
    const figure = name as keyof typeof STEADY;
    const isWorse = getsWorse(
      trendIn(played, figure),
      meanOrNull(valuesOf(played, figure)) ?? 0,
      hours,
      worse,
    );
    return [figure, isWorse === null ? null : !isWorse] as const;
  });
  return Object.fromEntries(judged) as Record<keyof typeof STEADY, boolean | null>;
}

/**
 * Seconds from the last player's leaving until the processor is back at the untouched level, for good.
 *
 * @param leftSeconds - when the last had left
 * @param isPerCell - what a step of a mature cell costs, not the world: bodies planted since, and a machine that has
 *   less time for steps, are no return and no failure of it
 * @returns null: it was not seen to come back
 */
export function backSeconds(
  samples: readonly Sample[],
  leftSeconds: number,
  isPerCell: boolean,
): number | null {
  const cost = ({ processorPercent, processorMsPerStep, matureCells }: Sample): number =>
    isPerCell ? (processorMsPerStep ?? 0) / Math.max(1, matureCells) : processorPercent;
  const of = (phase: Phase): Sample[] =>
    samples.filter((sample) => sample.phase === phase && (!isPerCell || sample.processorMsPerStep !== null));
  const untouched = of('untouched').map(cost);
  if (untouched.length === 0) return null;
  const limit = MAX_BACK * meanOf(untouched);
  const after = of('after');
  for (let i = 0; i + BACK_SAMPLES <= after.length; i++) {
    const rest = after.slice(i).map(cost);
    if (meanOf(rest) <= limit && meanOf(rest.slice(0, BACK_SAMPLES)) <= limit)
      return Math.max(0, after[i].atSeconds - leftSeconds);
  }
  return null;
}
