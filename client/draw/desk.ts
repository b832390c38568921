/** Which drawing is in hand, and how it gets to the shelf and back. Knows no page. */
import {
  blankDrawing,
  contentOf,
  type Drawing,
  DrawingError,
  MAX_DRAWING_SIDE,
  MIN_BOARD_SIDE,
} from '../../shared/drawing/drawing.ts';
import { formatDrawLink, type LinkedDrawing, parseDrawLink } from '../../shared/drawing/link.ts';
import { packDrawing, unpackDrawing } from '../../shared/drawing/packed.ts';
import { Signal } from '../events.ts';
import { type Easel, FIRST_SIDE } from './easel.ts';
import { onBoard } from './raster.ts';
import type { KeptDrawing, Shelf } from './shelf.ts';

/** A change is kept this long after it is finished, so that strokes in a row are kept once. */
export const KEEP_AFTER_MS = 400;
/** Clear cells around a drawing from a link, where they fit. */
const MARGIN = 2;

/** A line for the one who draws, perhaps with something to do about it. */
export interface Told {
  readonly text: string;
  readonly label?: string;
  readonly press?: () => void;
}

/** Where the last drawing is remembered: its id on the shelf, or the link that it came from and was not changed since. */
export interface LastDrawing {
  recall(): string | null;
  remember(drawing: string): void;
}

export class Desk {
  /** Another drawing is in hand. */
  readonly shown = new Signal<[]>();
  /** The shelf, or what of it is in hand, has changed. */
  readonly shelved = new Signal<[]>();
  readonly told = new Signal<[Told]>();
  readonly #easel: Easel;
  readonly #shelf: Shelf;
  readonly #last: LastDrawing;
  #id = newId();
  #name = '';
  /** `changed` of the drawing in hand as this window found or kept it; null: it is not on the shelf. */
  #keptAt: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(easel: Easel, shelf: Shelf, last: LastDrawing) {
    this.#easel = easel;
    this.#shelf = shelf;
    this.#last = last;
    easel.settled.on(() => this.#keepSoon());
  }

  /** Names the drawing in hand on the shelf. */
  get id(): string {
    return this.#id;
  }

  get name(): string {
    return this.#name;
  }

  rename(name: string): void {
    this.#name = name;
    this.#keepSoon();
  }

  /** Takes up the last drawing, or an empty board. */
  resume(): void {
    const last = this.#last.recall();
    const kept = this.#shelf.list().find(({ id }) => id === last);
    if (kept !== undefined) this.#showKept(kept);
    else this.#show(newId(), '', blankDrawing(FIRST_SIDE));
    this.openLink(last ?? '');
  }

  /** Takes up what another window has made of the drawing in hand, unless there are changes of this one to keep. */
  catchUp(): void {
    if (this.#timer !== undefined || this.#easel.isDown) return;
    const kept = this.#onShelf();
    if (kept !== undefined && kept.changed !== this.#keptAt) this.#showKept(kept);
  }

  open(kept: KeptDrawing): void {
    this.keep();
    this.#showKept(kept);
  }

  /** @param drawing - copied to a board; null: an empty board */
  begin(drawing: Drawing | null, name: string): void {
    this.keep();
    const side = Math.max(FIRST_SIDE, drawing?.width ?? 0, drawing?.height ?? 0);
    this.#show(newId(), name, drawing === null ? blankDrawing(side) : onBoard(drawing, side));
  }

  /** Opens the drawing that an address carries, if it does. The same link opened twice is one drawing. */
  openLink(hash: string): void {
    let linked: LinkedDrawing | null;
    try {
      linked = parseDrawLink(hash);
    } catch (error) {
      if (!(error instanceof DrawingError)) throw error;
      this.told.emit({ text: `The link holds no drawing. ${error.message}` });
      return;
    }
    if (linked === null) return;
    this.keep();
    const { drawing, name } = linked;
    const longest = Math.max(drawing.width, drawing.height);
    const board = onBoard(
      drawing,
      Math.max(MIN_BOARD_SIDE, Math.min(MAX_DRAWING_SIDE, longest + 2 * MARGIN)),
    );
    const packed = packDrawing(board);
    const known = this.#shelf.list().find((kept) => kept.packed === packed);
    if (known !== undefined) {
      this.#showKept(known);
      return;
    }
    this.#show(newId(), name, board);
    this.#last.remember(formatDrawLink(drawing, name));
    this.told.emit({ text: 'A drawing from a link. It is kept here once you change it.' });
  }

  remove(kept: KeptDrawing): void {
    const fault = this.#shelf.remove(kept.id);
    if (fault !== null) {
      this.told.emit({ text: fault });
      return;
    }
    if (kept.id === this.#id) {
      this.#stopTimer();
      // What is on the board stays there, as a drawing that is not kept until it changes.
      this.#id = newId();
      this.#keptAt = null;
    }
    this.shelved.emit();
    this.told.emit({
      text: `Removed ${kept.name === '' ? 'the drawing' : kept.name}.`,
      label: 'Bring it back',
      press: () => {
        const { id, name, packed, changed } = kept;
        this.told.emit({ text: this.#shelf.keep(id, name, unpackDrawing(packed), changed) ?? '' });
        this.shelved.emit();
      },
    });
  }

  /** Keeps the drawing in hand now, if it has changed. An empty board that was never kept is not. */
  keep(): void {
    this.#easel.release();
    if (this.#timer === undefined) return;
    this.#stopTimer();
    const { drawing } = this.#easel;
    const kept = this.#onShelf();
    if (kept === undefined && contentOf(drawing) === null) return;
    const isOfTwo = kept !== undefined && kept.changed !== this.#keptAt;
    if (isOfTwo) this.#id = newId();
    const now = Date.now();
    const fault = this.#shelf.keep(this.#id, this.#name, drawing, now);
    if (fault === null) this.#keptAt = now;
    if (fault !== null) this.told.emit({ text: fault });
    else if (isOfTwo)
      this.told.emit({
        text: 'Another window has changed this drawing, too: both are kept, each by itself.',
      });
    this.#last.remember(this.#id);
    this.shelved.emit();
  }

  #onShelf(): KeptDrawing | undefined {
    return this.#shelf.list().find(({ id }) => id === this.#id);
  }

  #showKept({ id, name, packed, changed }: KeptDrawing): void {
    this.#show(id, name, unpackDrawing(packed), changed);
  }

  #show(id: string, name: string, drawing: Drawing, keptAt: number | null = null): void {
    this.#id = id;
    this.#name = name;
    this.#keptAt = keptAt;
    this.#last.remember(id);
    this.#easel.open(drawing);
    this.told.emit({ text: '' });
    this.shown.emit();
    this.shelved.emit();
  }

  #keepSoon(): void {
    this.#stopTimer();
    this.#timer = setTimeout(() => {
      if (this.#easel.isDown) this.#keepSoon();
      else this.keep();
    }, KEEP_AFTER_MS);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** `crypto.randomUUID` is missing on plain HTTP. */
const newId = (): string => `${Date.now().toString(36)}-${Math.floor(Math.random() * 2 ** 40).toString(36)}`;
