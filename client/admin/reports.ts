/** What visitors have reported: with who it concerns, where, and how many say so. */

import type { Report } from '../../shared/adminPeople.ts';
import type { ReportReason } from '../../shared/protocol.ts';
import { button, h } from '../dom.ts';
import { formatMoment, formatSpecies, formatWhen } from '../format.ts';
import { placeLink, placePicture } from './places.ts';
import { sureButton } from './sureButton.ts';

export interface ReportsHandlers {
  /** @param outcome - for the audit log */
  handle(report: number, outcome: string): void;
  remove(organism: number): void;
  /** Shows a guest. */
  choose(guest: string): void;
}

const REASONS: Readonly<Record<ReportReason, string>> = {
  offensive: 'offensive',
  impersonation: 'pretends to be somebody else',
  vandalism: 'spoils what others made',
  'in the way': 'is in the way',
  other: 'something else',
};
const MAX_HANDLED_SHOWN = 20;

export class ReportsPanel {
  readonly #root: HTMLElement;
  readonly #handlers: ReportsHandlers;
  #shown = '';

  constructor(root: HTMLElement, handlers: ReportsHandlers) {
    this.#root = root;
    this.#handlers = handlers;
  }

  /** @param reports - those that wait first */
  show(reports: readonly Report[]): void {
    const key = JSON.stringify(reports);
    if (key === this.#shown) return;
    this.#shown = key;
    const open = reports.filter(({ handled }) => handled === null);
    const handled = reports.filter((report) => report.handled !== null).slice(0, MAX_HANDLED_SHOWN);
    // All about one body or one guest are handled together.
    const subjects = Map.groupBy(open, ({ about, organism, guest }) => `${about} ${organism ?? guest}`);
    this.#root.replaceChildren(
      ...(open.length === 0 ? [h('p', { class: 'soft' }, 'No report is waiting.')] : []),
      ...[...subjects.values()].map((same) => this.#subject(same)),
      ...(handled.length === 0
        ? []
        : [
            h(
              'details',
              { class: 'handled' },
              h('summary', { class: 'soft' }, 'Handled'),
              ...handled.map((report) => this.#handled(report)),
            ),
          ]),
    );
  }

  #subject(same: readonly Report[]): HTMLElement {
    const [{ id, about, guest, name, organism, species, x, y }] = same;
    const isBody = about === 'body' && organism !== null;
    const says = same.map(({ reason, by, at }) =>
      h(
        'p',
        { class: 'line' },
        h('strong', {}, REASONS[reason] ?? reason),
        h('span', { class: 'soft' }, ' says '),
        button(by.name, () => this.#handlers.choose(by.guest), 'link'),
        h('span', { class: 'soft' }, ` · ${formatWhen(at)}`),
      ),
    );
    const owner =
      guest === ''
        ? h('span', { class: 'soft' }, 'the garden')
        : button(name, () => this.#handlers.choose(guest), 'link');
    return h(
      'article',
      { class: 'report' },
      x === null || y === null
        ? h('span', { class: 'report__blank', 'aria-hidden': 'true' }, '“”')
        : placePicture(x, y),
      h(
        'div',
        { class: 'grow' },
        h(
          'p',
          { class: 'report__title' },
          ...(isBody ? [h('strong', {}, formatSpecies(species)), ' by ', owner] : ['The name ', owner]),
          ...(x === null || y === null
            ? []
            : [' ', placeLink(x, y, h('span', { class: 'soft' }, `at ${x}, ${y}`))]),
        ),
        ...says,
        h(
          'div',
          { class: 'row' },
          ...(isBody
            ? [sureButton('Remove the body', 'Really remove?', () => this.#handlers.remove(organism))]
            : []),
          button('Handled', () => this.#handlers.handle(id, 'handled')),
          button('Dismiss', () => this.#handlers.handle(id, 'dismissed')),
        ),
      ),
    );
  }

  #handled({ about, name, species, reason, handled }: Report): HTMLElement {
    const what =
      about === 'body' ? `${formatSpecies(species)}${name === '' ? '' : ` by ${name}`}` : `the name ${name}`;
    return h(
      'p',
      { class: 'line' },
      `${what}: ${REASONS[reason] ?? reason}`,
      h(
        'span',
        { class: 'soft' },
        ` · ${handled!.outcome} by ${handled!.who} · ${formatMoment(new Date(handled!.at))}`,
      ),
    );
  }
}
