/** The list of rules, each with a picture of what it grows, the rules in force, and the swaps. */

import type { ProbeAnswer, RuleEntry, RulesAnswer } from '../../shared/adminApi.ts';
import { button, h } from '../dom.ts';
import { formatPercent, formatSpecies, formatWhen } from '../format.ts';
import { ask, fileUrl } from './api.ts';

export interface RulesHandlers {
  choose(rule: RuleEntry): void;
  rollBack(species: string): void;
}

export class RulesPanel {
  readonly #list: HTMLElement;
  readonly #species: HTMLElement;
  readonly #swaps: HTMLElement;
  readonly #handlers: RulesHandlers;
  readonly #thumbnails = new Map<number, Promise<string>>();
  /** Thumbnails are asked for one after the other: the server probes one rule at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #shown = '';
  #chosen = 0;

  constructor(
    places: { readonly list: HTMLElement; readonly species: HTMLElement; readonly swaps: HTMLElement },
    handlers: RulesHandlers,
  ) {
    this.#list = places.list;
    this.#species = places.species;
    this.#swaps = places.swaps;
    this.#handlers = handlers;
  }

  show(answer: RulesAnswer, chosen: number): void {
    const key = JSON.stringify([answer, chosen]);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#chosen = chosen;
    this.#list.replaceChildren(...answer.rules.map((rule) => this.#row(rule)));
    if (answer.rules.length === 0) this.#list.append(h('p', { class: 'soft' }, 'No rule yet.'));
    const labels = new Map(answer.rules.map((rule) => [rule.id, rule]));
    this.#species.replaceChildren(
      ...answer.species.map(({ species, rule }) => this.#inForce(species, labels.get(rule))),
    );
    this.#swaps.replaceChildren(
      ...answer.swaps.map((swap) =>
        h(
          'p',
          { class: 'line' },
          h('span', { class: 'badge', 'data-status': swap.status }, swap.status),
          ` ${formatSpecies(swap.species)} → ${swap.label}`,
          swap.scope === 'species'
            ? ''
            : swap.scope === 'planted'
              ? ' (planted from now on)'
              : ` (organism ${swap.organism})`,
          h('span', { class: 'soft' }, ` · ${swap.who} · ${formatWhen(swap.created)}`),
          ...(swap.reason === '' ? [] : [h('span', { class: 'line__reason' }, swap.reason)]),
        ),
      ),
    );
  }

  thumbnail(rule: number): Promise<string> {
    let found = this.#thumbnails.get(rule);
    if (found === undefined) {
      found = this.#turn.then(async () => (await ask<ProbeAnswer>('GET', `rules/${rule}/probe`)).thumbnail);
      this.#turn = found.catch(() => this.#thumbnails.delete(rule));
      this.#thumbnails.set(rule, found);
    }
    return found;
  }

  #image(rule: number): HTMLImageElement {
    const image = h('img', { class: 'rule__image', alt: '' });
    this.thumbnail(rule).then(
      (url) => {
        image.src = url;
      },
      (error: Error) => {
        image.title = error.message;
      },
    );
    return image;
  }

  #row(rule: RuleEntry): HTMLElement {
    const isInForce = rule.inForceFor.length > 0;
    const badge = isInForce ? 'in force' : rule.status;
    const facts = [
      rule.origin,
      rule.parentLabel === null ? '' : `from ${rule.parentLabel}`,
      formatWhen(rule.created),
    ];
    const row = h(
      'button',
      { class: 'rule', type: 'button', 'aria-pressed': String(rule.id === this.#chosen) },
      this.#image(rule.id),
      h(
        'span',
        { class: 'rule__text' },
        h('strong', {}, rule.label),
        h('span', { class: 'badge', 'data-status': badge }, badge),
        h('span', { class: 'soft rule__facts' }, facts.filter((fact) => fact !== '').join(' · ')),
        h('span', { class: 'soft rule__facts' }, metricsLine(rule.metrics)),
      ),
    );
    row.addEventListener('click', () => this.#handlers.choose(rule));
    return h(
      'div',
      { class: 'rule-row' },
      row,
      h(
        'a',
        { class: 'plain', href: fileUrl(rule.id), download: '', title: `sha256 ${rule.sha256}` },
        'File',
      ),
    );
  }

  #inForce(species: string, rule: RuleEntry | undefined): HTMLElement {
    return h(
      'div',
      { class: 'line line--row' },
      ...(rule === undefined ? [] : [this.#image(rule.id)]),
      h('strong', { class: 'grow' }, formatSpecies(species)),
      h('span', { class: 'soft' }, rule?.label ?? '–'),
      button('Roll back', () => this.#handlers.rollBack(species)),
    );
  }
}

/** A line about how good a rule is: from its evaluation, else from the first four numbers in its metrics. */
function metricsLine(metrics: Readonly<Record<string, unknown>>): string {
  const recovery = spreads(metrics.recovery);
  const mse = spreads(metrics.mse);
  const parts: string[] = [];
  if (recovery.length > 0) {
    const worst = Math.min(...recovery.map(([, { worst }]) => worst));
    const median = recovery.reduce((sum, [, { median }]) => sum + median, 0) / recovery.length;
    parts.push(`heals ${formatPercent(median)} of a cut, ${formatPercent(worst)} at worst`);
  }
  const last = mse.at(-1);
  if (last !== undefined) parts.push(`error ${last[1].median.toExponential(1)} at step ${last[0]}`);
  if (parts.length === 0)
    for (const [name, value] of Object.entries(metrics).slice(0, 4))
      if (typeof value === 'number') parts.push(`${name} ${Number(value.toPrecision(3))}`);
  return parts.join(' · ') || 'no figures';
}

/** @returns the entries of an object that have a median and a worst value */
function spreads(value: unknown): [string, { median: number; worst: number }][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as Record<string, { median: number; worst: number }>).filter(
    ([, one]) => typeof one?.median === 'number' && typeof one?.worst === 'number',
  );
}
