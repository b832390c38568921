/** Attempts of the tuner in plain words: what is gathered, what the running one does and why, and how others ended. */
import type { AttemptTold, RoundTold, TunerView } from '../../shared/adminApi.ts';
import { h } from '../dom.ts';
import { formatCount, formatSpecies, formatWhen } from '../format.ts';

const AIMS: Readonly<Record<string, string>> = {
  healing: 'learning to heal',
  picture: 'polishing the picture',
  stillness: 'polishing for stillness',
  safety: 'hardening it: neighbours, edges, many strokes',
};
const aimOf = (aim: string): string => AIMS[aim] ?? aim;

const OUTCOMES: Readonly<Record<AttemptTold['outcome'], string>> = {
  passed: 'passed',
  'gave up': 'gave up',
  needless: 'not needed',
  ended: 'ended',
  failed: 'failed',
};

/** "Pikachu: 3 of 6 different wounds so far" */
export const gatheringLines = (gathering: TunerView['gathering']): string[] =>
  gathering.map(
    ({ species, wounds, needed }) =>
      `${formatSpecies(species)}: ${wounds} of ${needed} different wounds so far; it learns when there are enough.`,
  );

/** What the running attempt does, and why. */
export function attemptLine({ aim, because, done, planned, rounds }: NonNullable<TunerView['job']>): string {
  if (aim === '') return '';
  const round = `Round ${rounds.length + 1}: ${aimOf(aim)}`;
  const why = because === '' ? '' : `, because of the last result: ${because}`;
  return `${round}${why}. Iteration ${formatCount(done)} of at most ${formatCount(planned)}.`;
}

/** The finished rounds, one line each. */
export const roundLines = (rounds: readonly RoundTold[]): string[] =>
  rounds.map(({ aim, iterations, lacks }, i) => {
    const result = lacks.length === 0 ? 'it passes' : lacks.join('; ');
    return `${i + 1}. ${aimOf(aim)}, ${formatCount(iterations)} iterations: ${result}`;
  });

/** One attempt that is over. */
export function attemptElement(attempt: AttemptTold): HTMLElement {
  const { species, incumbent, label, outcome, ended, iterations, trainedWounds, heldOutWounds } = attempt;
  const summary = h(
    'summary',
    {},
    h('strong', {}, label || incumbent || formatSpecies(species)),
    ' ',
    h('span', { class: 'badge', 'data-status': outcome }, OUTCOMES[outcome]),
    h('span', { class: 'soft' }, ` ${formatCount(iterations)} iterations · ${formatWhen(ended)}`),
  );
  const lines = [
    attempt.told,
    ...(trainedWounds + heldOutWounds === 0
      ? []
      : [`From ${incumbent}: learned from ${trainedWounds} wounds, judged by ${heldOutWounds} others.`]),
    ...roundLines(attempt.rounds),
  ];
  return h('details', { class: 'tuned' }, summary, ...lines.map((line) => h('p', { class: 'line' }, line)));
}

/** What becomes of a candidate. */
export const nextStep = (mode: TunerView['mode']): string =>
  mode === 'auto'
    ? 'A rule that passes is swapped in at once, watched, and rolled back if bodies fare worse.'
    : 'A rule that passes waits below until an admin promotes it; then it is watched, and rolled back if bodies fare worse.';
