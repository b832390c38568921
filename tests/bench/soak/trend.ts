/** What a figure does over time, and how much of that is the number of bodies: least squares. Pure. */

export interface Point {
  readonly hours: number;
  readonly value: number;
  /** Bodies alive then. */
  readonly bodies: number;
}

export interface Trend {
  /** Slope over time alone, per hour. */
  readonly perHour: number;
  /** Slope over time with the number of bodies as second regressor; null when the two cannot be told apart. */
  readonly perHourBesideBodies: number | null;
  /** The standard error of `perHourBesideBodies`; null with it. */
  readonly standardError: number | null;
}

/** Neighbouring samples are alike, so means of blocks are fitted: samples alone would look far too certain. */
const BLOCKS = 20;
const MIN_BLOCK_POINTS = 3;
/** With fewer blocks the standard error says nothing. */
const MIN_BLOCKS = 8;
/** 1 − r² of time and bodies below which they count as the same thing. */
const MIN_TOLD_APART = 1e-4;

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Σ (a − mean a)(b − mean b) */
function spread(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  return a.reduce((sum, value, i) => sum + (value - meanA) * (b[i] - meanB), 0);
}

/** Means of up to 20 consecutive blocks of equal length, each of at least 3 points. */
function blocksOf(points: readonly Point[]): Point[] {
  const count = Math.min(BLOCKS, Math.floor(points.length / MIN_BLOCK_POINTS));
  return Array.from({ length: count }, (_, i) => {
    const block = points.slice(
      Math.floor((i * points.length) / count),
      Math.floor(((i + 1) * points.length) / count),
    );
    return {
      hours: meanOf(block.map(({ hours }) => hours)),
      value: meanOf(block.map(({ value }) => value)),
      bodies: meanOf(block.map(({ bodies }) => bodies)),
    };
  });
}

/** @param points - in order of time. @returns null for fewer than 24: a slope would mean nothing */
export function trendOf(points: readonly Point[]): Trend | null {
  const blocks = blocksOf(points);
  if (blocks.length < MIN_BLOCKS) return null;
  const hours = blocks.map((block) => block.hours);
  const values = blocks.map((block) => block.value);
  const bodies = blocks.map((block) => block.bodies);
  const perHour = spread(hours, values) / spread(hours, hours);
  const hh = spread(hours, hours);
  const hv = spread(hours, values);
  const bb = spread(bodies, bodies);
  const bv = spread(bodies, values);
  const hb = spread(hours, bodies);
  const areConstant = bb <= 1e-12 * blocks.length;
  const determinant = areConstant ? hh : hh * bb - hb * hb;
  if (!areConstant && determinant < MIN_TOLD_APART * hh * bb)
    return { perHour, perHourBesideBodies: null, standardError: null };
  const onHours = areConstant ? perHour : (hv * bb - bv * hb) / determinant;
  const onBodies = areConstant ? 0 : (bv * hh - hv * hb) / determinant;
  const [meanHours, meanValue, meanBodies] = [meanOf(hours), meanOf(values), meanOf(bodies)];
  const residuals = blocks.map(
    (block) =>
      block.value - meanValue - onHours * (block.hours - meanHours) - onBodies * (block.bodies - meanBodies),
  );
  const variance =
    residuals.reduce((sum, residual) => sum + residual * residual, 0) /
    (blocks.length - (areConstant ? 2 : 3));
  return {
    perHour,
    perHourBesideBodies: onHours,
    standardError: Math.sqrt((variance * (areConstant ? 1 : bb)) / determinant),
  };
}

/** A slope counts if it is this many standard errors long … */
const MIN_STANDARD_ERRORS = 3;
/** … and moves the figure by this share of its level over the time watched. */
const MIN_DRIFT = 0.05;
/** If the noise could hide a drift of this share, the result is null. */
const MAX_HIDDEN_DRIFT = 0.25;

/**
 * Whether a figure gets worse by itself, not by the bodies planted.
 *
 * @param level - of the figure, for scale
 * @param hours - watched
 * @param worse - the direction that is bad
 * @returns null when it cannot be known: too short, too noisy, or the number of bodies grew in step with time
 */
export function getsWorse(
  trend: Trend | null,
  level: number,
  hours: number,
  worse: 'up' | 'down',
): boolean | null {
  if (trend === null || trend.perHourBesideBodies === null || trend.standardError === null) return null;
  const slope = worse === 'up' ? trend.perHourBesideBodies : -trend.perHourBesideBodies;
  const noise = MIN_STANDARD_ERRORS * trend.standardError;
  if (slope > noise && slope * hours > MIN_DRIFT * Math.abs(level)) return true;
  return noise * hours > MAX_HIDDEN_DRIFT * Math.abs(level) ? null : false;
}
