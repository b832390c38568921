/** Session records for tests. */
import { damageOf, type SessionRecord } from '../../server/sessions/record.ts';
import type { Wound } from '../../server/world/wound.ts';

export const cut: Wound = {
  species: 'pikachu',
  rule: 'pikachu@1',
  blows: [
    { afterSteps: 0, tool: 'ablate', radius: 4.5, points: [-10, 3, 12, 3, 12, -8] },
    { afterSteps: 9, tool: 'noise', radius: 2, points: [0, 0] },
  ],
  healthBefore: 0.99,
  healthLeast: 0.41,
  healthAfter: 0.97,
  healedInSteps: 112,
};
export const lost: Wound = {
  ...cut,
  species: 'bulbasaur',
  rule: 'bulbasaur@12',
  blows: [{ afterSteps: 0, tool: 'truncate', radius: 3, points: [0, 0] }],
  healthLeast: 0,
  healthAfter: 0,
  healedInSteps: null,
};

export function recordOf(wounds: readonly Wound[], change: Partial<SessionRecord> = {}): SessionRecord {
  const organisms = new Map(wounds.map(({ species }) => [species, 1]));
  return {
    format: 1,
    id: '2026-11-25T02-10-00.123Z',
    beganAt: '2026-11-25T02:10:00.123Z',
    endedAt: '2026-11-25T02:14:10.000Z',
    endedBy: 'empty',
    players: 3,
    mostAtOnce: 2,
    strokes: 40,
    refusedStrokes: 1,
    droppedWounds: 0,
    scratches: 2,
    damage: damageOf(wounds, organisms),
    wounds,
    ...change,
  };
}
