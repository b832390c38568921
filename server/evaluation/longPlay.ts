/**
 * Long play: bodies that are struck again and again for hours of the world, as players do it (`training/ward.ts`). Which
 * of them stay too large or do not heal, the world would wilt.
 */
import type { Rule } from '../rules/rule.ts';
import { Random } from '../training/random.ts';
import { padded, type Target } from '../training/target.ts';
import { Ward } from '../training/ward.ts';
import { openBodies } from './bodies.ts';

const BODIES = 16;
/** About 3,200 strokes, of which bodies sick once in a thousand strokes show three. */
const PASSES = 250;
/**
 * With so many sick bodies it is over: the rule is as bad as can be said, and one that fills its grid would take half an
 * hour.
 */
const MAX_SICK = 64;
/** Empty cells around the picture: a body that runs away must have room to run. */
const PADDING = 30;

export interface LongPlayFigures {
  readonly strokes: number;
  /** Bodies that were sick for 17 s of the world without a stroke, or died. Each began again from a seed. */
  readonly sick: number;
}

/**
 * @param target - the rule's picture with any padding
 * @param threads - changes only the time taken; 0 works on the calling thread
 */
export async function runLongPlay(
  rule: Rule,
  target: Target,
  { threads = 1, passes = PASSES, randomSeed = 1 } = {},
): Promise<LongPlayFigures> {
  const wide = padded(target, PADDING);
  const ward = new Ward(openBodies(rule, wide, BODIES, threads), BODIES, wide);
  try {
    const random = new Random(randomSeed);
    for (let pass = 0; pass < passes && ward.found < MAX_SICK; pass++) await ward.pass(rule, random);
    return { strokes: ward.strokes, sick: ward.found };
  } finally {
    await ward.dispose();
  }
}
