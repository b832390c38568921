/** What the page says: refusals and notices (toasts), the lost connection, how the world is (banners), and the first hint. */
import { loadText } from '../../shared/load.ts';
import type { StatsMessage } from '../../shared/protocol.ts';
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

type State = Pick<StatsMessage, 'trouble' | 'load' | 'isPaused'>;

/**
 * What players should know of how the world is, the most important alone; null: nothing.
 *
 * @param frames - this page gets one of so many
 */
export function stateText({ trouble, load, isPaused }: State, frames: number): string | null {
  if (trouble !== undefined)
    return `The world cannot be saved at the moment: ${trouble}. Strokes are refused until it can.`;
  if (isPaused === true) return 'The world is paused: nothing grows or heals until it runs again.';
  if (load !== undefined) return `${loadText(load)}.`;
  if (frames > 1) return `Many are watching: you get one frame of ${frames} until you move.`;
  return null;
}

export class TroubleBanner {
  readonly #root: HTMLElement;
  #state: State = {};
  #frames = 1;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** @param state - `{}`: nothing is known */
  show({ trouble, load, isPaused }: State): void {
    this.#state = { trouble, load, isPaused };
    this.#tell();
  }

  /** @param frames - this page gets one of so many */
  pace(frames: number): void {
    this.#frames = frames;
    this.#tell();
  }

  #tell(): void {
    const text = stateText(this.#state, this.#frames);
    this.#root.hidden = text === null;
    // Told once per second: the text is set only when it changes, or screen readers would read it every time.
    if (text !== null) setText(this.#root, text);
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
