/**
 * Seeds that wait in the view: a faint ring at each place, which closes as its time passes. Between two messages the
 * client counts the seconds itself.
 */
import type { Point } from '../../shared/geometry.ts';
import type { SeedsMessage } from '../../shared/protocol.ts';

export interface SeedSign extends Point {
  readonly id: number;
  /** Whole seconds until it grows; 0: it waits for room. */
  readonly seconds: number;
  /** How much of its wait has passed: 0..1. */
  readonly share: number;
}

/** Cells around a seed within which a pointer means it. */
const REACH_CELLS = 4;
/** Signs are drawn again this often. */
const EVERY_MS = 250;
/** A wait that was longer when it began is drawn as if it began now. */
const USUAL_SECONDS = 15;

interface Known extends Point {
  readonly id: number;
  readonly dueMs: number;
  readonly waitMs: number;
}

export class Seeds {
  readonly #refresh: () => void;
  #known: readonly Known[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param refresh - called whenever the signs look different */
  constructor(refresh: () => void) {
    this.#refresh = refresh;
  }

  /** @param now - ms, monotonic */
  apply({ seeds }: SeedsMessage, now: number): void {
    const before = new Map(this.#known.map((one) => [one.id, one]));
    this.#known = seeds.map(({ id, x, y, seconds }) => {
      const waitMs = before.get(id)?.waitMs ?? Math.max(USUAL_SECONDS, seconds) * 1_000;
      return { id, x, y, dueMs: now + seconds * 1_000, waitMs };
    });
    clearInterval(this.#timer);
    if (seeds.length > 0) this.#timer = setInterval(this.#refresh, EVERY_MS);
    this.#refresh();
  }

  /** The connection is lost: nothing is known any more. */
  clear(): void {
    this.apply({ seeds: [] }, 0);
  }

  /** @param now - ms, monotonic */
  signs(now: number): SeedSign[] {
    return this.#known.map(({ id, x, y, dueMs, waitMs }) => {
      const leftMs = Math.max(0, dueMs - now);
      return { id, x, y, seconds: Math.ceil(leftMs / 1_000), share: 1 - Math.min(1, leftMs / waitMs) };
    });
  }

  /** Whether a seed waits within reach of a place in cells. */
  isAt(x: number, y: number): boolean {
    return this.#known.some((one) => Math.hypot(one.x + 0.5 - x, one.y + 0.5 - y) <= REACH_CELLS);
  }
}
