/** Sessions recorded by script: what a player with one habit does to a species, in a record like the server's. */
import type { EvaluationTarget } from '../../../server/evaluation/evaluate.ts';
import { damageOf, type SessionRecord, sessionId } from '../../../server/sessions/record.ts';
import { Random } from '../../../server/training/random.ts';
import { randomSeedOf } from '../../../server/tuner/wounds.ts';
import type { Blow, Wound } from '../../../server/world/wound.ts';
import { drawWound, type StyleName } from './styles.ts';

export const reachOf = ({ target }: EvaluationTarget): number => Math.max(target.width, target.height) / 2;

/** @param name - of the draw: another name, other wounds */
export function drawWounds(style: StyleName, name: string, count: number, reach: number): Blow[][] {
  const random = new Random(randomSeedOf(name));
  return Array.from({ length: count }, () => drawWound(style, reach, random));
}

/** @param number - from 0: one a day */
export function recordOf(
  species: string,
  wounds: readonly (readonly Blow[])[],
  number: number,
): SessionRecord {
  const beganAt = new Date(Date.UTC(2026, 0, 1 + number)).toISOString();
  const own = wounds.map(
    (blows): Wound => ({
      species,
      rule: `${species}@1`,
      blows,
      healthBefore: 1,
      healthLeast: 0.5,
      healthAfter: 0.5,
      healedInSteps: null,
    }),
  );
  return {
    format: 1,
    id: sessionId(beganAt),
    beganAt,
    endedAt: new Date(Date.UTC(2026, 0, 1 + number, 0, 20)).toISOString(),
    endedBy: 'empty',
    players: 1,
    mostAtOnce: 1,
    strokes: wounds.reduce((sum, blows) => sum + blows.length, 0),
    droppedWounds: 0,
    damage: damageOf(own, new Map([[species, 1]])),
    wounds: own,
  };
}
