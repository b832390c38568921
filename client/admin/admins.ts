/** The page of admins, for owners: who may log in, as what; new ones, new tokens, and those who may no longer. */

import {
  type AdminRecord,
  type AdminsAnswer,
  ROLES,
  type Role,
  type TokenAnswer,
} from '../../shared/adminPeople.ts';
import { button, h, setText } from '../dom.ts';
import { formatMoment } from '../format.ts';
import { ask } from './api.ts';
import { sureButton } from './sureButton.ts';

const MAX_NAME = 24;
const MAY: Readonly<Record<Role, string>> = {
  owner: 'may do everything',
  moderator: 'sees to players, their bodies and reports',
};

export interface AdminsHandlers {
  /** Gets what was done. */
  done(text: string): void;
  failed(error: Error): void;
}

export class AdminsPanel {
  readonly #list = h('div', { class: 'list' });
  readonly #note = h('p', { class: 'soft' });
  readonly #shownToken: HTMLElement;
  readonly #handlers: AdminsHandlers;
  #shown = '';

  /** @param shownToken - gets a new token; it stays when the admin is logged out by the change */
  constructor(root: HTMLElement, shownToken: HTMLElement, handlers: AdminsHandlers) {
    this.#shownToken = shownToken;
    this.#handlers = handlers;
    const name = h('input', { type: 'text', required: '', maxlength: String(MAX_NAME), autocomplete: 'off' });
    const role = h('select', {});
    for (const one of [...ROLES].reverse()) role.append(h('option', { value: one }, `${one}: ${MAY[one]}`));
    const form = h(
      'form',
      { class: 'row' },
      h('label', { class: 'field' }, 'Name', name),
      h('label', { class: 'field' }, 'Role', role),
      h('button', { class: 'button', type: 'submit' }, 'Add an admin'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#act(async () => {
        this.#reveal(await ask<TokenAnswer>('POST', 'admins', { name: name.value, role: role.value }));
        name.value = '';
      });
    });
    root.append(this.#list, this.#note, form);
  }

  async refresh(): Promise<void> {
    const { admins, hasOwnerOfSettings } = await ask<AdminsAnswer>('GET', 'admins');
    setText(this.#note, hasOwnerOfSettings ? 'The token of --admin-token logs in as an owner, too.' : '');
    // Built again only when it has changed, so that a button does not vanish under the pointer.
    const key = JSON.stringify(admins);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#list.replaceChildren(...admins.map((admin) => this.#row(admin)));
  }

  #row({ name, role, created, used }: AdminRecord): HTMLElement {
    const path = `admins/${encodeURIComponent(name)}`;
    const login = used === '' ? 'has never logged in' : `logged in ${formatMoment(new Date(used))}`;
    return h(
      'div',
      { class: 'line line--row' },
      h(
        'span',
        { class: 'grow' },
        h('strong', {}, name),
        ' ',
        h('span', { class: 'badge' }, role),
        h('span', { class: 'soft' }, ` since ${formatMoment(new Date(created))} · ${login}`),
      ),
      sureButton('New token', 'Log them out and make a new token?', () =>
        this.#act(async () => this.#reveal(await ask<TokenAnswer>('POST', path, { action: 'rotate' }))),
      ),
      sureButton('Revoke', `Revoke ${name}?`, () =>
        this.#act(async () => {
          await ask('DELETE', path);
          this.#handlers.done(`${name} is no longer an admin.`);
        }),
      ),
    );
  }

  async #act(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      await this.refresh();
    } catch (error) {
      this.#handlers.failed(error as Error);
    }
  }

  #reveal({ name, token }: TokenAnswer): void {
    const code = h('code', { class: 'new-token__code' }, token);
    this.#shownToken.replaceChildren(
      h('span', { class: 'grow' }, `${name}’s token, shown only this once: `, code),
      button(
        'Copy',
        () => void navigator.clipboard?.writeText(token).catch(() => getSelection()?.selectAllChildren(code)),
      ),
      button('Done', () => {
        this.#shownToken.hidden = true;
        this.#shownToken.replaceChildren();
      }),
    );
    this.#shownToken.hidden = false;
  }
}
