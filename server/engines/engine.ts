/**
 * The interface between the world and the code that steps its cells. An engine knows cells, organisms and rules; it
 * knows nothing of players, networks, species or time. `reference.ts` is the definition; `tests/engines/contract.ts`
 * compares every other engine with it.
 *
 * Mutations (`plant`, `perturb`, `setRule` …) take effect at once, between two steps, in call order.
 * Reading and stepping are asynchronous because a GPU is asynchronous; calls must not overlap.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import { ALIVE_THRESHOLD, type Rule } from '../rules/rule.ts';

/** 1..MAX_ORGANISMS; 0 is nobody. */
export type OrganismId = number;
export const MAX_ORGANISMS = 65_535;

/** A rule's slot in the engine, 0..MAX_RULES - 1. */
export type RuleSlot = number;
export const MAX_RULES = 256;

/** With bounds on, every channel stays within ± this. Whole bodies of the shipped rules reach at most 32. */
export const CHANNEL_LIMIT = 64;

/**
 * A sleeper wakes before a step in which a cell of an organism that is awake lies within this many rows and columns of
 * one of its own: a step can give to either only cells beside its own, so bodies further apart cannot meet in it.
 */
export const REACH = 2;

/** A cell whose alpha exceeds this is *opaque*. The threshold of `rules/rule.ts` in float32, as kernels compare it. */
export const OPAQUE_ABOVE = Math.fround(ALIVE_THRESHOLD);

export interface EngineOptions extends Size {
  /** uint32: decides which cells fire (`fire.ts`). */
  readonly randomSeed: number;
  /** Most pages at once. A planting that needs one more is refused; growth into one more is not written. */
  readonly maxPages?: number;
  /**
   * 0..0.01. An update that changes no channel by more than this is not added: the cell rests, and costs nothing until
   * a cell in its 3x3 moves. Default 0: the plain model, in which a cell rests only if its update adds nothing.
   */
  readonly rest?: number;
  /**
   * true (default): channels stay within ±`CHANNEL_LIMIT`, a cell with a channel that is not finite dies, and an
   * organism lives only inside its territory. false: the plain model, in which channels take any value, including NaN,
   * and territories have no effect.
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

/**
 * Adds `noiseAt(...) * amplitude` once to every channel of each living cell (owned, alpha above the threshold) that at
 * least one of the 1 or more capsules covers and none of `except`. The transparent rim of a body is left alone: noise
 * there would make life outside the body, and debris grows into second bodies.
 */
export interface Noise {
  readonly kind: 'noise';
  readonly capsules: readonly Capsule[];
  /** Capsules of the same stroke whose cells have had their noise already. */
  readonly except?: readonly Capsule[];
  readonly amplitude: number;
  /** uint32; varies the draw. */
  readonly salt: number;
}

export type Perturbation =
  /** Zeroes all channels and the owner. */
  | ({ readonly kind: 'ablate' } & Capsule)
  | Noise
  /** Zeroes the cells of one organism that are further than `radius` from (x, y). */
  | {
      readonly kind: 'truncate';
      readonly organism: OrganismId;
      readonly x: number;
      readonly y: number;
      readonly radius: number;
    };

/** The part of an engine's save that decides the next steps, besides the rules and the cells. */
export interface EngineFacts {
  readonly stepNumber: number;
  readonly randomSeed: number;
  readonly organisms: readonly OrganismState[];
}

/** A save of an engine. */
export interface EngineState extends EngineFacts {
  readonly pages: readonly PageState[];
}

/** Which pages of a save have to be copied, by index. Pages without an owned cell are in neither list. */
export interface EngineChanges extends EngineFacts {
  /** Cells or owners may differ from the last `takeChanges`; after a `load`, from what was loaded. */
  readonly changed: readonly number[];
  /** Cells and owners equal the last `takeChanges`, to the bit; after a `load`, what was loaded. */
  readonly kept: readonly number[];
}

export interface OrganismState {
  readonly id: OrganismId;
  readonly rule: RuleSlot;
  /** Absent: the whole world. It may extend beyond the world. */
  readonly territory?: Rect;
  /** Absent: it is awake. */
  readonly isAsleep?: true;
}

export interface PageState {
  /** Row-major page index (`shared/geometry.ts`). */
  readonly page: number;
  /** [64, 64, 16] float32 */
  readonly cells: Float32Array;
  /** [64, 64] uint16 */
  readonly owners: Uint16Array;
}

/** The cells of one body in one page. */
export interface Piece {
  /** Row-major page index (`shared/geometry.ts`). */
  readonly page: number;
  /** [n], row-major indices of cells in the page, ascending */
  readonly cells: Uint16Array;
  /** [n, 16] */
  readonly values: Float32Array;
}

export interface OrganismCensus {
  readonly organism: OrganismId;
  /** Cells owned after the last step. */
  readonly cells: number;
}

/** The engine refuses; the world is unchanged. */
export class EngineError extends Error {
  override name = 'EngineError';
}

/** The engine's device is gone, and the world with it: make another engine and restore a save. */
export class EngineLostError extends EngineError {
  override name = 'EngineLostError';
}

export interface Engine extends Size {
  readonly name: 'reference' | 'wasm' | 'webgpu' | 'tfjs';
  /** Printed at start: "wasm, SIMD with FMA in wide tiles, 1 thread". */
  readonly description: string;
  /** uint32: steps since the world began; part of the firing hash. */
  readonly stepNumber: number;
  /** Pages that exist now. A page in which every body sleeps need not exist. */
  readonly pageCount: number;

  /** Puts a rule into a slot, or replaces the one there: cells keep their state. */
  setRule(slot: RuleSlot, rule: Rule): void;
  /**
   * Overwrites a cell with a seed (RGB 0, channels 3–15 = 1) that `organism` owns.
   *
   * @param territory - as in `setTerritory`
   * @throws EngineError for a place outside the world or the territory, a territory that is empty or not in whole
   *   cells, an id in use or an empty slot, and when `maxPages` is reached
   */
  plant(organism: OrganismId, slot: RuleSlot, x: number, y: number, territory?: Rect): void;
  /**
   * Sets where the organism's cells may live; undefined: everywhere. Its cells outside die at once.
   *
   * @throws EngineError for an id that is not in use, and for a territory that is empty or not in whole cells
   */
  setTerritory(organism: OrganismId, territory: Rect | undefined): void;
  /** Gives an organism another rule; its cells stay. */
  setOrganismRule(organism: OrganismId, slot: RuleSlot): void;
  /** Zeroes an organism's cells and frees its id. */
  remove(organism: OrganismId): void;
  perturb(perturbation: Perturbation): void;
  /**
   * Puts an organism to sleep: its cells stay as they are to the bit, and no step computes them. They are drawn, read,
   * counted, perturbed and saved like all others. A sleeper wakes when one of its cells is changed, when it gets another
   * rule or territory, and before a step in which somebody awake could meet it (`REACH`). Where the engine has no room
   * for its pages, its cells wait as they are until there is.
   *
   * @throws EngineError for an id that is not in use
   */
  sleep(organism: OrganismId): Promise<void>;
  /** @throws EngineError for an id that is not in use */
  wake(organism: OrganismId): void;
  /** false for an id that is not in use. */
  isAsleep(organism: OrganismId): boolean;
  /** Ids in use of organisms that do not sleep, in any order. To be read before anything changes. */
  awakeIds(): Iterable<OrganismId>;
  /** Organisms that woke since the last call, for whatever reason, and are in use. */
  takeWoken(): OrganismId[];

  /** Advances the world by `steps` steps: perceive → update rule → fire → alive mask. */
  step(steps: number): Promise<void>;

  /**
   * Visits every page whose RGBA8 changed since the last visit, and, as zeros, every page that ceased to exist; perhaps
   * also pages in which a body fell asleep or woke.
   *
   * @param visit - `rgba` [64, 64, 4] is valid only during the call
   */
  visitChanged(visit: (page: number, rgba: Uint8Array) => void): Promise<void>;
  /** Visits every page that exists, changed or not. */
  visitAll(visit: (page: number, rgba: Uint8Array) => void): Promise<void>;
  /** Reads one page's pixels; zeros where no page exists. @param into - [64, 64, 4] */
  readPage(page: number, into: Uint8Array): Promise<void>;
  /**
   * Reads the RGBA of one organism's cells, unclamped; zeros where a cell is not its own, and outside the world.
   *
   * @param into - [height, width, 4] float32, fully overwritten
   */
  readOrganism(organism: OrganismId, rect: Rect, into: Float32Array): Promise<void>;
  /** Reads owners; 0 outside the world. @param into - [height, width] uint16, fully overwritten */
  readOwners(rect: Rect, into: Uint16Array): Promise<void>;
  /**
   * Counts cells. 0 cells: the organism died; `remove` frees the id.
   *
   * @param organisms - to be counted; ids that are not in use are left out. Default: every id in use
   */
  census(organisms?: Iterable<OrganismId>): Promise<OrganismCensus[]>;
  /**
   * Organisms that gained, lost or changed a cell, or changed their rule, since the last call; perhaps a few more.
   * With an engine that lacks this function, any organism may have moved.
   */
  takeMoved?(): Promise<OrganismId[]>;

  /** The cells of these organisms as they are now, not to be written. Those without a cell are left out. */
  copyBodies(organisms: Iterable<OrganismId>): Promise<Map<OrganismId, Piece[]>>;
  /**
   * Replaces the cells of these organisms, in their order. A cell where somebody else lives, or outside the territory, is
   * left as it is. Where the engine has no room for their pages, the cells wait as they are until there is, as those of
   * sleepers that wake do. All of these organisms are awake then.
   *
   * @throws EngineError for an id that is not in use, and for pieces that do not fit the world
   */
  putBodies(bodies: ReadonlyMap<OrganismId, readonly Piece[]>): Promise<void>;

  /** Copies the whole world. Pages that count as changed still do. */
  save(): Promise<EngineState>;
  /** The first half of a save in pieces: `copyPages` follows, before anything else. */
  takeChanges(): Promise<EngineChanges>;
  /** Copies pages. Those without an owned cell are left out. */
  copyPages(pages: readonly number[]): Promise<PageState[]>;
  /**
   * Replaces the whole world. Rules must be in their slots. Cells out of bounds are mended (`bounds.ts`).
   *
   * @throws EngineError when the state does not fit; the world is then unchanged
   */
  restore(state: EngineState): Promise<void>;
  /**
   * As `restore`, but takes one page after another, so that the pages need not fit into memory beside the world. Pages
   * count as unchanged, except those that had to be mended.
   *
   * @param pages - each is read before the next is asked for
   * @throws EngineError when the facts do not fit; the world is then unchanged
   * @throws EngineError when a page does not fit, or what `pages` throws: the engine can then only be disposed of, or
   *   restored
   */
  load(facts: EngineFacts, pages: AsyncIterable<PageState> | Iterable<PageState>): Promise<void>;
  dispose(): void;
}

/** An engine in which everyone is awake. `sleepingEngine.ts` makes an `Engine` of it. */
export interface AwakeEngine
  extends Omit<Engine, 'sleep' | 'wake' | 'isAsleep' | 'awakeIds' | 'takeWoken' | 'putBodies'> {
  /** Takes an organism's cells out of the world; the organism stays, without a cell. */
  lift(organism: OrganismId): Promise<Piece[]>;
  /**
   * Puts cells into the world for an organism, where nobody owns a cell.
   *
   * @returns false, with nothing changed, when there is no room for their pages
   */
  lay(organism: OrganismId, pieces: readonly Piece[]): boolean;
}

/** A channel as a byte: clamped to 0..1, scaled to 0..255, rounded half up. */
export const toByte = (value: number): number =>
  value <= 0 ? 0 : value >= 1 ? 255 : (value * 255 + 0.5) | 0;

/** Whether two pages hold the same, to the bit: NaN equals itself, and 0 is not -0. */
export const isSamePage = (a: PageState, b: PageState): boolean =>
  isSameBytes(a.cells, b.cells) && isSameBytes(a.owners, b.owners);

export const isSameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.compare(bytesOf(a), bytesOf(b)) === 0;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
