/**
 * The seam between the world and whatever steps its cells. An engine knows cells, organisms and rules;
 * it knows nothing of players, networks, species or time. `reference.ts` is the definition; every other
 * engine answers to it in `tests/engines/contract.ts`.
 *
 * Mutations (`plant`, `perturb`, `setRule` …) take effect at once, between two steps, in call order.
 * Reading and stepping are asynchronous because a GPU is; calls must not overlap.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import type { Rule } from '../rules/rule.ts';

/** 1..MAX_ORGANISMS; 0 is nobody. */
export type OrganismId = number;
export const MAX_ORGANISMS = 65_535;

/** Slot of a rule in the engine, 0..MAX_RULES - 1. */
export type RuleSlot = number;
export const MAX_RULES = 256;

/** Every channel of every cell stays within ±this (bounds on). Whole bodies of the shipped rules reach at most 32. */
export const CHANNEL_LIMIT = 64;

export interface EngineOptions extends Size {
  /** uint32: draws which cells fire (`fire.ts`). */
  readonly randomSeed: number;
  /** Most pages that may exist at once; planting beyond it is refused, growth beyond it is not written. */
  readonly maxPages?: number;
  /**
   * An update whose 16 channels are all at most this, 0..0.01, is not added: the cell rests, and costs nothing
   * until something in its 3x3 moves. Default 0: the plain model, in which only what adds nothing may rest.
   */
  readonly rest?: number;
  /**
   * Default true: channels stay within ±`CHANNEL_LIMIT`, a cell with a channel that is not finite dies, and an organism
   * lives only inside its territory. false: the plain model: channels take any value, NaN included, and territories
   * bound nobody.
   */
  readonly bounds?: boolean;
}

/** All cells (integer x, y) at most `radius` from the segment (x0, y0)–(x1, y1); a circle when the ends meet. */
export interface Capsule {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  readonly radius: number;
}

export type Perturbation =
  /** Zeroes all channels and the owner. */
  | ({ readonly kind: 'ablate' } & Capsule)
  /**
   * Adds `noiseAt(...) * amplitude` to every channel of each owned cell under at least one of the capsules (1 or more),
   * once, however many cover it. `salt` (uint32) varies the draw.
   */
  | {
      readonly kind: 'noise';
      readonly capsules: readonly Capsule[];
      readonly amplitude: number;
      readonly salt: number;
    }
  /** Zeroes the cells of one organism that are further than `radius` from (x, y). */
  | {
      readonly kind: 'truncate';
      readonly organism: OrganismId;
      readonly x: number;
      readonly y: number;
      readonly radius: number;
    };

/** What `save` gives and `restore` takes: everything that decides the steps to come, except the rules. */
export interface EngineState {
  readonly stepNumber: number;
  readonly randomSeed: number;
  readonly organisms: readonly OrganismState[];
  readonly pages: readonly PageState[];
}

export interface OrganismState {
  readonly id: OrganismId;
  readonly rule: RuleSlot;
  /** Absent: the whole world. It may reach beyond the world. */
  readonly territory?: Rect;
}

export interface PageState {
  /** Row-major page index (`shared/geometry.ts`). */
  readonly page: number;
  /** [64, 64, 16] float32 */
  readonly cells: Float32Array;
  /** [64, 64] uint16 */
  readonly owners: Uint16Array;
}

export interface OrganismCensus {
  readonly organism: OrganismId;
  /** Cells owned after the last step. */
  readonly cells: number;
}

/** The engine cannot do it; the world is as it was. */
export class EngineError extends Error {
  override name = 'EngineError';
}

/** What steps the cells is gone, and the world it held with it: build another engine and restore a save. */
export class EngineLostError extends EngineError {
  override name = 'EngineLostError';
}

export interface Engine extends Size {
  readonly name: 'reference' | 'wasm' | 'webgpu' | 'tfjs';
  /** For people, printed at start: "wasm, SIMD with FMA in wide tiles, 1 thread". */
  readonly description: string;
  /** Steps taken since the world began; part of the firing hash. uint32. */
  readonly stepNumber: number;
  /** Pages that exist now. */
  readonly pageCount: number;

  /** Puts a rule into a slot, or replaces the one there: cells keep their state. */
  setRule(slot: RuleSlot, rule: Rule): void;
  /**
   * Writes a seed (RGB 0, channels 3–15 = 1) at a cell, owned by `organism`, whatever was there.
   *
   * @param territory - as of `setTerritory`
   * @throws EngineError outside the world or the territory, for a territory that is empty or not in whole cells, an id
   *   in use, an empty slot, or when `maxPages` is reached
   */
  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void;
  /**
   * Where the organism's cells may live; undefined: everywhere. Its cells outside die at once.
   *
   * @throws EngineError for an id that nobody has, and for a territory that is empty or not in whole cells
   */
  setTerritory(organism: OrganismId, territory: Rect | undefined): void;
  /** Moves a living organism to another rule; its cells stay. */
  setOrganismRule(organism: OrganismId, slot: RuleSlot): void;
  /** Zeroes what is left of an organism and frees its id. */
  remove(organism: OrganismId): void;
  perturb(perturbation: Perturbation): void;

  /** Advances the world: perceive → update rule → fire → alive mask, `steps` times. */
  step(steps: number): Promise<void>;

  /** Visits every page whose RGBA8 changed since the last visit, or that ceased to exist (all zeros then). `rgba` [64, 64, 4] is valid only during the call. */
  visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void>;
  /** Visits every page that exists, changed or not. */
  visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void>;
  /** Reads one page's pixels; zeros where no page exists. @param into - [64, 64, 4] */
  readPage(page: number, into: Uint8Array): Promise<void>;
  /** [height, width, 4] float32 of one organism's cells, unclamped; zeros where others or nobody lives, and outside the world. */
  readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void>;
  /** [height, width] uint16 owners; 0 outside the world. */
  readOwners(rect: Rect, into: Uint16Array): Promise<void>;
  /** Cells per organism, for every id in use (0 cells: it died; `remove` frees the id). */
  census(): Promise<OrganismCensus[]>;
  /** Organisms of which a cell changed, came or went, or the rule, since the last call, perhaps a few more. An engine without it: any may have. */
  takeMoved?(): Promise<OrganismId[]>;

  save(): Promise<EngineState>;
  /** Replaces the whole world. Rules must be in their slots. Cells out of bounds are mended (`bounds.ts`). @throws EngineError when the state does not fit; the world is then as it was */
  restore(state: EngineState): Promise<void>;
  dispose(): void;
}

/** RGBA8 of a channel: round half up of the value clamped to 0..1. */
export const toByte = (value: number): number =>
  value <= 0 ? 0 : value >= 1 ? 255 : (value * 255 + 0.5) | 0;
