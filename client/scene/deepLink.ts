/** `#x,y,zoom`: the place that a link points at. Pure; `main` owns the address bar. */
import type { Camera } from './camera.ts';

/** Null when it is not of the form, so that any other fragment is left alone. */
export function parseLink(hash: string): Camera | null {
  const match = /^#?(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?$/.exec(hash);
  if (match === null) return null;
  const zoom = match[3] === undefined ? 6 : Number(match[3]);
  return zoom > 0 ? { x: Number(match[1]), y: Number(match[2]), zoom } : null;
}

export const formatLink = (camera: Camera): string =>
  `#${Math.round(camera.x)},${Math.round(camera.y)},${Number(camera.zoom.toPrecision(3))}`;
