/**
 * Whether the seed in hand has room where it is held. The client knows the world's edge itself. For neighbours it asks
 * the server about the newest place, at most five times per second, and again every second while the pointer rests,
 * because the world changes. Knows no DOM.
 */
import type { Size } from '../../shared/geometry.ts';
import type { RoomMessage, RoomResultMessage, Species } from '../../shared/protocol.ts';
import { edgeFault } from '../../shared/room.ts';
import { Signal } from '../events.ts';

/** A seed that is held over the world. */
export interface HeldSeed {
  readonly species: Species;
  /** The cell under the pointer; it may lie outside the world. */
  readonly x: number;
  readonly y: number;
}

/** Shortest time between two questions. */
export const ASK_EVERY_MS = 200;
/** Time after which the same place is asked about again. */
export const ASK_AGAIN_MS = 1_000;

export class Planting {
  /** The server's answer for the seed in hand has changed. */
  readonly changed = new Signal<[]>();
  readonly #ask: (question: RoomMessage) => void;
  #world: Size = { width: 1, height: 1 };
  #held: HeldSeed | null = null;
  /** The newest answer for the species in hand; the seed may have left that cell. */
  #answer: RoomResultMessage | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: (question: RoomMessage) => void) {
    this.#ask = ask;
  }

  /** A new connection: questions on the one before will not be answered. */
  meet(world: Size): void {
    this.#world = world;
    this.#answer = null;
    this.askAgain();
  }

  /** Says which seed is held where; null when none is. */
  hold(held: HeldSeed | null): void {
    const before = this.#held;
    if (before?.species === held?.species && before?.x === held?.x && before?.y === held?.y) return;
    this.#held = held;
    if (before?.species !== held?.species) this.#answer = null;
    this.#schedule(0);
  }

  /** Asks as soon as allowed: the world has changed, because something was planted. */
  askAgain(): void {
    this.#schedule(0);
  }

  /** Takes an answer, unless the seed has left the place that it is about. */
  settle(answer: RoomResultMessage): void {
    if (this.#held === null || !isAbout(answer, this.#held)) return;
    const isChanged = answer.reason !== this.#answer?.reason;
    this.#answer = answer;
    if (isChanged) this.changed.emit();
  }

  /** @returns why a seed cannot be planted, as far as the client knows; null when it knows no reason */
  fault(seed: HeldSeed): string | null {
    const { species, x, y } = seed;
    const fault = edgeFault(species.name, species, x, y, this.#world);
    if (fault !== null) return fault;
    return this.#answer !== null && isAbout(this.#answer, seed) ? this.#answer.reason : null;
  }

  /**
   * The seed in hand and why it has no room. Until the server has answered for its cell, the answer for the cell before
   * is shown: otherwise the silhouette would flicker along a body's rim.
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

  /** @param ms - time to wait; longer if the last question was less than ASK_EVERY_MS ago */
  #schedule(ms: number): void {
    clearTimeout(this.#due);
    if (this.#held === null) return;
    const { species, x, y } = this.#held;
    // The client can answer this itself.
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
