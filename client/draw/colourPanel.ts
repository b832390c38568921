/** The colours: a palette of this page, those of the drawing, and any other. */
import { coloursOf } from '../../shared/drawing/packed.ts';
import { h } from '../dom.ts';
import type { Easel } from './easel.ts';
import { type Colour, isSameColour } from './raster.ts';

const PALETTE: readonly (readonly [hex: string, name: string])[] = [
  ['#1b1b22', 'Black'],
  ['#4a4e5a', 'Slate'],
  ['#8b93a3', 'Grey'],
  ['#d6dbe4', 'Silver'],
  ['#ffffff', 'White'],
  ['#4a2c1a', 'Dark brown'],
  ['#8a5a35', 'Brown'],
  ['#c98f5b', 'Tan'],
  ['#f0cfa0', 'Cream'],
  ['#7a1f2b', 'Dark red'],
  ['#c8372d', 'Red'],
  ['#ef6b4e', 'Coral'],
  ['#f29b38', 'Orange'],
  ['#f7d354', 'Yellow'],
  ['#1f4d36', 'Dark green'],
  ['#2b8a3e', 'Green'],
  ['#6cc24a', 'Leaf'],
  ['#bfe48a', 'Lime'],
  ['#12686b', 'Dark teal'],
  ['#2bb3a6', 'Teal'],
  ['#1d3a7a', 'Navy'],
  ['#2f74d0', 'Blue'],
  ['#74c0f0', 'Sky'],
  ['#4b2a7a', 'Dark purple'],
  ['#8d54c9', 'Purple'],
  ['#c99be8', 'Lilac'],
  ['#b03a78', 'Magenta'],
  ['#ee7fb1', 'Pink'],
];
/** Colours of the drawing that are shown, in the order in which they appear. */
const MAX_OWN = 14;

export class ColourPanel {
  readonly root = h('section', { class: 'draw-panel colours', 'aria-label': 'Colours' });
  readonly #easel: Easel;
  readonly #own = h('div', { class: 'swatches', role: 'group', 'aria-label': 'Colours of the drawing' });
  readonly #other = h('input', { type: 'color', class: 'colours__other', 'aria-label': 'Another colour' });
  #ownShown = '';

  constructor(easel: Easel) {
    this.#easel = easel;
    const palette = h('div', { class: 'swatches', role: 'group', 'aria-label': 'Palette' });
    for (const [hex, name] of PALETTE) palette.append(this.#swatch(colourOf(hex), name));
    this.#other.addEventListener('input', () => easel.take(colourOf(this.#other.value)));
    this.root.append(
      h('label', { class: 'colours__now' }, this.#other, h('span', {}, 'Colour')),
      palette,
      this.#own,
    );
    easel.changed.on(() => this.#show());
    this.#show();
  }

  /** Shows the colours of the drawing anew: they change with finished strokes. */
  refresh(): void {
    const own = coloursOf(this.#easel.drawing)
      .map(unpacked)
      .filter((colour) => !PALETTE.some(([hex]) => isSameColour(colourOf(hex), colour)))
      .slice(0, MAX_OWN);
    const shown = own.join(';');
    if (shown !== this.#ownShown) {
      this.#ownShown = shown;
      this.#own.replaceChildren(...own.map((colour) => this.#swatch(colour, `Colour ${hexOf(colour)}`)));
    }
    this.#own.hidden = own.length === 0;
    this.#show();
  }

  #swatch(colour: Colour, name: string): HTMLButtonElement {
    const swatch = h('button', {
      class: 'swatch',
      type: 'button',
      'aria-label': name,
      title: name,
      'data-colour': colour.join(),
    });
    swatch.style.setProperty('--swatch', `rgb(${colour.slice(0, 3).join(' ')} / ${colour[3] / 255})`);
    swatch.addEventListener('click', () => this.#easel.take(colour));
    return swatch;
  }

  #show(): void {
    const { colour } = this.#easel;
    const now = colour.join();
    if (this.#other.value !== hexOf(colour)) this.#other.value = hexOf(colour);
    for (const swatch of this.root.querySelectorAll<HTMLElement>('.swatch'))
      swatch.setAttribute('aria-pressed', String(swatch.dataset.colour === now));
  }
}

const colourOf = (hex: string): Colour => [
  Number.parseInt(hex.slice(1, 3), 16),
  Number.parseInt(hex.slice(3, 5), 16),
  Number.parseInt(hex.slice(5, 7), 16),
  255,
];

const hexOf = (colour: Colour): string =>
  `#${colour
    .slice(0, 3)
    .map((value) => value.toString(16).padStart(2, '0'))
    .join('')}`;

const unpacked = (colour: number): Colour => [
  colour >>> 24,
  (colour >>> 16) & 255,
  (colour >>> 8) & 255,
  colour & 255,
];
