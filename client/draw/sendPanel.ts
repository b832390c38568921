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

  settle(answer: SubmittedMessage): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#button.removeAttribute('aria-disabled');
    setText(this.#said, answerText(answer, this.#nursery.mode));
  }

  #send(): void {
    if (this.#timer !== undefined) return;
    const inHand = this.#inHand();
    const fault = sendFault(inHand, this.#isFree.checked);
    if (fault !== null) {
      setText(this.#said, fault);
      return;
    }
    const { drawing, name } = inHand;
    const message = { name: cleanCreatureName(name), drawing: packDrawing(drawing), isFree: true } as const;
    if (!this.#nursery.submit(message)) {
      setText(this.#said, 'There is no connection to the world at the moment. Try again soon.');
      return;
    }
    // A button that is disabled loses the focus, and with it the keyboard's place.
    this.#button.setAttribute('aria-disabled', 'true');
    setText(this.#said, 'Sending…');
    this.#timer = setTimeout(
      () => this.settle({ reason: 'The world has not answered. Try again soon.' }),
      ANSWER_MS,
    );
  }
}

/** @returns why it cannot be sent, for the one who draws to read; null: it can */
export function sendFault(
  { name, canGrow }: Pick<InHand, 'name' | 'canGrow'>,
  isFree: boolean,
): string | null {
  if (!canGrow) return 'It cannot grow yet: see what the check says.';
  return creatureNameFault(name) ?? (isFree ? null : 'Say that it is your own, or free for all to use.');
}

/** What has become of a submission, for the one who draws to read. */
export function answerText({ reason, before, waitSeconds }: SubmittedMessage, mode: NurseryMode): string {
  if (reason !== null) return reason;
  const place = before === undefined ? '' : before === 0 ? ' It is next.' : ` ${before} before it.`;
  const minutes = Math.max(1, Math.round((waitSeconds ?? 0) / 60));
  const wait = waitSeconds === undefined ? '' : ` About ${minutes} min until it is planted.`;
  return `It waits to be learned.${place}${wait}${mode === 'approve' ? ' A moderator looks at it first.' : ''}`;
}
