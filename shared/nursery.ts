/** The nursery as the page and the admin page see it, over HTTP. JSON. */
import type { NurseryMode } from './drawing/submission.ts';

/**
 * `waiting`: for an admin's word. `queued`: for its turn. `learning`: a rule is trained for it. `ready`: anybody may
 * plant it. `refused`: by an admin, or its rule cannot live. `withdrawn`: by its maker. `withered`: others needed its
 * place. `removed`: by an admin, with all its bodies.
 */
export const DRAWING_STATES = [
  'waiting',
  'queued',
  'learning',
  'ready',
  'refused',
  'withdrawn',
  'withered',
  'removed',
] as const;
export type DrawingState = (typeof DRAWING_STATES)[number];

/** Damage that a creature must heal before it passes, as the suite names it. */
export const HEALED_KINDS = [
  'left',
  'right',
  'top',
  'bottom',
  'centre',
  'scrub',
  'truncate',
  'noise',
] as const;

/** What a rule must reach, for plots; `server/nursery/gates.ts` judges. */
export const PASSES = { maxError: 3e-4, minRecovery: 0.98 } as const;

/** Frames of a film, one below another in a PNG: it grows from its seed, is hurt, and heals. */
export const FILM = {
  growthFrames: 14,
  stepsPerGrowthFrame: 14,
  healingFrames: 12,
  stepsPerHealingFrame: 10,
  frames: 26,
  /** How often a new film is made while somebody looks. */
  everyMs: 5_000,
} as const;

/** A drawing as everybody may see it: it has been approved, or needs no approval. */
export interface ShownDrawing {
  readonly id: number;
  /** As its maker calls it. */
  readonly name: string;
  readonly maker: string;
  /** `shared/drawing/packed.ts` */
  readonly drawing: string;
}

export interface QueuedDrawing extends ShownDrawing {
  /** Estimated time until it is planted; null: not known. */
  readonly waitSeconds: number | null;
}

export interface LearningView extends ShownDrawing {
  readonly stage: 'starting' | 'learning' | 'judging' | 'planting';
  readonly iterations: number;
  readonly maxIterations: number;
  /** Time spent on it. */
  readonly seconds: number;
  /** Estimated; null: not known. */
  readonly secondsLeft: number | null;
  /** Mean square error of training, by iteration. */
  readonly losses: readonly (readonly [iteration: number, loss: number])[];
  /** Error of grown bodies, by iteration. */
  readonly errors: readonly (readonly [iteration: number, error: number])[];
  /** Recovery from the damage that heals worst, by iteration. */
  readonly healing: readonly (readonly [iteration: number, recovery: number])[];
  /** Median recovery by kind of damage, as measured last; empty: not yet. */
  readonly recovery: Readonly<Record<string, number>>;
  /** Number of the newest film: `api/nursery/films/ID-NUMBER.png`; null: there is none yet. */
  readonly film: number | null;
}

export interface GrownDrawing extends ShownDrawing {
  readonly species: string;
  readonly isPassed: boolean;
  /** What it cannot do, for people; empty: it passes. */
  readonly lacks: readonly string[];
  /** When it could be planted first, ISO 8601. */
  readonly since: string;
  readonly iterations: number;
  readonly seconds: number;
  /** Whether film and card are kept. */
  readonly hasFilm: boolean;
}

/** `GET /api/nursery` */
export interface NurseryView {
  readonly mode: NurseryMode;
  readonly learning: LearningView | null;
  /** In the order of their turns, at most 24. */
  readonly queue: readonly QueuedDrawing[];
  /** How many are in the queue. */
  readonly queued: number;
  /** Drawings that wait for an admin's word, which nobody else sees. */
  readonly waiting: number;
  /** Newest first, at most 24. */
  readonly grown: readonly GrownDrawing[];
}

/** A guest's own drawing, as only they are told of it. */
export interface OwnDrawing {
  readonly id: number;
  readonly name: string;
  readonly drawing: string;
  readonly state: DrawingState;
  /** Why it was refused, or what it lacks, for its maker to read; empty: there is nothing to say. */
  readonly reason: string;
  /** Its species, once it is ready. */
  readonly species: string | null;
  /** Drawings before it in the queue; null: it is not in the queue. */
  readonly before: number | null;
  /** Estimated time until it can be planted; null: not known, or over. */
  readonly waitSeconds: number | null;
}

/** Sent to a guest who has drawings, after `hello` and when one of them has changed. At most 12, newest first. */
export interface DrawingsMessage {
  readonly drawings: readonly OwnDrawing[];
}

/** Takes a drawing of this guest's back, before it has grown. */
export interface WithdrawMessage {
  readonly drawing: number;
}

/** A row of `GET /admin/api/nursery`. */
export interface AdminDrawing extends ShownDrawing {
  readonly guest: string;
  readonly address: string;
  readonly state: DrawingState;
  readonly reason: string;
  readonly species: string;
  readonly created: string;
  readonly changed: string;
  readonly isPassed: boolean;
  /** Living bodies of the species; null: it has none in the world. */
  readonly bodies: number | null;
}

/** `GET /admin/api/nursery` */
export interface AdminNurseryAnswer {
  readonly mode: NurseryMode;
  readonly drawings: readonly AdminDrawing[];
  /** Species of the nursery, and how many there may be. */
  readonly species: number;
  readonly maxSpecies: number;
  readonly learning: LearningView | null;
}
