/** Places in the world, and the way of a pointer over them. Pure. */
import type { Rect, Size } from '../../../shared/geometry.ts';

/** Cells. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export const isInside = ({ x, y }: Place, view: Rect): boolean =>
  x >= view.x && y >= view.y && x < view.x + view.width && y < view.y + view.height;

/** The nearest place in the world. */
export const within = ({ x, y }: Place, world: Size): Place => ({
  x: Math.min(world.width - 0.01, Math.max(0, x)),
  y: Math.min(world.height - 0.01, Math.max(0, y)),
});

export function lengthOf(path: readonly Place[]): number {
  let length = 0;
  for (let i = 1; i < path.length; i++)
    length += Math.hypot(path[i].x - path[i - 1].x, path[i].y - path[i - 1].y);
  return length;
}

/** Where the pointer is after `share` (0..1) of the way. */
export function placeOn(path: readonly Place[], share: number): Place {
  let left = Math.min(1, Math.max(0, share)) * lengthOf(path);
  for (let i = 1; i < path.length; i++) {
    const [from, to] = [path[i - 1], path[i]];
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    if (left <= length && length > 0)
      return { x: from.x + ((to.x - from.x) * left) / length, y: from.y + ((to.y - from.y) * left) / length };
    left -= length;
  }
  return path[path.length - 1];
}
