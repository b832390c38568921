/**
 * Styles of cutting, each of a player with one habit: the same cut again and again from about the same side. Cells are
 * relative to the seed; reach is half the body's longer side.
 */

import type { Random } from '../../../server/training/random.ts';
import type { Blow } from '../../../server/world/wound.ts';

export interface Style {
  readonly kind: keyof typeof KINDS;
  /** The side of the player, in radians; cuts vary by ±0.25 about it. */
  readonly angle: number;
}

type Draw = (angle: number, reach: number, random: Random) => Blow[];

const KINDS = {
  /** Two broad strokes that leave only a thin strip between them, off the middle towards the player. */
  strip: (angle, reach, random) => {
    const middle = random.between(0.1, 0.5) * reach;
    const half = random.between(0.12, 0.22) * reach;
    const radius = 0.75 * reach;
    return [-1, 1].map((side, i) => ({
      ...stroke(angle, middle + side * (half + radius), 1.5 * reach, radius),
      afterSteps: i * random.whole(2, 10),
    }));
  },
  /** The same side, bitten off again each time it has begun to grow back. */
  again: (angle, reach, random) => {
    const every = random.whole(12, 30);
    return Array.from({ length: random.whole(3, 5) }, (_, i) => ({
      ...stroke(
        angle + random.between(-0.2, 0.2),
        random.between(0.3, 0.7) * reach,
        0.8 * reach,
        random.between(0.3, 0.45) * reach,
      ),
      afterSteps: i * every,
    }));
  },
  /** Parallel strokes while it heals, slivers left between them. */
  comb: (angle, reach, random) => {
    const count = random.whole(5, 8);
    const every = random.whole(4, 12);
    return Array.from({ length: count }, (_, i) => ({
      ...stroke(
        angle,
        ((i + 0.5) / count - 0.5) * 1.9 * reach,
        1.4 * reach,
        random.between(0.08, 0.12) * reach,
      ),
      afterSteps: i * every,
    }));
  },
} as const satisfies Record<string, Draw>;

export const STYLE_KINDS = Object.keys(KINDS) as Style['kind'][];

/** A stroke across the line from the seed to the player, at a distance from the seed; in whole cells. */
function stroke(angle: number, away: number, half: number, radius: number): Omit<Blow, 'afterSteps'> {
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const at = (along: number): [number, number] => [
    Math.round(nx * away - ny * along),
    Math.round(ny * away + nx * along),
  ];
  return { tool: 'ablate', radius: Math.round(radius * 2) / 2, points: [...at(-half), ...at(half)] };
}

/** One wound of this style. */
export function drawWound({ kind, angle }: Style, reach: number, random: Random): Blow[] {
  const blows = KINDS[kind](angle + random.between(-0.25, 0.25), reach, random);
  const first = blows[0].afterSteps;
  return blows.map((blow) => ({ ...blow, afterSteps: blow.afterSteps - first }));
}
