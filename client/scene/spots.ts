/** Spots for bodies that are too small to see: how they cover a map. Pure. */

import type { Census } from '../../shared/census.ts';
import type { Size } from '../../shared/geometry.ts';

/** Pixels: a smaller spot is hard to see. */
const SPOT_RADIUS = 2.2;
/** Where there are many, a spot may be smaller, but no smaller than this. */
const MIN_RADIUS = 0.7;
/** Most of a map that spots cover which are larger than their bodies, so that places still differ. */
const COVERED = 0.4;

/** @param body - radius of a body on the map, pixels. @returns the radius of its spot */
export function spotRadius(count: number, body: number, { width, height }: Size): number {
  const roomy = Math.sqrt((COVERED * width * height) / (Math.PI * Math.max(1, count)));
  return Math.max(body, Math.min(SPOT_RADIUS, Math.max(MIN_RADIUS, roomy)));
}

/**
 * How much of each pixel of a map lies under a spot; where spots overlap, the greater part counts. A spot costs its
 * pixels, so a small map of many organisms costs what a large one of few does.
 *
 * @param scale - pixels per cell
 * @param radius - of a spot, pixels
 * @returns [height, width], 0..255
 */
export function spotMask(
  { count, xs, ys }: Pick<Census, 'count' | 'xs' | 'ys'>,
  scale: number,
  radius: number,
  { width, height }: Size,
): Uint8Array {
  const mask = new Uint8Array(width * height);
  const reach = Math.ceil(radius + 0.5);
  for (let i = 0; i < count; i++) {
    const x = xs[i] * scale;
    const y = ys[i] * scale;
    const left = Math.max(0, Math.floor(x) - reach);
    const right = Math.min(width - 1, Math.floor(x) + reach);
    const bottom = Math.min(height - 1, Math.floor(y) + reach);
    for (let row = Math.max(0, Math.floor(y) - reach); row <= bottom; row++) {
      const dy = row + 0.5 - y;
      for (let column = left; column <= right; column++) {
        const dx = column + 0.5 - x;
        // A soft edge, one pixel wide.
        const covered = radius + 0.5 - Math.sqrt(dx * dx + dy * dy);
        if (covered <= 0) continue;
        const value = covered >= 1 ? 255 : Math.round(covered * 255);
        const pixel = row * width + column;
        if (value > mask[pixel]) mask[pixel] = value;
      }
    }
  }
  return mask;
}
