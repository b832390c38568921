/**
 * Writes the session that the tuner is measured on: sixty wounds by one player with one habit, the one that a shipped
 * rule heals worst. Searches for that rule and side; everything else follows from the random seed.
 */
import { join } from 'node:path';
import { targetOf } from '../../../server/evaluation/evaluate.ts';
import { loadRules } from '../../../server/rules/load.ts';
import type { Rule } from '../../../server/rules/rule.ts';
import { damageOf, type SessionRecord, sessionId, writeSession } from '../../../server/sessions/record.ts';
import { Random } from '../../../server/training/random.ts';
import type { Target } from '../../../server/training/target.ts';
import { emptyError, measureHealing, Patient } from '../../../server/tuner/heal.ts';
import type { Blow, Wound } from '../../../server/world/wound.ts';
import { drawWound, STYLE_KINDS, type Style } from './styles.ts';

const SIDES = 8;
const TRIED = { wounds: 2, randomSeeds: 3 } as const;
const WOUNDS = 60;
/** Steps in a second of the world. */
const LOOK_STEPS = 8;
const MAX_STEPS = 400;
const HEALED = 0.95;

interface Weakness {
  readonly rule: Rule;
  readonly target: Target;
  readonly style: Style;
  /** Mean error 200 steps after the wound; a healed body has almost none. */
  readonly error: number;
}

const reachOf = ({ width, height }: Target): number => Math.max(width, height) / 2;

/** Measures every shipped rule against cuts from every side. @returns the worst first */
async function weaknesses(
  folder: string,
  kind: Style['kind'],
  randomSeed: number,
  threads: number,
): Promise<Weakness[]> {
  const found: Weakness[] = [];
  for (const rule of loadRules(folder)) {
    const target = targetOf(rule)?.target;
    if (target === undefined) continue;
    const styles = Array.from(
      { length: SIDES },
      (_, side): Style => ({ kind, angle: (side * 2 * Math.PI) / SIDES }),
    );
    const random = new Random(randomSeed);
    const wounds = styles.flatMap((style) =>
      Array.from({ length: TRIED.wounds }, () => drawWound(style, reachOf(target), random)),
    );
    const { byWound } = await measureHealing(rule, target, wounds, { ...TRIED, threads });
    for (const [i, style] of styles.entries()) {
      const own = byWound.slice(i * TRIED.wounds, (i + 1) * TRIED.wounds);
      const error = own.reduce((sum, one) => sum + one, 0) / own.length;
      found.push({ rule, target, style, error });
    }
  }
  return found.sort((a, b) => b.error - a.error);
}

/** A wound as a session records it. */
async function asRecorded(
  patient: Patient,
  blows: readonly Blow[],
  rule: Rule,
  nothing: number,
): Promise<Wound> {
  const health = (error: number): number => Math.min(1, Math.max(0, 1 - error / nothing));
  const [grown] = await patient.grow(rule);
  const healthBefore = health(grown);
  const last = await patient.wound(blows);
  let now = health((await patient.live(last, 0))[0]);
  let healthLeast = Math.min(healthBefore, now);
  let healedInSteps: number | null = null;
  for (let step = LOOK_STEPS; step <= MAX_STEPS && healedInSteps === null; step += LOOK_STEPS) {
    now = health((await patient.live(last + step - LOOK_STEPS, LOOK_STEPS))[0]);
    healthLeast = Math.min(healthLeast, now);
    if (now >= HEALED * healthBefore) healedInSteps = step;
  }
  const rounded = (value: number): number => Number(value.toFixed(4));
  return {
    species: rule.name,
    rule: `${rule.name}@1`,
    blows,
    healthBefore: rounded(healthBefore),
    healthLeast: rounded(healthLeast),
    healthAfter: Math.max(rounded(healthLeast), rounded(now)),
    healedInSteps,
  };
}

/** @returns a line that says which rule and side were chosen */
export async function recordSession(
  file: string,
  kind: string,
  randomSeed: number,
  threads: number,
): Promise<string> {
  const known = STYLE_KINDS.find((one) => one === kind);
  if (known === undefined) throw new RangeError(`--kind ${kind} is not one of ${STYLE_KINDS.join(', ')}`);
  const folder = join(import.meta.dirname, '../../../weights');
  const [{ rule, target, style, error }] = await weaknesses(folder, known, randomSeed, threads);
  const random = new Random(randomSeed + 1);
  const patient = new Patient(target, rule.hidden, rule.fireRate, { randomSeeds: 1, threads: 0 });
  const wounds: Wound[] = [];
  try {
    const nothing = emptyError(target);
    while (wounds.length < WOUNDS)
      wounds.push(await asRecorded(patient, drawWound(style, reachOf(target), random), rule, nothing));
  } finally {
    await patient.dispose();
  }
  const beganAt = '2026-01-01T00:00:00.000Z';
  const record: SessionRecord = {
    format: 1,
    id: sessionId(beganAt),
    beganAt,
    endedAt: '2026-01-01T00:20:00.000Z',
    endedBy: 'empty',
    players: 1,
    mostAtOnce: 1,
    strokes: wounds.reduce((sum, { blows }) => sum + blows.length, 0),
    droppedWounds: 0,
    damage: damageOf(wounds, new Map([[rule.name, 1]])),
    wounds,
  };
  await writeSession(file, record);
  const degrees = Math.round((style.angle * 180) / Math.PI);
  return `${rule.name}, ${style.kind} from ${degrees}°: error ${error.toExponential(1)} after 200 steps`;
}
