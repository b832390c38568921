/**
 * Tells a player what the world has learned since the last visit: one line at the edge that unfolds into figures. It
 * stays until the player closes it, and is told once.
 */
import { beganAtOf, learnedFault } from '../../shared/learned.ts';
import type { LearnedMessage, LearnedRule, Species } from '../../shared/protocol.ts';
import { h } from '../dom.ts';
import { formatCount, formatHealth, formatMoment } from '../format.ts';
import { recall, remember } from '../remember.ts';
import { icon } from './icons.ts';
import { gainOf, newsOf, titleOf } from './learned.ts';

const SEEN = 'learned';

export class LearnedCard {
  readonly #root: HTMLElement;
  #species: readonly Species[] = [];

  /** @param root - a live region in the page from the start, so that screen readers read what is put into it */
  constructor(root: HTMLElement) {
    this.#root = root;
    // Capturing, so that Escape reaches this card before `keys.ts`.
    document.addEventListener('keydown', (event) => this.#escape(event), { capture: true });
  }

  /** Takes the species, whose pictures are shown. */
  meet(species: readonly Species[]): void {
    this.#species = species;
  }

  show(message: LearnedMessage): void {
    const fault = learnedFault(message);
    if (fault !== null) {
      console.error(`learned: ${fault}`);
      return;
    }
    const { rules, seen } = newsOf(message.rules, recall(SEEN));
    remember(SEEN, seen);
    if (rules.length > 0) this.#root.replaceChildren(this.#panel(rules));
  }

  #panel(rules: readonly LearnedRule[]): HTMLElement {
    const [newest, ...others] = rules;
    const body = h(
      'div',
      // Focusable, so that keys can scroll it.
      {
        class: 'learned__body',
        id: 'learned-body',
        role: 'group',
        'aria-label': 'Figures',
        tabindex: '0',
        hidden: '',
      },
      ...rules.map((rule, i) => this.#figures(rule, i > 0)),
    );
    const more = others.length === 0 ? [] : [h('span', { class: 'learned__more' }, `+${others.length} more`)];
    const toggle = h(
      'button',
      { class: 'learned__line', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'learned-body' },
      this.#image(newest),
      h('span', { class: 'learned__text' }, ...sentence(newest), ...more),
      icon('unfold', true),
    );
    toggle.addEventListener('click', () =>
      unfold(toggle, body, toggle.getAttribute('aria-expanded') === 'false'),
    );
    const close = h(
      'button',
      { class: 'icon-button learned__close', type: 'button', 'aria-label': 'Close the news' },
      icon('close', true),
    );
    close.addEventListener('click', () => this.#close());
    return h(
      'section',
      { class: 'learned__panel panel', 'aria-label': 'What the world has learned' },
      h('div', { class: 'learned__head' }, toggle, close),
      body,
    );
  }

  #figures(rule: LearnedRule, isNamed: boolean): HTMLElement {
    const { recoveryBefore, recoveryAfter, stepsBefore, stepsAfter, wounds, session, since } = rule;
    const slowest = Math.max(stepsBefore ?? 0, stepsAfter ?? 0);
    const steps = (value: number | null): Bar =>
      value === null
        ? { text: 'most never', share: 0 }
        : { text: `${formatCount(value)} steps`, share: slowest === 0 ? 0 : value / slowest };
    const share = (value: number): Bar => ({ text: `${formatHealth(value)} %`, share: value });
    return h(
      'article',
      { class: 'learned__rule' },
      ...(isNamed
        ? [h('p', { class: 'learned__name' }, this.#image(rule), h('span', {}, ...sentence(rule)))]
        : []),
      h(
        'dl',
        { class: 'learned__figures' },
        ...pair('Grown back', share(recoveryBefore), share(recoveryAfter)),
        ...pair('Until healed', steps(stepsBefore), steps(stepsAfter)),
      ),
      h(
        'p',
        { class: 'learned__foot' },
        `From ${wounds === 1 ? 'one wound' : `${formatCount(wounds)} wounds`} of the session of ` +
          `${formatMoment(beganAtOf(session)!)}. Medians over wounds that it was not trained on. ` +
          `In force since ${formatMoment(new Date(since))}.`,
      ),
    );
  }

  #image({ species }: LearnedRule): HTMLElement {
    const src = this.#species.find(({ name }) => name === species)?.thumbnail;
    return src === undefined ? h('span') : h('img', { class: 'learned__image', alt: '', src });
  }

  /** Escape folds the figures first; then, with the focus here, it closes the card. */
  #escape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || document.querySelector('dialog[open]') !== null) return;
    const toggle = this.#root.querySelector<HTMLElement>('.learned__line');
    const body = this.#root.querySelector<HTMLElement>('.learned__body');
    if (toggle === null || body === null) return;
    if (!body.hidden) unfold(toggle, body, false);
    else if (this.#root.contains(document.activeElement)) this.#close();
    else return;
    event.stopPropagation();
  }

  #close(): void {
    this.#root.replaceChildren();
  }
}

interface Bar {
  readonly text: string;
  /** Share of the width: 0..1. */
  readonly share: number;
}

const sentence = (rule: LearnedRule): (HTMLElement | string)[] => [
  h('strong', {}, titleOf(rule)),
  ` ${gainOf(rule)}`,
];

function pair(name: string, before: Bar, after: Bar): HTMLElement[] {
  return [
    h('dt', { class: 'learned__what' }, name),
    h('dd', { class: 'learned__bars' }, bar('before', before), bar('now', after)),
  ];
}

function bar(when: 'before' | 'now', { text, share }: Bar): HTMLElement {
  const fill = h('span', { class: 'learned__fill' });
  fill.style.setProperty('--share', `${(share * 100).toFixed(1)}%`);
  return h(
    'div',
    { class: 'learned__bar', 'data-when': when },
    h('span', { class: 'learned__when' }, when),
    h('span', { class: 'learned__track', 'aria-hidden': 'true' }, fill),
    h('span', { class: 'learned__value' }, text),
  );
}

function unfold(toggle: HTMLElement, body: HTMLElement, isOpen: boolean): void {
  body.hidden = !isOpen;
  toggle.setAttribute('aria-expanded', String(isOpen));
}
