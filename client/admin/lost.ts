/** Bodies that are gone or were killed, each with a button that brings it back as a seed at its place. */

import type { BroughtBack, LostBody } from '../../shared/adminPeople.ts';
import { button, h, setText } from '../dom.ts';
import { formatAge, formatCount, formatSpecies } from '../format.ts';
import { placeLink } from './places.ts';
import { sureButton } from './sureButton.ts';

/** What is brought back; the body of a request. */
export type Wanted =
  | { readonly of: 'loss'; readonly loss: number }
  | { readonly of: 'organism'; readonly organism: number }
  | { readonly of: 'guest'; readonly guest: string };

/** Reasons that are told at once. */
const MAX_TOLD = 3;

export class LostList {
  readonly element: HTMLElement;
  readonly #list = h('div', { class: 'list list--short' });
  readonly #all: HTMLElement;
  readonly #bring: (wanted: Wanted) => void;
  #guest = '';
  #shown = '';

  constructor(bring: (wanted: Wanted) => void) {
    this.#bring = bring;
    this.#all = sureButton('Bring back what they did away with', 'Bring all of it back?', () =>
      bring({ of: 'guest', guest: this.#guest }),
    );
    this.element = h(
      'div',
      {},
      h('div', { class: 'panel__head' }, h('h3', {}, 'Gone'), this.#all),
      this.#list,
    );
  }

  /** @param guest - whose deeds are shown; empty: everybody's */
  show(lost: readonly LostBody[], guest: string): void {
    this.#guest = guest;
    this.element.hidden = lost.length === 0;
    this.#all.hidden = guest === '' || !lost.some(({ by }) => by.guest === guest);
    // The ages change with each answer, and a button must not vanish under the pointer.
    const key = JSON.stringify([guest, lost.map(({ secondsAgo: _, ...rest }) => rest)]);
    if (key === this.#shown) {
      for (const [i, { secondsAgo }] of lost.entries())
        setText(this.#list.children[i].querySelector('time')!, ago(secondsAgo));
      return;
    }
    this.#shown = key;
    this.#list.replaceChildren(...lost.map((one) => this.#row(one)));
  }

  #row({ loss, organism = 0, species, x, y, planter, cause, by, secondsAgo }: LostBody): HTMLElement {
    const wanted: Wanted = loss === undefined ? { of: 'organism', organism } : { of: 'loss', loss };
    const facts = [`of ${planter === '' ? 'the garden' : planter}`, causeText(cause, by.name), `${x}, ${y}`];
    return h(
      'div',
      { class: 'line line--row' },
      h(
        'span',
        { class: 'grow' },
        placeLink(x, y, formatSpecies(species)),
        h('span', { class: 'soft' }, ` ${facts.join(' · ')} · `, h('time', {}, ago(secondsAgo))),
      ),
      button('Bring back', () => this.#bring(wanted)),
    );
  }
}

function causeText(cause: LostBody['cause'], name: string): string {
  const byWhom = name === '' ? '' : ` by ${name}`;
  switch (cause) {
    case 'removed':
      return `removed${byWhom}`;
    case 'withered':
      return 'withered: nobody visited it';
    case 'cleared':
      return `died where ${name === '' ? 'an admin' : name} had cleared`;
    case 'killed':
      return `killed${byWhom}, and its seed waits`;
  }
}

const ago = (seconds: number): string => (seconds < 60 ? 'just now' : `${formatAge(seconds)} ago`);

/** What became of a request, for the admin to read. */
export function broughtBackText({ organisms, refused, left }: BroughtBack): string {
  const told = refused
    .slice(0, MAX_TOLD)
    .map(({ species, x, y, reason }) => `${formatSpecies(species)} at ${x}, ${y}: ${reason}`);
  const others = refused.length - told.length;
  return [
    organisms === 0 ? 'Nothing was brought back.' : `${formatCount(organisms)} brought back.`,
    ...told,
    ...(others > 0 ? [`${formatCount(others)} others were refused as well.`] : []),
    ...(left > 0 ? [`${formatCount(left)} are left: bring them back when these have grown.`] : []),
  ].join(' ');
}
