/** The tuner: the job that runs, with its curves, the jobs that wait, and the rules that were tuned. */

import type { RuleEntry, TunerView } from '../../shared/adminApi.ts';
import { button, h, setText } from '../dom.ts';
import { formatAge, formatPercent, formatSpecies, formatWhen } from '../format.ts';
import { attemptElement, attemptLine, gatheringLines, nextStep, roundLines } from './attempts.ts';
import { Comparison, comparisonOf } from './comparison.ts';
import { CurvePlot } from './plots.ts';

export interface TunerHandlers {
  act(
    action: { readonly action: string; readonly rule?: number; readonly mode?: string },
    done: string,
  ): void;
}

const MODES = [
  ['manual', 'by an admin'],
  ['auto', 'automatically'],
  ['off', 'never: nothing is tuned'],
] as const;
/** Largest number of tuned rules in the list, the newest first. */
const MAX_SHOWN = 12;
const STATES: Readonly<Record<TunerView['state'], string>> = {
  off: 'Off',
  idle: 'Idle: no job waits',
  paused: 'Paused: somebody is playing',
  waiting: 'About to begin',
  preparing: 'Preparing',
  measuring: 'Measuring the rule in force',
  training: 'Training',
  comparing: 'Comparing it with the rule in force',
};

export class TunerPanel {
  readonly #handlers: TunerHandlers;
  readonly #state = h('strong', {});
  readonly #what = h('span', { class: 'soft' });
  readonly #bar = h('progress', { class: 'tuner__bar', max: '1', value: '0', 'aria-label': 'Training done' });
  readonly #mode = h('select', {});
  readonly #cancel = h('button', { class: 'plain', type: 'button' }, 'Cancel');
  readonly #queue = h('p', { class: 'soft line' });
  readonly #attempt = h('p', { class: 'line' });
  readonly #rounds = h('div', { class: 'list list--short' });
  readonly #gathering = h('div', {});
  readonly #next = h('p', { class: 'soft line' });
  readonly #notes = h('div', { class: 'list list--short' });
  readonly #history = h('div', { class: 'list tuner__history' });
  readonly #rules = h('div', { class: 'tuner__rules' });
  readonly #loss = new CurvePlot('Loss', {
    label: 'Training loss',
    isLog: true,
    show: (value) => value.toExponential(1),
  });
  readonly #health = new CurvePlot('Healed of the worst wounds', {
    label: 'How much of the wounds that heal worst is healed',
    range: [0, 1],
    show: formatPercent,
  });
  #shownRules = '';
  #shownNotes = '';
  #shownAttempts = '';

  constructor(root: HTMLElement, handlers: TunerHandlers) {
    this.#handlers = handlers;
    for (const [value, text] of MODES) this.#mode.append(h('option', { value }, text));
    this.#mode.addEventListener('change', () =>
      handlers.act({ action: 'mode', mode: this.#mode.value }, 'The setting is saved.'),
    );
    this.#cancel.addEventListener('click', () => handlers.act({ action: 'cancel' }, 'The job is cancelled.'));
    root.append(
      h(
        'div',
        { class: 'tuner' },
        h(
          'div',
          { class: 'tuner__now' },
          h('p', { class: 'line' }, this.#state, ' ', this.#what),
          this.#bar,
          this.#attempt,
          this.#rounds,
          this.#gathering,
          h('div', { class: 'tuner__plots' }, this.#loss.element, this.#health.element),
          h(
            'div',
            { class: 'row' },
            h('label', { class: 'field' }, 'Better rules are swapped in', this.#mode),
            this.#cancel,
          ),
          this.#next,
          this.#queue,
          this.#notes,
          h('h3', {}, 'Attempts'),
          this.#history,
        ),
        this.#rules,
      ),
    );
  }

  show(view: TunerView): void {
    const { job, state, queue } = view;
    setText(this.#state, STATES[state]);
    setText(this.#what, job === null ? '' : describe(job));
    this.#bar.value = job === null || job.planned === 0 ? 0 : job.done / job.planned;
    this.#bar.hidden = job === null;
    setText(this.#attempt, job === null ? '' : attemptLine(job));
    showLines(this.#rounds, job === null ? [] : roundLines(job.rounds));
    showLines(this.#gathering, gatheringLines(view.gathering));
    setText(this.#next, nextStep(view.mode));
    this.#showAttempts(view.attempts);
    this.#cancel.disabled = job === null && queue.length === 0;
    if (document.activeElement !== this.#mode) this.#mode.value = view.mode;
    setText(this.#queue, queue.length === 0 ? '' : `Waiting: ${queue.map(speciesOf).join(', ')}`);
    this.#loss.show([{ kind: 'now', name: 'loss', points: view.losses }], 'iterations');
    const [first] = view.spotChecks;
    const last = Math.max(1, ...view.spotChecks.map(([x]) => x));
    const before = first === undefined ? [] : ([first, [last, first[1]]] as const);
    this.#health.show(
      [
        { kind: 'was', name: 'the rule in force', points: before },
        { kind: 'now', name: 'healed', points: view.spotChecks },
      ],
      'iterations',
    );
    const key = JSON.stringify(view.notes);
    if (key === this.#shownNotes) return;
    this.#shownNotes = key;
    this.#notes.replaceChildren(
      ...view.notes.map(({ at, text }) =>
        h('p', { class: 'line' }, text, h('span', { class: 'soft' }, ` · ${formatWhen(at)}`)),
      ),
    );
  }

  #showAttempts(attempts: TunerView['attempts']): void {
    const key = attempts.map(({ ended, species }) => `${ended} ${species}`).join();
    if (key === this.#shownAttempts && key !== '') return;
    this.#shownAttempts = key;
    this.#history.replaceChildren(
      ...(attempts.length === 0
        ? [h('p', { class: 'soft' }, 'None yet.')]
        : attempts.map((attempt) => attemptElement(attempt))),
    );
  }

  /** @param rules - all of them; those that were tuned are listed */
  showRules(rules: readonly RuleEntry[]): void {
    const tuned = rules
      .filter(({ origin }) => origin === 'tuned')
      .sort((a, b) => b.id - a.id)
      .slice(0, MAX_SHOWN);
    const key = JSON.stringify(tuned.map(({ id, status, inForceFor }) => [id, status, inForceFor]));
    if (key === this.#shownRules) return;
    this.#shownRules = key;
    this.#rules.replaceChildren(
      h('h3', {}, 'What was learned'),
      ...(tuned.length === 0
        ? [h('p', { class: 'soft' }, 'Nothing yet. Species learn after a session in which they were hurt.')]
        : tuned.map((rule, i) => this.#rule(rule, i === 0))),
    );
  }

  #rule(rule: RuleEntry, isOpen: boolean): HTMLElement {
    const badge = rule.inForceFor.length > 0 ? 'in force' : rule.status;
    const comparison = comparisonOf(rule);
    const details = h(
      'details',
      { class: 'tuned' },
      h(
        'summary',
        {},
        h('strong', {}, rule.label),
        ' ',
        h('span', { class: 'badge', 'data-status': badge }, badge),
        h('span', { class: 'soft' }, ` ${comparison === null ? '' : verdict(comparison)}`),
      ),
    );
    // Built when it is opened, because its film is fetched then.
    const fill = (): void => {
      if (details.open && details.children.length === 1) details.append(this.#details(rule));
    };
    details.addEventListener('toggle', fill);
    details.open = isOpen;
    return details;
  }

  #details(rule: RuleEntry): HTMLElement {
    const reasons = Array.isArray(rule.metrics.reasons) ? (rule.metrics.reasons as unknown[]) : [];
    const comparison = comparisonOf(rule);
    const act = (action: string, done: string) => (): void =>
      this.#handlers.act({ action, rule: rule.id }, done);
    return h(
      'div',
      { class: 'tuned__details' },
      ...reasons.map((reason) => h('p', { class: 'line line__reason' }, String(reason))),
      ...(comparison === null
        ? [h('p', { class: 'soft' }, 'There are no figures of this rule.')]
        : [new Comparison(rule, comparison).element]),
      ...(rule.status === 'candidate'
        ? [
            h(
              'div',
              { class: 'row' },
              button('Promote', act('promote', 'Swapped. The new rule is being watched.'), 'button'),
              button('Reject', act('reject', 'Rejected.')),
            ),
          ]
        : []),
    );
  }
}

function describe({ species, incumbent, wounds, heldOut, seconds }: NonNullable<TunerView['job']>): string {
  const parts = [
    `${incumbent || formatSpecies(species)} learns from ${wounds} wounds`,
    `${heldOut} others judge`,
  ];
  if (seconds > 0) parts.push(formatAge(seconds));
  return parts.join(' · ');
}

/** Replaces the lines where they have changed. */
function showLines(root: HTMLElement, lines: readonly string[]): void {
  if (
    root.children.length === lines.length &&
    lines.every((line, i) => root.children[i].textContent === line)
  )
    return;
  root.replaceChildren(...lines.map((line) => h('p', { class: 'line' }, line)));
}

const speciesOf = (job: string): string => formatSpecies(job.replace(/^\d+-/, ''));

const verdict = ({
  heldOutLossBefore,
  heldOutLossAfter,
  heldOutWounds,
}: NonNullable<ReturnType<typeof comparisonOf>>): string => {
  const change = Math.round((heldOutLossAfter / heldOutLossBefore - 1) * 100);
  return `error after ${heldOutWounds} held-out wounds ${change > 0 ? '+' : '−'}${Math.abs(change)} %`;
};
