/**
 * What passes between the main thread (sockets) and the simulation thread (cells). Both directions are
 * structured clones; pixels never cross, only encoded updates, whose buffer is transferred.
 */
import type { Rect } from '../../shared/geometry.ts';
import type { InspectionMessage, Species, StatsMessage, StrokeMessage } from '../../shared/protocol.ts';
import type { SwapScope } from '../rules/registry.ts';
import type { PublishedFrame } from '../stream/published.ts';
import type { LoadedRule } from './ruleSlots.ts';
import type { WiltedBody } from './wilting.ts';
import type { WoundEvent } from './woundWatch.ts';

export interface OrganismSummary {
  readonly id: number;
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly ageSteps: number;
  readonly health: number;
  readonly cells: number;
  readonly planter: string;
}

/** What the registry asks the world to do. */
export interface SwapOrder {
  /** The registry's number of the swap. */
  readonly id: number;
  readonly species: string;
  readonly scope: SwapScope;
  /** The canary of scope `organism`. */
  readonly organism?: number;
  /** For people: whose doing it is. */
  readonly who: string;
}

export type SwapAnswer =
  /** Done before step `step + 1`; so many organisms went over. */
  | { readonly ok: true; readonly step: number; readonly organisms: number }
  | { readonly ok: false; readonly reason: string };

/** What became of a swap. */
export interface SwapOutcome {
  readonly id: number;
  readonly species: string;
  readonly scope: SwapScope;
  readonly who: string;
  /** "pikachu v4" */
  readonly rule: string;
  readonly verdict: 'in force' | 'rolled back' | 'superseded';
  readonly reason: string;
}

/** What an admin does to the world itself. */
export type WorldControl =
  /** 0: it is paused. */
  | { readonly kind: 'speed'; readonly stepsPerSecond: number }
  /** Zeroes a circle; what the garden had there does not come back. */
  | { readonly kind: 'clear'; readonly x: number; readonly y: number; readonly radius: number }
  /** Organisms around the middle, as many as find room. */
  | { readonly kind: 'garden'; readonly count: number; readonly randomSeed: number };

export type WorldQuery =
  /** Answer: Uint8Array [height, width, 4], the true pixels; zeros outside the world. */
  | { readonly kind: 'pixels'; readonly rect: Rect }
  /** Answer: OrganismSummary[] */
  | { readonly kind: 'organisms' }
  /** Answer: InspectionMessage['organism'], of whoever lives within 2 cells of (x, y). */
  | { readonly kind: 'inspectAt'; readonly x: number; readonly y: number }
  /** Answer: InspectionMessage['organism'] */
  | { readonly kind: 'inspect'; readonly organism: number }
  /** Answer: StrokeOutcome */
  | {
      readonly kind: 'stroke';
      readonly name: string;
      readonly stroke: StrokeMessage;
    }
  /** Answer: why no seed can be planted at a cell, for a player to read; null: it can. Integers. */
  | { readonly kind: 'room'; readonly species: string; readonly x: number; readonly y: number }
  /** Answer: null, when the save is on disk. */
  | { readonly kind: 'save' }
  /** Answer: how many organisms it concerned. */
  | { readonly kind: 'control'; readonly control: WorldControl }
  /** Every open wound is closed, and told; answer: null. */
  | { readonly kind: 'endWounds' }
  /** Answer: SwapAnswer. The rule has been probed. */
  | { readonly kind: 'swap'; readonly order: SwapOrder; readonly next: LoadedRule };

export interface WorldAnswers {
  pixels: Uint8Array<ArrayBuffer>;
  organisms: OrganismSummary[];
  inspectAt: InspectionMessage['organism'];
  inspect: InspectionMessage['organism'];
  stroke: StrokeOutcome;
  room: string | null;
  save: null;
  control: number;
  endWounds: null;
  swap: SwapAnswer;
}

export type StrokeOutcome =
  | { readonly ok: true; readonly step: number }
  | { readonly ok: false; readonly reason: string };

export type ToWorld =
  /** From now on these pages (`stream/pageKey.ts`) are (no longer) watched; one newly watched comes as a keyframe. */
  | { readonly type: 'watch'; readonly add: readonly number[]; readonly remove: readonly number[] }
  /** Include keyframes of these pages in the next frame, and close that frame even when there is nothing to say. */
  | { readonly type: 'keyframes'; readonly keys: readonly number[] }
  | { readonly type: 'query'; readonly request: number; readonly query: WorldQuery }
  /** Save, then say `stopped`. */
  | { readonly type: 'stop' };

export interface WorldReady {
  readonly type: 'ready';
  readonly engine: string;
  /** Why that engine. */
  readonly reason: string;
  readonly width: number;
  readonly height: number;
  readonly species: readonly Species[];
  /** Where a newcomer looks first. */
  readonly start: { readonly x: number; readonly y: number };
  /** What happened at start that the operator should read: restored, planted, a save set aside … */
  readonly notes: readonly string[];
}

export type FromWorld =
  | WorldReady
  | PublishedFrame
  /** `players` is the main thread's to fill in. */
  | { readonly type: 'stats'; readonly stats: Omit<StatsMessage, 'players'> }
  | { readonly type: 'answer'; readonly request: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly request: number; readonly message: string }
  | { readonly type: 'log'; readonly line: string }
  /** The rules in force have changed, one way or the other. */
  | { readonly type: 'species'; readonly species: readonly Species[] }
  | { readonly type: 'swap'; readonly outcome: SwapOutcome }
  /** What players did to bodies, and what became of it; in order. */
  | { readonly type: 'wounds'; readonly events: readonly WoundEvent[] }
  /** Bodies that have begun to wilt in one frame. */
  | { readonly type: 'wilted'; readonly bodies: readonly WiltedBody[] }
  | { readonly type: 'stopped' };

/** The world as the main thread sees it (`links/threadLink.ts` makes it real, tests fake it). Pages go by `stream/pageKey.ts`. */
export interface WorldLink {
  readonly ready: WorldReady;
  /** The newest; null: none has come yet. */
  readonly stats: Omit<StatsMessage, 'players'> | null;
  /** How many bodies have begun to wilt since the start of the process, by the label of the rule they lived by. */
  readonly wilted: ReadonlyMap<string, number>;
  watch(add: readonly number[], remove: readonly number[]): void;
  requestKeyframes(keys: readonly number[]): void;
  /** @throws Error with the world's reason, or after 10 s without an answer */
  ask<K extends WorldQuery['kind']>(query: Extract<WorldQuery, { kind: K }>): Promise<WorldAnswers[K]>;
  onFrame: (frame: PublishedFrame) => void;
  onStats: (stats: Omit<StatsMessage, 'players'>) => void;
  /** The rules in force have changed; `ready.species` is what they are now. */
  onSpecies: (species: readonly Species[]) => void;
  onSwap: (outcome: SwapOutcome) => void;
  onWounds: (events: readonly WoundEvent[]) => void;
  onWilted: (bodies: readonly WiltedBody[]) => void;
  /** Saves and ends the simulation thread. */
  stop(): Promise<void>;
}
