/** What is measured under an attack, and which bars it meets. Pure. */
import { type Body, hasBody } from '../soak/sizes.ts';
import type { Regular } from './regulars.ts';
import type { Waits } from './strokeWaits.ts';

/** @param sorted - ascending. @returns the value of the nearest rank; null when there is none */
export const quantile = (sorted: readonly number[], share: number): number | null =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;

/** What honest clients saw in one window of time. */
export interface HonestWindow {
  readonly seconds: number;
  readonly strokes: Waits;
  /** null: the observer heard too little to tell */
  readonly stepsPerSecond: number | null;
  readonly framesPerSecond: number;
  /** How late timers of the honest clients' own process were: what of a wait is theirs, not the server's. */
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Honest strokes that were refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Closed, not let in, wrong messages, by text. */
  readonly errors: Readonly<Record<string, number>>;
  /** What visitors got who come again and again, by what they do. */
  readonly regulars: Readonly<Record<string, Regular>>;
}

/** One look at the server's process. */
export interface Look {
  readonly atSeconds: number;
  readonly descriptors: number;
  readonly rssMiB: number;
  /** User and system time of the server's process so far. */
  readonly processorSeconds: number;
  /** For how long its threads have been ready to run while no core had time for them, summed over threads. */
  readonly waitedSeconds: number;
  /** Time of all cores so far that none of the siege's processes took. */
  readonly othersSeconds: number;
}

export interface Share {
  /** Percent of one core that the server's process took. */
  readonly processorPercent: number;
  /**
   * Percent of the time, summed over its threads, for which it was ready to run and had no core: taken by attackers, by
   * honest clients, by whatever else runs on the machine, and by its own threads from each other.
   */
  readonly waitedPercent: number;
  /**
   * Percent of one core that processes took which are not the siege's. When it is more than little, steps and waits
   * speak of the machine, not of the attack.
   */
  readonly othersPercent: number;
}

/** @param looks - in order of time. @returns null when there are not two looks between the times */
export function shareOf(looks: readonly Look[], fromSeconds: number, toSeconds: number): Share | null {
  const within = looks.filter(({ atSeconds }) => atSeconds >= fromSeconds && atSeconds <= toSeconds);
  const [first, last] = [within.at(0), within.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const seconds = last.atSeconds - first.atSeconds;
  return {
    processorPercent: (100 * (last.processorSeconds - first.processorSeconds)) / seconds,
    waitedPercent: (100 * (last.waitedSeconds - first.waitedSeconds)) / seconds,
    othersPercent: (100 * (last.othersSeconds - first.othersSeconds)) / seconds,
  };
}

export interface Level {
  /** Mean before the attack. */
  readonly before: number;
  /** Means of the first and the last fifth of the attack, after its first tenth. */
  readonly start: number;
  readonly end: number;
  readonly max: number;
  /** The last look, when the attack is over and the world had time to recover. */
  readonly after: number;
  /** Least squares over the attack after its first tenth, in percent of `start` per minute. */
  readonly slopePercentPerMinute: number;
  /** From `start` to `end`. */
  readonly driftPercent: number;
}

const SETTLE_SHARE = 0.1;
const EDGE_SHARE = 0.2;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/**
 * @param looks - in order of time
 * @param fromSeconds, toSeconds - when the attack began and ended
 */
export function levelOf(
  looks: readonly Look[],
  figure: 'descriptors' | 'rssMiB',
  fromSeconds: number,
  toSeconds: number,
): Level {
  const settled = fromSeconds + SETTLE_SHARE * (toSeconds - fromSeconds);
  const edge = EDGE_SHARE * (toSeconds - settled);
  const within = (from: number, to: number): Look[] =>
    looks.filter(({ atSeconds }) => atSeconds >= from && atSeconds <= to);
  const mean = (from: number, to: number): number => meanOf(within(from, to).map((look) => look[figure]));
  const attack = within(settled, toSeconds);
  const start = mean(settled, settled + edge);
  const end = mean(toSeconds - edge, toSeconds);
  const [meanSeconds, meanValue] = [
    meanOf(attack.map(({ atSeconds }) => atSeconds)),
    meanOf(attack.map((look) => look[figure])),
  ];
  let [along, spread] = [0, 0];
  for (const look of attack) {
    along += (look.atSeconds - meanSeconds) * (look[figure] - meanValue);
    spread += (look.atSeconds - meanSeconds) ** 2;
  }
  return {
    before: mean(Number.NEGATIVE_INFINITY, fromSeconds),
    start,
    end,
    max: Math.max(0, ...within(fromSeconds, toSeconds).map((look) => look[figure])),
    after: looks.at(-1)?.[figure] ?? 0,
    slopePercentPerMinute: spread === 0 || start === 0 ? 0 : (6_000 * along) / spread / start,
    driftPercent: start === 0 ? 0 : (100 * (end - start)) / start,
  };
}

/** Cells: a body that has grown again stands where it stood. */
const SAME_PLACE = 2;

/** Bodies that are neither there nor growing again at their place; one whose seed still waits is missing. */
export function missing(before: readonly Body[], listed: readonly Body[]): Body[] {
  const now = listed.filter(hasBody);
  const ids = new Set(now.map(({ id }) => id));
  return before.filter(
    (body) =>
      !ids.has(body.id) &&
      !now.some(
        (one) =>
          one.species === body.species &&
          Math.abs(one.x - body.x) <= SAME_PLACE &&
          Math.abs(one.y - body.y) <= SAME_PLACE,
      ),
  );
}

/** What of one attack, or of all together, is judged. */
export interface Outcome {
  readonly calm: HonestWindow;
  readonly attack: HonestWindow;
  /** How the server's process ended by itself; null: it runs. */
  readonly exit: string | null;
  /** Lines on its standard error, of errors that nothing handled. */
  readonly uncaught: readonly string[];
  /** Lines of errors and stacks that a stranger made it write. */
  readonly stacks: readonly string[];
  readonly bodies: { readonly before: number; readonly missing: number };
  readonly descriptors: Level;
  readonly rssMiB: Level;
  /** From the attack's end until steps, strokes, bodies and descriptors were back; null: not within the wait. */
  readonly recoveredSeconds: number | null;
}

/** Percent. */
const MAX_DRIFT = 5;
/** Open files that come and go: what a save, the registry and an answer hold for a moment. */
const MAX_MORE_DESCRIPTORS = 16;
const MIN_STEPS_RATIO = 0.8;
/** In a shorter attack the memory of a young process drowns any drift. */
const MIN_DRIFT_SECONDS = 60;

export const ratioOf = (attack: number | null, calm: number | null): number | null =>
  attack === null || calm === null || calm === 0 ? null : attack / calm;

/** Honest strokes may wait twice as long as in calm, and 50 ms more. */
export const mostWaitMs = (calmMs: number): number => 2 * calmMs + 50;

/** The bars of an attack, by name; null: not measured. */
export function barsOf(outcome: Outcome): Record<string, boolean | null> {
  const { calm, attack, bodies, descriptors, rssMiB, exit, uncaught, stacks } = outcome;
  const steps = ratioOf(attack.stepsPerSecond, calm.stepsPerSecond);
  const { admin } = attack.regulars;
  const isLong = attack.seconds >= MIN_DRIFT_SECONDS;
  const noCrash = exit === null && uncaught.length === 0;
  const flat = ({ driftPercent }: Level): boolean => Math.abs(driftPercent) <= MAX_DRIFT;
  return {
    noCrash,
    noStacks: stacks.length === 0,
    strokesP99:
      calm.strokes.p99Ms === null || attack.strokes.p99Ms === null
        ? null
        : attack.strokes.p99Ms <= mostWaitMs(calm.strokes.p99Ms),
    steps: steps === null ? null : steps >= MIN_STEPS_RATIO,
    bodies: exit === null && bodies.missing === 0,
    descriptorsReturned: exit === null && descriptors.after <= descriptors.before + MAX_MORE_DESCRIPTORS,
    descriptorsFlat: isLong ? flat(descriptors) : null,
    rssFlat: isLong ? flat(rssMiB) : null,
    adminLogsIn: admin === undefined || admin.tries === 0 ? null : admin.served === admin.tries,
    recovers: exit === null && outcome.recoveredSeconds !== null,
  };
}

/** Whether the world is as it was before the attack. */
export function isBack(calm: HonestWindow, now: HonestWindow, missingBodies: number): boolean {
  const steps = ratioOf(now.stepsPerSecond, calm.stepsPerSecond);
  const { p99Ms } = now.strokes;
  return (
    missingBodies === 0 &&
    steps !== null &&
    steps >= MIN_STEPS_RATIO &&
    p99Ms !== null &&
    p99Ms <= mostWaitMs(calm.strokes.p99Ms ?? 0)
  );
}

/** Lines that speak of an error that nothing handled. */
export const uncaughtIn = (lines: readonly string[]): string[] =>
  lines.filter((line) => /\buncaught\b|\bunhandled\b|has died|\bEMFILE\b/i.test(line));

/** Lines of errors that were handled, but written as bugs are: a stranger who causes them can fill the log. */
export const stacksIn = (lines: readonly string[]): string[] =>
  lines.filter((line) =>
    /^\s+at .+:\d+:\d+\)?$|^Error: |\b(?:Type|Reference|Range)Error\b|^(?:http|room): /.test(line),
  );
