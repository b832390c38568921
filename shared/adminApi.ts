/** The answers of `/admin/api`, JSON and films: the server makes them, the admin's page shows them. */
import type { Absence, ReportReason, Species, StatsMessage, Tool } from './protocol.ts';

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

/** One visit of a guest: a tab. */
export interface Player {
  /** The visit's. */
  readonly id: string;
  /** Id of the guest, the same over reloads and restarts. */
  readonly guest: string;
  readonly name: string;
  readonly address: string;
  readonly seconds: number;
  /** Strokes that the world has applied. */
  readonly strokes: number;
  readonly isMuted: boolean;
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
  /** Those in force, oldest first. */
  readonly sanctions: readonly Sanction[];
}

/** `mute`: no tools; `ban`: may not join. */
export type SanctionKind = 'mute' | 'ban';

/**
 * With a guest alone, it concerns them wherever they are; with an address alone, everybody from there. With both, the
 * guest, and those who have become guests at that address since it began.
 */
export interface Sanction {
  readonly id: string;
  readonly kind: SanctionKind;
  /** Id of the guest; empty: everybody from the address. */
  readonly guest: string;
  /** Empty: the guest alone. */
  readonly address: string;
  /** What the guest was called; empty: not known. */
  readonly name: string;
  /** ISO 8601. */
  readonly since: string;
  /** ISO 8601; empty: until an admin lifts it. */
  readonly until: string;
  readonly reason: string;
  /** Name of the admin. */
  readonly who: string;
}

/** A guest who is here or was here. */
export interface GuestSummary {
  readonly id: string;
  readonly name: string;
  /** Where they are, or were last. */
  readonly address: string;
  /** Their tabs that are here now. */
  readonly visits: number;
  /** When they first came, ISO 8601. */
  readonly since: string;
  /** When they were last here, ISO 8601. */
  readonly seen: string;
  /** Strokes that the world has applied, without plantings. */
  readonly strokes: number;
  readonly plantings: number;
}

/** A stroke or a planting that the world has applied. */
export interface Deed {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly step: number;
  /** Id of the guest. */
  readonly guest: string;
  /** What the guest was called. */
  readonly name: string;
  readonly address: string;
  readonly tool: Tool;
  /** Its first point, cells. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** For `plant` only. */
  readonly species?: string;
  /** Ids of the organisms that it touched, or planted; at most 8. */
  readonly organisms: readonly number[];
}

/** The answer to an act that was done at once. */
export interface Done {
  /** Why the registry does not have the act yet: its disk fails. The act is written as soon as that is possible. */
  readonly unwritten?: string;
}

/** `owner`: everything; `moderator`: players, their bodies and reports. */
export type Role = 'owner' | 'moderator';
export const ROLES: readonly Role[] = ['owner', 'moderator'];

/** Who does something. */
export interface Actor {
  readonly who: string;
  /** An IP address, or `command line`; empty: the server itself. */
  readonly address: string;
  /** Of an admin who is logged in. */
  readonly role?: Role;
}

export interface AdminRecord {
  readonly name: string;
  readonly role: Role;
  /** ISO 8601. */
  readonly created: string;
  /** When they logged in last, ISO 8601; empty: never. */
  readonly used: string;
}

export interface AdminsAnswer {
  readonly admins: readonly AdminRecord[];
  /** Whether `--admin-token` opens the page, too. */
  readonly hasOwnerOfSettings: boolean;
}

/** A new token: it is shown once and kept nowhere. */
export interface TokenAnswer {
  readonly name: string;
  readonly token: string;
}

/** When a login ends, in seconds from now. */
export interface LoginLeft {
  /** If the admin does nothing. */
  readonly idleSeconds: number;
  /** In any case. */
  readonly seconds: number;
}

/** Requests that the page makes by itself carry this header, and do not keep their admin logged in. */
export const POLL_HEADER = 'regrow-poll';

export interface ReportedBy {
  /** Id of the guest. */
  readonly guest: string;
  readonly name: string;
  readonly address: string;
}

/** What a visitor has reported. */
export interface Report {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly about: 'body' | 'name';
  readonly reason: ReportReason;
  readonly by: ReportedBy;
  /** Id of the guest who planted the body or has the name; empty: the garden planted it. */
  readonly guest: string;
  /** What that guest was called then. */
  readonly name: string;
  /** The body; null: a name was reported. */
  readonly organism: number | null;
  /** The body's; else empty. */
  readonly species: string;
  /** Cells: where the body grew, or where the guest's cursor was; null: not known. */
  readonly x: number | null;
  readonly y: number | null;
  /** null: it waits for a moderator. */
  readonly handled: { readonly at: string; readonly who: string; readonly outcome: string } | null;
}

/** A body that a guest planted. */
export interface OwnedBody extends OrganismEntry {
  /** Absent: it has its body. */
  readonly absence?: Absence;
}

/** The answer to `people`. */
export interface PeopleAnswer {
  /** Those who are here, then those who left last. */
  readonly guests: readonly GuestSummary[];
  /** Mutes and bans in force, oldest first. */
  readonly sanctions: readonly Sanction[];
  /** Those that wait for a moderator, newest first; then those that were handled. */
  readonly reports: readonly Report[];
}

/** The answer to `guests/ID`. */
export interface GuestAnswer {
  readonly guest: GuestSummary;
  /** Newest first, since the server was started. */
  readonly deeds: readonly Deed[];
  readonly bodies: readonly OwnedBody[];
}

export interface AuditEntry {
  readonly id: number;
  /** ISO 8601. */
  readonly at: string;
  readonly who: string;
  /** Empty: no admin who was logged in. */
  readonly role: Role | '';
  readonly address: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
  /** How often it happened; more than 1 for wrong tokens only. */
  readonly count: number;
}

export interface AuditAnswer {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  /** `before` of the page that follows; null: there is none. */
  readonly next: number | null;
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

export interface TunerView {
  readonly mode: TunerMode;
  /** `paused`: somebody plays; `waiting`: the job is about to begin, or to be tried again. */
  readonly state: (typeof TUNER_STATES)[number];
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
  /** Spot checks, as [iteration, recovery]; the first entry is the incumbent's. */
  readonly spotChecks: readonly (readonly [number, number])[];
  /** Names of the jobs that wait. */
  readonly queue: readonly string[];
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
  readonly group: 'held-out' | 'recovery' | 'error' | 'stillness';
  /** Means over random seeds. */
  readonly before: number;
  readonly after: number;
  /** In the figure's unit; only a loss beyond it counts. */
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
  /** Seconds of training. */
  readonly seconds: number;
}
