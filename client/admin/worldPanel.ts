/** The world's controls: pause, speed, clear, plant, save. */

import type { LiveAnswer } from '../../shared/adminApi.ts';
import { MAX_WORLD_CELLS } from '../../shared/geometry.ts';
import { button, h, setText } from '../dom.ts';

export type Control =
  | { readonly kind: 'speed'; readonly stepsPerSecond: number }
  | { readonly kind: 'clear'; readonly x: number; readonly y: number; readonly radius: number }
  | { readonly kind: 'garden'; readonly count: number }
  | { readonly kind: 'save' };

const NORMAL_SPEED = 30;
/** Hidden from moderators. */
const OF_OWNERS = { 'data-for': 'owner' };

export class WorldPanel {
  readonly #pause = h('button', { class: 'button', type: 'button' }, 'Pause');
  readonly #speed = field('Steps per second', 0, 1_000, NORMAL_SPEED);
  #stepsPerSecond = NORMAL_SPEED;
  /** The speed before the pause. */
  #before = NORMAL_SPEED;
  #isFirst = true;

  constructor(root: HTMLElement, send: (control: Control) => void) {
    this.#pause.addEventListener('click', () => {
      const isPaused = this.#stepsPerSecond === 0;
      if (!isPaused) this.#before = this.#stepsPerSecond;
      send({ kind: 'speed', stepsPerSecond: isPaused ? this.#before : 0 });
    });
    const x = field('x', 0, MAX_WORLD_CELLS, 0);
    const y = field('y', 0, MAX_WORLD_CELLS, 0);
    const radius = field('Radius', 1, 1_024, 32);
    const count = field('Organisms', 1, 1_000, 12);
    root.append(
      h(
        'div',
        { class: 'row', ...OF_OWNERS },
        this.#pause,
        button('Save now', () => send({ kind: 'save' })),
      ),
      form(
        'Set speed',
        [this.#speed],
        () => send({ kind: 'speed', stepsPerSecond: numberIn(this.#speed) }),
        OF_OWNERS,
      ),
      form('Clear', [x, y, radius], () =>
        send({ kind: 'clear', x: numberIn(x), y: numberIn(y), radius: numberIn(radius) }),
      ),
      form('Plant a garden', [count], () => send({ kind: 'garden', count: numberIn(count) }), OF_OWNERS),
    );
  }

  show(live: LiveAnswer): void {
    this.#stepsPerSecond = live.stepsPerSecond;
    setText(this.#pause, live.stepsPerSecond === 0 ? 'Resume' : 'Pause');
    if (!this.#isFirst) return;
    this.#isFirst = false;
    this.#speed.querySelector('input')!.value = String(live.stepsPerSecond || NORMAL_SPEED);
  }
}

function field(name: string, min: number, max: number, value: number): HTMLLabelElement {
  const numbers = { min: String(min), max: String(max), value: String(value) };
  return h(
    'label',
    { class: 'field' },
    name,
    h('input', { type: 'number', step: 'any', required: '', ...numbers }),
  );
}

const numberIn = (label: HTMLLabelElement): number => label.querySelector('input')!.valueAsNumber;

function form(
  submit: string,
  fields: readonly HTMLElement[],
  send: () => void,
  forWhom: Readonly<Record<string, string>> = {},
): HTMLElement {
  const element = h(
    'form',
    { class: 'row', ...forWhom },
    ...fields,
    h('button', { class: 'plain', type: 'submit' }, submit),
  );
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  return element;
}
