/**
 * The regime in which a rule that already grows and heals learns another picture in hundreds of iterations, and the one
 * in which starting rules are made (`start.ts`). server/training/README.md has the figures.
 */
import type { Drawn } from './drawn.ts';
import type { TrainingPlan } from './plan.ts';
import { PLACE_WEIGHT } from './regime.ts';
import { readTarget, type Target } from './target.ts';

/** Empty cells around a picture that is learned so; its error is measured over them, too. */
export const LEARNING_PADDING = 12;

export const LEARNING = {
  hidden: 128,
  fireRate: 0.5,
  overflowWeight: 0,
  quiescenceWeight: 0,
  placeWeight: PLACE_WEIGHT,
  waveWeight: PLACE_WEIGHT,
  strayWeight: 0,
  roomCells: 0,
  curriculumIterations: 0,
  // Many updates of little: at the same processor time, batches of 4 end at four times the error.
  batch: 2,
  // Half of the trainer's: in a short run a larger pool holds bodies that an earlier rule has grown.
  poolSize: 32,
  seedPart: 1,
  reseed: 'worst',
  damage: ['circle', 'half', 'half', 'centre', 'centre', 'swipes', 'strokes', 'truncate', 'noise'],
  delaySteps: 0,
  twicePart: 0,
  shortestSteps: 16,
  longestSteps: 96,
  alignCells: 3,
  wallPart: 0,
  farOff: 0.1,
  rate: 5e-3,
  // Rules that know the waves of their place heal at 0.35 as well, and their pictures are coarser.
  normalisation: 0.6,
  optimizer: 'muon',
} as const satisfies Omit<TrainingPlan, 'name' | 'source' | 'iterations' | 'randomSeed'>;

/**
 * The picture of a drawing, as it is learned: its middle is the seed.
 *
 * @throws RuleError when it has no seed; DrawingError when it cannot be unpacked
 */
export const drawnTarget = (drawing: Drawn): Target =>
  readTarget({ drawing, scale: 1, padding: LEARNING_PADDING });
