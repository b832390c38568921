/**
 * A wound: what players did to one body, from the first blow until it was whole again, was given up, or the session
 * ended. Told in the body's own coordinates, so that it can be repeated on any body of the species.
 */

export interface Blow {
  /** Steps since the wound's first blow; 0 for that one. */
  readonly afterSteps: number;
  readonly tool: 'ablate' | 'noise' | 'truncate';
  /** Cells; truncate: the radius around the seed that stays. */
  readonly radius: number;
  /** x0, y0, x1, y1, … cells from the body's seed cell, which is (0, 0). */
  readonly points: readonly number[];
}

export interface Wound {
  readonly species: string;
  /** Name@version of the rule that the body lived by. */
  readonly rule: string;
  /** In order of time, 1 to `MAX_BLOWS`. */
  readonly blows: readonly Blow[];
  /** Health (0..1) just before the first blow, and the lowest since. */
  readonly healthBefore: number;
  readonly healthLeast: number;
  /** Health at the last measurement in this wound: how far it healed. */
  readonly healthAfter: number;
  /** Steps from the last blow until health was at least 0.95 of `healthBefore`; null: not while it was watched. */
  readonly healedInSteps: number | null;
}

/** A longer series of blows becomes the next wound. */
export const MAX_BLOWS = 64;
