/** The list of guests: who is here, then who was here lately. A press on one opens them. */

import type { GuestSummary, PeopleAnswer } from '../../shared/adminPeople.ts';
import { h } from '../dom.ts';
import { formatAge, formatCount } from '../format.ts';

export class GuestsPanel {
  readonly #list = h('div', { class: 'list list--long' });
  readonly #search = h('input', {
    type: 'search',
    placeholder: 'A name or an address …',
    'aria-label': 'Search the guests',
  });
  readonly #choose: (id: string) => void;
  #answer: PeopleAnswer | null = null;
  #chosen = '';
  #shown = '';

  constructor(root: HTMLElement, choose: (id: string) => void) {
    this.#choose = choose;
    this.#search.addEventListener('input', () => this.#draw());
    root.append(h('div', { class: 'row' }, this.#search), this.#list);
  }

  show(answer: PeopleAnswer, chosen: string): void {
    this.#answer = answer;
    this.#chosen = chosen;
    this.#draw();
  }

  #draw(): void {
    if (this.#answer === null) return;
    const { guests, sanctions } = this.#answer;
    const word = this.#search.value.trim().toLowerCase();
    const fitting = guests.filter(({ name, address, id }) =>
      [name.toLowerCase(), address, id.toLowerCase()].some((text) => text.includes(word)),
    );
    const kinds = (guest: GuestSummary): string[] =>
      sanctions
        .filter((one) => one.guest === guest.id)
        .map(({ kind }) => (kind === 'ban' ? 'banned' : 'muted'));
    const rows = fitting.map((guest) => ({ guest, badges: kinds(guest), age: ageOf(guest) }));
    // Built again only when something that is shown has changed, so that a button does not vanish under the pointer.
    const key = JSON.stringify([rows, this.#chosen]);
    if (key === this.#shown) return;
    this.#shown = key;
    const here = rows.filter(({ guest }) => guest.visits > 0);
    const gone = rows.filter(({ guest }) => guest.visits === 0);
    this.#list.replaceChildren(
      h('h3', {}, `Here: ${formatCount(here.length)}`),
      ...(here.length === 0
        ? [h('p', { class: 'soft line' }, 'Nobody is here.')]
        : here.map((row) => this.#row(row))),
      ...(gone.length === 0 ? [] : [h('h3', {}, 'Before'), ...gone.map((row) => this.#row(row))]),
    );
  }

  #row({ guest, badges, age }: { guest: GuestSummary; badges: string[]; age: string }): HTMLElement {
    const { id, name, address, visits, strokes, plantings } = guest;
    const facts = [
      address,
      visits > 1 ? `${visits} tabs` : '',
      age,
      `${formatCount(strokes)} strokes`,
      plantings > 0 ? `${formatCount(plantings)} planted` : '',
    ];
    const element = h(
      'button',
      { class: 'guest', type: 'button', 'aria-pressed': String(id === this.#chosen) },
      h('strong', {}, name),
      ...badges.map((badge) => h('span', { class: 'badge', 'data-status': badge }, badge)),
      h('span', { class: 'soft guest__facts' }, facts.filter((fact) => fact !== '').join(' · ')),
    );
    element.addEventListener('click', () => this.#choose(id));
    return element;
  }
}

/** In steps of a minute, so that the list seldom changes. */
function ageOf({ visits, seen }: GuestSummary): string {
  if (visits > 0) return '';
  const minutes = Math.floor((Date.now() - Date.parse(seen)) / 60_000);
  return minutes < 1 ? 'left just now' : `left ${formatAge(minutes * 60)} ago`;
}
