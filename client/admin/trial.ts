/** The chosen rule before a swap: its film and figures, and the form that swaps it in. */

import type { ProbeAnswer, RuleEntry } from '../../shared/adminApi.ts';
import type { OrganismEntry } from '../../shared/adminPeople.ts';
import { h } from '../dom.ts';
import { formatPercent, formatSpecies } from '../format.ts';
import { ask } from './api.ts';
import { playFilm } from './film.ts';

export interface TrialHandlers {
  swap(order: {
    readonly species: string;
    readonly rule: number;
    readonly scope: string;
    readonly organism?: number;
  }): Promise<void>;
}

const SCOPES = [
  ['species', 'all organisms'],
  ['organism', 'one organism, as a canary'],
  ['planted', 'organisms planted from now on'],
] as const;

export class Trial {
  readonly #root: HTMLElement;
  readonly #handlers: TrialHandlers;
  rule = 0;

  constructor(root: HTMLElement, handlers: TrialHandlers) {
    this.#root = root;
    this.#handlers = handlers;
  }

  async show(rule: RuleEntry, species: readonly string[]): Promise<void> {
    this.rule = rule.id;
    this.#root.replaceChildren(h('p', { class: 'soft' }, `Growing ${rule.label}…`));
    let probe: ProbeAnswer;
    try {
      probe = await ask<ProbeAnswer>('GET', `rules/${rule.id}/probe`);
    } catch (error) {
      if (this.rule === rule.id)
        this.#root.replaceChildren(h('p', { class: 'error', role: 'alert' }, (error as Error).message));
      return;
    }
    // Another rule was chosen in the meantime.
    if (this.rule !== rule.id) return;
    const canvas = h('canvas', {
      class: 'film',
      role: 'img',
      'aria-label': `${rule.label} grows from a seed, is cut in half, and heals`,
    });
    const { cells, healthGrown, healthCut, healthHealed } = probe.figures;
    this.#root.replaceChildren(
      h(
        'div',
        { class: 'trial' },
        canvas,
        h(
          'div',
          { class: 'trial__text' },
          h('strong', {}, rule.label),
          h('span', { class: 'soft' }, `${probe.width} x ${probe.height}, ${cells} cells`),
          h(
            'span',
            {},
            `grown ${formatPercent(healthGrown)} → cut ${formatPercent(healthCut)} → healed ${formatPercent(healthHealed)}`,
          ),
        ),
      ),
      this.#form(rule, species),
    );
    playFilm(canvas, rule.id, probe.film);
  }

  #form(rule: RuleEntry, known: readonly string[]): HTMLElement {
    const species = h('select', { 'aria-label': 'Species' });
    for (const name of [...new Set([rule.name, ...known])]) {
      const isNew = !known.includes(name);
      species.append(
        h('option', { value: name }, `${formatSpecies(name)}${isNew ? ' (a new species)' : ''}`),
      );
    }
    const scope = h('select', { 'aria-label': 'Which organisms' });
    for (const [value, text] of SCOPES) scope.append(h('option', { value }, text));
    const organism = h('select', { 'aria-label': 'Which organism', hidden: '' });
    const refill = async (): Promise<void> => {
      organism.hidden = scope.value !== 'organism';
      if (organism.hidden) return;
      const wanted = species.value;
      const path = `organisms?${new URLSearchParams({ species: wanted })}`;
      const all = await ask<OrganismEntry[]>('GET', path).catch(() => []);
      if (wanted !== species.value) return;
      organism.replaceChildren(
        ...all.map((one) =>
          h(
            'option',
            { value: String(one.id) },
            `#${one.id} at ${one.x}, ${one.y}, ${formatPercent(one.health)}`,
          ),
        ),
      );
    };
    for (const select of [species, scope]) select.addEventListener('change', () => void refill());
    const button = h('button', { class: 'button', type: 'submit' }, 'Swap');
    const form = h('form', { class: 'row' }, species, scope, organism, button);
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      const chosen = scope.value === 'organism' ? { organism: Number(organism.value) } : {};
      await this.#handlers.swap({ species: species.value, rule: rule.id, scope: scope.value, ...chosen });
      button.disabled = false;
    });
    return form;
  }
}
