/** The dialog that reports a body or a player's name to the moderators: a reason is chosen, and it is sent. */
import { REPORT_REASONS, type ReportMessage, type ReportReason } from '../../shared/protocol.ts';
import { h } from '../dom.ts';
import { icon } from './icons.ts';

const WORDS: Readonly<Record<ReportReason, string>> = {
  offensive: 'It is offensive',
  impersonation: 'They pretend to be somebody else',
  vandalism: 'They spoil what others made',
  'in the way': 'It is in the way of others',
  other: 'Something else',
};

export class ReportDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #title = h('h2', { class: 'dialog__title dialog__title--small', id: 'report-title' });
  readonly #reasons = h('div', { class: 'choices' });
  readonly #send: (message: ReportMessage) => void;

  constructor(dialog: HTMLDialogElement, send: (message: ReportMessage) => void) {
    this.#dialog = dialog;
    this.#send = send;
    dialog.append(
      dialogBody(
        dialog,
        this.#title,
        h(
          'p',
          { class: 'dialog__lead' },
          'A moderator looks at it. They see what you report, and your name.',
        ),
        this.#reasons,
      ),
    );
  }

  /** @param name - of its species */
  askBody(organism: number, name: string): void {
    this.#ask(`Report this ${name}`, 'body', (reason) => ({ about: 'body', organism, reason }));
  }

  /** @param player - a `PlayerState.id` */
  askName(player: string, name: string): void {
    this.#ask(`Report ${name}`, 'name', (reason) => ({ about: 'name', player, reason }));
  }

  #ask(title: string, about: ReportMessage['about'], message: (reason: ReportReason) => ReportMessage): void {
    this.#title.textContent = title;
    this.#reasons.replaceChildren(
      ...REPORT_REASONS[about].map((reason) => {
        const choice = h('button', { class: 'choice', type: 'button' }, WORDS[reason]);
        choice.addEventListener('click', () => {
          this.#dialog.close();
          this.#send(message(reason));
        });
        return choice;
      }),
    );
    this.#dialog.showModal();
  }
}

/** The body of a dialog: a title, a button that closes it, and the rest. A click outside closes it, too. */
export function dialogBody(
  dialog: HTMLDialogElement,
  title: HTMLElement,
  ...rest: HTMLElement[]
): HTMLElement {
  const close = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close' }, icon('close'));
  close.addEventListener('click', () => dialog.close());
  // A click outside has the dialog itself as its target: its body covers the rest.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return h('div', { class: 'dialog__body' }, h('div', { class: 'dialog__head' }, title, close), ...rest);
}
