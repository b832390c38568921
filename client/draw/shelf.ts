/** The drawings that this browser keeps: each with a name, at most 40 of them. */
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { packDrawing, unpackDrawing } from '../../shared/drawing/packed.ts';
import { cutName } from '../../shared/names.ts';

/** A packed drawing has at most 6,914 characters: 0.3 MB in all, of the 5 MB that browsers give a site. */
export const MAX_KEPT_DRAWINGS = 40;

export interface KeptDrawing {
  /** Known to this browser alone. */
  readonly id: string;
  readonly name: string;
  readonly packed: string;
  /** When it was changed last; milliseconds since 1970. */
  readonly changed: number;
}

/** Where the shelf lies: `localStorage`, or a test's own. */
export interface Store {
  read(): string | null;
  /** @returns false when there is no room, or nothing may be kept */
  write(text: string): boolean;
}

export class Shelf {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Newest first. What cannot be read is left out. */
  list(): KeptDrawing[] {
    return read(this.#store.read()).sort((a, b) => b.changed - a.changed);
  }

  /**
   * Keeps a drawing under its id, in the place of what had it. Other windows may have written meanwhile: theirs stay.
   *
   * @returns why it is not kept, for the one who draws to read; null: it is
   */
  keep(id: string, name: string, drawing: Drawing, now: number): string | null {
    const kept = this.list();
    const others = kept.filter((one) => one.id !== id);
    if (others.length === kept.length && kept.length >= MAX_KEPT_DRAWINGS)
      return `This browser keeps ${MAX_KEPT_DRAWINGS} drawings. Remove one to keep this one.`;
    const one = { id, name: cutName(name), packed: packDrawing(drawing), changed: now };
    return this.#write([one, ...others]);
  }

  /** @returns why it stays; null: it is gone */
  remove(id: string): string | null {
    return this.#write(this.list().filter((one) => one.id !== id));
  }

  #write(drawings: readonly KeptDrawing[]): string | null {
    return this.#store.write(JSON.stringify(drawings))
      ? null
      : 'This browser keeps nothing more: its storage is full or switched off. Share the drawing by its link.';
  }
}

/** Whatever else may have written there, or an earlier version. */
function read(text: string | null): KeptDrawing[] {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(stored)) return [];
  return stored.slice(0, MAX_KEPT_DRAWINGS).filter(isKept);
}

function isKept(value: unknown): value is KeptDrawing {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, packed, changed } = value as Partial<Record<keyof KeptDrawing, unknown>>;
  if (typeof id !== 'string' || typeof name !== 'string' || typeof packed !== 'string') return false;
  if (typeof changed !== 'number') return false;
  try {
    unpackDrawing(packed);
    return true;
  } catch {
    return false;
  }
}
