/** The bodies that an evaluation grows: rollouts without gradients. */
import type { Rule } from '../rules/rule.ts';
import { Rollouts } from '../training/rollouts.ts';
import type { Target } from '../training/target.ts';

/** @param threads - changes only the time taken; 0 works on the calling thread */
export function openBodies(rule: Rule, target: Target, slots: number, threads: number): Rollouts {
  const rollouts = new Rollouts({
    shape: target.shape,
    hidden: rule.hidden,
    fireRate: rule.fireRate,
    overflowWeight: 0,
    slots,
    threads: Math.min(threads, slots),
    maxSteps: 0,
  });
  rollouts.setWeights(rule);
  rollouts.target.set(target.rgba);
  return rollouts;
}
