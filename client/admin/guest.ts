/** One guest: what can be done about them, what they did lately and where, and what they planted. */

import type { Deed, DeedsAnswer, GuestAnswer, OwnedBody, SanctionKind } from '../../shared/adminPeople.ts';
import type { Tool } from '../../shared/protocol.ts';
import { button, h, setText } from '../dom.ts';
import { formatCount, formatMoment, formatPercent, formatSpecies, formatWhen } from '../format.ts';
import { LostList, type Wanted } from './lost.ts';
import { placeLink } from './places.ts';
import { sureButton } from './sureButton.ts';

/** What a moderator does about a guest, or about everybody at their address. */
export interface Measure {
  readonly action: SanctionKind | 'kick';
  readonly of: 'guest' | 'address';
  /** null: for good. */
  readonly minutes: number | null;
  readonly reason: string;
}

export interface GuestHandlers {
  take(guest: string, measure: Measure): void;
  remove(what: { readonly organism: number } | { readonly guest: string }): void;
  bringBack(wanted: Wanted): void;
  close(): void;
  /** Shows another guest. */
  choose(guest: string): void;
}

const DURATIONS: readonly [minutes: number | null, text: string][] = [
  [10, '10 minutes'],
  [60, '1 hour'],
  [24 * 60, '1 day'],
  [30 * 24 * 60, '30 days'],
  [null, 'for good'],
];
const USED: Readonly<Record<Tool, string>> = {
  ablate: 'cut',
  noise: 'noised',
  truncate: 'cropped',
  plant: 'planted',
};

export class GuestPanel {
  readonly #root: HTMLElement;
  readonly #handlers: GuestHandlers;
  readonly #title = h('h2', {});
  readonly #facts = h('p', { class: 'soft line' });
  readonly #measures: HTMLElement;
  readonly #bodies = h('div', { class: 'list list--short' });
  readonly #bodiesTitle = h('h3', {}, 'Planted, and alive');
  readonly #removeAll: HTMLElement;
  readonly #lost: LostList;
  readonly #deedsTitle = h('h3', {});
  readonly #deeds = h('div', { class: 'list list--short' });
  readonly #close: HTMLElement;
  #guest = '';

  constructor(root: HTMLElement, handlers: GuestHandlers) {
    this.#root = root;
    this.#handlers = handlers;
    this.#measures = this.#makeMeasures();
    this.#close = button('Close', () => handlers.close());
    this.#removeAll = sureButton('Remove all', 'Remove all of them?', () =>
      handlers.remove({ guest: this.#guest }),
    );
    this.#lost = new LostList((wanted) => handlers.bringBack(wanted));
    root.append(
      h('div', { class: 'panel__head' }, this.#title, this.#close),
      this.#facts,
      this.#measures,
      h('div', { class: 'panel__head' }, this.#bodiesTitle, this.#removeAll),
      this.#bodies,
      this.#lost.element,
      this.#deedsTitle,
      this.#deeds,
    );
    this.showAll({ deeds: [], lost: [] });
  }

  /** Shows what everybody did lately. */
  showAll({ deeds, lost }: DeedsAnswer): void {
    this.#open('', 'What happened lately');
    this.#lost.show(lost, '');
    this.#setDeeds(deeds, '');
  }

  show({ guest, bodies, deeds, lost }: GuestAnswer): void {
    const { id, name, address, visits, since, seen, strokes, plantings } = guest;
    this.#open(id, name);
    const facts = [
      address,
      visits > 0 ? 'is here' : `left ${formatMoment(new Date(seen))}`,
      `first came ${formatMoment(new Date(since))}`,
      `${formatCount(strokes)} strokes`,
      `${formatCount(plantings)} planted`,
    ];
    setText(this.#facts, facts.join(' · '));
    this.#setDeeds(deeds, id);
    this.#lost.show(lost, id);
    this.#bodiesTitle.hidden = this.#bodies.hidden = this.#removeAll.hidden = bodies.length === 0;
    this.#fill(this.#bodies, bodies, (body) => this.#body(body));
  }

  #open(guest: string, title: string): void {
    if (guest !== this.#guest) {
      this.#guest = guest;
      this.#root.scrollTop = 0;
    }
    setText(this.#title, title);
    const isNobody = guest === '';
    this.#facts.hidden = this.#measures.hidden = this.#close.hidden = isNobody;
    if (isNobody) this.#bodiesTitle.hidden = this.#bodies.hidden = this.#removeAll.hidden = true;
  }

  #setDeeds(deeds: readonly Deed[], guest: string): void {
    setText(this.#deedsTitle, guest === '' ? 'Strokes and plantings' : 'Did lately');
    this.#fill(this.#deeds, deeds, (deed) => this.#deed(deed, guest === ''));
    if (deeds.length === 0)
      this.#deeds.replaceChildren(h('p', { class: 'soft line' }, 'Nothing since the server started.'));
  }

  /** Builds a list again only when it has changed, so that it can be scrolled and its buttons be pressed. */
  #fill<T>(list: HTMLElement, items: readonly T[], row: (item: T) => HTMLElement): void {
    const key = JSON.stringify([this.#guest, items]);
    if (list.dataset.shown === key) return;
    list.dataset.shown = key;
    list.replaceChildren(...items.map(row));
  }

  #makeMeasures(): HTMLElement {
    const of = h(
      'select',
      {},
      h('option', { value: 'guest' }, 'this guest'),
      h('option', { value: 'address' }, 'everybody at the address'),
    );
    const minutes = h('select', {});
    for (const [value, text] of DURATIONS) minutes.append(h('option', { value: String(value ?? '') }, text));
    minutes.value = '60';
    const reason = h('input', { type: 'text', maxlength: '140', placeholder: 'optional' });
    const take = (action: Measure['action']) => (): void =>
      this.#handlers.take(this.#guest, {
        action,
        of: of.value === 'address' ? 'address' : 'guest',
        minutes: minutes.value === '' ? null : Number(minutes.value),
        reason: reason.value.trim(),
      });
    return h(
      'div',
      { class: 'measures' },
      h(
        'div',
        { class: 'row' },
        h('label', { class: 'field' }, 'Whom', of),
        h('label', { class: 'field' }, 'How long', minutes),
        h('label', { class: 'field grow' }, 'Reason, for them to read', reason),
      ),
      h(
        'div',
        { class: 'row' },
        button('Mute', take('mute')),
        button('Kick', take('kick')),
        sureButton('Ban', 'Really ban?', take('ban')),
        h('span', { class: 'soft' }, 'Mute: no tools. Kick: the visit ends. Ban: no visits.'),
      ),
    );
  }

  #body({ id, species, x, y, health, absence }: OwnedBody): HTMLElement {
    return h(
      'div',
      { class: 'line line--row' },
      h(
        'span',
        { class: 'grow' },
        placeLink(x, y, formatSpecies(species)),
        h('span', { class: 'soft' }, ` ${absence ?? `healthy to ${formatPercent(health)}`} · ${x}, ${y}`),
      ),
      sureButton('Remove', 'Really remove?', () => this.#handlers.remove({ organism: id })),
    );
  }

  #deed({ at, guest, name, tool, species, x, y, organisms }: Deed, isOfAll: boolean): HTMLElement {
    const what = tool === 'plant' ? `planted ${formatSpecies(species ?? 'a seed')}` : USED[tool];
    const hit =
      tool !== 'plant' && organisms.length > 0
        ? ` ${organisms.length} ${organisms.length === 1 ? 'body' : 'bodies'}`
        : '';
    const line = h('p', { class: 'line' });
    if (isOfAll) {
      const who = button(name, () => this.#handlers.choose(guest), 'link');
      line.append(who, ' ');
    }
    line.append(
      placeLink(x, y, `${what}${hit}`),
      h(
        'span',
        { class: 'soft' },
        ` · ${Math.round(x)}, ${Math.round(y)} · ${formatWhen(new Date(at).toISOString())}`,
      ),
    );
    return line;
  }
}
