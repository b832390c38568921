/** The panel of players, mutes and bans, and the audit log. */

import type { AuditEntry, LiveAnswer } from '../../shared/adminApi.ts';
import { button, h } from '../dom.ts';
import { formatAge, formatWhen } from '../format.ts';

const BAN_MINUTES = 60;

export interface PeopleHandlers {
  act(id: string, action: { readonly action: string; readonly minutes?: number }): void;
  lift(id: string): void;
}

export class PeoplePanel {
  readonly #root: HTMLElement;
  readonly #handlers: PeopleHandlers;
  #shown = '';

  constructor(root: HTMLElement, handlers: PeopleHandlers) {
    this.#root = root;
    this.#handlers = handlers;
  }

  show({ players, sanctions }: LiveAnswer): void {
    // Built again only when something besides the seconds has changed, or after 10 s: a button must not vanish under the
    // pointer.
    const key = JSON.stringify([
      players.map(({ seconds, ...rest }) => [rest, Math.floor(seconds / 10)]),
      sanctions,
    ]);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#root.replaceChildren(
      ...(players.length === 0 ? [h('p', { class: 'soft' }, 'Nobody is here.')] : []),
      ...players.map(({ id, name, address, seconds, strokes, isMuted }) =>
        h(
          'div',
          { class: 'line line--row' },
          h(
            'span',
            { class: 'grow' },
            h('strong', {}, name),
            h('span', { class: 'soft' }, ` ${address} · ${formatAge(seconds)} · ${strokes} strokes`),
          ),
          button(isMuted ? 'Unmute' : 'Mute', () =>
            this.#handlers.act(id, { action: isMuted ? 'unmute' : 'mute' }),
          ),
          button('Kick', () => this.#handlers.act(id, { action: 'kick' })),
          button('Ban for an hour', () => this.#handlers.act(id, { action: 'ban', minutes: BAN_MINUTES })),
        ),
      ),
      ...sanctions.map(({ id, kind, name, guest, address, until }) =>
        h(
          'div',
          { class: 'line line--row' },
          h(
            'span',
            { class: 'grow soft' },
            `${guest === '' ? address : name} is ${kind === 'ban' ? 'banned' : 'muted'}${until === '' ? '' : ` until ${formatWhen(until)}`}`,
          ),
          button(kind === 'ban' ? 'Lift the ban' : 'Lift the mute', () => this.#handlers.lift(id)),
        ),
      ),
    );
  }
}

export function showAudit(root: HTMLElement, entries: readonly AuditEntry[]): void {
  root.replaceChildren(
    ...entries.map(({ at, who, address, action, subject, detail }) =>
      h(
        'p',
        { class: 'line' },
        h('strong', {}, action),
        ` ${subject} `,
        h(
          'span',
          { class: 'soft' },
          `${detail} · ${who}${address === '' ? '' : ` from ${address}`} · ${formatWhen(at)}`,
        ),
      ),
    ),
  );
}
