/**
 * Which strokes are valid, and what they cost. The room, the world and the client all ask here, so a client knows the
 * answer before it sends. Whether a seed has room among its neighbours only the world can say.
 *
 * A point names the cell it lies in: (x, y) with 0 <= x < width. A brush may hang over the world's edge.
 */
import type { Size } from './geometry.ts';
import {
  BUDGET_CELLS,
  MAX_BRUSH_RADIUS,
  MAX_STROKE_POINTS,
  MAX_STROKE_SEGMENT,
  MIN_BRUSH_RADIUS,
  MIN_STROKE_COST_CELLS,
  PLANT_COST_CELLS,
} from './limits.ts';
import { type StrokeMessage, TOOLS } from './protocol.ts';

/** Radius of the first brush as a share of a body's longer side: large enough to bite pieces out of a body. */
export const FIRST_RADIUS_SHARE = 0.19;

/** Cells that a `truncate` costs, for any radius: about the area of a whole organism. */
export const TRUNCATE_COST_CELLS = PLANT_COST_CELLS;

const pointAt = (points: readonly number[], i: number): readonly [x: number, y: number] => [
  points[i * 2],
  points[i * 2 + 1],
];

/**
 * @param stroke - an object; its fields may have any type
 * @returns why the stroke cannot be done, for its player to read; null when it can
 */
export function strokeFault(
  stroke: StrokeMessage,
  world: Size,
  species: readonly { readonly name: string }[],
): string | null {
  const { tool, radius, points } = stroke;
  if (!TOOLS.includes(tool)) return `There is no tool ${quote(tool)}.`;
  if (!Number.isFinite(radius) || radius < MIN_BRUSH_RADIUS || radius > MAX_BRUSH_RADIUS)
    return `A radius lies between ${MIN_BRUSH_RADIUS} and ${MAX_BRUSH_RADIUS} cells.`;
  if (!Array.isArray(points) || points.length < 2 || points.length % 2 !== 0)
    return 'A stroke is a list of x and y, at least one pair.';
  if (points.length > MAX_STROKE_POINTS * 2) return `A stroke has at most ${MAX_STROKE_POINTS} points.`;
  if (!points.every((value) => Number.isFinite(value))) return 'A stroke is made of numbers.';

  // A brush may hang over the edge; a seed, or the point that picks an organism, may not.
  const brush = tool === 'ablate' || tool === 'noise';
  const reach = brush ? radius : 0;
  for (let i = 0; i < points.length / 2; i++) {
    const [x, y] = pointAt(points, i);
    if (x < -reach || y < -reach || x >= world.width + reach || y >= world.height + reach)
      return 'That is outside the world.';
    if (i > 0) {
      const [fromX, fromY] = pointAt(points, i - 1);
      if (Math.hypot(x - fromX, y - fromY) > MAX_STROKE_SEGMENT)
        return `A stroke moves at most ${MAX_STROKE_SEGMENT} cells from point to point.`;
    }
  }
  if (tool === 'plant' && !species.some(({ name }) => name === stroke.species))
    return `There is no species ${quote(stroke.species)}.`;
  if (strokeCost(stroke) > BUDGET_CELLS)
    return `A stroke covers at most ${BUDGET_CELLS} cells: make it shorter or narrower.`;
  return null;
}

/** @returns cells that a valid stroke takes from its player's budget: about the area that its brush covers, and not less than a small dab */
export function strokeCost(stroke: StrokeMessage): number {
  if (stroke.tool === 'plant') return PLANT_COST_CELLS;
  if (stroke.tool === 'truncate') return TRUNCATE_COST_CELLS;
  const area = Math.PI * stroke.radius ** 2 + 2 * stroke.radius * strokeLength(stroke.points);
  return Math.max(MIN_STROKE_COST_CELLS, Math.ceil(area));
}

/** @returns the length of the polyline x0, y0, x1, y1, … */
export function strokeLength(points: readonly number[]): number {
  let length = 0;
  for (let i = 1; i < points.length / 2; i++) {
    const [x, y] = pointAt(points, i);
    const [fromX, fromY] = pointAt(points, i - 1);
    length += Math.hypot(x - fromX, y - fromY);
  }
  return length;
}

/** Text that a client sent, cut to 32 characters, so that an answer cannot be made long. */
const quote = (text: unknown): string => `"${String(text).slice(0, 32)}"`;
