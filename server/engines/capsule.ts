/** Which cells a perturbation covers: one definition, in float64, for every engine. */
import type { Size } from '../../shared/geometry.ts';
import { type Capsule, EngineError } from './engine.ts';

/** Cells first..last of row y, both included. */
export interface Span {
  readonly y: number;
  readonly first: number;
  readonly last: number;
}

/** Whether cell (x, y) is at most `radius` from the capsule's segment. */
export function isInCapsule({ x0, y0, x1, y1, radius }: Capsule, x: number, y: number): boolean {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const along = (x - x0) * dx + (y - y0) * dy;
  const lengthSquared = dx * dx + dy * dy;
  if (along <= 0) return (x - x0) ** 2 + (y - y0) ** 2 <= radius * radius;
  if (along >= lengthSquared) return (x - x1) ** 2 + (y - y1) ** 2 <= radius * radius;
  // The cross product, not the foot of the perpendicular, because it is exact for whole numbers.
  const across = (x - x0) * dy - (y - y0) * dx;
  return across * across <= radius * radius * lengthSquared;
}

/**
 * The capsule's cells inside the world, row by row. A capsule is convex, so each row of it is one span. The ends of a
 * span are estimated in closed form and then corrected by `isInCapsule`, which alone decides.
 *
 * @throws EngineError for a coordinate that is not finite or a radius below 0
 */
export function capsuleRows(capsule: Capsule, world: Size): Span[] {
  const { x0, y0, x1, y1, radius } = capsule;
  if (![x0, y0, x1, y1, radius].every(Number.isFinite)) {
    throw new EngineError(`capsule (${x0}, ${y0})–(${x1}, ${y1}), radius ${radius}: not finite`);
  }
  if (radius < 0) throw new EngineError(`radius ${radius} is below 0`);
  const spans: Span[] = [];
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - radius));
  const bottom = Math.min(world.height - 1, Math.floor(Math.max(y0, y1) + radius));
  for (let y = top; y <= bottom; y++) {
    const [from, to] = estimateRow(capsule, y);
    if (!(from <= to)) continue;
    let first = Math.max(0, Math.floor(from) - 1);
    let last = Math.min(world.width - 1, Math.ceil(to) + 1);
    while (first <= last && !isInCapsule(capsule, first, y)) first++;
    while (last >= first && !isInCapsule(capsule, last, y)) last--;
    if (first <= last) spans.push({ y, first, last });
  }
  return spans;
}

/**
 * The cells inside the world that at least one capsule covers, and none of `except`: disjoint spans in reading order, so
 * that each cell is visited once.
 *
 * @throws EngineError as `capsuleRows`
 */
export function strokeRows(
  capsules: readonly Capsule[],
  world: Size,
  except: readonly Capsule[] = [],
): Span[] {
  const covered = union(capsules, world);
  return except.length === 0 ? covered : without(covered, union(except, world));
}

/** Disjoint spans, in reading order, that do not touch. */
function union(capsules: readonly Capsule[], world: Size): Span[] {
  const spans = capsules.flatMap((capsule) => capsuleRows(capsule, world));
  spans.sort((a, b) => a.y - b.y || a.first - b.first);
  const disjoint: Span[] = [];
  for (const span of spans) {
    const last = disjoint.at(-1);
    if (last === undefined || last.y !== span.y || last.last < span.first - 1) disjoint.push(span);
    else if (last.last < span.last) disjoint[disjoint.length - 1] = { ...last, last: span.last };
  }
  return disjoint;
}

/** The cells of `spans` outside `gone`. Both are disjoint and in reading order, and so is the result. */
function without(spans: readonly Span[], gone: readonly Span[]): Span[] {
  const left: Span[] = [];
  let next = 0;
  for (const { y, first, last } of spans) {
    while (next < gone.length && (gone[next].y < y || (gone[next].y === y && gone[next].last < first)))
      next++;
    let from = first;
    // A span of `gone` may reach into the next one of the same row, so `next` stays.
    for (let i = next; i < gone.length && gone[i].y === y && gone[i].first <= last; i++) {
      if (gone[i].first > from) left.push({ y, first: from, last: gone[i].first - 1 });
      from = gone[i].last + 1;
    }
    if (from <= last) left.push({ y, first: from, last });
  }
  return left;
}

/** Index of the first span at or below row y. @param spans - in reading order */
export function firstSpanFrom(spans: readonly Span[], y: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].y < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where row y meets the capsule: real numbers, slightly too wide; empty when from > to. */
function estimateRow({ x0, y0, x1, y1, radius }: Capsule, y: number): readonly [from: number, to: number] {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const [x, off] of [
    [x0, y - y0],
    [x1, y - y1],
  ]) {
    const reach = radius * radius - off * off;
    // Rounding may lose a cell that just touches; the slack keeps it, and `isInCapsule` decides.
    if (reach < -1e-6 * (1 + radius * radius)) continue;
    const half = Math.sqrt(Math.max(0, reach));
    from = Math.min(from, x - half);
    to = Math.max(to, x + half);
  }
  const dx = x1 - x0;
  const dy = y1 - y0;
  const length = Math.hypot(dx, dy);
  if (length === 0) return [from, to];
  // The rectangle between the circles: 0 <= along <= length² and |across| <= radius · length.
  let left = Math.min(x0, x1) - radius;
  let right = Math.max(x0, x1) + radius;
  if (dx !== 0) {
    const start = x0 - ((y - y0) * dy) / dx;
    const end = start + (length * length) / dx;
    left = Math.max(left, Math.min(start, end));
    right = Math.min(right, Math.max(start, end));
  }
  if (dy !== 0) {
    const middle = x0 + ((y - y0) * dx) / dy;
    const half = Math.abs((radius * length) / dy);
    left = Math.max(left, middle - half);
    right = Math.min(right, middle + half);
  } else if (Math.abs(y - y0) > radius) {
    return [from, to];
  }
  return left <= right ? [Math.min(from, left), Math.max(to, right)] : [from, to];
}
