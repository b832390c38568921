/** The tools: buttons, and a key for each. */
import { h, setText } from '../dom.ts';
import { type DrawIcon, drawIcon } from './drawIcons.ts';
import { type DrawTool, type Easel, MAX_PENCIL_SIZE } from './easel.ts';
import type { Paper } from './paper.ts';

interface ToolLine {
  readonly tool: DrawTool;
  readonly key: string;
  readonly label: string;
  readonly hint: string;
}

const TOOLS: readonly ToolLine[] = [
  { tool: 'pencil', key: 'b', label: 'Pencil', hint: 'Draw' },
  { tool: 'eraser', key: 'e', label: 'Eraser', hint: 'Make cells clear; the right button does, too' },
  { tool: 'fill', key: 'f', label: 'Fill', hint: 'Fill an area of one colour' },
  { tool: 'line', key: 'l', label: 'Line', hint: 'Drag a straight line' },
  { tool: 'move', key: 'v', label: 'Move', hint: 'Drag the whole drawing' },
  { tool: 'picker', key: 'i', label: 'Pick', hint: 'Take a colour of the drawing; Alt and a click do, too' },
];

export class Toolbar {
  readonly root = h('div', { class: 'draw-tools', role: 'toolbar', 'aria-label': 'Drawing tools' });
  readonly #easel: Easel;
  readonly #paper: Paper;
  readonly #tools = new Map<DrawTool, HTMLButtonElement>();
  readonly #across: HTMLButtonElement;
  readonly #down: HTMLButtonElement;
  readonly #undo: HTMLButtonElement;
  readonly #redo: HTMLButtonElement;
  readonly #size = h('input', {
    class: 'slider',
    type: 'range',
    min: '1',
    max: String(MAX_PENCIL_SIZE),
    step: '1',
    'aria-label': 'Width of the pencil',
    title: 'Width ([ and ])',
  });
  readonly #sizeText = h('output', { class: 'control__value' });

  constructor(easel: Easel, paper: Paper) {
    this.#easel = easel;
    this.#paper = paper;
    for (const { tool, key, label, hint } of TOOLS) {
      const tried = toolButton(tool, label, `${hint} (${key.toUpperCase()})`, () => easel.choose(tool));
      tried.dataset.draw = tool;
      tried.setAttribute('aria-keyshortcuts', key);
      this.#tools.set(tool, tried);
    }
    this.#across = toolButton('across', 'Mirror', 'What you draw on one side is drawn on the other (M)', () =>
      this.#toggleAcross(),
    );
    this.#down = toolButton('down', 'Mirror ↕', 'What you draw above is drawn below', () =>
      easel.mirror({ ...easel.symmetry, down: !easel.symmetry.down }),
    );
    this.#undo = toolButton('undo', 'Undo', 'Undo (Ctrl+Z)', () => easel.undo());
    this.#redo = toolButton('redo', 'Redo', 'Redo (Ctrl+Shift+Z)', () => easel.redo());
    const fit = toolButton('fit', 'Whole', 'See the whole board (0)', () => paper.fit());
    this.#size.addEventListener('input', () => easel.resizeBrush(Number(this.#size.value)));
    this.root.append(
      ...this.#tools.values(),
      this.#across,
      this.#down,
      this.#undo,
      this.#redo,
      fit,
      h(
        'label',
        { class: 'draw-size' },
        h('span', { class: 'control__label' }, 'Width', this.#sizeText),
        this.#size,
      ),
    );
    easel.changed.on(() => this.#show());
    this.#show();
  }

  /** @returns whether the key was one of the board's */
  press(event: KeyboardEvent): boolean {
    const easel = this.#easel;
    if (event.ctrlKey || event.metaKey) {
      const key = event.key.toLowerCase();
      if (key === 'z' && event.shiftKey) easel.redo();
      else if (key === 'z') easel.undo();
      else if (key === 'y') easel.redo();
      else return false;
      return true;
    }
    if (event.altKey) return false;
    const line = TOOLS.find(({ key }) => key === event.key.toLowerCase());
    if (line !== undefined) easel.choose(line.tool);
    else if (event.key.toLowerCase() === 'm') this.#toggleAcross();
    else if (event.key === '[') easel.resizeBrush(easel.size - 1);
    else if (event.key === ']') easel.resizeBrush(easel.size + 1);
    else if (event.key === '+' || event.key === '=') this.#paper.zoomBy(1.25);
    else if (event.key === '-') this.#paper.zoomBy(1 / 1.25);
    else if (event.key === '0') this.#paper.fit();
    else return false;
    return true;
  }

  #toggleAcross(): void {
    const { symmetry } = this.#easel;
    this.#easel.mirror({ ...symmetry, across: !symmetry.across });
  }

  #show(): void {
    const { tool, symmetry, size, canUndo, canRedo } = this.#easel;
    for (const [name, tried] of this.#tools) tried.setAttribute('aria-pressed', String(name === tool));
    this.#across.setAttribute('aria-pressed', String(symmetry.across));
    this.#down.setAttribute('aria-pressed', String(symmetry.down));
    // A button that is disabled loses the focus, and with it the keyboard's place.
    this.#undo.setAttribute('aria-disabled', String(!canUndo));
    this.#redo.setAttribute('aria-disabled', String(!canRedo));
    this.#size.value = String(size);
    this.#size.style.setProperty('--fill', `${((size - 1) / (MAX_PENCIL_SIZE - 1)) * 100}%`);
    setText(this.#sizeText, String(size));
  }
}

function toolButton(icon: DrawIcon, label: string, title: string, press: () => void): HTMLButtonElement {
  const element = h(
    'button',
    { class: 'draw-tool', type: 'button', title },
    drawIcon(icon),
    h('span', { class: 'draw-tool__label' }, label),
  );
  element.addEventListener('click', press);
  return element;
}
