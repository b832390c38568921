/**
 * Which organism is watched. A pointer that rests on one asks for it, a tap holds on to it; it stays watched
 * while it is hurt, until the pointer rests elsewhere. The server answers and goes on at 2 Hz.
 */
import type { InspectionMessage, Species } from '../shared/protocol.ts';
import type { Card, Organism } from './card.ts';
import type { Watched } from './overlay.ts';

export interface InspectorWorld {
  inspect(at: readonly [number, number] | null): void;
  /** Whether a cell is alive to the eye. */
  isAlive(x: number, y: number): boolean;
}

const REST_MS = 150;
/** Resting this far outside a body's frame, for this long, lets go of it. */
const LEAVE_CELLS = 4;
const LEAVE_MS = 700;

export class Inspector {
  readonly #card: Card;
  readonly #world: InspectorWorld;
  #species: readonly Species[] = [];
  #organism: Organism | null = null;
  /** Where it was asked for, so that a new connection can ask again. */
  #asked: readonly [number, number] | null = null;
  #isHeld = false;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(card: Card, world: InspectorWorld) {
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
    else if (this.#organism !== null) this.#rest = setTimeout(() => this.release(), LEAVE_MS);
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

  ask(x: number, y: number): void {
    clearTimeout(this.#rest);
    this.#asked = [x, y];
    this.#world.inspect([x, y]);
  }

  release(): void {
    clearTimeout(this.#rest);
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
      this.#asked = null;
      this.#isHeld = false;
      this.#organism = null;
      this.#card.hide();
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

  #size(organism: Organism): { width: number; height: number } {
    const species = this.#species.find(({ name }) => name === organism.species);
    return { width: species?.width ?? 40, height: species?.height ?? 40 };
  }

  #covers(organism: Organism, [x, y]: readonly [number, number]): boolean {
    const { width, height } = this.#size(organism);
    return (
      Math.abs(x - organism.x) <= width / 2 + LEAVE_CELLS &&
      Math.abs(y - organism.y) <= height / 2 + LEAVE_CELLS
    );
  }
}
