/**
 * Looks out for bodies that are awake beside those that sleep. Life spreads by one cell per step, so after a look that
 * found nobody near, the next one can wait.
 */
import type { Rect } from '../../shared/geometry.ts';
import { extentOf } from './bounds.ts';
import { type AwakeEngine, type OrganismId, REACH } from './engine.ts';
import type { Roster } from './roster.ts';
import type { Box, Sleepers } from './sleepers.ts';

/** A look sees this far beyond `REACH`. */
const SIGHT = 16;

interface Watched {
  readonly organism: OrganismId;
  /** Where bodies that are awake may come near it. */
  readonly rect: Rect;
}

export class ReachWatch {
  /** Steps for which nobody can come within reach of a sleeper. */
  quietSteps = 0;
  readonly #engine: AwakeEngine;
  readonly #sleepers: Sleepers;
  readonly #organisms: Roster;
  readonly #awake: ReadonlySet<OrganismId>;
  readonly #bounds: boolean;
  /** Sleepers that somebody awake could come to; null: not known. */
  #watched: readonly Watched[] | null = null;
  #owners = new Uint16Array(0);

  /**
   * @param awake - organisms that have no cell among the sleepers
   * @param bounds - as `EngineOptions.bounds`
   */
  constructor(
    engine: AwakeEngine,
    sleepers: Sleepers,
    organisms: Roster,
    awake: ReadonlySet<OrganismId>,
    bounds: boolean,
  ) {
    this.#engine = engine;
    this.#sleepers = sleepers;
    this.#organisms = organisms;
    this.#awake = awake;
    this.#bounds = bounds;
  }

  /** Somebody has fallen asleep, woken, been planted or removed, or lives elsewhere. */
  forget(): void {
    this.#watched = null;
    this.quietSteps = 0;
  }

  stepped(steps: number): void {
    this.quietSteps -= steps;
  }

  /**
   * @param isAsleep - whether a body of `Sleepers` really sleeps
   * @returns sleepers that somebody awake could meet in the next step; none: `quietSteps` is at least 1
   */
  async look(isAsleep: (organism: OrganismId) => boolean): Promise<OrganismId[]> {
    if (this.quietSteps > 0) return [];
    this.#watched ??= this.#watch(isAsleep);
    const reached: OrganismId[] = [];
    let quiet = Number.POSITIVE_INFINITY;
    for (const { organism, rect } of this.#watched) {
      const distance = await this.#distance(organism, rect);
      if (distance <= REACH) reached.push(organism);
      else quiet = Math.min(quiet, distance - REACH);
    }
    if (reached.length === 0) this.quietSteps = quiet;
    return reached;
  }

  /** Only bodies whose territory comes near a sleeper can come to it. */
  #watch(isAsleep: (organism: OrganismId) => boolean): Watched[] {
    const nearby = new Map<OrganismId, Box>();
    for (const organism of this.#awake) {
      const territory = this.#bounds ? this.#organisms.territoryOf(organism) : undefined;
      const home = extentOf(territory, this.#engine);
      if (isEmpty(home)) continue;
      const around = widened(home, REACH);
      for (const page of this.#sleepers.pagesIn({
        left: Math.max(0, around.left),
        top: Math.max(0, around.top),
        right: Math.min(around.right, this.#engine.width - 1),
        bottom: Math.min(around.bottom, this.#engine.height - 1),
      })) {
        for (const sleeper of this.#sleepers.inPage(page)) {
          if (!isAsleep(sleeper)) continue;
          const box = this.#sleepers.boxOf(sleeper);
          if (isEmpty(common(around, box))) continue;
          const here = common(home, widened(box, REACH + SIGHT));
          const others = nearby.get(sleeper);
          nearby.set(sleeper, others === undefined ? here : united(others, here));
        }
      }
    }
    return Array.from(nearby, ([organism, { left, top, right, bottom }]) => ({
      organism,
      rect: { x: left, y: top, width: right - left + 1, height: bottom - top + 1 },
    }));
  }

  /**
   * The rows or columns from the sleeper to the nearest cell in the rectangle, or fewer, but more than `REACH` if that is
   * further away.
   */
  async #distance(organism: OrganismId, rect: Rect): Promise<number> {
    const { x, y, width, height } = rect;
    if (this.#owners.length < width * height) this.#owners = new Uint16Array(width * height);
    const owners = this.#owners.subarray(0, width * height);
    await this.#engine.readOwners(rect, owners);
    const { left, top, right, bottom } = this.#sleepers.boxOf(organism);
    let least = REACH + SIGHT + 1;
    for (let i = 0; i < owners.length; i++) {
      if (owners[i] === 0) continue;
      const column = x + (i % width);
      const row = y + Math.floor(i / width);
      const away = Math.max(left - column, column - right, top - row, row - bottom);
      if (away >= least) continue;
      if (away > REACH) least = away;
      else if (this.#sleepers.isReached(organism, column, row)) return REACH;
      else least = REACH + 1;
    }
    return least;
  }
}

const widened = ({ left, top, right, bottom }: Box, by: number): Box => ({
  left: left - by,
  top: top - by,
  right: right + by,
  bottom: bottom + by,
});

const common = (a: Box, b: Box): Box => ({
  left: Math.max(a.left, b.left),
  top: Math.max(a.top, b.top),
  right: Math.min(a.right, b.right),
  bottom: Math.min(a.bottom, b.bottom),
});

const united = (a: Box, b: Box): Box => ({
  left: Math.min(a.left, b.left),
  top: Math.min(a.top, b.top),
  right: Math.max(a.right, b.right),
  bottom: Math.max(a.bottom, b.bottom),
});

const isEmpty = ({ left, top, right, bottom }: Box): boolean => left > right || top > bottom;
