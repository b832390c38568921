/** What the page says: refusals and notices (toasts), the lost connection, disk trouble and load (banners), and the first hint. */
import { loadText } from '../../shared/load.ts';
import type { Load } from '../../shared/protocol.ts';
import { h, setText } from '../dom.ts';
import type { Loss } from '../net/reconnect.ts';
import { recall, remember } from '../remember.ts';

const TOAST_MS = 2_600;
const NOTICE_MS = 6_000;
/** A refusal that is repeated within this time is not shown again. */
const REPEAT_MS = 1_200;

export class Toasts {
  readonly #root: HTMLElement;
  #lastText = '';
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  show(text: string): void {
    const now = performance.now();
    if (text === this.#lastText && now - this.#lastAt < REPEAT_MS) {
      this.#lastAt = now;
      return;
    }
    this.#lastText = text;
    this.#lastAt = now;
    this.#put(h('p', { class: 'toast' }, text), TOAST_MS);
  }

  /** Shows a notice, for longer than a refusal. */
  tell(text: string): void {
    this.#put(h('p', { class: 'toast toast--news' }, text), NOTICE_MS);
  }

  #put(toast: HTMLElement, ms: number): void {
    this.#root.replaceChildren(toast);
    setTimeout(() => toast.remove(), ms);
  }
}

export class Banner {
  readonly #root: HTMLElement;
  readonly #text = h('div', { class: 'banner__text' });
  /** The countdown is hidden from screen readers, which would read it every second. */
  readonly #detail = h('div', { class: 'banner__detail', 'aria-hidden': 'true' });
  readonly #button = h('button', { class: 'button', type: 'button' });
  #tick: ReturnType<typeof setInterval> | undefined;

  constructor(root: HTMLElement, retry: () => void) {
    this.#root = root;
    this.#root.append(h('div', {}, this.#text, this.#detail), this.#button);
    this.#button.addEventListener('click', () => {
      if (this.#button.dataset.reload !== undefined) location.reload();
      else retry();
    });
  }

  show(loss: Loss | null): void {
    clearInterval(this.#tick);
    this.#root.hidden = loss === null;
    if (loss === null) return;
    setText(this.#text, loss.text);
    const isFinal = !Number.isFinite(loss.retryMs);
    this.#button.toggleAttribute('data-reload', isFinal);
    setText(this.#button, isFinal ? 'Reload' : 'Try now');
    const until = performance.now() + loss.retryMs;
    const count = (): void => {
      const seconds = Math.ceil((until - performance.now()) / 1_000);
      setText(this.#detail, isFinal ? '' : seconds > 0 ? `Trying again in ${seconds} s` : 'Connecting…');
    };
    count();
    if (!isFinal) this.#tick = setInterval(count, 250);
  }
}

/** Why the world cannot be saved at the moment, that its steps have fallen behind, or that this page gets fewer frames. */
export class TroubleBanner {
  readonly #root: HTMLElement;
  #trouble: string | undefined;
  #load: Load | undefined;
  #frames = 1;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /**
   * @param trouble - why the world cannot be saved; undefined: it can
   * @param load - undefined: the world keeps up
   */
  show(trouble: string | undefined, load: Load | undefined): void {
    this.#trouble = trouble;
    this.#load = load;
    this.#tell();
  }

  /** @param frames - this page gets one of so many */
  pace(frames: number): void {
    this.#frames = frames;
    this.#tell();
  }

  #tell(): void {
    const text = this.#text();
    this.#root.hidden = text === null;
    // Told once per second: the text is set only when it changes, or screen readers would read it every time.
    if (text !== null) setText(this.#root, text);
  }

  #text(): string | null {
    if (this.#trouble !== undefined)
      return `The world cannot be saved at the moment: ${this.#trouble}. Strokes are refused until it can.`;
    if (this.#load !== undefined) return `${loadText(this.#load)}.`;
    if (this.#frames > 1) return `Many are watching: you get one frame of ${this.#frames} until you move.`;
    return null;
  }
}

/** The hint is shown until the first stroke is applied, and never again in this browser. */
export class Hint {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Replaces the text that index.html has while the world is loading. */
  greet(): void {
    this.#root.hidden = recall('hinted') !== null;
    setText(this.#root, 'Drag across a creature: it grows back');
  }

  done(): void {
    this.hide();
    remember('hinted', '1');
  }

  hide(): void {
    this.#root.hidden = true;
  }
}
