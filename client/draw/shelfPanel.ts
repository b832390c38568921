/** The drawings that this browser keeps, and the starters: each is a picture that opens it. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import { STARTERS } from '../../shared/starters/starters.ts';
import { h } from '../dom.ts';
import { drawIcon } from './drawIcons.ts';
import { type KeptDrawing, MAX_KEPT_DRAWINGS, type Shelf } from './shelf.ts';
import { thumbnail } from './thumbnail.ts';

export interface ShelfActions {
  /** Opens a kept drawing. */
  open(kept: KeptDrawing): void;
  /** Opens a new drawing: a copy, or an empty board. */
  begin(drawing: Drawing | null, name: string): void;
  remove(kept: KeptDrawing): void;
}

export class ShelfPanel {
  readonly root = h('section', { class: 'draw-panel' });
  readonly #shelf: Shelf;
  readonly #actions: ShelfActions;
  readonly #count = h('span', { class: 'control__value' });
  readonly #kept = h('ul', { class: 'pictures', 'aria-label': 'Your drawings' });

  constructor(shelf: Shelf, actions: ShelfActions) {
    this.#shelf = shelf;
    this.#actions = actions;
    const begin = h(
      'button',
      { class: 'draw-action', type: 'button' },
      drawIcon('plus', true),
      'New drawing',
    );
    begin.addEventListener('click', () => actions.begin(null, ''));
    const starters = h('ul', { class: 'pictures', 'aria-label': 'Starters' });
    for (const { name, drawing } of STARTERS) {
      const open = h(
        'button',
        { class: 'picture-button', type: 'button', title: name },
        thumbnail(drawing, 'picture-button__image'),
        h('span', { class: 'picture-button__name' }, name),
      );
      open.addEventListener('click', () => actions.begin(drawing, name));
      starters.append(h('li', {}, open));
    }
    this.root.append(
      h(
        'div',
        { class: 'draw-panel__head' },
        h('h3', { class: 'draw-panel__title' }, 'Your drawings'),
        this.#count,
        begin,
      ),
      this.#kept,
      h(
        'div',
        { class: 'draw-panel__head' },
        h('h3', { class: 'draw-panel__title' }, 'Begin with one of these'),
      ),
      starters,
    );
  }

  /** @param current - id of the drawing in hand */
  refresh(current: string): void {
    const kept = this.#shelf.list();
    this.#count.textContent = `${kept.length} of ${MAX_KEPT_DRAWINGS}`;
    this.#count.hidden = kept.length < MAX_KEPT_DRAWINGS - 5;
    this.#kept.replaceChildren(
      ...kept.map((one) => {
        const name = one.name === '' ? 'Unnamed' : one.name;
        const open = h(
          'button',
          {
            class: 'picture-button',
            type: 'button',
            title: name,
            'aria-current': String(one.id === current),
          },
          thumbnail(unpackDrawing(one.packed), 'picture-button__image'),
          h('span', { class: 'picture-button__name' }, name),
        );
        open.addEventListener('click', () => this.#actions.open(one));
        const remove = h(
          'button',
          {
            class: 'picture-button__remove',
            type: 'button',
            'aria-label': `Remove ${name}`,
            title: 'Remove',
          },
          drawIcon('trash', true),
        );
        remove.addEventListener('click', () => this.#actions.remove(one));
        return h('li', { class: 'pictures__item' }, open, remove);
      }),
    );
  }
}
