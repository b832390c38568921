/**
 * The way to the drawing board, which is loaded when it is opened first: by a button, by a link that carries a drawing, or
 * by a picture that is dropped on the page. The browser's back button leads from the board to the world.
 */
import type { SubmittedMessage } from '../../shared/drawing/submission.ts';
import type { Board, BoardParts } from './board.ts';

const LINK = /^#draw=/;

export interface DoorHands {
  /** The board covers the world from now on, or no longer. */
  cover(isCovered: boolean): void;
  /** Told why the board does not open, for the player to read. */
  failed(reason: string): void;
}

export class Door {
  readonly #parts: BoardParts;
  readonly #hands: DoorHands;
  #board: Promise<Board | null> | null = null;
  /** The board has an entry of its own in the browser's history. */
  #hasEntry = false;
  /** Settles when the browser has gone back from that entry, which it does some time after it was asked to. */
  #gone: Promise<void> = Promise.resolve();

  constructor(parts: BoardParts, hands: DoorHands) {
    this.#parts = parts;
    this.#hands = hands;
    window.addEventListener('hashchange', () => this.followLink());
    // Without these two, a browser leaves the world for the picture.
    window.addEventListener('dragover', (event) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    });
    window.addEventListener('drop', (event) => {
      const file = event.dataTransfer?.files[0];
      if (file === undefined) return;
      event.preventDefault();
      void this.open('', file);
    });
    window.addEventListener('popstate', () => {
      this.#hasEntry = false;
      void this.#board?.then((board) => board?.close());
    });
  }

  /** Opens the drawing that the address carries, if it does. */
  followLink(): void {
    if (!LINK.test(location.hash)) return;
    const { hash } = location;
    // The address is the camera's again; going back must not open the link a second time.
    history.replaceState(null, '', location.pathname + location.search);
    void this.open(hash);
  }

  /**
   * @param hash - of a link that carries a drawing
   * @param picture - for the board
   */
  async open(hash = '', picture?: File): Promise<void> {
    this.#board ??= this.#load();
    const board = await this.#board;
    // A board that opens before the browser has gone back would be closed by it.
    await this.#gone;
    if (board === null) {
      // A deployment has replaced the file, or there is no network: the next try may go better.
      this.#board = null;
      this.#hands.failed('The drawing board could not be loaded. Reload the page.');
      return;
    }
    if (!board.isOpen || hash !== '') board.open(hash);
    this.#hands.cover(true);
    if (picture !== undefined) board.take(picture);
    if (this.#hasEntry) return;
    history.pushState(null, '', location.href);
    this.#hasEntry = true;
  }

  /** There is a world, or another one: it may have a nursery. */
  meet(): void {
    void this.#board?.then((board) => board?.meet());
  }

  /** The world has answered a submission. */
  settle(answer: SubmittedMessage): void {
    void this.#board?.then((board) => board?.settle(answer));
  }

  async #load(): Promise<Board | null> {
    const module = await import('./board.ts').catch(() => null);
    if (module === null) return null;
    const board = new module.Board(this.#parts);
    board.onClose(() => {
      // Told some time after the board has closed: it may be open again.
      if (board.isOpen) return;
      this.#hands.cover(false);
      if (!this.#hasEntry) return;
      this.#hasEntry = false;
      this.#gone = new Promise((resolve) =>
        window.addEventListener('popstate', () => resolve(), { once: true }),
      );
      history.back();
    });
    return board;
  }
}
