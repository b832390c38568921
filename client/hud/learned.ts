/** What the world has learned, in words: only what the figures carry. */
import type { LearnedRule } from '../../shared/protocol.ts';
import { formatHealth, formatSpecies } from '../format.ts';

/** What a player is told of it, and what is remembered so that he is told once. */
export interface News {
  readonly rules: readonly LearnedRule[];
  /** ISO 8601, or empty: there was nothing yet. */
  readonly seen: string;
}

/**
 * @param rules - newest first
 * @param seen - what was remembered at the last visit; null: this is the first, and the newest is enough
 */
export function newsOf(rules: readonly LearnedRule[], seen: string | null): News {
  const newest = rules.reduce((latest, { since }) => (since > latest ? since : latest), seen ?? '');
  return {
    rules: seen === null ? rules.slice(0, 1) : rules.filter(({ since }) => since > seen),
    seen: newest,
  };
}

/** "Pikachu v4" */
export function titleOf({ label }: Pick<LearnedRule, 'label'>): string {
  const [, name, version] = /^(.*?)( v\d+)?$/.exec(label) ?? [];
  return `${formatSpecies(name)}${version ?? ''}`;
}

/** Follows the title: "heals the wounds of the last session 31 % faster". */
export function gainOf(rule: LearnedRule): string {
  const { recoveryBefore, recoveryAfter, stepsBefore, stepsAfter } = rule;
  const wounds = `the wounds of ${sessionOf(rule)}`;
  const [before, after] = [formatHealth(recoveryBefore), formatHealth(recoveryAfter)].map(Number);
  const further = `further, ${before} → ${after}\u00a0%`;
  if (stepsBefore === null && stepsAfter !== null)
    return `heals most of ${wounds}, which the rule before it did not`;
  if (stepsBefore !== null && stepsAfter === null) return trainedOn(rule);
  const faster = stepsBefore === null ? 0 : savedPercent(stepsBefore, stepsAfter!);
  if (faster > 0) {
    const reach = after > before ? ', and further' : after < before ? ', but less far' : '';
    return `heals ${wounds} ${faster}\u00a0% faster${reach}`;
  }
  if (after <= before) return trainedOn(rule);
  return `heals ${wounds} ${further}, ${faster < 0 ? 'but slower' : 'though no faster'}`;
}

const trainedOn = (rule: LearnedRule): string => {
  const { wounds } = rule;
  return `has trained on ${wounds === 1 ? 'a wound' : `${wounds} wounds`} of ${sessionOf(rule)}`;
};

/** Of the time it took, what it takes no longer, in whole percent; negative: it takes longer. */
export const savedPercent = (before: number, after: number): number =>
  before === 0 ? 0 : Math.round((1 - after / before) * 100);

const sessionOf = ({ isLastSession }: LearnedRule): string =>
  isLastSession ? 'the last session' : 'an earlier session';

/** "25 Nov, 02:10" */
export const formatMoment = (date: Date): string =>
  date.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
