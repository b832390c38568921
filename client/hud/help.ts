/** The help dialog: what Regrow is, and every key and gesture. */
import type { HelloMessage } from '../../shared/protocol.ts';
import { h } from '../dom.ts';
import { formatCount } from '../format.ts';
import { TOOL_LIST } from '../hands/tools.ts';
import { dialogBody } from './reportDialog.ts';

type Row = readonly [keys: readonly string[], what: string];

const LOOK: readonly Row[] = [
  [['W', 'A', 'S', 'D'], 'or the arrow keys: move'],
  [['+', '−'], 'or the wheel, or a pinch: zoom'],
  [['Space'], 'held down, or the right button: drag the view with any tool'],
  [['0'], 'back to the start'],
];

const REST: readonly Row[] = [
  [['[', ']'], 'brush size'],
  [['Enter'], 'use the tool at the pointer'],
  [['?'], 'this help'],
  [['Esc'], 'close'],
];

export class Help {
  readonly #dialog: HTMLDialogElement;
  readonly #world = h('p', { class: 'dialog__foot' });

  constructor(dialog: HTMLDialogElement) {
    this.#dialog = dialog;
    const tools: Row[] = TOOL_LIST.map(({ key, label, hint }) => [[key], `${label}. ${hint}`]);
    dialog.append(
      dialogBody(
        dialog,
        h('h2', { class: 'dialog__title', id: 'help-title' }, 'Regrow'),
        h(
          'p',
          { class: 'dialog__lead' },
          'Every Pokémon here is a body of cells. Each cell sees only its neighbours and runs the same small ' +
            'neural network; no cell knows the whole body. Cut one, and its cells rebuild it. ' +
            'Everyone here is in the same world.',
        ),
        h(
          'div',
          { class: 'dialog__columns' },
          section('Tools', tools, '1.75rem'),
          h(
            'div',
            { class: 'dialog__stack' },
            section('Look around', LOOK, '7rem'),
            section('More', REST, '7rem'),
          ),
        ),
        h(
          'p',
          { class: 'dialog__foot' },
          'On a touch screen one finger uses the tool; two fingers move and zoom. Rest the pointer on a Pokémon, ' +
            'or tap it, to watch its health. Draw opens a board for a creature of your own.',
        ),
        this.#world,
      ),
    );
  }

  describe(hello: HelloMessage): void {
    this.#world.textContent =
      `This world: ${formatCount(hello.width)} × ${formatCount(hello.height)} cells, ` +
      `${hello.stepsPerSecond} steps and ${hello.framesPerSecond} frames per second, engine ${hello.engine}.`;
  }

  toggle(): void {
    if (this.#dialog.open) this.#dialog.close();
    else this.#dialog.showModal();
  }
}

/** @param keysWidth - CSS width of the column of keys; equal ones make lists line up */
function section(title: string, rows: readonly Row[], keysWidth: string): HTMLElement {
  const list = h('dl', { class: 'keys' });
  list.style.setProperty('--keys-width', keysWidth);
  for (const [keys, what] of rows)
    list.append(h('dt', {}, ...keys.map((key) => h('kbd', {}, key))), h('dd', {}, what));
  return h('section', {}, h('h3', { class: 'dialog__section' }, title), list);
}
