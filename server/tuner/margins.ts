/**
 * The margins of a tuning: how far each figure of a candidate may lie from those of the rule in force. They are what a
 * player could see. Each is a limit that is also held against the *root*, the last rule of the line that was not tuned:
 * so that ten candidates in a row, each a little worse, do not add up.
 */
import { MAX_CHANGING_CELLS, MAX_ERROR } from '../evaluation/verdict.ts';

export const MARGINS = {
  /** Mean square error that is good: a shipped rule may have it. Below it no difference is seen. */
  goodError: MAX_ERROR,
  /** … and beyond it, an eighth more of its root: at 2e-4, half of one of 255 levels. */
  errorGrowth: 1.25,
  /** Cells that change per step: as few as this in a body of hundreds are not seen, … */
  stillCells: MAX_CHANGING_CELLS,
  /** … and twice as many look the same. */
  flickerGrowth: 2,
  /** A recovery of 1 is a whole wound: two per cent of one. */
  recovery: 0.02,
  /** … of which a twentieth is seen. */
  recoverySeen: 0.05,
  /** Steps until whole again: half a second of the world, … */
  healingSteps: 15,
  /** … or a quarter more. */
  healingGrowth: 1.25,
  /** Health (0..1) at the end of a trial: a body at 0.95 counts as whole, so a twentieth is not seen. */
  trialHealth: 0.05,
  /** A candidate must take away at least this part of the error that held-out wounds leave. */
  gain: 0.1,
} as const;

/** Means of one figure: of the rule in force, and of the root. */
export interface Known {
  readonly incumbent: number;
  readonly root: number;
}

/** Largest error that is no reason to reject. */
export const errorLimit = ({ incumbent, root }: Known): number =>
  Math.max(MARGINS.goodError, MARGINS.errorGrowth * Math.min(incumbent, root));

/** Largest number of changing cells: up to twice the incumbent's, never above twice the root's; the root's are fine. */
export const flickerLimit = ({ incumbent, root }: Known): number => {
  const { stillCells, flickerGrowth } = MARGINS;
  return Math.max(
    stillCells,
    Math.min(flickerGrowth * root, Math.max(flickerGrowth * Math.max(stillCells, incumbent), root)),
  );
};

/** Least recovery of a kind of damage. */
export const recoveryLimit = ({ incumbent, root }: Known): number =>
  Math.max(incumbent, root) - MARGINS.recovery;

/** Most steps until held-out wounds are whole again. Wounds are those of the incumbent: the root has no part in it. */
export const stepsLimit = ({ incumbent }: Pick<Known, 'incumbent'>): number =>
  Math.max(incumbent + MARGINS.healingSteps, MARGINS.healingGrowth * incumbent);

/** Least mean health at the end of a trial. */
export const healthLimit = ({ incumbent, root }: Known): number =>
  Math.max(incumbent, root) - MARGINS.trialHealth;
