/**
 * Walls around a training body: places where another body's cells or the world's edge leave it no room. Distances are
 * measured from the seed cell, which is always open.
 */
import { CHANNELS } from '../rules/rule.ts';
import { cellIndex, type GridShape } from './kernel.ts';
import { Random } from './random.ts';
import { OPEN } from './rollouts.ts';
import { forEachCell, seedX, seedY } from './states.ts';

/** Cells from the seed to the first cell of the wall, at least 1; null: that side is open. */
export interface Walls {
  readonly left: number | null;
  readonly right: number | null;
  readonly top: number | null;
  readonly bottom: number | null;
  /** How far a wall's outline strays, in cells: 0 is the world's edge, more is another body's outline. */
  readonly roughCells: number;
  /** Random seed of that outline. */
  readonly randomSeed: number;
}

export const SIDES = ['left', 'right', 'top', 'bottom'] as const;
export type Side = (typeof SIDES)[number];

/** Distance between two corners of the outline. */
const CORNER_CELLS = 5;
/** Least distance from a seed to the world's edge. */
const MIN_EDGE_CELLS = 2;
/** Least distance from a seed to a neighbour's outline: nearer seeds are not planted. */
const MIN_NEIGHBOUR_CELLS = 5;

const NONE = { left: null, right: null, top: null, bottom: null };

/** One to four neighbours. @param reach - half the body's longer side, cells */
export function drawNeighbours(reach: number, random: Random): Walls {
  const count = random.whole(1, SIDES.length);
  const sides = shuffled(SIDES, random).slice(0, count);
  const away = (): number => Math.max(MIN_NEIGHBOUR_CELLS, Math.round(random.between(0.4, 1.15) * reach));
  return {
    ...NONE,
    ...Object.fromEntries(sides.map((side) => [side, away()])),
    roughCells: random.unit() < 0.3 ? 0 : random.between(1, 4),
    randomSeed: random.uint32(),
  };
}

/** The world ends on one side, or on two that meet. */
export function drawEdge(reach: number, random: Random): Walls {
  const across = random.unit() < 0.5 ? 'left' : 'right';
  const down = random.unit() < 0.5 ? 'top' : 'bottom';
  const kind = random.whole(0, 2);
  const sides: Side[] = kind === 0 ? [across] : kind === 1 ? [down] : [across, down];
  const away = (): number => random.whole(MIN_EDGE_CELLS, Math.max(MIN_EDGE_CELLS, Math.round(reach)));
  return {
    ...NONE,
    ...Object.fromEntries(sides.map((side) => [side, away()])),
    roughCells: 0,
    randomSeed: random.uint32(),
  };
}

/** The walls without these sides; null: none is left. */
export function without(walls: Walls, sides: readonly Side[]): Walls | null {
  const left = { ...walls, ...Object.fromEntries(sides.map((side) => [side, null])) };
  return SIDES.some((side) => left[side] !== null) ? left : null;
}

/**
 * Marks where a slot's cells may live.
 *
 * @param open - [cellCount], `RolloutBatch.open`; overwritten
 * @param walls - null: everything is open
 */
export function buildWalls(open: Uint8Array, shape: GridShape, walls: Walls | null): void {
  open.fill(OPEN);
  if (walls === null) return;
  const random = new Random(walls.randomSeed);
  const outlines = SIDES.map((side) => {
    const away = walls[side];
    const along = side === 'left' || side === 'right' ? shape.height : shape.width;
    return { side, away, outline: outlineOf(along, walls.roughCells, random) };
  });
  const [x0, y0] = [seedX(shape), seedY(shape)];
  forEachCell(shape, (x, y, cell) => {
    for (const { side, away, outline } of outlines) {
      if (away === null) continue;
      const isAcross = side === 'left' || side === 'right';
      const distance =
        side === 'left' ? x0 - x : side === 'right' ? x - x0 : side === 'top' ? y0 - y : y - y0;
      if (distance >= Math.max(1, away + outline[isAcross ? y : x])) open[cell] = 0;
    }
  });
  open[cellIndex(shape, x0, y0)] = OPEN;
}

/** Zeroes the cells that stand in walls, as the next rollout would. */
export function clearWalled(state: Float32Array, open: Uint8Array, shape: GridShape): void {
  forEachCell(shape, (_x, _y, cell) => {
    if (open[cell] === 0) state.fill(0, cell * CHANNELS, (cell + 1) * CHANNELS);
  });
}

/** By how many whole cells an outline strays along a side: straight lines between corners that stray at random. */
function outlineOf(length: number, roughCells: number, random: Random): Int32Array {
  const corners = Array.from({ length: Math.ceil(length / CORNER_CELLS) + 2 }, () =>
    random.between(-roughCells, roughCells),
  );
  return Int32Array.from({ length }, (_, at) => {
    const corner = Math.floor(at / CORNER_CELLS);
    const part = at / CORNER_CELLS - corner;
    return Math.round(corners[corner] * (1 - part) + corners[corner + 1] * part);
  });
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const list = [...values];
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.whole(0, i);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}
