/**
 * Which organism is watched. A pointer that rests on one asks for it, a tool at work on one does, a click of
 * the hand holds on to it. It stays watched until another is, or its card is closed; the server answers and
 * goes on at 2 Hz.
 */
import type { Size } from '../../shared/geometry.ts';
import type { InspectionMessage, Species } from '../../shared/protocol.ts';

export type Organism = NonNullable<InspectionMessage['organism']>;

/** What of the world is framed. */
export interface Watched {
  /** Cells, about the organism's seed. */
  readonly x: number;
  readonly y: number;
  readonly size: Size;
}

/** Where the inspector shows what it has learned. */
export interface InspectorCard {
  /** @param species - undefined: the page does not know the organism's species */
  show(organism: Organism, species: Species | undefined): void;
  /** The organism has died: say so. */
  mourn(): void;
  hide(): void;
}

export interface InspectorWorld {
  inspect(at: readonly [number, number] | null): void;
  /** Whether a cell is alive to the eye. */
  isAlive(x: number, y: number): boolean;
}

const REST_MS = 150;
/** A body's frame reaches this far beyond it: within, the pointer still means that body. */
const FRAME_CELLS = 4;
const FOLLOW_EVERY_MS = 200;
/** How long the card of one that has died stays. */
const FAREWELL_MS = 2_500;

export class Inspector {
  readonly #card: InspectorCard;
  readonly #world: InspectorWorld;
  #species: readonly Species[] = [];
  #organism: Organism | null = null;
  /** Where it was asked for, so that a new connection can ask again. */
  #asked: readonly [number, number] | null = null;
  #isHeld = false;
  #followedAt = Number.NEGATIVE_INFINITY;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #farewell: ReturnType<typeof setTimeout> | undefined;

  constructor(card: InspectorCard, world: InspectorWorld) {
    this.#card = card;
    this.#world = world;
  }

  get watched(): Watched | null {
    if (this.#organism === null) return null;
    const { x, y } = this.#organism;
    return { x, y, size: this.#size(this.#organism) };
  }

  learn(species: readonly Species[]): void {
    this.#species = species;
  }

  /** The pointer moved to a cell, or left (null). */
  point(at: readonly [number, number] | null): void {
    clearTimeout(this.#rest);
    if (at === null || this.#isHeld) return;
    if (this.#organism !== null && this.#covers(this.#organism, at)) return;
    const [x, y] = at;
    if (this.#world.isAlive(x, y)) this.#rest = setTimeout(() => this.ask(x, y), REST_MS);
  }

  /** A tap: watch this one until told otherwise; a tap on bare ground lets go. */
  hold(x: number, y: number): void {
    clearTimeout(this.#rest);
    if (this.#organism !== null && this.#covers(this.#organism, [x, y])) {
      this.#isHeld = true;
      return;
    }
    if (this.#world.isAlive(x, y)) {
      this.#isHeld = true;
      this.ask(x, y);
    } else this.release();
  }

  /** A tool is at work here: whom it hurts is watched, asked for before the harm is done. */
  follow(x: number, y: number): void {
    clearTimeout(this.#rest);
    if (this.#isHeld || !this.#world.isAlive(x, y)) return;
    if (this.#organism !== null && this.#covers(this.#organism, [x, y])) return;
    const now = performance.now();
    if (now - this.#followedAt < FOLLOW_EVERY_MS) return;
    this.#followedAt = now;
    this.ask(x, y);
  }

  ask(x: number, y: number): void {
    clearTimeout(this.#rest);
    clearTimeout(this.#farewell);
    this.#asked = [x, y];
    this.#world.inspect([x, y]);
  }

  release(): void {
    clearTimeout(this.#rest);
    clearTimeout(this.#farewell);
    if (this.#asked !== null) this.#world.inspect(null);
    this.#asked = null;
    this.#isHeld = false;
    this.#organism = null;
    this.#card.hide();
  }

  /** A new connection has forgotten what was asked. */
  resume(): void {
    if (this.#organism !== null) this.ask(this.#organism.x, this.#organism.y);
  }

  apply(message: InspectionMessage): void {
    if (message.organism === null) {
      this.#lose();
      return;
    }
    // An answer that was on its way when the viewer let go.
    if (this.#asked === null) return;
    this.#organism = message.organism;
    this.#card.show(
      message.organism,
      this.#species.find(({ name }) => name === message.organism?.species),
    );
  }

  /** Nobody where it asked, or the one that was watched is dead. */
  #lose(): void {
    const asked = this.#asked;
    const before = this.#organism;
    this.#asked = null;
    if (before !== null && asked !== null && !this.#covers(before, asked)) {
      // The new one was not to be had; the one before is still there.
      this.ask(before.x, before.y);
      return;
    }
    this.#isHeld = false;
    this.#organism = null;
    if (before === null) return;
    this.#card.mourn();
    this.#farewell = setTimeout(() => this.#card.hide(), FAREWELL_MS);
  }

  #size(organism: Organism): { width: number; height: number } {
    const species = this.#species.find(({ name }) => name === organism.species);
    return { width: species?.width ?? 40, height: species?.height ?? 40 };
  }

  #covers(organism: Organism, [x, y]: readonly [number, number]): boolean {
    const { width, height } = this.#size(organism);
    return (
      Math.abs(x - organism.x) <= width / 2 + FRAME_CELLS &&
      Math.abs(y - organism.y) <= height / 2 + FRAME_CELLS
    );
  }
}
