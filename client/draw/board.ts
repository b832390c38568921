/** The drawing board: a dialog over the whole page. Loaded when it is opened first. */
import './draw.css';
import './panels.css';
import './pictures.css';
import { blankDrawing, MAX_DRAWING_SIDE, MIN_BOARD_SIDE } from '../../shared/drawing/drawing.ts';
import { formatDrawLink } from '../../shared/drawing/link.ts';
import type { SubmittedMessage } from '../../shared/drawing/submission.ts';
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';
import { STARTERS } from '../../shared/starters/starters.ts';
import { h, setText } from '../dom.ts';
import { recall, remember } from '../remember.ts';
import type { Theme } from '../style/theme.ts';
import { CheckPanel } from './checkPanel.ts';
import { ColourPanel } from './colourPanel.ts';
import { decodePicture, PictureError } from './decodePicture.ts';
import { Desk } from './desk.ts';
import { type DrawIcon, drawIcon } from './drawIcons.ts';
import { Easel } from './easel.ts';
import { Paper } from './paper.ts';
import { PictureDialog } from './pictureDialog.ts';
import { colourAt, flipped } from './raster.ts';
import { type Nursery, SendPanel } from './sendPanel.ts';
import { ShareMenu } from './shareMenu.ts';
import { Shelf } from './shelf.ts';
import { ShelfPanel } from './shelfPanel.ts';
import { Strokes } from './strokes.ts';
import { Toolbar } from './toolbar.ts';

const DRAWINGS = 'drawings';
const LAST = 'drawing';

export interface BoardParts {
  readonly theme: Theme;
  readonly nursery: Nursery;
}

export class Board {
  readonly #dialog = h('dialog', {
    class: 'whole-page draw',
    tabindex: '-1',
    'aria-labelledby': 'draw-title',
  });
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
  readonly #desk = new Desk(this.#easel, this.#shelf, {
    recall: () => recall(LAST),
    remember: (id) => remember(LAST, id),
  });

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
    const desk = this.#desk;
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
      open: (kept) => desk.open(kept),
      begin: (drawing, name) => desk.begin(drawing, name),
      remove: (kept) => desk.remove(kept),
    });
    this.#send = new SendPanel(nursery, () => ({
      drawing: easel.drawing,
      name: desk.name,
      canGrow: this.#check.canGrow,
    }));
    this.#pictures = new PictureDialog((drawing) => {
      easel.replace(drawing);
      this.#paper.fit();
    });
    const share = new ShareMenu({
      link: () => formatDrawLink(easel.drawing, desk.name),
      drawing: () => easel.drawing,
      name: () => desk.name,
      tell: (text) => this.#tell(text),
    });
    this.#dialog.append(
      h(
        'div',
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
    desk.resume();
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  /** A picture for the board, to be cropped and fitted first. */
  take(picture: File): void {
    void this.#readPicture(picture);
  }

  /** @param hash - of the address: a drawing in it is opened as one of one's own */
  open(hash = ''): void {
    this.#send.refresh();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#desk.catchUp();
    this.#desk.openLink(hash);
    this.#shelfPanel.refresh(this.#desk.id);
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

  /** There is a world, which may have a nursery. */
  meet(): void {
    this.#send.refresh();
  }

  settle(answer: SubmittedMessage): void {
    this.#send.settle(answer);
  }

  #listen(): void {
    const dialog = this.#dialog;
    const desk = this.#desk;
    this.#easel.settled.on(() => this.#refresh());
    desk.shown.on(() => {
      this.#name.value = desk.name;
      this.#paper.fit();
      this.#refresh();
    });
    desk.shelved.on(() => this.#shelfPanel.refresh(desk.id));
    desk.told.on(({ text, label, press }) => this.#tell(text, label, press));
    this.#name.addEventListener('input', () => desk.rename(this.#name.value));
    this.#name.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') this.#paper.canvas.focus({ preventScroll: true });
    });
    this.#side.addEventListener('input', () => setText(this.#sideText, this.#side.value));
    this.#side.addEventListener('change', () => {
      this.#easel.resizeBoard(Number(this.#side.value));
      this.#paper.fit();
    });
    dialog.addEventListener('close', () => desk.keep());
    window.addEventListener('pagehide', () => desk.keep());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && dialog.open) desk.catchUp();
    });
    dialog.addEventListener('keydown', (event) => {
      const isTyping =
        event.target instanceof Element && event.target.matches('input:not([type=range]), select');
      if (event.key !== 'Escape' && !isTyping && !this.#pictures.root.open && this.#toolbar.press(event))
        event.preventDefault();
      // The world's keys are not meant: they would move the view behind the board.
      event.stopPropagation();
    });
    dialog.addEventListener('paste', (event) => {
      const [file] = [...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith('image/'));
      if (file === undefined) return;
      event.preventDefault();
      void this.#readPicture(file);
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
    this.#tell('Reading the picture…');
    try {
      const picture = await decodePicture(file);
      this.#tell('');
      if (this.#dialog.open && !this.#pictures.root.open) this.#pictures.open(picture);
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      this.#tell(error.message);
    }
  }

  /** A line under the check, with something to do about it. */
  #tell(text: string, label = '', press?: () => void): void {
    this.#told.replaceChildren(text);
    if (press === undefined) return;
    const button = h('button', { class: 'draw-told__back', type: 'button' }, label);
    button.addEventListener('click', press);
    this.#told.append(button);
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
  }
}
