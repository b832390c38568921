/**
 * Trials: what a world full of players and neighbours does to bodies, played against a rule with bounds off.
 *
 * - *crowded*: walls of other bodies' cells press from one to four sides for 2,500 steps, on a grown body or on a seed.
 *   Then some walls go, and 1,000 steps follow.
 * - *edge*: a seed grows 2 cells to half a body from the world's end, on one side or on two that meet. Then two strokes
 *   of the eraser, with 600 steps after each.
 * - *battered*: 40 strokes of erasing, noise and shrinking, as the page deals them, over 5,000 steps; then 5,000
 *   steps without strokes.
 *
 * All draws depend on the random seed alone.
 */
import type { Rule } from '../rules/rule.ts';
import { IN_PLACE, Likeness, type Shift } from '../training/likeness.ts';
import { drawPlayed, drawTool, STROKE_EVERY_STEPS } from '../training/played.ts';
import { Random } from '../training/random.ts';
import { replay } from '../training/recorded.ts';
import type { Rollouts } from '../training/rollouts.ts';
import { livingCells, plantSeed } from '../training/states.ts';
import { padded, pictureCells, type Target } from '../training/target.ts';
import { buildWalls, drawEdge, drawNeighbours, SIDES, type Walls, without } from '../training/walls.ts';
import { HEALTH_MARGIN, hasMoved, hasMovedFar } from '../world/likeness.ts';
import { MIN_SHAPE } from '../world/symptoms.ts';
import type { Blow } from '../world/wound.ts';
import { openBodies } from './bodies.ts';

/** Age of a body, in steps, when its trial begins: grown, and at rest for a while. */
export const TRIAL_AGE_STEPS = 500;
/** A body with this many times its picture's living cells at two looks in a row runs away. */
const RUNAWAY = 1.3;
/** A channel beyond this has exploded: healthy bodies of the shipped rules stay within 32. */
const EXPLODED = 64;
/** A body below this health has healed badly. */
const HEALED = 0.9;
/** Empty cells around the picture: a body that runs away must have room to run. */
const PADDING = 30;

const STROKES = 40;

export interface TrialFigures {
  /** Random seeds in which a channel left ±64 or was NaN. */
  readonly explosions: number;
  /** Random seeds whose body held over 1.3 times its picture's cells for 250 steps. */
  readonly runaways: number;
  /** Random seeds that ended with their picture standing twice. */
  readonly twoBodied: number;
  /** Random seeds that ended with a health under 0.9 wherever they stand, measured where they may live. */
  readonly badlyHealed: number;
  /** By random seed, at the end; 0 for those that exploded or ran away. */
  readonly health: readonly number[];
}

export const TRIALS = ['crowded', 'edge', 'battered'] as const;
export type Trial = (typeof TRIALS)[number];
export type Trials = Readonly<Record<Trial, TrialFigures>>;

/**
 * @param target - the rule's picture with any padding
 * @param threads - changes only the time taken; 0 works on the calling thread
 * @param firstSeed - random seeds are this one and the following
 */
export async function runTrials(
  rule: Rule,
  target: Target,
  { randomSeeds = 8, threads = 1, only = TRIALS as readonly Trial[], firstSeed = 1 } = {},
): Promise<Partial<Record<Trial, TrialFigures>>> {
  const wide = padded(target, PADDING);
  const rollouts = openBodies(rule, wide, randomSeeds, threads);
  try {
    const figures: Partial<Record<Trial, TrialFigures>> = {};
    for (const trial of only) {
      const course = new Course(rollouts, wide, firstSeed, randomSeeds);
      await COURSES[trial](course);
      figures[trial] = course.figures();
    }
    return figures;
  } finally {
    await rollouts.dispose();
  }
}

const COURSES: Readonly<Record<Trial, (course: Course) => Promise<void>>> = {
  async crowded(course) {
    const walls = course.each((random) => drawNeighbours(course.reach, random));
    const isPlantedWithin = course.each((random) => random.unit() < 0.5);
    const goes = walls.map((one, slot) =>
      SIDES.filter((_side) => course.random(slot).unit() < 0.7 || one === null),
    );
    course.build(walls.map((one, slot) => (isPlantedWithin[slot] ? one : null)));
    await course.live(TRIAL_AGE_STEPS);
    course.build(walls);
    await course.live(2500);
    course.build(walls.map((one, slot) => without(one, goes[slot])));
    await course.live(1000);
  },
  async edge(course) {
    course.build(course.each((random) => drawEdge(course.reach, random)));
    await course.live(1500);
    for (let cut = 0; cut < 2; cut++) {
      await course.strike(course.each((random) => drawPlayed('ablate', course.reach, random)));
      await course.live(600);
    }
  },
  async battered(course) {
    await course.live(TRIAL_AGE_STEPS);
    for (let stroke = 0; stroke < STROKES; stroke++) {
      await course.strike(course.each((random) => drawPlayed(drawTool(random), course.reach, random)));
      await course.live(STROKE_EVERY_STEPS);
    }
    await course.live(5000);
  },
};

/** The bodies of one trial, one per random seed. */
class Course {
  /** Half the body's longer side, cells. */
  readonly reach: number;
  readonly #rollouts: Rollouts;
  readonly #target: Target;
  readonly #likeness: Likeness;
  readonly #randoms: readonly Random[];
  readonly #firstSeed: number;
  readonly #cells: number;
  readonly #places: Shift[];
  readonly #wasLarge: boolean[];
  /** These are not stepped any more: they stay as they were. */
  readonly #exploded = new Set<number>();
  readonly #ranAway = new Set<number>();
  #step = 0;

  constructor(rollouts: Rollouts, target: Target, firstSeed: number, randomSeeds: number) {
    this.#rollouts = rollouts;
    this.#firstSeed = firstSeed;
    this.#target = target;
    this.#likeness = new Likeness(target);
    this.reach = Math.max(target.width, target.height) / 2;
    this.#randoms = Array.from({ length: randomSeeds }, (_, slot) => new Random(firstSeed + slot));
    this.#places = Array.from({ length: randomSeeds }, () => IN_PLACE);
    this.#wasLarge = new Array<boolean>(randomSeeds).fill(false);
    this.#cells = pictureCells(target);
    for (const slot of this.#randoms.keys()) plantSeed(rollouts.state(slot), target.shape);
    this.build(this.#randoms.map(() => null));
  }

  random(slot: number): Random {
    return this.#randoms[slot];
  }

  each<T>(draw: (random: Random) => T): T[] {
    return this.#randoms.map(draw);
  }

  build(walls: readonly (Walls | null)[]): void {
    for (const [slot, one] of walls.entries()) buildWalls(this.#rollouts.open(slot), this.#target.shape, one);
  }

  async live(steps: number): Promise<void> {
    for (const end = this.#step + steps; this.#step < end; ) {
      const next = Math.min(STROKE_EVERY_STEPS, end - this.#step);
      await this.#rollouts.run(
        this.#randoms.map((_, slot) => ({
          steps: this.#isOver(slot) ? 0 : next,
          randomSeed: this.#firstSeed + slot,
          firstStep: this.#step,
        })),
      );
      this.#step += next;
      for (const slot of this.#randoms.keys()) this.#look(slot);
    }
  }

  /** @param strokes - by slot, around the body as it stands now */
  async strike(strokes: readonly (readonly Blow[])[]): Promise<void> {
    const dealt = strokes.flatMap((blows, slot) => {
      if (this.#isOver(slot)) return [];
      const { dx, dy } = this.#places[slot];
      const moved = blows.map((blow) => ({
        ...blow,
        points: blow.points.map((value, i) => value + (i % 2 === 0 ? dx : dy)),
      }));
      return [{ slot, blows: moved, randomSeed: this.#randoms[slot].uint32() | 0 }];
    });
    await replay(dealt, this.#rollouts, strokes.length, this.#target);
  }

  figures(): TrialFigures {
    let twoBodied = 0;
    const health = this.#randoms.map((_, slot) => {
      if (this.#isOver(slot)) return 0;
      const state = this.#rollouts.state(slot);
      const open = this.#rollouts.open(slot);
      const place = this.#likeness.bestShift(state, this.#places[slot], HEALTH_MARGIN);
      const { width, height } = this.#target;
      const isLarge = livingCells(state, this.#target.shape) > 1.15 * this.#cells;
      if (isLarge && this.#likeness.isTwice(state, place, Math.min(width, height) / 2)) twoBodied++;
      return this.#likeness.health(state, place, open);
    });
    const over = this.#exploded.size + this.#ranAway.size;
    return {
      explosions: this.#exploded.size,
      runaways: this.#ranAway.size,
      twoBodied,
      badlyHealed: health.filter((value) => value < HEALED).length - over,
      health,
    };
  }

  #isOver(slot: number): boolean {
    return this.#exploded.has(slot) || this.#ranAway.has(slot);
  }

  #look(slot: number): void {
    if (this.#isOver(slot)) return;
    const state = this.#rollouts.state(slot);
    if (!state.every((value) => Math.abs(value) <= EXPLODED)) {
      this.#exploded.add(slot);
      return;
    }
    const isLarge = livingCells(state, this.#target.shape) > RUNAWAY * this.#cells;
    if (isLarge && this.#wasLarge[slot]) this.#ranAway.add(slot);
    this.#wasLarge[slot] = isLarge;
    const open = this.#rollouts.open(slot);
    const health = this.#likeness.health(state, this.#places[slot], open);
    if (health > 0.95) return;
    const place = this.#likeness.bestShift(state, this.#places[slot], HEALTH_MARGIN);
    const there = this.#likeness.health(state, place, open);
    if (hasMoved(health, there)) this.#places[slot] = place;
    else if (health < MIN_SHAPE) {
      const far = this.#likeness.farShift(state, this.#places[slot]);
      const healthThere = this.#likeness.health(state, far, open);
      if (hasMovedFar(health, healthThere)) this.#places[slot] = far;
    }
  }
}
