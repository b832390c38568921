/** The dialog that lists the players who are here, each with a button that reports the name. */
import { h } from '../dom.ts';
import { icon } from './icons.ts';
import { dialogBody } from './reportDialog.ts';

/** Longest list that is read: those whose names come first in the alphabet. */
const MAX_SHOWN = 200;

/** A player, as the list shows them. */
export interface Listed {
  readonly id: string;
  readonly name: string;
  /** CSS colour. */
  readonly color: string;
}

export class PeopleDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #list = h('ul', { class: 'people-here' });
  readonly #others: () => readonly Listed[];
  readonly #report: (player: string, name: string) => void;

  /**
   * @param others - the players who are here, without the one who looks
   * @param report - opens the dialog that reports a name
   */
  constructor(
    dialog: HTMLDialogElement,
    others: () => readonly Listed[],
    report: (player: string, name: string) => void,
  ) {
    this.#dialog = dialog;
    this.#others = others;
    this.#report = report;
    const title = h('h2', { class: 'dialog__title dialog__title--small', id: 'people-title' }, 'Here now');
    dialog.append(dialogBody(dialog, title, this.#list));
  }

  open(): void {
    const others = [...this.#others()].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MAX_SHOWN);
    this.#list.replaceChildren(
      ...(others.length === 0
        ? [h('li', { class: 'dialog__lead' }, 'Nobody but you.')]
        : others.map((one) => this.#row(one))),
    );
    this.#dialog.showModal();
  }

  #row({ id, name, color }: Listed): HTMLElement {
    const dot = h('span', { class: 'name__dot', 'aria-hidden': 'true' });
    dot.style.background = color;
    const flag = h(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': `Report ${name}`, title: 'Report' },
      icon('flag', true),
    );
    flag.addEventListener('click', () => {
      this.#dialog.close();
      this.#report(id, name);
    });
    return h('li', { class: 'people-here__row' }, dot, h('span', { class: 'people-here__name' }, name), flag);
  }
}
