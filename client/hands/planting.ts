/**
 * Whether the seed in hand has room where it is held. The world's edge is known here; who lives nearby is the
 * server's to say: it is asked about the newest place, a few times a second, and again while the pointer rests,
 * because the world changes. Knows no DOM.
 */
import type { Size } from '../../shared/geometry.ts';
import type { RoomMessage, RoomResultMessage, Species } from '../../shared/protocol.ts';
import { edgeFault } from '../../shared/room.ts';
import { Signal } from '../events.ts';

/** A seed as it is held over the world. */
export interface HeldSeed {
  readonly species: Species;
  /** The cell that it would be planted in; may lie outside the world. */
  readonly x: number;
  readonly y: number;
}

/** At most five questions a second. */
export const ASK_EVERY_MS = 200;
/** How soon the same place is asked about again. */
export const ASK_AGAIN_MS = 1_000;

export class Planting {
  /** The server's answer for the seed in hand has changed. */
  readonly changed = new Signal<[]>();
  readonly #ask: (question: RoomMessage) => void;
  #world: Size = { width: 1, height: 1 };
  #held: HeldSeed | null = null;
  /** The newest that was about the seed in hand; perhaps for a cell that it has left. */
  #answer: RoomResultMessage | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: (question: RoomMessage) => void) {
    this.#ask = ask;
  }

  /** A connection is new: what was asked on the one before is not answered any more. */
  meet(world: Size): void {
    this.#world = world;
    this.#answer = null;
    this.askAgain();
  }

  /** Where the seed is held now; null: none is. */
  hold(held: HeldSeed | null): void {
    const before = this.#held;
    if (before?.species === held?.species && before?.x === held?.x && before?.y === held?.y) return;
    this.#held = held;
    if (before?.species !== held?.species) this.#answer = null;
    this.#schedule(0);
  }

  /** The world is another than when it was asked: something was planted. */
  askAgain(): void {
    this.#schedule(0);
  }

  /** Answers about places that the seed has left are ignored. */
  settle(answer: RoomResultMessage): void {
    if (this.#held === null || !isAbout(answer, this.#held)) return;
    const isNews = answer.reason !== this.#answer?.reason;
    this.#answer = answer;
    if (isNews) this.changed.emit();
  }

  /** Why a seed cannot be planted, as far as it is known; null: nothing speaks against it. */
  fault(seed: HeldSeed): string | null {
    const { species, x, y } = seed;
    const fault = edgeFault(species.name, species, x, y, this.#world);
    if (fault !== null) return fault;
    return this.#answer !== null && isAbout(this.#answer, seed) ? this.#answer.reason : null;
  }

  /**
   * The seed in hand and what to show of it. Until the server has answered for its cell, what it said of the cell
   * before is shown: along a body's rim the silhouette would flicker otherwise.
   */
  get shown(): (HeldSeed & { readonly reason: string | null }) | null {
    if (this.#held === null) return null;
    const { species, x, y } = this.#held;
    const fault = edgeFault(species.name, species, x, y, this.#world);
    return { ...this.#held, reason: fault ?? this.#answer?.reason ?? null };
  }

  dispose(): void {
    clearTimeout(this.#due);
  }

  /** @param ms - from now; later where the last question was a moment ago */
  #schedule(ms: number): void {
    clearTimeout(this.#due);
    if (this.#held === null) return;
    const { species, x, y } = this.#held;
    // What the page can answer itself is not asked.
    if (edgeFault(species.name, species, x, y, this.#world) !== null) return;
    const wait = Math.max(ms, this.#askedAt + ASK_EVERY_MS - performance.now());
    if (wait > 0) this.#due = setTimeout(() => this.#schedule(0), wait);
    else {
      this.#askedAt = performance.now();
      this.#ask({ species: species.name, at: [x, y] });
      this.#schedule(ASK_AGAIN_MS);
    }
  }
}

const isAbout = ({ species, at }: RoomResultMessage, seed: HeldSeed): boolean =>
  species === seed.species.name && at[0] === seed.x && at[1] === seed.y;
