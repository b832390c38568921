/** The dock at the bottom: the tool, the brush's size, the species to plant, and the energy that is left. */
import { MAX_BRUSH_RADIUS, MIN_BRUSH_RADIUS } from '../../shared/limits.ts';
import { h, setText } from '../dom.ts';
import { formatSpecies } from '../format.ts';
import type { Brush } from '../hands/brush.ts';
import { TOOL_LIST, type ToolId } from '../hands/tools.ts';
import { icon } from './icons.ts';

/** Seldom, because each change makes the browser lay out the page. The ring at the pointer is exact at every drawing. */
const ENERGY_EVERY_MS = 250;
/** Shares of the budget. */
const LOW = 0.35;
const EMPTY = 0.12;

export class Dock {
  readonly #brush: Brush;
  readonly #tools = new Map<ToolId, HTMLButtonElement>();
  readonly #species = h('div', { class: 'species', role: 'radiogroup', 'aria-label': 'Species to plant' });
  readonly #slider = h('input', {
    class: 'slider',
    type: 'range',
    id: 'size',
    min: String(MIN_BRUSH_RADIUS),
    max: String(MAX_BRUSH_RADIUS),
    step: '0.5',
    title: 'Brush size ([ and ])',
  });
  readonly #sizeText = h('output', { class: 'control__value', for: 'size' });
  readonly #sizeControl: HTMLElement;
  readonly #energy: HTMLElement;
  readonly #energyText = h('span', { class: 'control__value' });
  readonly #tick: ReturnType<typeof setInterval>;
  #energyShown = -1;

  /** @param draw - opens the drawing board */
  constructor(root: HTMLElement, brush: Brush, draw: () => void) {
    this.#brush = brush;
    const tools = h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'Tool' });
    for (const tool of TOOL_LIST) {
      const button = h(
        'button',
        {
          class: 'tool',
          type: 'button',
          title: tool.hint,
          'data-tool': tool.id,
          'aria-keyshortcuts': tool.key,
        },
        icon(tool.id),
        tool.label,
        h('span', { class: 'tool__key', 'aria-hidden': 'true' }, tool.key),
      );
      button.addEventListener('click', () => brush.choose(tool.id));
      this.#tools.set(tool.id, button);
      tools.append(button);
    }
    const board = h(
      'button',
      {
        class: 'tool',
        type: 'button',
        title: 'Draw a creature of your own',
        'aria-haspopup': 'dialog',
        id: 'draw-open',
      },
      icon('draw'),
      'Draw',
    );
    board.addEventListener('click', draw);
    tools.append(board);
    this.#slider.addEventListener('input', () => brush.resize(Number(this.#slider.value)));
    this.#sizeControl = h(
      'label',
      { class: 'control', for: 'size' },
      h('span', { class: 'control__label' }, 'Size', this.#sizeText),
      this.#slider,
    );
    this.#energy = h(
      'div',
      {
        class: 'control energy',
        role: 'meter',
        'aria-label': 'Energy',
        'aria-valuemin': '0',
        'aria-valuemax': '100',
        title: 'Cells you may still change. It refills by itself.',
      },
      h('span', { class: 'control__label' }, 'Energy', this.#energyText),
      h('span', { class: 'energy__track' }),
    );
    const controls = h('div', { class: 'dock__controls' }, this.#sizeControl, this.#energy);
    root.append(this.#species, h('div', { class: 'dock__row' }, tools, controls));
    brush.changed.on(() => this.#show());
    this.#tick = setInterval(() => this.#showEnergy(), ENERGY_EVERY_MS);
    this.#show();
  }

  dispose(): void {
    clearInterval(this.#tick);
  }

  #show(): void {
    const { tool, radius, known } = this.#brush;
    for (const [id, button] of this.#tools) button.setAttribute('aria-pressed', String(id === tool));
    this.#slider.value = String(radius);
    const share = (radius - MIN_BRUSH_RADIUS) / (MAX_BRUSH_RADIUS - MIN_BRUSH_RADIUS);
    this.#slider.style.setProperty('--fill', `${share * 100}%`);
    setText(this.#sizeText, `${radius * 2}`);
    this.#slider.setAttribute('aria-valuetext', `${radius * 2} cells wide`);
    const isIdle = tool === 'hand' || tool === 'plant';
    this.#sizeControl.toggleAttribute('data-idle', isIdle);
    this.#species.hidden = tool !== 'plant' || known.length === 0;
    if (!this.#species.hidden) this.#showSpecies();
  }

  #showSpecies(): void {
    const { known, species: chosen } = this.#brush;
    const names = known.map(({ name }) => name).join();
    if (this.#species.dataset.names !== names) {
      this.#species.dataset.names = names;
      this.#species.replaceChildren(
        ...known.map(({ name, thumbnail }) => {
          const item = h(
            'button',
            { class: 'species__item', type: 'button', role: 'radio', 'data-name': name },
            h('img', { class: 'species__image', src: thumbnail, alt: '' }),
            formatSpecies(name),
          );
          item.addEventListener('click', () => this.#brush.chooseSpecies(name));
          return item;
        }),
      );
    }
    for (const item of this.#species.children)
      item.setAttribute('aria-checked', String((item as HTMLElement).dataset.name === chosen));
  }

  #showEnergy(): void {
    const share = Math.round(this.#brush.budget.share(performance.now()) * 100);
    if (share === this.#energyShown) return;
    this.#energyShown = share;
    this.#energy.style.setProperty('--fill', `${share}%`);
    this.#energy.setAttribute('aria-valuenow', String(share));
    this.#energy.toggleAttribute('data-low', share < LOW * 100 && share >= EMPTY * 100);
    this.#energy.toggleAttribute('data-empty', share < EMPTY * 100);
    setText(this.#energyText, `${share} %`);
  }
}
