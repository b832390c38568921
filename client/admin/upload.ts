/** Uploads a rule file that was chosen, or dropped anywhere on the page. JSON files have no name, so it asks for one. */

import type { RuleEntry } from '../../shared/adminApi.ts';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { h } from '../dom.ts';
import { ask } from './api.ts';

export interface UploadHandlers {
  done(rule: Pick<RuleEntry, 'id' | 'label'>): void;
}

export class Upload {
  readonly #root: HTMLElement;
  readonly #handlers: UploadHandlers;

  constructor(root: HTMLElement, input: HTMLInputElement, handlers: UploadHandlers) {
    this.#root = root;
    this.#handlers = handlers;
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      input.value = '';
      if (file !== undefined) void this.#take(file);
    });
    // Otherwise the browser would leave the page and show the file.
    window.addEventListener('dragover', (event) => {
      event.preventDefault();
      document.body.toggleAttribute('data-drop', true);
    });
    window.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) document.body.toggleAttribute('data-drop', false);
    });
    window.addEventListener('drop', (event) => {
      event.preventDefault();
      document.body.toggleAttribute('data-drop', false);
      const [file] = event.dataTransfer?.files ?? [];
      if (file !== undefined) void this.#take(file);
    });
  }

  async #take(file: File): Promise<void> {
    this.#root.hidden = false;
    if (file.size > MAX_RULE_BYTES)
      return this.#fail(`${file.name} has ${file.size} bytes, expected at most ${MAX_RULE_BYTES}`);
    if (!file.name.endsWith('.json')) return this.#send(file, 'application/octet-stream', '');
    const name = h('input', {
      type: 'text',
      'aria-label': 'Name of the rule',
      required: '',
      maxlength: '32',
      pattern: '[a-z0-9][a-z0-9\\-]*',
    });
    name.value = file.name
      .replace(/\.json$/, '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .replace(/^-+/, '')
      .slice(0, 32);
    const order = h('select', { 'aria-label': 'Order of the inputs' });
    for (const value of ['planar', 'interleaved']) order.append(h('option', { value }, value));
    const form = h(
      'form',
      { class: 'row' },
      h('span', {}, `Name of ${file.name}:`),
      name,
      order,
      h('button', { class: 'button', type: 'submit' }, 'Upload'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const query = new URLSearchParams({ name: name.value, order: order.value });
      void this.#send(file, 'application/json', `?${query}`);
    });
    this.#root.replaceChildren(form);
    name.focus();
  }

  async #send(file: File, type: string, query: string): Promise<void> {
    this.#root.replaceChildren(h('p', { class: 'soft' }, `Growing ${file.name}…`));
    try {
      const { rule } = await ask<{ rule: RuleEntry }>('POST', `rules${query}`, new Blob([file], { type }));
      this.#root.hidden = true;
      this.#handlers.done(rule);
    } catch (error) {
      this.#fail(`${file.name}: ${(error as Error).message}`);
    }
  }

  #fail(text: string): void {
    this.#root.replaceChildren(h('p', { class: 'error', role: 'alert' }, text));
  }
}
