/** From a picture to a drawing: what part of it, how large, without which background, in how many colours. */
import { type Drawing, MAX_COLOURS, MAX_DRAWING_SIDE, MIN_BOARD_SIDE } from '../../shared/drawing/drawing.ts';
import type { Point, Rect } from '../../shared/geometry.ts';
import { h, setText } from '../dom.ts';
import { dialogBody } from '../hud/reportDialog.ts';
import { fitted, type Pixels, reduced, withoutBackground } from './fit.ts';
import { onBoard } from './raster.ts';

/** Cells of the longer side that a picture has first: a body that learns in about a minute. */
const FIRST_CELLS = 32;
/** A distance of colours; from black to white it is 441. */
const FIRST_TOLERANCE = 40;
const MAX_TOLERANCE = 200;
const COLOUR_COUNTS = [8, 16, 32, 64, MAX_COLOURS] as const;
const FIRST_COLOURS = 32;
/** Clear cells that the board has around a picture. */
const MARGIN = 2;

export class PictureDialog {
  readonly #dialog = h('dialog', { class: 'dialog picture', 'aria-labelledby': 'picture-title' });
  readonly #source = h('canvas', {
    class: 'picture__source',
    tabindex: '0',
    role: 'img',
    'aria-label':
      'The picture. Drag over the part that you want; arrow keys move the part, with Shift they resize it.',
  });
  readonly #result = h('canvas', {
    class: 'picture__result',
    role: 'img',
    'aria-label': 'The drawing that it makes',
  });
  readonly #cells = slider('picture-cells', MIN_BOARD_SIDE, MAX_DRAWING_SIDE);
  readonly #tolerance = slider('picture-tolerance', 0, MAX_TOLERANCE);
  readonly #takesAway = h('input', { type: 'checkbox', class: 'draw-check' });
  readonly #colours = h('select', { class: 'draw-select', id: 'picture-colours' });
  readonly #said = h('p', { class: 'picture__said', role: 'status' });
  readonly #use = h('button', { class: 'button', type: 'button' }, 'Use it');
  readonly #done: (drawing: Drawing) => void;
  #picture: Pixels | null = null;
  /** The picture without its background, as the settings say. */
  #cleared: Pixels | null = null;
  #area: Rect = { x: 0, y: 0, width: 1, height: 1 };
  #from: Point | null = null;
  #drawing: Drawing | null = null;
  #frame = 0;

  /** @param done - gets a board with the picture in its middle */
  constructor(done: (drawing: Drawing) => void) {
    this.#done = done;
    for (const count of COLOUR_COUNTS)
      this.#colours.append(h('option', { value: String(count) }, String(count)));
    const clear = (): void => {
      this.#cleared = null;
      this.#refresh();
    };
    this.#tolerance.input.addEventListener('input', clear);
    this.#takesAway.addEventListener('change', clear);
    this.#cells.input.addEventListener('input', () => this.#refresh());
    this.#colours.addEventListener('change', () => this.#refresh());
    this.#use.addEventListener('click', () => this.#finish());
    this.#dialog.addEventListener('close', () => {
      // Told some time after it has closed: it may show another picture.
      if (!this.#dialog.open) this.#forget();
    });
    this.#listenToCrop();
    this.#dialog.append(
      dialogBody(
        this.#dialog,
        h('h2', { class: 'dialog__title dialog__title--small', id: 'picture-title' }, 'From a picture'),
        h(
          'div',
          { class: 'picture__views' },
          h('figure', {}, this.#source, h('figcaption', { class: 'picture__hint' }, 'Drag to crop')),
          h('figure', {}, this.#result, this.#said),
        ),
        h(
          'div',
          { class: 'picture__settings' },
          setting('Cells of its longer side', this.#cells),
          h('label', { class: 'picture__take' }, this.#takesAway, 'Take the background away'),
          setting('Background tolerance', this.#tolerance),
          h(
            'label',
            { class: 'control', for: 'picture-colours' },
            h('span', { class: 'control__label' }, 'Colours'),
            this.#colours,
          ),
        ),
        this.#use,
      ),
    );
  }

  get root(): HTMLDialogElement {
    return this.#dialog;
  }

  open(picture: Pixels): void {
    this.#picture = picture;
    this.#cleared = null;
    this.#area = { x: 0, y: 0, width: picture.width, height: picture.height };
    this.#cells.input.value = String(
      Math.max(MIN_BOARD_SIDE, Math.min(FIRST_CELLS, Math.max(picture.width, picture.height))),
    );
    this.#tolerance.input.value = String(FIRST_TOLERANCE);
    this.#takesAway.checked = true;
    this.#colours.value = String(FIRST_COLOURS);
    this.#dialog.showModal();
    this.#refresh();
  }

  #forget(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#picture = null;
    this.#cleared = null;
    this.#drawing = null;
  }

  #finish(): void {
    const drawing = this.#drawing;
    this.#dialog.close();
    if (drawing === null) return;
    const side = Math.max(drawing.width, drawing.height) + 2 * MARGIN;
    this.#done(onBoard(drawing, Math.min(MAX_DRAWING_SIDE, Math.max(MIN_BOARD_SIDE, side))));
  }

  #refresh(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#make());
  }

  #make(): void {
    this.#frame = 0;
    const picture = this.#picture;
    if (picture === null) return;
    this.#tolerance.input.disabled = !this.#takesAway.checked;
    this.#cleared ??= this.#takesAway.checked
      ? withoutBackground(picture, Number(this.#tolerance.input.value))
      : picture;
    const side = Number(this.#cells.input.value);
    const drawing = fitted(this.#cleared, this.#area, side);
    this.#drawing = drawing === null ? null : reduced(drawing, Number(this.#colours.value));
    show(this.#result, this.#drawing ?? { width: 1, height: 1, rgba: new Uint8Array(4) });
    show(this.#source, this.#cleared);
    this.#drawCrop();
    this.#use.disabled = this.#drawing === null;
    const { width, height } = this.#drawing ?? { width: 0, height: 0 };
    setText(
      this.#said,
      this.#drawing === null ? 'Nothing is left: lower the tolerance.' : `${width} × ${height} cells`,
    );
    for (const { input, output } of [this.#cells, this.#tolerance]) {
      setText(output, input.value);
      const share = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
      input.style.setProperty('--fill', `${share * 100}%`);
    }
  }

  #drawCrop(): void {
    const paper = this.#source.getContext('2d');
    const picture = this.#picture;
    if (paper === null || picture === null) return;
    const { x, y, width, height } = this.#area;
    if (width === picture.width && height === picture.height) return;
    paper.fillStyle = 'rgb(0 0 0 / 55%)';
    paper.beginPath();
    paper.rect(0, 0, picture.width, picture.height);
    paper.rect(x, y, width, height);
    paper.fill('evenodd');
  }

  #listenToCrop(): void {
    const source = this.#source;
    source.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      source.focus();
      source.setPointerCapture(event.pointerId);
      this.#from = this.#pixelAt(event);
    });
    source.addEventListener('pointermove', (event) => {
      if (this.#from !== null) this.#crop(this.#from, this.#pixelAt(event));
    });
    source.addEventListener('pointerup', (event) => {
      const from = this.#from;
      this.#from = null;
      const to = this.#pixelAt(event);
      // A press without a drag takes the whole picture again.
      const { width, height } = this.#picture ?? { width: 1, height: 1 };
      if (from !== null && Math.hypot(to.x - from.x, to.y - from.y) < 4)
        this.#crop({ x: 0, y: 0 }, { x: width, y: height });
    });
    source.addEventListener('pointercancel', () => {
      this.#from = null;
    });
    source.addEventListener('keydown', (event) => this.#cropByKey(event));
  }

  #cropByKey(event: KeyboardEvent): void {
    const picture = this.#picture;
    if (picture === null || !event.key.startsWith('Arrow')) return;
    event.preventDefault();
    const step = Math.ceil(Math.max(picture.width, picture.height) / 50);
    const dx = event.key === 'ArrowLeft' ? -step : event.key === 'ArrowRight' ? step : 0;
    const dy = event.key === 'ArrowUp' ? -step : event.key === 'ArrowDown' ? step : 0;
    const { x, y, width, height } = this.#area;
    if (event.shiftKey) {
      this.#crop({ x, y }, { x: x + Math.max(step, width + dx), y: y + Math.max(step, height + dy) });
      return;
    }
    const left = Math.min(picture.width - width, Math.max(0, x + dx));
    const top = Math.min(picture.height - height, Math.max(0, y + dy));
    this.#crop({ x: left, y: top }, { x: left + width, y: top + height });
  }

  /** Two corners of the part that is used. */
  #crop(a: Point, b: Point): void {
    const { width, height } = this.#picture ?? { width: 1, height: 1 };
    const within = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)));
    const [left, right] = [within(Math.min(a.x, b.x), width - 1), within(Math.max(a.x, b.x), width)];
    const [top, bottom] = [within(Math.min(a.y, b.y), height - 1), within(Math.max(a.y, b.y), height)];
    this.#area = { x: left, y: top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
    this.#refresh();
  }

  #pixelAt({ clientX, clientY }: MouseEvent): Point {
    const box = this.#source.getBoundingClientRect();
    // `object-fit: contain` leaves bars beside a picture of another form.
    const scale = Math.min(box.width / this.#source.width, box.height / this.#source.height);
    return {
      x: (clientX - box.left - (box.width - this.#source.width * scale) / 2) / scale,
      y: (clientY - box.top - (box.height - this.#source.height * scale) / 2) / scale,
    };
  }
}

interface Slider {
  readonly input: HTMLInputElement;
  readonly output: HTMLOutputElement;
}

function slider(id: string, least: number, most: number): Slider {
  return {
    input: h('input', {
      class: 'slider',
      type: 'range',
      id,
      min: String(least),
      max: String(most),
      step: '1',
    }),
    output: h('output', { class: 'control__value', for: id }),
  };
}

const setting = (label: string, { input, output }: Slider): HTMLElement =>
  h(
    'label',
    { class: 'control', for: input.id },
    h('span', { class: 'control__label' }, label, output),
    input,
  );

function show(canvas: HTMLCanvasElement, { width, height, rgba }: Pixels): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(Uint8ClampedArray.from(rgba), width, height), 0, 0);
}
