/**
 * The trial *play*: strokes that a hand drew on the page (`training/played.ts`) are dealt to grown bodies message by
 * message while they heal. It measures how soon a body is whole again in its place.
 */
import type { Rule } from '../rules/rule.ts';
import { Likeness } from '../training/likeness.ts';
import { blowsOf, PLAYED } from '../training/played.ts';
import { replay } from '../training/recorded.ts';
import { livingCells, plantSeed } from '../training/states.ts';
import type { Target } from '../training/target.ts';
import { openBodies } from './bodies.ts';
import { medianOf } from './statistics.ts';
import { TRIAL_AGE_STEPS } from './trials.ts';

/** Bodies per stroke, grown from different random seeds. */
const BODIES = 2;
const LOOK_STEPS = 10;
const WATCHED_STEPS = 300;
/** 5 s: after a longer time a player thinks that the body does not heal. */
const SOON_STEPS = 150;
const WHOLE = 0.95;

export interface PlayFigures {
  readonly strokes: number;
  /** Strokes that left nothing but scraps (`world/scraps.ts`): the world sows such bodies again. Left out below. */
  readonly killed: number;
  /** Share of bodies that were whole (health 0.95) in their place within 150 steps of the last message, 0..1. */
  readonly wholeSoon: number;
  /** Median steps until whole; NaN when most are not whole within 300. */
  readonly steps: number;
  /** Bodies that were not whole in their place after 300 steps. */
  readonly notWhole: number;
}

/** @param threads - changes only the time taken; 0 works on the calling thread */
export async function runPlay(rule: Rule, target: Target, threads = 1): Promise<PlayFigures> {
  const slots = PLAYED.length * BODIES;
  const { shape } = target;
  const rollouts = openBodies(rule, target, slots, threads);
  try {
    const all = Array.from({ length: slots }, (_, slot) => slot);
    for (const slot of all) plantSeed(rollouts.state(slot), shape);
    await rollouts.run(all.map((slot) => ({ steps: TRIAL_AGE_STEPS, randomSeed: slot + 1 })));
    const reach = Math.max(target.width, target.height) / 2;
    const dealt = all.map((slot) => ({
      slot,
      randomSeed: slot + 1,
      blows: blowsOf(PLAYED[slot % PLAYED.length], 'ablate', reach),
    }));
    await replay(dealt, rollouts, slots, target, false);
    const likeness = new Likeness(target);
    const steps = all.map(() => Number.POSITIVE_INFINITY);
    const left = all.filter((slot) => livingCells(rollouts.state(slot), shape) > 0);
    for (let step = LOOK_STEPS; step <= WATCHED_STEPS; step += LOOK_STEPS) {
      const firstStep = TRIAL_AGE_STEPS + step;
      await rollouts.run(all.map((slot) => ({ steps: LOOK_STEPS, randomSeed: slot + 1, firstStep })));
      for (const slot of left) {
        if (steps[slot] > step && likeness.health(rollouts.state(slot)) >= WHOLE) steps[slot] = step;
      }
    }
    const taken = left.map((slot) => steps[slot]);
    const median = medianOf(taken);
    return {
      strokes: slots,
      killed: slots - left.length,
      wholeSoon: taken.filter((count) => count <= SOON_STEPS).length / Math.max(1, left.length),
      steps: Number.isFinite(median) ? median : Number.NaN,
      notWhole: taken.filter((count) => !Number.isFinite(count)).length,
    };
  } finally {
    await rollouts.dispose();
  }
}
