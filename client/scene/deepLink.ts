/** `#x,y,zoom`: a camera as a link. Pure; `address.ts` reads and writes the address bar. */
import type { Camera } from './camera.ts';

/** @returns null for a fragment of another form; zoom is 6 when left out */
export function parseLink(hash: string): Camera | null {
  const match = /^#?(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?$/.exec(hash);
  if (match === null) return null;
  const zoom = match[3] === undefined ? 6 : Number(match[3]);
  return zoom > 0 ? { x: Number(match[1]), y: Number(match[2]), zoom } : null;
}

export const formatLink = (camera: Camera): string =>
  `#${Math.round(camera.x)},${Math.round(camera.y)},${Number(camera.zoom.toPrecision(3))}`;
