/** Where organisms of the garden died: they are sown again after a while, so that the world never ends up empty. */
import type { Seedling } from './garden.ts';

/** From a death to the new seed: long enough to be seen, and to be missed. */
const FALLOW_SECONDS = 15;

/** Where an organism of the garden died, and when (of the world's running time) it is sown again. */
export interface FallowBed {
  readonly species: string;
  readonly x: number;
  readonly y: number;
  readonly dueSeconds: number;
}

export class Beds {
  /** In order of time. */
  #fallow: FallowBed[] = [];

  /** Those that are to be sown; they keep their room. */
  get fallow(): readonly FallowBed[] {
    return this.#fallow;
  }

  /** @param runSeconds - of world time, now */
  leave({ species, x, y }: Seedling, runSeconds: number): void {
    this.#fallow.push({ species, x, y, dueSeconds: runSeconds + FALLOW_SECONDS });
  }

  /** Takes the first whose time has come; null: none has. */
  takeDue(runSeconds: number): FallowBed | null {
    if (this.#fallow.length === 0 || this.#fallow[0].dueSeconds > runSeconds) return null;
    return this.#fallow.shift()!;
  }

  /** Those for which it holds are not sown again. */
  uproot(isGone: (bed: FallowBed) => boolean): void {
    this.#fallow = this.#fallow.filter((bed) => !isGone(bed));
  }

  restore(fallow: readonly FallowBed[]): void {
    this.#fallow = [...fallow];
  }
}
