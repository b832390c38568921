/** The drawing board: a dialog over the whole page. Loaded when it is opened first. */
import './draw.css';
import {
  blankDrawing,
  contentOf,
  type Drawing,
  DrawingError,
  MAX_DRAWING_SIDE,
  MIN_BOARD_SIDE,
} from '../../shared/drawing/drawing.ts';
import { packDrawing, unpackDrawing } from '../../shared/drawing/packed.ts';
import type { SubmittedMessage } from '../../shared/drawing/submission.ts';
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';
import { STARTERS } from '../../shared/starters/starters.ts';
import { h, setText } from '../dom.ts';
import { recall, remember } from '../remember.ts';
import type { Theme } from '../style/theme.ts';
import { CheckPanel } from './checkPanel.ts';
import { ColourPanel } from './colourPanel.ts';
import { decodePicture, PictureError } from './decodePicture.ts';
import { type DrawIcon, drawIcon } from './drawIcons.ts';
import { formatDrawLink, type LinkedDrawing, parseDrawLink } from './drawLink.ts';
import { Easel, FIRST_SIDE } from './easel.ts';
import { Paper } from './paper.ts';
import { PictureDialog } from './pictureDialog.ts';
import { colourAt, flipped, onBoard } from './raster.ts';
import { type Nursery, SendPanel } from './sendPanel.ts';
import { ShareMenu } from './shareMenu.ts';
import { type KeptDrawing, Shelf } from './shelf.ts';
import { ShelfPanel } from './shelfPanel.ts';
import { Strokes } from './strokes.ts';
import { Toolbar } from './toolbar.ts';

/** A change is kept this long after it is finished, so that strokes in a row are kept once. */
const KEEP_AFTER_MS = 400;
const DRAWINGS = 'drawings';
const LAST = 'drawing';

export interface BoardParts {
  readonly theme: Theme;
  readonly nursery: Nursery;
}

export class Board {
  readonly #dialog = h('dialog', { class: 'draw', tabindex: '-1', 'aria-labelledby': 'draw-title' });
  readonly #easel = new Easel();
  readonly #shelf = new Shelf({ read: () => recall(DRAWINGS), write: (text) => remember(DRAWINGS, text) });
  readonly #name = h('input', {
    class: 'draw-name',
    type: 'text',
    maxlength: String(MAX_NAME_LENGTH),
    placeholder: 'Name your creature',
    'aria-label': 'Name of the creature',
    autocomplete: 'off',
    spellcheck: 'false',
    enterkeyhint: 'done',
  });
  readonly #told = h('p', { class: 'draw-told', role: 'status', 'aria-live': 'polite' });
  readonly #place = h('p', { class: 'sr-only', 'aria-live': 'polite' });
  readonly #side = h('input', {
    class: 'slider',
    type: 'range',
    id: 'draw-side',
    min: String(MIN_BOARD_SIDE),
    max: String(MAX_DRAWING_SIDE),
    step: '1',
  });
  readonly #sideText = h('output', { class: 'control__value', for: 'draw-side' });
  readonly #paper: Paper;
  readonly #toolbar: Toolbar;
  readonly #colours: ColourPanel;
  readonly #check: CheckPanel;
  readonly #shelfPanel: ShelfPanel;
  readonly #send: SendPanel;
  readonly #pictures: PictureDialog;
  /** Of the drawing in hand, on the shelf. */
  #id = newId();
  #keepTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ theme, nursery }: BoardParts) {
    const canvas = h('canvas', {
      class: 'paper',
      id: 'paper',
      tabindex: '0',
      role: 'application',
      'aria-label':
        'The board. Arrow keys move from cell to cell, Space draws, and keeps drawing while it is held.',
    });
    const easel = this.#easel;
    this.#paper = new Paper(canvas, easel, theme);
    new Strokes(this.#paper, easel, (cell) => {
      const [r, g, b, alpha] = colourAt(easel.drawing, cell);
      setText(
        this.#place,
        `Column ${cell[0] + 1}, row ${cell[1] + 1}: ${alpha === 0 ? 'clear' : `red ${r}, green ${g}, blue ${b}`}`,
      );
    });
    this.#toolbar = new Toolbar(easel, this.#paper);
    this.#colours = new ColourPanel(easel);
    this.#check = new CheckPanel(easel, this.#paper);
    this.#shelfPanel = new ShelfPanel(this.#shelf, {
      open: (kept) => this.#openKept(kept),
      begin: (drawing, name) => this.#begin(drawing, name),
      remove: (kept) => this.#remove(kept),
    });
    this.#send = new SendPanel(nursery, () => ({
      drawing: easel.drawing,
      name: this.#name.value,
      canGrow: this.#check.canGrow,
    }));
    this.#pictures = new PictureDialog((drawing) => {
      easel.replace(drawing);
      this.#paper.fit();
    });
    const share = new ShareMenu({
      link: () => formatDrawLink(easel.drawing, this.#name.value),
      drawing: () => easel.drawing,
      name: () => this.#name.value,
      tell: (text) => setText(this.#told, text),
    });
    this.#dialog.append(
      h(
        'header',
        { class: 'draw-bar' },
        this.#action('back', 'World', 'Back to the world (Esc)', () => this.close()),
        h('h2', { class: 'sr-only', id: 'draw-title' }, 'Drawing board'),
        this.#name,
        share.root,
      ),
      this.#toolbar.root,
      h('div', { class: 'draw-paper' }, canvas, this.#place),
      h(
        'aside',
        { class: 'draw-side', 'aria-label': 'Colours, check and drawings' },
        this.#check.root,
        this.#told,
        this.#send.root,
        this.#colours.root,
        this.#boardPanel(),
        this.#shelfPanel.root,
      ),
      this.#pictures.root,
    );
    document.body.append(this.#dialog);
    this.#listen();
    const last = this.#shelf.list().find(({ id }) => id === recall(LAST)) ?? null;
    if (last !== null) this.#show(last.id, last.name, unpackDrawing(last.packed));
    else this.#show(newId(), '', blankDrawing(FIRST_SIDE));
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  /** @param hash - of the address: a drawing in it is opened as one of one's own */
  open(hash = ''): void {
    this.#send.refresh();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#openLink(hash);
    this.#shelfPanel.refresh(this.#id);
    this.#paper.fit();
    this.#paper.canvas.focus({ preventScroll: true });
  }

  close(): void {
    this.#dialog.close();
  }

  /** @param listener - called when the board has been closed */
  onClose(listener: () => void): void {
    this.#dialog.addEventListener('close', listener);
  }

  settle(answer: SubmittedMessage): void {
    this.#send.settle(answer);
  }

  #listen(): void {
    const dialog = this.#dialog;
    this.#easel.settled.on(() => this.#settled());
    this.#name.addEventListener('input', () => this.#keepSoon());
    this.#name.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') this.#paper.canvas.focus({ preventScroll: true });
    });
    this.#side.addEventListener('input', () => setText(this.#sideText, this.#side.value));
    this.#side.addEventListener('change', () => {
      this.#easel.resizeBoard(Number(this.#side.value));
      this.#paper.fit();
    });
    dialog.addEventListener('close', () => this.#keep());
    window.addEventListener('pagehide', () => this.#keep());
    dialog.addEventListener('keydown', (event) => {
      const isTyping =
        event.target instanceof Element && event.target.matches('input:not([type=range]), select');
      if (event.key !== 'Escape' && !isTyping && !this.#pictures.root.open && this.#toolbar.press(event))
        event.preventDefault();
      // The world's keys are not meant: they would move the view behind the board.
      event.stopPropagation();
    });
    dialog.addEventListener('paste', (event) => {
      const [file] = filesOf(event.clipboardData);
      if (file === undefined) return;
      event.preventDefault();
      void this.#readPicture(file);
    });
    dialog.addEventListener('dragover', (event) => event.preventDefault());
    dialog.addEventListener('drop', (event) => {
      event.preventDefault();
      const [file] = filesOf(event.dataTransfer);
      if (file === undefined) setText(this.#told, 'That is not a picture.');
      else void this.#readPicture(file);
    });
  }

  #boardPanel(): HTMLElement {
    const template = h(
      'select',
      { class: 'draw-select', id: 'draw-template' },
      h('option', { value: '' }, 'None'),
    );
    STARTERS.forEach(({ name }, i) => {
      template.append(h('option', { value: String(i) }, name));
    });
    template.addEventListener('change', () => {
      this.#paper.template = STARTERS[Number(template.value === '' ? -1 : template.value)]?.drawing ?? null;
    });
    return h(
      'section',
      { class: 'draw-panel', 'aria-label': 'Board' },
      h(
        'div',
        { class: 'draw-actions' },
        this.#fileButton('picture', 'Picture…', false),
        this.#fileButton('camera', 'Photo…', true),
        this.#action('across', 'Flip', 'Left to right', () =>
          this.#easel.replace(flipped(this.#easel.drawing, true)),
        ),
        this.#action('trash', 'Clear', 'Clear the board; undo brings it back', () =>
          this.#easel.replace(blankDrawing(this.#easel.drawing.width, this.#easel.drawing.height)),
        ),
      ),
      h(
        'label',
        { class: 'control', for: 'draw-side' },
        h('span', { class: 'control__label' }, 'Cells along a side', this.#sideText),
        this.#side,
      ),
      h(
        'label',
        { class: 'control', for: 'draw-template' },
        h('span', { class: 'control__label' }, 'Template to draw over'),
        template,
      ),
    );
  }

  #action(icon: DrawIcon, label: string, title: string, press: () => void): HTMLButtonElement {
    const element = h('button', { class: 'draw-action', type: 'button', title }, drawIcon(icon, true), label);
    element.addEventListener('click', press);
    return element;
  }

  /** @param takesPhoto - a phone opens its camera, others ask for a file */
  #fileButton(icon: DrawIcon, label: string, takesPhoto: boolean): HTMLElement {
    const input = h('input', {
      type: 'file',
      accept: 'image/*',
      class: 'sr-only',
      ...(takesPhoto ? { capture: 'environment' } : {}),
    });
    input.addEventListener('change', () => {
      const file = input.files?.[0];
      input.value = '';
      if (file !== undefined) void this.#readPicture(file);
    });
    const kind = takesPhoto ? 'draw-action draw-action--photo' : 'draw-action';
    return h('label', { class: kind }, input, drawIcon(icon, true), label);
  }

  async #readPicture(file: File): Promise<void> {
    setText(this.#told, 'Reading the picture…');
    try {
      const picture = await decodePicture(file);
      setText(this.#told, '');
      if (this.#dialog.open && !this.#pictures.root.open) this.#pictures.open(picture);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      setText(this.#told, error.message);
    }
  }

  #openLink(hash: string): void {
    let linked: LinkedDrawing | null;
    try {
      linked = parseDrawLink(hash);
    } catch (error) {
      if (!(error instanceof DrawingError)) throw error;
      setText(this.#told, `The link holds no drawing. ${error.message}`);
      return;
    }
    if (linked === null) return;
    this.#keep();
    const { drawing, name } = linked;
    const margin = Math.max(drawing.width, drawing.height) <= MAX_DRAWING_SIDE - 4 ? 4 : 0;
    const side = Math.max(MIN_BOARD_SIDE, drawing.width + margin, drawing.height + margin);
    const board = onBoard(drawing, side);
    // The same link opened twice is one drawing.
    const packed = packDrawing(board);
    const known = this.#shelf.list().find((kept) => kept.packed === packed);
    if (known !== undefined) this.#show(known.id, known.name, board);
    else this.#show(newId(), name, board);
    setText(
      this.#told,
      known === undefined ? 'A drawing from a link. It is kept here once you change it.' : '',
    );
  }

  #openKept(kept: KeptDrawing): void {
    this.#keep();
    this.#show(kept.id, kept.name, unpackDrawing(kept.packed));
    setText(this.#told, '');
  }

  #begin(drawing: Drawing | null, name: string): void {
    this.#keep();
    const board =
      drawing === null
        ? blankDrawing(FIRST_SIDE)
        : onBoard(drawing, Math.max(FIRST_SIDE, drawing.width, drawing.height));
    this.#show(newId(), name, board);
    setText(this.#told, '');
  }

  #remove(kept: KeptDrawing): void {
    const fault = this.#shelf.remove(kept.id);
    setText(this.#told, fault ?? `Removed ${kept.name === '' ? 'the drawing' : kept.name}.`);
    if (fault === null && kept.id === this.#id) {
      clearTimeout(this.#keepTimer);
      this.#keepTimer = undefined;
      // What is on the board stays there, as a drawing that is not kept until it changes.
      this.#id = newId();
    }
    this.#shelfPanel.refresh(this.#id);
  }

  #show(id: string, name: string, drawing: Drawing): void {
    this.#id = id;
    this.#name.value = name;
    remember(LAST, id);
    this.#easel.open(drawing);
    this.#paper.fit();
    this.#refresh();
  }

  #settled(): void {
    this.#refresh();
    this.#keepSoon();
  }

  #refresh(): void {
    this.#check.refresh();
    this.#colours.refresh();
    const { width, height } = this.#easel.drawing;
    const side = Math.max(width, height);
    this.#side.value = String(side);
    this.#side.style.setProperty(
      '--fill',
      `${((side - MIN_BOARD_SIDE) / (MAX_DRAWING_SIDE - MIN_BOARD_SIDE)) * 100}%`,
    );
    setText(this.#sideText, String(side));
    this.#shelfPanel.refresh(this.#id);
  }

  #keepSoon(): void {
    clearTimeout(this.#keepTimer);
    this.#keepTimer = setTimeout(() => this.#keep(), KEEP_AFTER_MS);
  }

  /** Keeps the drawing in hand if it has changed. */
  #keep(): void {
    if (this.#keepTimer === undefined) return;
    clearTimeout(this.#keepTimer);
    this.#keepTimer = undefined;
    const { drawing } = this.#easel;
    const isKept = this.#shelf.list().some(({ id }) => id === this.#id);
    if (!isKept && contentOf(drawing) === null) return;
    const fault = this.#shelf.keep(this.#id, this.#name.value, drawing, Date.now());
    if (fault !== null) setText(this.#told, fault);
    remember(LAST, this.#id);
    this.#shelfPanel.refresh(this.#id);
  }
}

/** `crypto.randomUUID` is missing on plain HTTP. */
const newId = (): string => `${Date.now().toString(36)}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;

const filesOf = (data: DataTransfer | null): File[] =>
  [...(data?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
