/** Puts the figures of tuned rules into words, and claims no more than they support. */
import type { LearnedRule } from '../../shared/protocol.ts';
import { formatHealth, formatSpecies } from '../format.ts';

/** What to tell a player, and what to remember so that it is told once. */
export interface News {
  readonly rules: readonly LearnedRule[];
  /** `since` of the newest rule told so far; empty when there was none. */
  readonly seen: string;
}

/**
 * @param rules - newest first
 * @param seen - what was remembered at the last visit; null at the first one, where only the newest rule is told
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

/** What follows the title: "heals the wounds of the last session 31 % faster". */
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

/** @returns by how many whole percent `after` is less than `before`; negative when it is more */
export const savedPercent = (before: number, after: number): number =>
  before === 0 ? 0 : Math.round((1 - after / before) * 100);

const sessionOf = ({ isLastSession }: LearnedRule): string =>
  isLastSession ? 'the last session' : 'an earlier session';
