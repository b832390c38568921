/** What `/admin/api` answers: the server builds it, the admin's page shows it. JSON. */
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
  /** What a body of the rule in force suffers under it; null: nothing, or there is none. */
  readonly fault: string | null;
}

export interface Player {
  /** Session id. */
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
  /** As it was set; 0: paused. */
  readonly stepsPerSecond: number;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly engine: string;
  readonly width: number;
  readonly height: number;
  readonly species: readonly Species[];
  /** Rule label → bodies that have wilted under it since the server started; those without are left out. */
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

/** A record that cannot be read says why. */
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

/** Candidates are swapped in by an admin's button, or by themselves. */
export type TunerMode = 'off' | 'manual' | 'auto';
export type TuningStage = 'preparing' | 'measuring' | 'training' | 'comparing';

export interface TunerView {
  readonly mode: TunerMode;
  /** `paused`: somebody plays; `waiting`: about to be begun, or tried again. */
  readonly state: 'off' | 'idle' | 'paused' | 'waiting' | TuningStage;
  /** Under way, or paused. */
  readonly job: {
    readonly species: string;
    readonly session: string;
    readonly wounds: number;
    readonly incumbent: string;
    /** Iterations. */
    readonly done: number;
    readonly planned: number;
    readonly loss: number | null;
    readonly seconds: number;
    readonly budgetSeconds: number;
  } | null;
  /** [iteration, smoothed loss] */
  readonly losses: readonly (readonly [number, number])[];
  /** [iteration, recovery of a few wounds]; the first is the incumbent's. */
  readonly probes: readonly (readonly [number, number])[];
  /** Jobs that wait. */
  readonly queue: readonly string[];
  /** How long the last pause took; null: there was none. */
  readonly pauseMs: number | null;
  /** Newest first. */
  readonly notes: readonly { readonly at: string; readonly text: string }[];
}
