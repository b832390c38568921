/**
 * What passes between the main thread (sockets) and the simulation thread (cells). Messages are structured clones.
 * Pixels never cross: encoded updates do, and their buffer is transferred.
 */
import type { BroughtBack, LostBody } from '../../shared/adminPeople.ts';
import type { Rect } from '../../shared/geometry.ts';
import type {
  Absence,
  InspectionMessage,
  Species,
  StatsMessage,
  StrokeMessage,
} from '../../shared/protocol.ts';
import type { SwapScope } from '../rules/registry.ts';
import type { PublishedFrame } from '../stream/published.ts';
import type { WaitingSeed } from './absences.ts';
import type { LoadedRule } from './ruleSlots.ts';
import type { Vitals } from './vitals.ts';
import type { WiltedBody } from './wilting.ts';
import type { WoundEvent } from './woundWatch.ts';

/** Who does something to the world. */
export interface Doer {
  /** Id of the guest, the same over reloads and restarts. */
  readonly guest: string;
  /** An IPv4 address, or the /64 of an IPv6 one. */
  readonly address: string;
  /** What the guest is called at the moment, for people. */
  readonly name: string;
}

/** An organism that somebody looks at, before the main thread makes it the looking guest's. */
export interface Inspection extends Omit<NonNullable<InspectionMessage['organism']>, 'isYours'> {
  /** Id of the guest who planted it; clients do not get it. */
  readonly guest: string;
}

export interface OrganismSummary {
  readonly id: number;
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly ageSteps: number;
  readonly health: number;
  readonly cells: number;
  readonly planter: string;
  /** Absent: it is awake. */
  readonly isAsleep?: boolean;
  /** Absent: it has its body. */
  readonly absence?: Absence;
  /** Seconds until its seed grows again. Absent: it does not wait. */
  readonly waitSeconds?: number;
}

/** A swap that the registry asks the world for. */
export interface SwapOrder {
  /** The swap's number in the registry. */
  readonly id: number;
  readonly species: string;
  readonly scope: SwapScope;
  /** The canary, for scope `organism`. */
  readonly organism?: number;
  /** Who ordered it, for people. */
  readonly who: string;
}

export type SwapAnswer =
  /** Done before step `step + 1`; `organisms` went over. */
  | { readonly ok: true; readonly step: number; readonly organisms: number }
  | { readonly ok: false; readonly reason: string };

/** What became of a swap. */
export interface SwapOutcome {
  readonly id: number;
  readonly species: string;
  readonly scope: SwapScope;
  readonly who: string;
  /** The new rule: "pikachu v4". */
  readonly rule: string;
  readonly verdict: 'in force' | 'rolled back' | 'superseded';
  readonly reason: string;
}

/** What an admin does to the world. `by`: the admin's name; absent: nobody's. */
export type WorldControl =
  /** 0 pauses the world. */
  | { readonly kind: 'speed'; readonly stepsPerSecond: number }
  /** Zeroes a circle; what dies of it does not come back. */
  | {
      readonly kind: 'clear';
      readonly x: number;
      readonly y: number;
      readonly radius: number;
      readonly by?: string;
    }
  /** The organism dissolves and is gone. */
  | { readonly kind: 'remove'; readonly organism: number; readonly by?: string }
  /** As `remove`, of all that the guest has planted. */
  | { readonly kind: 'removeByGuest'; readonly guest: string; readonly by?: string }
  /** The species is the world's no longer, and its bodies dissolve. */
  | { readonly kind: 'removeSpecies'; readonly species: string; readonly by?: string }
  /** Plants organisms around the middle, as far as they find room. */
  | { readonly kind: 'garden'; readonly count: number; readonly randomSeed: number };

/** What is to be brought back. */
export type Wanted =
  /** One that is gone: the number of its loss. */
  | { readonly loss: number }
  /** One that is not gone yet: its seed waits, it dissolves, or its place was cleared. */
  | { readonly organism: number }
  /** All that this guest killed or removed. */
  | { readonly by: string };

/** Which organisms are asked for. */
export interface OrganismsQuery {
  /** Default: all. */
  readonly limit?: number;
  /** Only ids above this, in ascending order. Default: all, in any order. */
  readonly after?: number;
  readonly species?: string;
  /** Those nearest to a cell, nearest first; `after` and `species` do not count. */
  readonly near?: { readonly x: number; readonly y: number };
}

export type WorldQuery =
  /** Answer: Uint8Array [height, width, 4], the true pixels; zeros outside the world. */
  | { readonly kind: 'pixels'; readonly rect: Rect }
  /** Answer: OrganismSummary[] */
  | ({ readonly kind: 'organisms' } & OrganismsQuery)
  /** Answer: how many organisms each species has, without those that have none. */
  | { readonly kind: 'population' }
  /** Answer: the census (`shared/census.ts`); null: it is the known one. `known`: its version; null: none */
  | { readonly kind: 'census'; readonly known: number | null }
  /** Answer: of all that have a body; null: there are none. */
  | { readonly kind: 'meanHealth' }
  /** Answer: OrganismSummary[] of those that the guest has planted. */
  | { readonly kind: 'bodiesOf'; readonly guest: string }
  /** Answer: the ids of the guests who planted a living body. */
  | { readonly kind: 'planters' }
  /** Answer: Inspection of the organism at (x, y); null: there is none. */
  | { readonly kind: 'inspectAt'; readonly x: number; readonly y: number }
  /** Answer: Inspection; null: it is gone. */
  | { readonly kind: 'inspect'; readonly organism: number }
  /** Answer: StrokeOutcome */
  | {
      readonly kind: 'stroke';
      readonly by: Doer;
      readonly stroke: StrokeMessage;
    }
  /** `x`, `y`: integers. Answer: why `by` cannot plant a seed there, for them to read; null: they can. */
  | {
      readonly kind: 'room';
      readonly species: string;
      readonly x: number;
      readonly y: number;
      readonly by?: Doer;
    }
  /** The guest removes a body that they have planted. Answer: why not, for the guest to read; null: it is done. */
  | { readonly kind: 'removeOwn'; readonly organism: number; readonly guest: string }
  /** Answer: LostBody[], newest first. */
  | { readonly kind: 'lost' }
  /** Answer: BroughtBack. */
  | { readonly kind: 'bringBack'; readonly wanted: Wanted }
  /** Answer: null, once the save is on disk. */
  | { readonly kind: 'save' }
  /** Answer: the number of organisms concerned. */
  | { readonly kind: 'control'; readonly control: WorldControl }
  /** Closes and reports every open wound. Answer: null. */
  | { readonly kind: 'endWounds' }
  /** Only after the rule's probe. Answer: SwapAnswer. */
  | { readonly kind: 'swap'; readonly order: SwapOrder; readonly next: LoadedRule };

export interface WorldAnswers {
  pixels: Uint8Array<ArrayBuffer>;
  organisms: OrganismSummary[];
  population: Readonly<Record<string, number>>;
  census: { readonly version: number; readonly bytes: Uint8Array<ArrayBuffer> } | null;
  meanHealth: number | null;
  bodiesOf: OrganismSummary[];
  planters: string[];
  inspectAt: Inspection | null;
  inspect: Inspection | null;
  stroke: StrokeOutcome;
  room: string | null;
  removeOwn: string | null;
  lost: LostBody[];
  bringBack: BroughtBack;
  save: null;
  control: number;
  endWounds: null;
  swap: SwapAnswer;
}

export type StrokeOutcome =
  /** `organisms`: ids of those that it touched, or planted. */
  | { readonly ok: true; readonly step: number; readonly organisms: readonly number[] }
  | { readonly ok: false; readonly reason: string };

export type ToWorld =
  /** Pages (`stream/pageKey.ts`) that are watched from now on, or no longer. A new one comes as a keyframe. */
  | { readonly type: 'watch'; readonly add: readonly number[]; readonly remove: readonly number[] }
  /** Asks for keyframes of these pages in the next frame, and for that frame even when nothing else has changed. */
  | { readonly type: 'keyframes'; readonly keys: readonly number[] }
  | { readonly type: 'query'; readonly request: number; readonly query: WorldQuery }
  /** These guests are here: what they have planted does not wither. */
  | { readonly type: 'present'; readonly guests: readonly string[] }
  /** Saves, then answers `stopped`. */
  | { readonly type: 'stop' };

export interface WorldReady {
  readonly type: 'ready';
  readonly engine: string;
  /** Why this engine was chosen. */
  readonly reason: string;
  readonly width: number;
  readonly height: number;
  readonly species: readonly Species[];
  /** Where a new client looks first. */
  readonly start: { readonly x: number; readonly y: number };
  readonly stepsPerSecond: number;
  /** Swaps whose watch goes on. */
  readonly watchedSwaps: readonly number[];
  /** What the operator should read of the start: restored, planted, a save set aside … */
  readonly notes: readonly string[];
}

export type FromWorld =
  | WorldReady
  | PublishedFrame
  /** The main thread adds `players` and `trouble`. */
  | { readonly type: 'stats'; readonly stats: Omit<StatsMessage, 'players'> }
  /** Once per second, after `stats`. */
  | { readonly type: 'vitals'; readonly vitals: Vitals }
  | { readonly type: 'answer'; readonly request: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly request: number; readonly message: string }
  | { readonly type: 'log'; readonly line: string }
  /** The rules in force have changed, by a swap or a rollback. */
  | { readonly type: 'species'; readonly species: readonly Species[] }
  | { readonly type: 'swap'; readonly outcome: SwapOutcome }
  /** What players did to bodies and what became of it, in order. */
  | { readonly type: 'wounds'; readonly events: readonly WoundEvent[] }
  /** Bodies that began to wilt in one frame. */
  | { readonly type: 'wilted'; readonly bodies: readonly WiltedBody[] }
  /** The seeds that wait, at most 4,096 of them; when they have changed. */
  | { readonly type: 'seeds'; readonly seeds: readonly WaitingSeed[] }
  /** Why the world cannot be saved, and refuses strokes; null: it is over. */
  | { readonly type: 'trouble'; readonly trouble: string | null }
  /** While the world stops: how much of a save is written. */
  | { readonly type: 'saving'; readonly pages: number; readonly of: number }
  | { readonly type: 'stopped' };

/** The world refused a question, did not answer it in time, or has ended; the message says which. */
export class NoAnswerError extends Error {
  override name = 'NoAnswerError';
}

/**
 * The world as the main thread sees it: made by `links/threadLink.ts`, faked by tests. Pages are named by
 * `stream/pageKey.ts`.
 */
export interface WorldLink {
  readonly ready: WorldReady;
  /** The newest; null: none has come. */
  readonly stats: Omit<StatsMessage, 'players'> | null;
  /** The newest; null: none have come. */
  readonly vitals: Vitals | null;
  /** Bodies that began to wilt since the process started, by the label of the rule they lived by. */
  readonly wilted: ReadonlyMap<string, number>;
  /** Why the world cannot be saved, and refuses strokes, for people; null: all is well. */
  readonly trouble: string | null;
  watch(add: readonly number[], remove: readonly number[]): void;
  requestKeyframes(keys: readonly number[]): void;
  /** Says which guests are here: what they have planted does not wither. */
  present(guests: readonly string[]): void;
  /** @throws NoAnswerError with the world's reason, or after 10 s without an answer */
  ask<Q extends WorldQuery>(query: Q): Promise<WorldAnswers[Q['kind']]>;
  onFrame: (frame: PublishedFrame) => void;
  onStats: (stats: Omit<StatsMessage, 'players'>) => void;
  onVitals: (vitals: Vitals) => void;
  /** The rules in force have changed; `ready.species` holds the new ones. */
  onSpecies: (species: readonly Species[]) => void;
  onSwap: (outcome: SwapOutcome) => void;
  onWounds: (events: readonly WoundEvent[]) => void;
  onWilted: (bodies: readonly WiltedBody[]) => void;
  /** The seeds that wait have changed. */
  onSeeds: (seeds: readonly WaitingSeed[]) => void;
  /** `trouble` has changed. */
  onTrouble: (trouble: string | null) => void;
  /**
   * Saves and ends the simulation thread.
   *
   * @param progress - called at most 4 times per second while pages are written, with a text for the operator
   * @throws Error with what could not be saved, and what is kept
   */
  stop(progress?: (text: string) => void): Promise<void>;
}
