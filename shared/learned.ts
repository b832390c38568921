/**
 * What players are told about tuned rules, and its checks. The figures come from a registry file that an operator can
 * edit, and the message may come from a server of another version, so both sides check.
 */

/** A rule in force that was tuned on a session's wounds, with figures. */
export interface LearnedRule {
  readonly species: string;
  /** "pikachu v4" */
  readonly label: string;
  /** When it came into force, as ISO 8601. */
  readonly since: string;
  /** Id of the session that it learned from; the id is the time of its beginning. */
  readonly session: string;
  /** True when no later session with wounds has ended. */
  readonly isLastSession: boolean;
  readonly wounds: number;
  /** Median recovery over wounds of that session that it was not tuned on: 0 (none) to 1 (whole). */
  readonly recoveryBefore: number;
  readonly recoveryAfter: number;
  /** Median steps until healed; null when most wounds did not heal. */
  readonly stepsBefore: number | null;
  readonly stepsAfter: number | null;
}

/**
 * Sent once, after `hello`: what tuned rules have learned, newest first. The client finds what its player has not read.
 */
export interface LearnedMessage {
  readonly rules: readonly LearnedRule[];
}

/** Most rules in one message; the newest are sent. Nobody would read a longer list. */
export const MAX_LEARNED = 16;
const MAX_STEPS = 1e9;

type Figures = Pick<
  LearnedRule,
  'session' | 'wounds' | 'recoveryBefore' | 'recoveryAfter' | 'stepsBefore' | 'stepsAfter'
>;

const isBetween = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most;
const isText = (value: unknown, most: number): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= most;
const isTime = (value: unknown): boolean => isText(value, 32) && !Number.isNaN(Date.parse(value as string));
const quoted = (value: unknown): string => (JSON.stringify(value) ?? 'missing').slice(0, 64);

/** @returns why a value is not the figures of a tuned rule (`metrics.learned` in the registry); null when it is */
export function figuresFault(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return `learned is ${quoted(value)}, expected an object`;
  const figures = value as Record<keyof Figures, unknown>;
  if (typeof figures.session !== 'string' || beganAtOf(figures.session) === null)
    return `session is ${quoted(figures.session)}, expected an id like 2026-11-25T02-10-00.123Z`;
  if (!Number.isSafeInteger(figures.wounds) || !isBetween(figures.wounds, 1, 1e9))
    return `wounds is ${quoted(figures.wounds)}, expected 1 or more`;
  for (const field of ['recoveryBefore', 'recoveryAfter'] as const)
    if (!isBetween(figures[field], 0, 1)) return `${field} is ${quoted(figures[field])}, expected 0..1`;
  for (const field of ['stepsBefore', 'stepsAfter'] as const)
    if (figures[field] !== null && !isBetween(figures[field], 0, MAX_STEPS))
      return `${field} is ${quoted(figures[field])}, expected steps or null`;
  return null;
}

/** @returns why a `learned` message cannot be shown; null when it can */
export function learnedFault(message: unknown): string | null {
  const rules = (message as LearnedMessage | null)?.rules;
  if (!Array.isArray(rules)) return 'rules is not a list';
  if (rules.length > MAX_LEARNED) return `rules has ${rules.length} entries, expected at most ${MAX_LEARNED}`;
  for (const rule of rules as unknown[]) {
    const fault = figuresFault(rule);
    if (fault !== null) return fault;
    const { species, label, since, isLastSession } = rule as Record<keyof LearnedRule, unknown>;
    if (!isText(species, 32) || !isText(label, 64)) return 'a rule has no name';
    if (!isTime(since)) return `since is ${quoted(since)}, expected a time`;
    if (typeof isLastSession !== 'boolean') return 'isLastSession is neither true nor false';
  }
  return null;
}

/** @returns when a session began, read from its id; null when it is not an id */
export function beganAtOf(session: string): Date | null {
  const [, day, h, m, s] = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3}Z)$/.exec(session) ?? [];
  const date = new Date(`${day}T${h}:${m}:${s}`);
  return Number.isNaN(date.getTime()) ? null : date;
}
