/**
 * Where the first organisms are planted: a meadow around the middle of the world, the same one for the
 * same random seed. Pure.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import { cellHash } from '../engines/fire.ts';

export interface Bed {
  readonly name: string;
  /** The mature box, seen from the seed. */
  readonly box: Rect;
}

export interface Seedling {
  readonly species: string;
  readonly x: number;
  readonly y: number;
}

/** From seed to seed, in mature sizes. */
const LEAST_SPACING = 1.5;
const MOST_SPACING = 2;
/** Free cells between a body and the edge of the world. */
const EDGE_CELLS = 6;
/** Places tried for each seedling; the one nearest the middle is taken. */
const TRIES = 24;
/** Seedlings among which a newcomer looks for company. */
const NEIGHBOURS = 24;
/** Screens are wider than high, and so is the meadow. */
const WIDENESS = 1.5;

/**
 * @param count - planted as far as they fit
 * @returns the first one is next to the middle
 */
export function layOutGarden(
  world: Size,
  beds: readonly Bed[],
  count: number,
  randomSeed: number,
): Seedling[] {
  let draws = 0;
  const random = (): number => cellHash(randomSeed, draws++, 0, 0) / 2 ** 32;
  const middle = { x: world.width / 2, y: world.height / 2 };
  const placed: { x: number; y: number; bed: Bed }[] = [];
  const distance = (x: number, y: number): number => Math.hypot((x - middle.x) / WIDENESS, y - middle.y);

  const fits = (x: number, y: number, { box }: Bed, except: (typeof placed)[number] | null): boolean => {
    const left = x + box.x - EDGE_CELLS;
    const top = y + box.y - EDGE_CELLS;
    const inside =
      left >= 0 &&
      top >= 0 &&
      left + box.width + 2 * EDGE_CELLS <= world.width &&
      top + box.height + 2 * EDGE_CELLS <= world.height;
    return (
      inside &&
      placed.every(
        (other) =>
          other === except ||
          Math.hypot(other.x - x, other.y - y) >= LEAST_SPACING * meanSide(other.bed.box, box),
      )
    );
  };

  /** A place beside one who stands already, near the middle but not too orderly; null when none was found. */
  const findPlace = (bed: Bed): { x: number; y: number } | null => {
    let best: { x: number; y: number; distance: number } | null = null;
    for (let round = 0; round < 8 && best === null; round++) {
      for (let tried = 0; tried < TRIES; tried++) {
        const beside =
          placed[Math.max(0, placed.length - 1 - Math.floor(random() * NEIGHBOURS * (round + 1)))];
        const spacing = LEAST_SPACING + random() * (MOST_SPACING - LEAST_SPACING);
        const away = spacing * meanSide(beside.bed.box, bed.box);
        const angle = random() * 2 * Math.PI;
        const x = Math.round(beside.x + away * Math.cos(angle));
        const y = Math.round(beside.y + away * Math.sin(angle));
        const far = distance(x, y);
        if ((best === null || far < best.distance) && fits(x, y, bed, null)) best = { x, y, distance: far };
      }
    }
    return best;
  };

  for (const bed of shuffledRounds(beds, count, random)) {
    if (placed.length === 0) {
      // The middle of the body, not its seed, in the middle of the world.
      const x = Math.round(middle.x - bed.box.x - bed.box.width / 2);
      const y = Math.round(middle.y - bed.box.y - bed.box.height / 2);
      if (fits(x, y, bed, null)) placed.push({ x, y, bed });
      continue;
    }
    const place = findPlace(bed);
    if (place !== null) placed.push({ ...place, bed });
  }
  return placed.map(({ x, y, bed }) => ({ species: bed.name, x, y }));
}

const meanSide = (a: Rect, b: Rect): number =>
  (Math.max(a.width, a.height) + Math.max(b.width, b.height)) / 2;

/** Every species once, in any order, then every one again … */
function* shuffledRounds(beds: readonly Bed[], count: number, random: () => number): Generator<Bed> {
  for (let given = 0; given < count && beds.length > 0; ) {
    const round = [...beds];
    for (let i = round.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [round[i], round[j]] = [round[j], round[i]];
    }
    for (const bed of round) if (given++ < count) yield bed;
  }
}
