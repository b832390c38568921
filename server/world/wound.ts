/**
 * A wound: what players did to one body from the first blow until it was whole again or the session ended. It is
 * told in the body's own coordinates, so that it can be done again to any body of its kind, wherever that lives.
 */

export interface Blow {
  /** Steps since the wound's first blow; 0 for that one. */
  readonly afterSteps: number;
  readonly tool: 'ablate' | 'noise' | 'truncate';
  /** Cells; truncate: what stays about the seed. */
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
  /** Health (0..1) just before the first blow, and the least since. */
  readonly healthBefore: number;
  readonly healthLeast: number;
  /** Health when it was last measured in this wound: how far it healed. */
  readonly healthAfter: number;
  /** Steps from the last blow until health was back at 0.95 of `healthBefore`; null: not while the wound was watched. */
  readonly healedInSteps: number | null;
}

/** A body hurt without end is one wound after another. */
export const MAX_BLOWS = 64;
