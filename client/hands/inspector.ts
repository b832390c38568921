/**
 * Decides which organism is watched. The client asks about one when the pointer rests on it, when a tool is used on it,
 * or when the hand clicks it, which also holds it. It stays watched until another one is, or its card is closed. The
 * server answers twice per second.
 */
import type { Size } from '../../shared/geometry.ts';
import type { InspectionMessage, Species } from '../../shared/protocol.ts';

export type Organism = NonNullable<InspectionMessage['organism']>;

/** The place of the watched organism, for the frame around it. */
export interface Watched {
  /** The organism's seed, in cells. */
  readonly x: number;
  readonly y: number;
  readonly size: Size;
  readonly isAsleep: boolean;
}

/** Shows the server's answers. */
export interface InspectorCard {
  /** @param species - undefined when the client does not know the organism's species */
  show(organism: Organism, species: Species | undefined): void;
  /** Says that the organism has died. */
  mourn(): void;
  hide(): void;
}

export interface InspectorWorld {
  /** Asks the server about the organism at a cell; null stops its answers. */
  inspect(at: readonly [number, number] | null): void;
  /** Whether the cell that is drawn there is opaque enough to be seen. */
  isAlive(x: number, y: number): boolean;
}

/** A pointer rests when it has stayed this long on a cell. */
const REST_MS = 150;
/** Cells around a body's box within which a pointer still means that body. */
const FRAME_CELLS = 4;
const FOLLOW_EVERY_MS = 200;
/** The card of a dead organism is hidden after this time. */
const FAREWELL_MS = 2_500;

export class Inspector {
  readonly #card: InspectorCard;
  readonly #world: InspectorWorld;
  #species: readonly Species[] = [];
  #organism: Organism | null = null;
  /** The cell of the newest question; null when the server is not to answer. */
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
    const { x, y, isAsleep } = this.#organism;
    return { x, y, isAsleep, size: this.#size(this.#organism) };
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

  /** A tap on an organism holds it: it is watched until it is released. A tap on the ground releases it. */
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

  /** A tool is used here: the organism is asked about before it is hurt, at most every 200 ms. */
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

  /** Asks again after a new connection, whose server has not been asked yet. */
  resume(): void {
    if (this.#organism !== null) this.ask(this.#organism.x, this.#organism.y);
  }

  apply(message: InspectionMessage): void {
    if (message.organism === null) {
      this.#lose();
      return;
    }
    // The organism was released while this answer was on its way.
    if (this.#asked === null) return;
    this.#organism = message.organism;
    this.#card.show(
      message.organism,
      this.#species.find(({ name }) => name === message.organism?.species),
    );
  }

  /** There is no organism at the cell that was asked about, or the watched one has died. */
  #lose(): void {
    const asked = this.#asked;
    const before = this.#organism;
    this.#asked = null;
    if (before !== null && asked !== null && !this.#covers(before, asked)) {
      // There was no other organism, so the one before is watched again.
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
