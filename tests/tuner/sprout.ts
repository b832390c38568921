/** A small rule that has been trained for a minute: it grows a body of 286 cells and heals badly. */
import { join } from 'node:path';
import { Random } from '../../server/training/random.ts';
import type { Blow } from '../../server/world/wound.ts';

export const SPROUT = join(import.meta.dirname, '../fixtures/sprout.safetensors');

/** Ten large bites around the middle. */
export function sproutWounds(): { blows: Blow[] }[] {
  const random = new Random(11);
  return Array.from({ length: 10 }, () => ({
    blows: [
      {
        afterSteps: 0,
        tool: 'ablate' as const,
        radius: 7,
        points: [random.whole(-3, 3), random.whole(-4, 4)],
      },
    ],
  }));
}
