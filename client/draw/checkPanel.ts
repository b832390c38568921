/** What of the drawing cannot grow, said while one draws, with what the board can do about it. */
import { isLiving } from '../../shared/drawing/drawing.ts';
import { type GrowthFault, growthFaults } from '../../shared/drawing/growth.ts';
import { h, setText } from '../dom.ts';
import { drawIcon } from './drawIcons.ts';
import type { Easel } from './easel.ts';
import { fixOf } from './fixes.ts';
import type { Paper } from './paper.ts';

export class CheckPanel {
  readonly root = h('section', { class: 'draw-panel check', 'aria-label': 'What can grow' });
  readonly #lines = h('div', { class: 'check__lines' });
  /** For screen readers: told when the faults change, not with every cell. */
  readonly #told = h('p', { class: 'sr-only', role: 'status', 'aria-live': 'polite' });
  readonly #easel: Easel;
  readonly #paper: Paper;
  #faults: readonly GrowthFault[] = [];

  constructor(easel: Easel, paper: Paper) {
    this.#easel = easel;
    this.#paper = paper;
    this.root.append(this.#lines, this.#told);
  }

  /** Nothing stops it from growing. */
  get canGrow(): boolean {
    return !this.#faults.some(({ stops }) => stops);
  }

  /** Looks at the drawing again. */
  refresh(): void {
    const { drawing } = this.#easel;
    this.#faults = growthFaults(drawing);
    this.#mark();
    const kinds = this.#faults.map(({ kind }) => kind).join();
    if (this.#told.dataset.kinds !== kinds) {
      this.#told.dataset.kinds = kinds;
      setText(this.#told, this.#faults.map(({ text }) => text).join(' ') || 'It can grow.');
    }
    this.#lines.replaceChildren(
      ...(this.#faults.length === 0 ? [this.#good()] : this.#faults.map((fault) => this.#line(fault))),
    );
  }

  /** Marks what stops it, or what one fault is about. An outline that is not filled yet is thin, and no mistake. */
  #mark(fault?: GrowthFault): void {
    const shown = fault === undefined ? this.#faults.filter(({ stops }) => stops) : [fault];
    this.#paper.marks = shown.flatMap(({ cells }) => cells);
  }

  #good(): HTMLElement {
    const { drawing } = this.#easel;
    let cells = 0;
    for (let cell = 0; cell < drawing.width * drawing.height; cell++) if (isLiving(drawing, cell)) cells++;
    return h(
      'p',
      { class: 'check__line check__line--good' },
      drawIcon('good', true),
      `It can grow: ${cells} cells.`,
    );
  }

  #line(fault: GrowthFault): HTMLElement {
    const line = h(
      'p',
      { class: `check__line check__line--${weightOf(fault)}`, 'data-fault': fault.kind },
      drawIcon(fault.kind === 'empty' ? 'pencil' : 'bad', true),
      h('span', { class: 'check__text' }, fault.text),
    );
    const fix = fixOf(fault);
    if (fix !== null) {
      const button = h('button', { class: 'check__fix', type: 'button' }, fix.label);
      button.addEventListener('click', () => {
        this.#easel.replace(fix.apply(this.#easel.drawing));
        this.#paper.canvas.focus({ preventScroll: true });
      });
      for (const event of ['pointerenter', 'focus']) button.addEventListener(event, () => this.#mark(fault));
      for (const event of ['pointerleave', 'blur']) button.addEventListener(event, () => this.#mark());
      line.append(button);
    }
    return line;
  }
}

/** An empty board is a beginning, not a mistake. */
const weightOf = ({ kind, stops }: GrowthFault): string =>
  kind === 'empty' ? 'hint' : stops ? 'bad' : 'weak';
