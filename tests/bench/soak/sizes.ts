/** How large bodies are compared with their mature sizes, and for how long. Works on samples of all bodies. Pure. */

/** As `/api/organisms` lists it. */
export interface Body {
  readonly id: number;
  readonly species: string;
  /** Seed position, cells. */
  readonly x: number;
  readonly y: number;
  /** Owned cells: a nearly transparent rim counts, here and in the mature size. */
  readonly cells: number;
  /** 0..1 */
  readonly health: number;
  /** Name of the player who planted it; '' is the garden. */
  readonly planter: string;
  /** Why it has no body at the moment, or is losing it; left out: it has one. */
  readonly absence?: string;
}

export const hasBody = ({ absence }: Body): boolean => absence === undefined;

/** A body over this many mature sizes is over-grown. */
export const MAX_SIZE = 1.3;
/** A body may be over-grown for this long: a wound that closes swells a little. */
export const MAX_STRETCH_SECONDS = 5;

export interface Largest {
  readonly species: string;
  readonly id: number;
  readonly cells: number;
  /** In parts of its mature size. */
  readonly ratio: number;
  readonly atSeconds: number;
}

interface Stretch {
  readonly sinceSeconds: number;
  isLong: boolean;
}

/** One look at all bodies. */
export interface Sizes {
  readonly bodies: number;
  readonly cells: number;
  readonly matureCells: number;
  /** cells / matureCells; NaN when nobody lives */
  readonly livingOverMature: number;
  /** 0 when nobody lives */
  readonly largestOverMature: number;
}

export class SizeWatch {
  readonly #mature: ReadonlyMap<string, number>;
  /** By id: those that are over-grown now. */
  readonly #open = new Map<number, Stretch>();
  #lastSeconds: number | null = null;
  #lastBodies = 0;
  #largest: Largest | null = null;
  #mostLiving = 0;
  #overSeconds = 0;
  #longestSeconds = 0;
  #longBodies = 0;
  #bodySeconds = 0;

  /** @param mature - cells by species */
  constructor(mature: ReadonlyMap<string, number>) {
    this.#mature = mature;
  }

  /**
   * A stretch lasts from the sample that first finds a body over-grown to the first that does not, or finds it dead.
   *
   * @param atSeconds - growing from call to call
   * @throws RangeError when a species has no mature size
   */
  see(atSeconds: number, bodies: readonly Body[]): Sizes {
    const passed = atSeconds - (this.#lastSeconds ?? atSeconds);
    this.#bodySeconds += this.#lastBodies * passed;
    if (this.#open.size > 0) this.#overSeconds += passed;
    this.#lastSeconds = atSeconds;
    this.#lastBodies = bodies.length;
    let [cells, matureCells, largestOverMature] = [0, 0, 0];
    const over = new Set<number>();
    for (const { id, species, cells: own } of bodies) {
      const mature = this.#mature.get(species);
      if (mature === undefined) throw new RangeError(`no mature size is known of ${species}`);
      cells += own;
      matureCells += mature;
      const ratio = own / mature;
      largestOverMature = Math.max(largestOverMature, ratio);
      if (ratio > (this.#largest?.ratio ?? 0)) this.#largest = { species, id, cells: own, ratio, atSeconds };
      if (ratio > MAX_SIZE) over.add(id);
    }
    for (const [id, stretch] of this.#open) {
      this.#measure(stretch, atSeconds);
      if (!over.has(id)) this.#open.delete(id);
    }
    for (const id of over)
      if (!this.#open.has(id)) this.#open.set(id, { sinceSeconds: atSeconds, isLong: false });
    const livingOverMature = cells / matureCells;
    if (livingOverMature > this.#mostLiving) this.#mostLiving = livingOverMature;
    return { bodies: bodies.length, cells, matureCells, livingOverMature, largestOverMature };
  }

  #measure(stretch: Stretch, atSeconds: number): void {
    const seconds = atSeconds - stretch.sinceSeconds;
    this.#longestSeconds = Math.max(this.#longestSeconds, seconds);
    if (seconds <= MAX_STRETCH_SECONDS || stretch.isLong) return;
    stretch.isLong = true;
    this.#longBodies++;
  }

  /** The figures over all samples so far. */
  get summary() {
    return {
      /** Null when nobody has lived. */
      largest: this.#largest,
      livingOverMatureMax: this.#mostLiving,
      /** Seconds in which any body was over-grown. */
      overSizeSeconds: this.#overSeconds,
      /** The longest stretch of one body, without a break. */
      overSizeLongestSeconds: this.#longestSeconds,
      /** Stretches longer than 5 s. */
      overSizeStretches: this.#longBodies,
      bodyHours: this.#bodySeconds / 3_600,
    };
  }
}
