/** Strokes that were drawn by hand on the page (`play.json`, from `tests/bench/play/record.ts`), as blows to a body. */
import { readFileSync } from 'node:fs';
import type { Blow } from '../world/wound.ts';
import type { Random } from './random.ts';

/** Steps from one stroke at a body to the next, and between two looks at it: 4 s of the world. */
export const STROKE_EVERY_STEPS = 125;
const STEPS_PER_SECOND = 30;
const MIN_RADIUS_CELLS = 0.5;

/** Lengths are in parts of half the body's longer side, from the middle of its box. */
export interface PlayedStroke {
  readonly radius: number;
  /** Messages: milliseconds since the first one, then x0, y0, x1, y1, … */
  readonly moves: readonly (readonly number[])[];
}

export const PLAYED: readonly PlayedStroke[] = (
  JSON.parse(readFileSync(new URL('./play.json', import.meta.url), 'utf8')) as { strokes: PlayedStroke[] }
).strokes;

/**
 * A stroke as blows around the seed cell, one per message.
 *
 * @param reach - half the body's longer side, cells
 * @param turns - number of quarter turns
 * @param isMirrored - left and right are swapped first
 */
export function blowsOf(
  { radius, moves }: PlayedStroke,
  tool: Blow['tool'],
  reach: number,
  turns = 0,
  isMirrored = false,
): Blow[] {
  return moves.map(([ms, ...points]) => ({
    afterSteps: Math.round((ms * STEPS_PER_SECOND) / 1000),
    tool,
    radius: Math.max(MIN_RADIUS_CELLS, radius * reach),
    points: turned(points, turns, isMirrored).map((value) => value * reach),
  }));
}

/** The tools of a stroke, as often as hands take them up. */
const TOOLS = ['ablate', 'ablate', 'ablate', 'noise', 'noise', 'noise', 'truncate'] as const;

export const drawTool = (random: Random): Blow['tool'] => TOOLS[random.whole(0, TOOLS.length - 1)];

/** One of the strokes with any of the page's tools, turned and mirrored at random; `truncate` is one dab. */
export function drawPlayed(tool: Blow['tool'], reach: number, random: Random): Blow[] {
  const stroke = PLAYED[random.whole(0, PLAYED.length - 1)];
  const [turns, isMirrored] = [random.whole(0, 3), random.unit() < 0.5];
  if (tool !== 'truncate') return blowsOf(stroke, tool, reach, turns, isMirrored);
  return [{ afterSteps: 0, tool, radius: Math.max(MIN_RADIUS_CELLS, stroke.radius * reach), points: [0, 0] }];
}

function turned(points: readonly number[], turns: number, isMirrored: boolean): number[] {
  const [cos, sin] = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ][turns];
  return points.map((_, i) => {
    const x = points[i - (i % 2)] * (isMirrored ? -1 : 1);
    const y = points[i - (i % 2) + 1];
    return i % 2 === 0 ? x * cos - y * sin : x * sin + y * cos;
  });
}
