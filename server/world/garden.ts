/**
 * Lays out the first organisms: a meadow around the middle of the world, the same one for the same random seed. Pure.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import { cellHash } from '../engines/fire.ts';
import type { MatureForm } from './mature.ts';
import { type GrownBody, roomFault } from './room.ts';

/** A species that the garden may plant. */
export interface GardenSpecies {
  readonly name: string;
  readonly form: MatureForm;
}

export interface Seedling {
  readonly species: string;
  readonly x: number;
  readonly y: number;
}

/** Least distance between two seeds, in mature sizes. */
const MIN_SPACING = 1.5;
const MAX_SPACING = 2;
/** Free cells between a body and the edge of the world. */
const EDGE_CELLS = 6;
/** Places tried at a time for each seedling; the one nearest the middle is taken. */
const TRIES = 24;
/** A seedling looks for a place beside the last 24 that were planted, then beside the last 48, 96 … */
const NEIGHBOURS = 24;
/** … until it has tried 4 times beside all of them. */
const LAST_LOOKS = 4;
/** Screens are wider than high, and so is the meadow. */
const WIDENESS = 1.5;

/**
 * @param count - planted as far as they fit
 * @param others - organisms that live there already; the new ones stand beside them
 * @returns places; the first is next to the middle if nothing lived there
 */
export function layOutGarden(
  world: Size,
  species: readonly GardenSpecies[],
  count: number,
  randomSeed: number,
  others: readonly GrownBody[] = [],
): Seedling[] {
  let draws = 0;
  const random = (): number => cellHash(randomSeed, draws++, 0, 0) / 2 ** 32;
  const middle = { x: world.width / 2, y: world.height / 2 };
  const placed: GrownBody[] = [];
  const distance = (x: number, y: number): number => Math.hypot((x - middle.x) / WIDENESS, y - middle.y);

  // Neighbours of a place are found through a grid of squares, as wide as the largest distance that two bodies need.
  const forms = new Set([...species, ...others].map(({ form }) => form));
  const square = Math.max(1, ...Array.from(forms, (form) => MIN_SPACING * Math.max(form.width, form.height)));
  const squares = new Map<string, GrownBody[]>();
  const squareAt = (x: number, y: number, dx = 0, dy = 0): string =>
    `${Math.floor(x / square) + dx},${Math.floor(y / square) + dy}`;

  const fits = (x: number, y: number, { name, form }: GardenSpecies): boolean => {
    const left = x + form.x - EDGE_CELLS;
    const top = y + form.y - EDGE_CELLS;
    const right = left + form.width + 2 * EDGE_CELLS;
    const bottom = top + form.height + 2 * EDGE_CELLS;
    if (left < 0 || top < 0 || right > world.width || bottom > world.height) return false;
    const near: GrownBody[] = [];
    for (let dy = -1; dy <= 1; dy++)
      for (let dx = -1; dx <= 1; dx++) near.push(...(squares.get(squareAt(x, y, dx, dy)) ?? []));
    const isApart = (other: GrownBody): boolean =>
      Math.hypot(other.x - x, other.y - y) >= MIN_SPACING * meanSide(other.form, form);
    return near.every(isApart) && roomFault({ species: name, x, y, form }, world, near) === null;
  };

  /** A place beside an organism that stands already, near the middle but not too orderly; null: none was found. */
  const findPlace = (one: GardenSpecies): { x: number; y: number } | null => {
    let best: { x: number; y: number; distance: number } | null = null;
    for (let among = NEIGHBOURS; among < Math.max(placed.length, NEIGHBOURS) * 2 ** LAST_LOOKS; among *= 2) {
      for (let tried = 0; tried < TRIES; tried++) {
        const back = Math.floor(random() * Math.min(among, placed.length));
        const beside = placed[placed.length - 1 - back];
        const spacing = MIN_SPACING + random() * (MAX_SPACING - MIN_SPACING);
        const away = spacing * meanSide(beside.form, one.form);
        const angle = random() * 2 * Math.PI;
        const x = Math.round(beside.x + away * Math.cos(angle));
        const y = Math.round(beside.y + away * Math.sin(angle));
        const far = distance(x, y);
        if ((best === null || far < best.distance) && fits(x, y, one)) best = { x, y, distance: far };
      }
      if (best !== null) return best;
    }
    return null;
  };

  const place = (one: GrownBody): void => {
    placed.push(one);
    const key = squareAt(one.x, one.y);
    squares.set(key, [...(squares.get(key) ?? []), one]);
  };
  for (const other of others) place(other);

  for (const one of shuffledRounds(species, count, random)) {
    if (placed.length === 0) {
      // The body's middle, not its seed, stands in the middle of the world.
      const x = Math.round(middle.x - one.form.x - one.form.width / 2);
      const y = Math.round(middle.y - one.form.y - one.form.height / 2);
      if (fits(x, y, one)) place({ species: one.name, x, y, form: one.form });
      continue;
    }
    const found = findPlace(one);
    if (found !== null) place({ species: one.name, ...found, form: one.form });
  }
  return placed.slice(others.length).map(({ species, x, y }) => ({ species, x, y }));
}

const meanSide = (a: Rect, b: Rect): number =>
  (Math.max(a.width, a.height) + Math.max(b.width, b.height)) / 2;

/** Every species once in random order, then every species again … */
function* shuffledRounds(
  species: readonly GardenSpecies[],
  count: number,
  random: () => number,
): Generator<GardenSpecies> {
  for (let given = 0; given < count && species.length > 0; ) {
    const round = [...species];
    for (let i = round.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [round[i], round[j]] = [round[j], round[i]];
    }
    for (const one of round) if (given++ < count) yield one;
  }
}
