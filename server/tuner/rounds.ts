/**
 * The rounds of an attempt: in each the learning rate falls to nothing along a cosine. The first teaches the wounds; each
 * further one is weighted to what the last look found lacking.
 */
import { lessonsFor } from '../evaluation/suite.ts';
import type { Rule } from '../rules/rule.ts';
import { DAMAGE_KINDS, type DamageKind } from '../training/damage.ts';
import type { TrainingPlan } from '../training/plan.ts';
import { COMPANY, FAR_OFF, PLACE_WEIGHT, POLISH } from '../training/regime.ts';
import type { TargetSource } from '../training/target.ts';
import type { Lack, LackArea } from './compare.ts';
import type { Blows } from './wounds.ts';

/** What a round is for. */
export const AIMS = ['healing', 'picture', 'stillness', 'safety'] as const;
export type Aim = (typeof AIMS)[number];

export interface Round {
  readonly aim: Aim;
  /** What was lacking, for people; empty: it is the first round. */
  readonly because: string;
  readonly iterations: number;
  /** Names of what is lacking: kinds of damage. */
  readonly kinds: readonly string[];
  /** Factor of the learning rate. */
  readonly gentleness: number;
  /** Safety was lacking once: strokes of a hand stay among the damage. */
  readonly isHardened: boolean;
}

/** Iterations of a round: short enough that a look comes soon, long enough for the rate to fall. */
export const ROUND_ITERATIONS = { first: 400, further: 300 } as const;
/** A round with the aim of the last one has this factor of its rate: the same again gains less and less. */
const GENTLER = 0.7;

const AIM_OF: Readonly<Record<LackArea, Aim>> = {
  learning: 'healing',
  recovery: 'healing',
  error: 'picture',
  stillness: 'stillness',
  safety: 'safety',
};

/** The first round, when nothing is lacking yet but learning. */
export const firstRound = (iterations: number): Round => ({
  aim: 'healing',
  because: '',
  iterations: Math.min(ROUND_ITERATIONS.first, iterations),
  kinds: [],
  gentleness: 1,
  isHardened: false,
});

/**
 * @param last - the round before
 * @param lacks - what its result lacks, at least one
 * @param iterations - at most so many are left
 */
export function nextRound(last: Round, lacks: readonly Lack[], iterations: number): Round {
  const weights = new Map<Aim, number>();
  for (const { area, by } of lacks) weights.set(AIM_OF[area], (weights.get(AIM_OF[area]) ?? 0) + by);
  const aim = AIMS.reduce((most, one) => ((weights.get(one) ?? 0) > (weights.get(most) ?? 0) ? one : most));
  const own = lacks.filter(({ area }) => AIM_OF[area] === aim).toSorted((a, b) => b.by - a.by);
  return {
    aim,
    because: own[0].told,
    iterations: Math.min(ROUND_ITERATIONS.further, iterations),
    kinds: own.map(({ name }) => name),
    gentleness: last.aim === aim ? last.gentleness * GENTLER : 1,
    isHardened: last.isHardened || aim === 'safety',
  };
}

/** Without strokes of a hand: a tuning pays for them with the picture. They come back when safety is lacking. */
const DAMAGE = DAMAGE_KINDS.filter((kind) => kind !== 'batter');

type Regime = Pick<
  TrainingPlan,
  'rate' | 'normalisation' | 'quiescenceWeight' | 'rimWeight' | 'damagedPart' | 'longestSteps' | 'batch'
> & { readonly recordedPart: number };

/**
 * Unequal gradients heal; equal ones make the picture fine, and with quiescence still. What is not hurt, and lives longer,
 * teaches the picture of grown bodies (server/training/README.md has the figures).
 */
const REGIMES: Readonly<Record<Aim, Regime>> = {
  healing: {
    rate: 1.5e-3,
    normalisation: 0.35,
    quiescenceWeight: 3,
    damagedPart: 0.5,
    longestSteps: 128,
    batch: 4,
    recordedPart: 0.6,
  },
  picture: {
    rate: 1e-3,
    normalisation: 0.75,
    quiescenceWeight: 8,
    damagedPart: 0.5,
    longestSteps: 128,
    batch: 4,
    recordedPart: 0.5,
  },
  stillness: {
    rate: 8e-4,
    normalisation: 0.75,
    quiescenceWeight: 16,
    rimWeight: COMPANY.rimWeight,
    damagedPart: 0.25,
    longestSteps: 144,
    batch: 4,
    recordedPart: 0.5,
  },
  safety: {
    rate: 1e-3,
    normalisation: 0.5,
    quiescenceWeight: 8,
    damagedPart: 0.5,
    longestSteps: 144,
    batch: 4,
    recordedPart: 0.3,
  },
};

/** Wounds that are learned from. */
export interface Lessons {
  readonly wounds: readonly Blows[];
  /** Mean error that the rule in force leaves of each. */
  readonly errors: readonly number[];
}

/** The worst wound is drawn so many times as often as one that heals: of a session, most do. */
const WORST_WEIGHT = 6;

function weightsOf({ errors }: Lessons): number[] {
  const worst = Math.max(...errors);
  return errors.map((error) => (worst > 0 ? 1 + ((WORST_WEIGHT - 1) * error) / worst : 1));
}

export function planOf(
  { name, hidden, fireRate, metadata }: Rule,
  source: TargetSource,
  { aim, iterations, kinds, gentleness, isHardened }: Round,
  lessons: Lessons,
  randomSeed: number,
): TrainingPlan {
  const { recordedPart, ...regime } = REGIMES[aim];
  const hardens = aim === 'safety';
  const batter: DamageKind[] = Array(hardens ? 3 : isHardened ? 1 : 0).fill('batter');
  return {
    ...POLISH,
    ...regime,
    rate: regime.rate * gentleness,
    wallPart: hardens ? COMPANY.wallPart : 0,
    strayWeight: hardens ? COMPANY.strayWeight : 0,
    // The grid of a run does not change from round to round: its pool goes on.
    roomCells: 0,
    farOff: hardens ? COMPANY.farOff : FAR_OFF,
    alignCells: 3,
    name,
    source,
    hidden,
    fireRate,
    overflowWeight: 0,
    // A rule whose hidden channels hold the place keeps them; no other rule is taught it.
    placeWeight: Number(metadata.place) > 0 ? PLACE_WEIGHT : 0,
    waveWeight: Number(metadata.waves) > 0 ? PLACE_WEIGHT : 0,
    iterations,
    curriculumIterations: 0,
    poolSize: 48,
    seedPart: 1,
    damage: [...DAMAGE, ...lessonsFor(kinds), ...batter],
    recorded: {
      wounds: lessons.wounds,
      weights: weightsOf(lessons),
      part: recordedPart,
      jitterCells: 1,
      healingSteps: 104,
    },
    delaySteps: 0,
    twicePart: 0,
    shortestSteps: 64,
    optimizer: 'muon',
    randomSeed,
  };
}
