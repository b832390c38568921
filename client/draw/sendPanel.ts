/** "Let it grow": a name, a word about whose it is, and the drawing goes to the world's nursery, if it has one. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import {
  cleanCreatureName,
  creatureNameFault,
  type NurseryMode,
  type SubmitMessage,
  type SubmittedMessage,
} from '../../shared/drawing/submission.ts';
import { h, setText } from '../dom.ts';
import { drawIcon } from './drawIcons.ts';

/** The world's nursery, as a page reaches it. */
export interface Nursery {
  /** Now; it may change with a new connection. */
  readonly mode: NurseryMode;
  /** @returns false when there is no connection */
  submit(message: SubmitMessage): boolean;
}

interface InHand {
  readonly drawing: Drawing;
  readonly name: string;
  /** Nothing stops it from growing. */
  readonly canGrow: boolean;
}

/** An answer that takes longer is not coming. */
const ANSWER_MS = 15_000;

export class SendPanel {
  readonly root = h('form', { class: 'draw-panel send', 'aria-label': 'Let it grow' });
  readonly #nursery: Nursery;
  readonly #inHand: () => InHand;
  readonly #isFree = h('input', { type: 'checkbox', class: 'draw-check' });
  readonly #button = h(
    'button',
    { class: 'button send__button', type: 'submit' },
    drawIcon('sprout', true),
    'Let it grow',
  );
  readonly #said = h('p', { class: 'send__said', role: 'status', 'aria-live': 'polite' });
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param inHand - gives what is on the board */
  constructor(nursery: Nursery, inHand: () => InHand) {
    this.#nursery = nursery;
    this.#inHand = inHand;
    this.root.append(
      h('label', { class: 'send__free' }, this.#isFree, 'It is my own, or free for all to use.'),
      this.#button,
      this.#said,
    );
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  /** Shows the form where the world has a nursery. */
  refresh(): void {
    this.root.hidden = this.#nursery.mode === 'off';
  }

  settle({ reason, before, waitSeconds }: SubmittedMessage): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#button.disabled = false;
    if (reason !== null) {
      setText(this.#said, reason);
      return;
    }
    const place = before === undefined || before === 0 ? 'It is next.' : `${before} before it.`;
    const wait =
      waitSeconds === undefined
        ? ''
        : ` About ${Math.max(1, Math.round(waitSeconds / 60))} min until it is planted.`;
    const judged = this.#nursery.mode === 'approve' ? ' A moderator looks at it first.' : '';
    setText(this.#said, `It waits to be learned. ${place}${wait}${judged}`);
  }

  #send(): void {
    if (this.#timer !== undefined) return;
    const { drawing, name, canGrow } = this.#inHand();
    const fault =
      creatureNameFault(name) ??
      (canGrow ? null : 'It cannot grow yet: see what the check says.') ??
      (this.#isFree.checked ? null : 'Say that it is your own, or free for all to use.');
    if (fault !== null) {
      setText(this.#said, fault);
      return;
    }
    const message = { name: cleanCreatureName(name), drawing: packDrawing(drawing), isFree: true } as const;
    if (!this.#nursery.submit(message)) {
      setText(this.#said, 'There is no connection to the world at the moment. Try again soon.');
      return;
    }
    this.#button.disabled = true;
    setText(this.#said, 'Sending…');
    this.#timer = setTimeout(
      () => this.settle({ reason: 'The world has not answered. Try again soon.' }),
      ANSWER_MS,
    );
  }
}
