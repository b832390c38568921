/**
 * The foot of the card, for who planted the organism: removes it. Two presses at two places, the second of them not at
 * once, so that no slip and no double click removes a body.
 */
import { h } from '../dom.ts';

/** The second button does nothing for so long after it has appeared. */
const ARMED_MS = 500;
/** Without an answer the question is withdrawn. */
const ASKED_MS = 8_000;

export class Removal {
  readonly root = h('div', { class: 'removal' });
  readonly #ask = h('button', { class: 'removal__ask', type: 'button' }, 'Remove');
  readonly #question = h(
    'p',
    { class: 'removal__question', role: 'status' },
    'It dissolves and does not come back.',
  );
  readonly #keep = h('button', { class: 'removal__ask', type: 'button' }, 'Keep it');
  readonly #sure = h('button', { class: 'removal__sure', type: 'button' }, 'Remove');
  /** The organism that would be removed. */
  #organism: number | null = null;
  #askedAt = 0;
  #withdraw: ReturnType<typeof setTimeout> | undefined;

  /** @param remove - called with the organism, once */
  constructor(remove: (organism: number) => void) {
    this.root.append(this.#question, this.#sure, this.#keep, this.#ask);
    this.#ask.addEventListener('click', () => this.#open());
    this.#keep.addEventListener('click', () => this.#close(true));
    this.#sure.addEventListener('click', () => {
      const organism = this.#organism;
      if (organism === null || performance.now() - this.#askedAt < ARMED_MS) return;
      this.hide();
      remove(organism);
    });
    this.hide();
  }

  /** Offers to remove this organism. A question about another one is withdrawn. */
  show(organism: number): void {
    if (this.#organism === organism) return;
    this.#organism = organism;
    this.root.hidden = false;
    this.#close(false);
  }

  hide(): void {
    this.#organism = null;
    this.root.hidden = true;
    this.#close(false);
  }

  #open(): void {
    this.#askedAt = performance.now();
    this.#set(true);
    // The place of the first press is now the way back.
    this.#keep.focus({ preventScroll: true });
    this.#withdraw = setTimeout(() => this.#close(false), ASKED_MS);
  }

  #close(takesFocus: boolean): void {
    clearTimeout(this.#withdraw);
    this.#set(false);
    if (takesFocus) this.#ask.focus({ preventScroll: true });
  }

  #set(isAsking: boolean): void {
    this.#ask.hidden = isAsking;
    for (const part of [this.#question, this.#keep, this.#sure]) part.hidden = !isAsking;
  }
}
