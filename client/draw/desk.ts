/** Which drawing is in hand, and how it gets to the shelf and back. Knows no page. */
import {
  blankDrawing,
  contentOf,
  type Drawing,
  DrawingError,
  MAX_DRAWING_SIDE,
  MIN_BOARD_SIDE,
} from '../../shared/drawing/drawing.ts';
import { type LinkedDrawing, parseDrawLink } from '../../shared/drawing/link.ts';
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

/** Where the id of the last drawing is remembered. */
export interface LastDrawing {
  recall(): string | null;
  remember(id: string): void;
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
    const id = this.#last.recall();
    const last = this.#shelf.list().find((kept) => kept.id === id);
    if (last !== undefined) this.#show(last.id, last.name, unpackDrawing(last.packed));
    else this.#show(newId(), '', blankDrawing(FIRST_SIDE));
  }

  open({ id, name, packed }: KeptDrawing): void {
    this.keep();
    this.#show(id, name, unpackDrawing(packed));
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
      this.#show(known.id, known.name, board);
      return;
    }
    this.#show(newId(), name, board);
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
    const isKept = this.#shelf.list().some(({ id }) => id === this.#id);
    if (!isKept && contentOf(drawing) === null) return;
    const fault = this.#shelf.keep(this.#id, this.#name, drawing, Date.now());
    if (fault !== null) this.told.emit({ text: fault });
    this.#last.remember(this.#id);
    this.shelved.emit();
  }

  #show(id: string, name: string, drawing: Drawing): void {
    this.#id = id;
    this.#name = name;
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
