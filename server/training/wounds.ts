/**
 * Wounds that healed badly, kept to be given again: a rule fails on few of the many ways to be hurt, and drawn
 * at random those come too seldom to be learned. A wound is the whole state just after the damage.
 */
import type { Random } from './random.ts';

export interface Wound {
  readonly state: Float32Array;
  /** After the rollout that tried to heal it. */
  loss: number;
  tries: number;
}

export const WOUNDS = {
  most: 16,
  /** A rollout that ends with this many times the usual loss of a hurt body has healed badly. */
  bad: 2,
  /** Given up: what is left of the body may not be enough to heal from. */
  mostTries: 8,
  /** Weight of the newest loss in the usual one. */
  smoothing: 0.02,
} as const;

/** Everything in it is in the training's snapshots. */
export interface WoundsState {
  readonly wounds: readonly Wound[];
  readonly usualLoss: number;
}

export class Wounds {
  #wounds: Wound[];
  #usualLoss: number;

  constructor(state: WoundsState = { wounds: [], usualLoss: Number.NaN }) {
    this.#wounds = state.wounds.map((wound) => ({ ...wound }));
    this.#usualLoss = state.usualLoss;
  }

  /** A copy, but for the wounds' states: those never change. */
  get state(): WoundsState {
    return { wounds: this.#wounds.map((wound) => ({ ...wound })), usualLoss: this.#usualLoss };
  }

  get count(): number {
    return this.#wounds.length;
  }

  /** One to try again; null while there is none. */
  draw(random: Random): Wound | null {
    if (this.#wounds.length === 0) return null;
    return this.#wounds[random.whole(0, this.#wounds.length - 1)];
  }

  /**
   * How the rollout of a fresh wound ended. Kept when it ended badly; of too many, the mildest goes.
   *
   * @param state - just after the damage; copied when kept
   */
  healed(state: Float32Array, loss: number): void {
    const bad = loss > WOUNDS.bad * this.#usualLoss;
    const before = this.#usualLoss;
    this.#usualLoss = Number.isNaN(before) ? loss : before + WOUNDS.smoothing * (loss - before);
    if (!bad) return;
    if (this.#wounds.length === WOUNDS.most) {
      const mildest = this.#wounds.reduce((a, b) => (b.loss < a.loss ? b : a));
      if (mildest.loss >= loss) return;
      this.#wounds.splice(this.#wounds.indexOf(mildest), 1);
    }
    this.#wounds.push({ state: state.slice(), loss, tries: 0 });
  }

  /** How a wound that was drawn ended this time: dropped when it healed as well as others, or never does. */
  triedAgain(wound: Wound, loss: number): void {
    wound.loss = loss;
    wound.tries++;
    if (loss > WOUNDS.bad * this.#usualLoss && wound.tries < WOUNDS.mostTries) return;
    this.#wounds = this.#wounds.filter((one) => one !== wound);
  }
}
