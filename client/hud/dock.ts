/** The dock at the bottom: the tool, the brush's size, the species to plant, and the energy that is left. */
import { MAX_BRUSH_RADIUS, MIN_BRUSH_RADIUS } from '../../shared/limits.ts';
import { h, setText } from '../dom.ts';
import { speciesTitle } from '../format.ts';
import type { Brush } from '../hands/brush.ts';
import { TOOL_LIST, type ToolId } from '../hands/tools.ts';
import { icon } from './icons.ts';

/** Seldom, because each change makes the browser lay out the page. The ring at the pointer is exact at every drawing. */
const ENERGY_EVERY_MS = 250;
/** Shares of the budget. */
const LOW = 0.35;
const EMPTY = 0.12;
/** With more species than these, one can search them. */
const MAX_UNSEARCHED = 12;

/** What the dock opens. */
export interface DockDoors {
  /** The drawing board. */
  readonly draw: () => void;
  readonly nursery: () => void;
}

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
  /** Shown where drawings are grown. */
  readonly #nursery = h(
    'button',
    {
      class: 'tool',
      type: 'button',
      title: 'Watch the world learn what was drawn',
      'aria-haspopup': 'dialog',
      id: 'nursery-open',
      hidden: '',
    },
    icon('nursery'),
    'Nursery',
  );
  readonly #search = h('input', {
    class: 'species__search',
    type: 'search',
    placeholder: 'Find a species',
    'aria-label': 'Find a species',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  readonly #menu = h('div', { class: 'species-menu' }, this.#search, this.#species);

  constructor(root: HTMLElement, brush: Brush, { draw, nursery }: DockDoors) {
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
    this.#nursery.addEventListener('click', nursery);
    tools.append(board, this.#nursery);
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
    this.#search.addEventListener('input', () => this.#filter());
    root.append(this.#menu, h('div', { class: 'dock__row' }, tools, controls));
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
    this.#menu.hidden = tool !== 'plant' || known.length === 0;
    if (!this.#menu.hidden) this.#showSpecies();
  }

  #showSpecies(): void {
    const { known, species: chosen } = this.#brush;
    // A swap gives a species another picture.
    const names = known.map(({ name, thumbnail }) => `${name} ${thumbnail}`).join();
    if (this.#species.dataset.names !== names) {
      this.#species.dataset.names = names;
      this.#species.replaceChildren(
        ...known.map((one) => {
          const { name, thumbnail, maker } = one;
          const title = speciesTitle(one);
          const item = h(
            'button',
            {
              class: 'species__item',
              type: 'button',
              role: 'radio',
              'data-name': name,
              'data-found': `${title} ${name} ${maker ?? ''}`.toLowerCase(),
              ...(maker !== undefined && { title: `drawn by ${maker}` }),
            },
            h('img', { class: 'species__image', src: thumbnail, alt: '', loading: 'lazy' }),
            title,
          );
          item.addEventListener('click', () => this.#brush.chooseSpecies(name));
          return item;
        }),
      );
    }
    this.#search.hidden = known.length <= MAX_UNSEARCHED;
    this.#filter();
    for (const item of this.#species.children)
      item.setAttribute('aria-checked', String((item as HTMLElement).dataset.name === chosen));
  }

  /** Hides the species that the search does not name. */
  #filter(): void {
    const wanted = this.#search.hidden ? '' : this.#search.value.trim().toLowerCase();
    for (const item of this.#species.children) {
      const { found = '' } = (item as HTMLElement).dataset;
      (item as HTMLElement).hidden = !found.includes(wanted);
    }
  }

  /** Shows or hides the way to the nursery. */
  offerNursery(isThere: boolean): void {
    this.#nursery.hidden = !isThere;
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
