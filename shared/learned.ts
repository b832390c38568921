/**
 * What a tuned rule has learned, as it is told to players. The figures come from a registry that anybody with the
 * file may write, and the message from a server that may be another version: both sides check.
 */
import type { LearnedMessage, LearnedRule } from './protocol.ts';

/** Rules told at once, the newest: more is no news. */
export const MAX_LEARNED = 16;
const MAX_STEPS = 1e9;

type Figures = Pick<
  LearnedRule,
  'session' | 'wounds' | 'recoveryBefore' | 'recoveryAfter' | 'stepsBefore' | 'stepsAfter'
>;

const isBetween = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;
const isText = (value: unknown, most: number): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= most;
const isTime = (value: unknown): boolean => isText(value, 32) && !Number.isNaN(Date.parse(value as string));
const shown = (value: unknown): string => (JSON.stringify(value) ?? 'missing').slice(0, 64);

/** Why these are no figures of a tuned rule (`metrics.learned` in the registry); null: they are. */
export function figuresFault(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return `learned is ${shown(value)}, expected an object`;
  const figures = value as Record<keyof Figures, unknown>;
  if (typeof figures.session !== 'string' || beganAtOf(figures.session) === null)
    return `session is ${shown(figures.session)}, expected an id like 2026-11-25T02-10-00.123Z`;
  if (!Number.isSafeInteger(figures.wounds) || !isBetween(figures.wounds, 1, 1e9))
    return `wounds is ${shown(figures.wounds)}, expected 1 or more`;
  for (const field of ['recoveryBefore', 'recoveryAfter'] as const)
    if (!isBetween(figures[field], 0, 1)) return `${field} is ${shown(figures[field])}, expected 0..1`;
  for (const field of ['stepsBefore', 'stepsAfter'] as const)
    if (figures[field] !== null && !isBetween(figures[field], 0, MAX_STEPS))
      return `${field} is ${shown(figures[field])}, expected steps or null`;
  return null;
}

/** Why a message says nothing that can be shown; null: it does. */
export function learnedFault(message: unknown): string | null {
  const rules = (message as LearnedMessage | null)?.rules;
  if (!Array.isArray(rules)) return 'rules is no list';
  if (rules.length > MAX_LEARNED) return `rules has ${rules.length} entries, expected at most ${MAX_LEARNED}`;
  for (const rule of rules as unknown[]) {
    const fault = figuresFault(rule);
    if (fault !== null) return fault;
    const { species, label, since, isLastSession } = rule as Record<keyof LearnedRule, unknown>;
    if (!isText(species, 32) || !isText(label, 64)) return 'a rule has no name';
    if (!isTime(since)) return `since is ${shown(since)}, expected a time`;
    if (typeof isLastSession !== 'boolean') return 'isLastSession is neither true nor false';
  }
  return null;
}

/** When a session began, by its id; null: it is no id. */
export function beganAtOf(session: string): Date | null {
  const [, day, h, m, s] = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3}Z)$/.exec(session) ?? [];
  const date = new Date(`${day}T${h}:${m}:${s}`);
  return Number.isNaN(date.getTime()) ? null : date;
}
