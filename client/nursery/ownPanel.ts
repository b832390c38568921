/** The player's own drawings in the nursery: what has become of each, and what can be done about it. */
import type { NurseryView, OwnDrawing } from '../../shared/nursery.ts';
import { h, setText } from '../dom.ts';
import { type PlantSpecies, picture, plantButton } from './rows.ts';
import { ownText, withTimes } from './words.ts';

const OVER: readonly OwnDrawing['state'][] = ['refused', 'withdrawn', 'withered', 'removed'];

export class OwnPanel {
  readonly root = h('section', {
    class: 'nursery__part panel',
    'aria-label': 'Your drawings',
    hidden: '',
  });
  readonly #plant: PlantSpecies;
  readonly #withdraw: (drawing: number) => void;
  #notes: { readonly one: OwnDrawing; readonly note: HTMLElement }[] = [];
  #view: NurseryView | null = null;

  /** @param withdraw - takes a drawing back, before it has grown */
  constructor(plant: PlantSpecies, withdraw: (drawing: number) => void) {
    this.#plant = plant;
    this.#withdraw = withdraw;
  }

  /** The same ones again make new rows, too: what could not be taken back can be tried again. */
  show(drawings: readonly OwnDrawing[]): void {
    this.root.hidden = drawings.length === 0;
    this.#notes = [];
    const rows = drawings.map((one) => this.#row(one));
    this.root.replaceChildren(h('h3', {}, 'Yours'), h('ul', { class: 'nursery__list' }, ...rows));
    if (this.#view !== null) this.follow(this.#view);
  }

  /** Tells the times anew: one's own drawings come only when they change. */
  follow(view: NurseryView): void {
    this.#view = view;
    for (const { one, note } of this.#notes) setText(note, ownText(withTimes(one, view)));
  }

  #row(one: OwnDrawing): HTMLElement {
    const acts: HTMLElement[] = [];
    if (one.state === 'ready' && one.species !== null) {
      acts.push(plantButton(one.species, this.#plant));
    } else if (!OVER.includes(one.state)) {
      const back = h(
        'button',
        { class: 'button button--small button--quiet', type: 'button' },
        'Take it back',
      );
      back.addEventListener('click', () => {
        if (back.hasAttribute('aria-disabled')) return;
        back.setAttribute('aria-disabled', 'true');
        this.#withdraw(one.id);
      });
      acts.push(back);
    }
    const note = h('p', { class: 'nursery__note' }, ownText(one));
    this.#notes.push({ one, note });
    return h(
      'li',
      { class: 'nursery__row', 'data-state': one.state },
      picture(one, 'nursery__thumb'),
      h(
        'div',
        { class: 'nursery__text' },
        h('p', { class: 'nursery__name' }, one.name),
        note,
        ...(acts.length > 0 ? [h('div', { class: 'nursery__acts' }, ...acts)] : []),
      ),
    );
  }
}
