/** The JSON answers of `/admin/api`: the server builds them, the admin's page shows them. */
import type { Species, StatsMessage } from './protocol.ts';

export interface RuleEntry {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly label: string;
  readonly parentLabel: string | null;
  readonly origin: string;
  readonly status: string;
  readonly sha256: string;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly created: string;
  readonly bytes: number;
  readonly inForceFor: readonly string[];
}

export interface SwapEntry {
  readonly id: number;
  readonly species: string;
  readonly label: string;
  readonly scope: string;
  readonly organism: number | null;
  readonly status: string;
  readonly reason: string;
  readonly who: string;
  readonly created: string;
}

export interface RulesAnswer {
  readonly rules: readonly RuleEntry[];
  readonly species: readonly { readonly species: string; readonly rule: number }[];
  readonly swaps: readonly SwapEntry[];
}

export interface ProbeAnswer {
  readonly thumbnail: string;
  readonly width: number;
  readonly height: number;
  readonly figures: {
    readonly cells: number;
    readonly healthGrown: number;
    readonly healthCut: number;
    readonly healthHealed: number;
  };
  readonly film: {
    readonly width: number;
    readonly height: number;
    readonly frames: number;
    readonly stepsPerFrame: number;
    readonly cutFrame: number;
  };
  /** What this rule does to a body of the rule in force; null when it does no harm, or no rule is in force. */
  readonly fault: string | null;
}

export interface Player {
  /** The id of the guest's connection. */
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly seconds: number;
  /** Strokes that the world has applied. */
  readonly strokes: number;
  readonly isMuted: boolean;
}

export interface LiveAnswer {
  readonly who: string;
  readonly stats: Omit<StatsMessage, 'players'> | null;
  /** The wanted speed; 0 when the world is paused. */
  readonly stepsPerSecond: number;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly engine: string;
  readonly width: number;
  readonly height: number;
  readonly species: readonly Species[];
  /** Rule label → bodies that have wilted under it since the server started. Rules without any are left out. */
  readonly wilted: Readonly<Record<string, number>>;
  readonly players: readonly Player[];
  readonly bans: readonly { readonly address: string; readonly until: string; readonly reason: string }[];
}

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  readonly who: string;
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

export interface RunningSession {
  readonly beganAt: string;
  readonly atOnce: number;
  readonly players: number;
  readonly mostAtOnce: number;
  readonly strokes: number;
  readonly refusedStrokes: number;
  readonly wounds: number;
  readonly healed: number;
  readonly openWounds: number;
  readonly droppedWounds: number;
}

/** A session that has ended. A record that cannot be read has a `fault` instead of figures. */
export type PastSession =
  | { readonly id: string; readonly fault: string }
  | {
      readonly id: string;
      readonly beganAt: string;
      readonly endedAt: string;
      readonly endedBy: string;
      readonly players: number;
      readonly strokes: number;
      readonly droppedWounds: number;
      readonly damage: readonly {
        readonly species: string;
        readonly wounds: number;
        readonly healed: number;
      }[];
    };

export interface SessionsAnswer {
  readonly running: RunningSession | null;
  /** Newest first. */
  readonly past: readonly PastSession[];
}

export interface OrganismEntry {
  readonly id: number;
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly health: number;
}

/** `manual`: an admin swaps candidates in; `auto`: the tuner does; `off`: nothing is tuned. */
export type TunerMode = 'off' | 'manual' | 'auto';
export type TuningStage = 'preparing' | 'measuring' | 'training' | 'comparing';

export interface TunerView {
  readonly mode: TunerMode;
  /** `paused`: somebody plays; `waiting`: the job is about to begin, or to be tried again. */
  readonly state: 'off' | 'idle' | 'paused' | 'waiting' | TuningStage;
  /** The job that runs or is paused. */
  readonly job: {
    readonly species: string;
    readonly session: string;
    readonly wounds: number;
    readonly incumbent: string;
    /** Iterations done, and planned. */
    readonly done: number;
    readonly planned: number;
    readonly loss: number | null;
    readonly seconds: number;
    readonly budgetSeconds: number;
  } | null;
  /** [iteration, smoothed loss] */
  readonly losses: readonly (readonly [number, number])[];
  /** [iteration, recovery from a few wounds]; the first entry is the incumbent's. */
  readonly probes: readonly (readonly [number, number])[];
  /** Names of the jobs that wait. */
  readonly queue: readonly string[];
  /** Time that the last pause took to take effect; null when there was none. */
  readonly pauseMs: number | null;
  /** Newest first. */
  readonly notes: readonly { readonly at: string; readonly text: string }[];
}

/** What the tuner enters in a tuned rule's `metrics.comparison`, as far as the admin's page shows it. */
export interface ComparisonFigures {
  readonly heldOutWounds: number;
  readonly trainedWounds: number;
  readonly randomSeeds: number;
  readonly iterations: number;
  /** Time of the training. */
  readonly seconds: number;
  /** Mean error 200 steps after the last blow of a held-out wound. */
  readonly heldOutLossBefore: number;
  readonly heldOutLossAfter: number;
  /** Mean error by step after a held-out wound: at steps 0, 10 … 200. */
  readonly curveBefore: readonly number[];
  readonly curveAfter: readonly number[];
  readonly figures: readonly {
    readonly name: string;
    readonly group: string;
    readonly before: number;
    readonly after: number;
    /** Chance that it is not worse by more than the margin: 0..1. */
    readonly p: number;
    readonly isWorse: boolean;
  }[];
}
