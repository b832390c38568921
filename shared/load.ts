/** Load that is shed, in words: for players, and in `/healthz`. */
import type { Load } from './protocol.ts';

/** A sentence or two, without a full stop. */
export function loadText({ energyScale, stepsPerSecond, wanted }: Load): string {
  const busy = `The world is busy: it takes ${Math.round(stepsPerSecond)} of ${wanted} steps per second. Nothing can be planted until it keeps up`;
  if (energyScale === 1) return busy;
  return `${busy}, and energy comes at ${energyScale === 0.5 ? 'half' : 'a quarter of'} its speed`;
}
