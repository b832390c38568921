/** The audit log in pages, with a field that searches it. */

import type { AuditAnswer, AuditEntry } from '../../shared/adminPeople.ts';
import { button, h } from '../dom.ts';
import { formatCount, formatMoment } from '../format.ts';
import { ask } from './api.ts';

const TYPING_MS = 300;
const MAX_TEXT = 64;

export class AuditPanel {
  readonly #rows = h('div', { class: 'log', role: 'list' });
  readonly #search = h('input', {
    type: 'search',
    maxlength: String(MAX_TEXT),
    placeholder: 'A name, an address, an act …',
    'aria-label': 'Search the log',
  });
  readonly #older = button('Older', () => void this.#add());
  readonly #none = h('p', { class: 'soft' });
  readonly #tell: (error: Error) => void;
  #next: number | null = null;
  #newest = '';
  /** Whether only the first page is shown: then it is kept fresh. */
  #isAtTop = true;
  /** Answers of earlier questions are dropped. */
  #asked = 0;

  /** @param tell - gets what went wrong */
  constructor(root: HTMLElement, tell: (error: Error) => void) {
    this.#tell = tell;
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#search.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#isAtTop = true;
        this.#newest = '';
        this.refresh().catch(this.#tell);
      }, TYPING_MS);
    });
    root.append(
      h('div', { class: 'row' }, this.#search),
      this.#rows,
      this.#none,
      h('div', { class: 'row' }, this.#older),
    );
  }

  /** Reads the newest entries, unless older ones are being read. */
  async refresh(): Promise<void> {
    if (!this.#isAtTop) return;
    const answer = await this.#ask(null);
    if (answer === null) return;
    const newest = JSON.stringify(answer.entries);
    if (newest === this.#newest) return;
    this.#newest = newest;
    this.#rows.replaceChildren(...answer.entries.map(row));
    this.#show(answer);
  }

  async #add(): Promise<void> {
    this.#isAtTop = false;
    try {
      const answer = await this.#ask(this.#next);
      if (answer === null) return;
      this.#rows.append(...answer.entries.map(row));
      this.#show(answer);
    } catch (error) {
      this.#tell(error as Error);
    }
  }

  /** @returns null: something else has been asked meanwhile */
  async #ask(before: number | null): Promise<AuditAnswer | null> {
    const asked = ++this.#asked;
    const query = new URLSearchParams({ text: this.#search.value.trim() });
    if (before !== null) query.set('before', String(before));
    const answer = await ask<AuditAnswer>('GET', `audit?${query}`);
    return asked === this.#asked ? answer : null;
  }

  #show({ next }: AuditAnswer): void {
    this.#next = next;
    this.#older.hidden = next === null;
    const isEmpty = this.#rows.children.length === 0;
    this.#none.hidden = !isEmpty;
    this.#none.textContent = next === null ? 'Nothing was found.' : 'Nothing was found so far.';
  }
}

function row({ at, who, role, address, action, subject, detail, count }: AuditEntry): HTMLElement {
  const from = [role, address === '' ? '' : `from ${address}`].filter((part) => part !== '').join(' ');
  return h(
    'div',
    { class: 'log__row', role: 'listitem' },
    h('time', { class: 'log__when', datetime: at, title: at }, formatMoment(new Date(at))),
    h('span', { class: 'log__who' }, who, h('span', { class: 'soft log__from' }, from)),
    h(
      'span',
      { class: 'log__what' },
      h('strong', {}, action),
      subject === '' || subject === who ? '' : ` ${subject}`,
      count > 1 ? h('span', { class: 'badge' }, `${formatCount(count)} times`) : '',
      h('span', { class: 'soft log__detail' }, detail),
    ),
  );
}
