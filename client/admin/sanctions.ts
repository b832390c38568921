/** Mutes and bans in force, each with a button that lifts it, and a form for an address. */

import type { Sanction } from '../../shared/adminPeople.ts';
import { button, h } from '../dom.ts';
import { formatMoment } from '../format.ts';

export interface SanctionsHandlers {
  lift(id: string): void;
  ban(address: string): void;
  /** Shows a guest. */
  choose(guest: string): void;
}

export class SanctionsPanel {
  readonly #list = h('div', { class: 'list list--short' });
  readonly #handlers: SanctionsHandlers;
  #shown = '';

  constructor(root: HTMLElement, handlers: SanctionsHandlers) {
    this.#handlers = handlers;
    const address = h('input', { type: 'text', required: '', maxlength: '64', placeholder: '203.0.113.9' });
    const form = h(
      'form',
      { class: 'row' },
      h('label', { class: 'field grow' }, 'An address, or an IPv6 /48', address),
      h('button', { class: 'plain', type: 'submit' }, 'Ban for an hour'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      handlers.ban(address.value.trim());
      address.value = '';
    });
    root.append(this.#list, form);
  }

  show(sanctions: readonly Sanction[]): void {
    const key = JSON.stringify(sanctions);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#list.replaceChildren(
      ...(sanctions.length === 0 ? [h('p', { class: 'soft' }, 'Nobody is muted or banned.')] : []),
      ...[...sanctions].reverse().map((sanction) => this.#row(sanction)),
    );
  }

  #row({ id, kind, guest, address, name, until, reason, who }: Sanction): HTMLElement {
    const whom =
      guest === ''
        ? h('strong', {}, address)
        : button(name === '' ? 'a guest' : name, () => this.#handlers.choose(guest), 'link');
    const facts = [
      guest !== '' && address !== '' ? `and new guests at ${address}` : '',
      until === '' ? 'for good' : `until ${formatMoment(new Date(until))}`,
      who === '' ? '' : `by ${who}`,
      reason === '' ? '' : `“${reason}”`,
    ];
    const status = kind === 'ban' ? 'banned' : 'muted';
    return h(
      'div',
      { class: 'line line--row' },
      h(
        'span',
        { class: 'grow' },
        h('span', { class: 'badge', 'data-status': status }, status),
        ' ',
        whom,
        h('span', { class: 'soft' }, ` ${facts.filter((fact) => fact !== '').join(' · ')}`),
      ),
      button('Lift', () => this.#handlers.lift(id)),
    );
  }
}
