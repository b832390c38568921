/** The answers of `/admin/api`, JSON and films: the server makes them, the admin's page shows them. */
import type { LoginLeft, Player, Role, Sanction } from './adminPeople.ts';
import type { Species, StatsMessage } from './protocol.ts';

export type RuleOrigin = 'shipped' | 'uploaded' | 'trained' | 'tuned';
/** `candidate`: tuned and better, but not swapped in; `rejected`: tuned and not better, or refused by an admin. */
export type RuleStatus = 'ready' | 'candidate' | 'rejected';

/** A rule in the registry, without its file. */
export interface RuleRecord {
  readonly id: number;
  readonly name: string;
  /** 1, 2, 3 … per name. */
  readonly version: number;
  /** The rule that it was made from. */
  readonly parent: number | null;
  readonly origin: RuleOrigin;
  readonly status: RuleStatus;
  /** Hash of the file's bytes, hex. */
  readonly sha256: string;
  readonly metrics: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly created: string;
  readonly bytes: number;
}

export interface RuleEntry extends RuleRecord {
  /** "pikachu v4" */
  readonly label: string;
  readonly parentLabel: string | null;
  /** Species that live by it. */
  readonly inForceFor: readonly string[];
}

export type SwapScope = 'organism' | 'species' | 'planted';
/**
 * `wanted`: not done yet; `watched`: done, and may be rolled back; `superseded`: another swap took its place while it
 * was watched.
 */
export type SwapStatus = 'wanted' | 'watched' | 'in force' | 'refused' | 'rolled back' | 'superseded';

export interface SwapRecord {
  readonly id: number;
  /** The species whose rule is swapped; the rule may have another name. */
  readonly species: string;
  readonly rule: number;
  readonly scope: SwapScope;
  /** The canary, where the scope is `organism`; else null. */
  readonly organism: number | null;
  readonly status: SwapStatus;
  /** Why it was refused or rolled back. */
  readonly reason: string;
  readonly who: string;
  readonly address: string;
  readonly created: string;
}

export interface SwapEntry extends SwapRecord {
  /** Label of the rule: "pikachu v4". */
  readonly label: string;
}

export interface RulesAnswer {
  readonly rules: readonly RuleEntry[];
  readonly species: readonly { readonly species: string; readonly rule: number }[];
  readonly swaps: readonly SwapEntry[];
}

export interface ProbeFigures {
  readonly cells: number;
  /** 0..1, before the cut, right after it, and at the film's end. */
  readonly healthGrown: number;
  readonly healthCut: number;
  readonly healthHealed: number;
}

/** The film of a probe, without its pixels. */
export interface FilmShape {
  /** Pixels; one per cell, or one per 2, 3 … cells of a large body. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly stepsPerFrame: number;
  /** The first frame after the cut. */
  readonly cutFrame: number;
}

export interface ProbeAnswer {
  readonly thumbnail: string;
  readonly width: number;
  readonly height: number;
  readonly figures: ProbeFigures;
  readonly film: FilmShape;
  /** What this rule does to a body of the rule in force; null when it does no harm, or no rule is in force. */
  readonly fault: string | null;
}

export interface LiveAnswer {
  readonly who: string;
  readonly role: Role;
  readonly left: LoginLeft;
  readonly stats: Omit<StatsMessage, 'players'> | null;
  /** The wanted speed; 0 when the world is paused. */
  readonly stepsPerSecond: number;
  readonly uptimeSeconds: number;
  /** Why the world cannot be saved, and refuses strokes, and where; null: all is well. */
  readonly trouble: string | null;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly engine: string;
  readonly width: number;
  readonly height: number;
  readonly species: readonly Species[];
  /** Rule label → bodies that have wilted under it since the server started. Rules without any are left out. */
  readonly wilted: Readonly<Record<string, number>>;
  readonly players: readonly Player[];
  /** Reports that wait for a moderator. */
  readonly reports: number;
  /** Drawings that wait for a moderator. */
  readonly drawings: number;
  /** Those in force, oldest first. */
  readonly sanctions: readonly Sanction[];
}

export interface RunningSession {
  /** ISO 8601. */
  readonly beganAt: string;
  readonly atOnce: number;
  readonly players: number;
  readonly mostAtOnce: number;
  readonly strokes: number;
  readonly refusedStrokes: number;
  /** Recorded wounds that have closed, and those of them that healed. */
  readonly wounds: number;
  readonly healed: number;
  readonly openWounds: number;
  /** Wounds that are not recorded, because a bound was reached. */
  readonly droppedWounds: number;
}

/** `crash`: the process was killed; the next start made the record from what it left open. */
export type SessionEnd = 'empty' | 'admin' | 'shutdown' | 'crash';

export interface SpeciesDamage {
  readonly species: string;
  /** Bodies that were touched, at least 1. */
  readonly organisms: number;
  /** Recorded wounds of this species, and those of them that healed. */
  readonly wounds: number;
  readonly healed: number;
}

/** The record of a session, without its wounds. */
export interface SessionHead {
  readonly format: 1;
  /** `beganAt` with `-` for `:`, to serve as a file name. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly beganAt: string;
  readonly endedAt: string;
  readonly endedBy: SessionEnd;
  /** A count of people without names: for each address, the most that were here at once. */
  readonly players: number;
  readonly mostAtOnce: number;
  /** Strokes that the world applied. */
  readonly strokes: number;
  readonly refusedStrokes?: number;
  /** Wounds that are not in the record, because a bound was reached. */
  readonly droppedWounds: number;
  /** Blows that took less than 0.05 of the body's health: there was nothing to heal, and they are not recorded. */
  readonly scratches?: number;
  /** One entry per species. */
  readonly damage: readonly SpeciesDamage[];
}

/** A session that has ended. A record that cannot be read has a `fault` instead of figures. */
export type PastSession = SessionHead | { readonly id: string; readonly fault: string };

export interface SessionsAnswer {
  readonly running: RunningSession | null;
  /** Newest first. */
  readonly past: readonly PastSession[];
}

/** `manual`: an admin swaps candidates in; `auto`: the tuner does; `off`: nothing is tuned. */
export type TunerMode = 'off' | 'manual' | 'auto';
export type TuningStage = 'preparing' | 'measuring' | 'training' | 'comparing';
export const TUNER_STATES = [
  'off',
  'idle',
  'paused',
  'waiting',
  'preparing',
  'measuring',
  'training',
  'comparing',
] as const;

/** A round of an attempt that is over. */
export interface RoundTold {
  /** `healing`, `picture`, `stillness` or `safety`. */
  readonly aim: string;
  /** What was lacking before it; empty: it was the first. */
  readonly because: string;
  readonly iterations: number;
  /** What its result lacked. */
  readonly lacks: readonly string[];
}

/**
 * `passed`: its rule became a candidate; `gave up`: its best rule was rejected; `needless`: the rule in force heals the
 * wounds already; `ended`: another rule came into force, or an admin cancelled it; `failed`: it could not be done.
 */
const ATTEMPT_OUTCOMES = ['passed', 'gave up', 'needless', 'ended', 'failed'] as const;

/** An attempt to tune a species that is over. */
export interface AttemptTold {
  readonly species: string;
  /** The rule that it began with, as "pikachu v3"; empty: it had not begun. */
  readonly incumbent: string;
  /** The rule that it made; empty: none was entered. */
  readonly label: string;
  /** ISO 8601; `begun` is empty when it had not begun. */
  readonly begun: string;
  readonly ended: string;
  readonly outcome: (typeof ATTEMPT_OUTCOMES)[number];
  /** Why, for people. */
  readonly told: string;
  readonly iterations: number;
  readonly trainedWounds: number;
  readonly heldOutWounds: number;
  readonly rounds: readonly RoundTold[];
}

/** How far an attempt has come. */
export interface AttemptProgress {
  /** Iterations done, and the budget. */
  readonly done: number;
  readonly planned: number;
  /** Smoothed; null: none yet. */
  readonly loss: number | null;
  /** Time spent on the attempt so far. */
  readonly seconds: number;
  /** What the running round is for, and why: empty in the first. Both are empty while nothing is known yet. */
  readonly aim: string;
  readonly because: string;
  /** The finished rounds. */
  readonly rounds: readonly RoundTold[];
}

export interface TunerView {
  readonly mode: TunerMode;
  /** `paused`: somebody plays; `waiting`: the job is about to begin, or to be tried again. */
  readonly state: (typeof TUNER_STATES)[number];
  /** Species with new wounds, but too few for an attempt. */
  readonly gathering: readonly {
    readonly species: string;
    readonly wounds: number;
    readonly needed: number;
  }[];
  /** The attempt that runs or is paused. */
  readonly job:
    | (AttemptProgress & {
        readonly species: string;
        readonly session: string;
        /** Wounds that are learned from, and those that judge. */
        readonly wounds: number;
        readonly heldOut: number;
        readonly incumbent: string;
      })
    | null;
  /** [iteration, smoothed loss] */
  readonly losses: readonly (readonly [number, number])[];
  /** Spot checks, as [iteration, recovery]; the first entry is the incumbent's. */
  readonly spotChecks: readonly (readonly [number, number])[];
  /** Names of the jobs that wait. */
  readonly queue: readonly string[];
  /** Attempts that are over, newest first. */
  readonly attempts: readonly AttemptTold[];
  /** Time that the last pause took to take effect; null when there was none. */
  readonly pauseMs: number | null;
  /** Newest first. */
  readonly notes: readonly { readonly at: string; readonly text: string }[];
}

/** How incumbent and candidate are watched while they heal a held-out wound. */
export const HEALING = {
  /** Steps from the last blow to the measurement of the error. */
  steps: 200,
  /** Steps between two points of a curve of the error. */
  stepsPerPoint: 10,
  /** Steps between two frames of the film. */
  stepsPerFrame: 8,
} as const;
/** The body before the wound, right after it, and every 8 steps until step 200. */
export const HEALING_FILM_FRAMES = 2 + HEALING.steps / HEALING.stepsPerFrame;

/** One figure of a tuned rule beside the same figure of its incumbent. */
export interface Figure {
  readonly name: string;
  readonly group: 'held-out' | 'recovery' | 'error' | 'stillness' | 'safety';
  /** Means over random seeds. */
  readonly before: number;
  readonly after: number;
  /** In the figure's unit; only a loss beyond it counts. Below 0 when the incumbent is beyond the limit itself. */
  readonly margin: number;
  /** Chance that the figure is not worse by more than its margin, adjusted for the family; 0..1. */
  readonly p: number;
  readonly isWorse: boolean;
}

/** A tuned rule beside its incumbent, measured on the same wounds and random seeds. */
export interface Comparison {
  readonly randomSeeds: number;
  readonly heldOutWounds: number;
  /** Mean error 200 steps after the last blow of a held-out wound. */
  readonly heldOutLossBefore: number;
  readonly heldOutLossAfter: number;
  /** Chance that the candidate is not better on held-out wounds; 0..1. */
  readonly betterP: number;
  readonly figures: readonly Figure[];
  /** Change of recovery, mean over kinds of damage; -0.02 is two per cent worse. */
  readonly suiteDelta: number;
  /** As `suiteDelta`, from medians over random seeds instead of means. */
  readonly suiteDeltaMedian: number;
  /** Mean error by step after a held-out wound: at steps 0, 10 … 200. */
  readonly curveBefore: readonly number[];
  readonly curveAfter: readonly number[];
  /** Reasons for rejection, one per line; empty: it is a candidate. */
  readonly reasons: readonly string[];
}

/** What the tuner enters in a tuned rule's `metrics.comparison`. */
export interface ComparisonRecord extends Comparison {
  readonly trainedWounds: number;
  readonly iterations: number;
  /** Seconds spent on the attempt. */
  readonly seconds: number;
  /** Missing in rules that earlier versions tuned. */
  readonly rounds?: readonly RoundTold[];
}
