/** Beds: places where organisms of the garden died. They are sown again, so that the world never ends up empty. */
import type { Seedling } from './garden.ts';

/** From a death to the new seed: long enough that players see the gap. */
const FALLOW_SECONDS = 15;

/** Where an organism of the garden died, and the world time at which it is sown again. */
export interface FallowBed {
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly dueSeconds: number;
}

export class Beds {
  /** Ordered by time. */
  #fallow: FallowBed[] = [];

  /** Beds that wait; they keep their room. */
  get fallow(): readonly FallowBed[] {
    return this.#fallow;
  }

  /** @param runSeconds - world time now */
  leave({ species, x, y }: Seedling, runSeconds: number): void {
    this.#fallow.push({ species, x, y, dueSeconds: runSeconds + FALLOW_SECONDS });
  }

  /** Takes the first bed that is due; null: none is. */
  takeDue(runSeconds: number): FallowBed | null {
    if (this.#fallow.length === 0 || this.#fallow[0].dueSeconds > runSeconds) return null;
    return this.#fallow.shift()!;
  }

  /** Drops beds for which `isGone` holds: they are not sown again. */
  uproot(isGone: (bed: FallowBed) => boolean): void {
    this.#fallow = this.#fallow.filter((bed) => !isGone(bed));
  }

  restore(fallow: readonly FallowBed[]): void {
    this.#fallow = [...fallow];
  }
}
