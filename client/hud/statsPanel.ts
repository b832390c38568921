/** The world in five numbers. */
import type { StatsMessage } from '../../shared/protocol.ts';
import { h, setText } from '../dom.ts';
import { formatCount, formatLatency, formatRate, formatSteps } from '../format.ts';
import { type IconName, icon } from './icons.ts';

type Field = 'players' | 'organisms' | 'steps' | 'latency' | 'bandwidth';

const FIELDS: readonly [Field, string][] = [
  ['players', 'Players'],
  ['organisms', 'Pokémon alive'],
  ['steps', 'Steps per second'],
  ['latency', 'Latency'],
  ['bandwidth', 'Bandwidth'],
];

export class StatsPanel {
  readonly #values = new Map<Field, { readonly value: HTMLElement; readonly unit: HTMLElement }>();

  /** @param list - lists the players */
  constructor(root: HTMLElement, list: () => void) {
    for (const [field, name] of FIELDS) {
      const value = h('span', { class: 'stat__value' }, '–');
      const unit = h('span', { class: 'stat__unit' });
      root.append(
        h(
          'div',
          { class: 'stat', title: name, 'data-stat': field },
          h(
            'dt',
            { class: 'stat__name' },
            icon(field satisfies IconName, true),
            h('span', { class: 'sr-only' }, name),
          ),
          h('dd', {}, ...(field === 'players' ? [opener(value, list)] : [value, ' ', unit])),
        ),
      );
      this.#values.set(field, { value, unit });
    }
  }

  show(stats: StatsMessage): void {
    this.#set('players', formatCount(stats.players), '');
    this.#set('organisms', formatCount(stats.organisms), '');
    this.#set('steps', formatSteps(stats.stepsPerSecond), 'steps/s');
  }

  showLine(latencyMs: number, bytesPerSecond: number): void {
    this.#set('latency', ...split(formatLatency(latencyMs)));
    this.#set('bandwidth', ...split(formatRate(bytesPerSecond)));
  }

  #set(field: Field, value: string, unit: string): void {
    const at = this.#values.get(field);
    if (at === undefined) return;
    setText(at.value, value);
    setText(at.unit, unit);
  }
}

/** The number of players is a button: it lists them. */
function opener(value: HTMLElement, list: () => void): HTMLElement {
  const button = h('button', { class: 'stat__button', type: 'button', 'aria-haspopup': 'dialog' }, value);
  button.append(h('span', { class: 'sr-only' }, ' players: list them'));
  button.addEventListener('click', list);
  return button;
}

const split = (text: string): [string, string] => {
  const [value, unit = ''] = text.split(' ');
  return [value, unit];
};
