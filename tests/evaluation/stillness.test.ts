import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBodies } from '../../server/evaluation/bodies.ts';
import { boxOf, CUT_STEP, measureStillness } from '../../server/evaluation/evaluate.ts';
import { medianOf } from '../../server/evaluation/statistics.ts';
import { MAX_CHANGING_CELLS } from '../../server/evaluation/verdict.ts';
import { loadRules } from '../../server/rules/load.ts';
import { plantSeed } from '../../server/training/states.ts';

const RULES = loadRules(join(import.meta.dirname, '../../weights'));
const SEEDS = [1, 2, 3];
/** Rules that do not meet the bar yet; none may get worse. */
const RESTLESS: Readonly<Record<string, number>> = { bulbasaur: 30, pikachu: 50 };

test.each(RULES)('a grown $name keeps still', async (rule) => {
  const target = boxOf(rule);
  const rollouts = openBodies(rule, target, SEEDS.length, 0);
  const advance = async (from: number, to: number): Promise<readonly number[]> =>
    (await rollouts.run(SEEDS.map((randomSeed) => ({ steps: to - from, randomSeed, firstStep: from }))))
      .losses;
  try {
    for (const slot of SEEDS.keys()) plantSeed(rollouts.state(slot), target.shape);
    await advance(0, CUT_STEP);
    const changing = await measureStillness(rollouts, target, SEEDS, advance);
    expect(medianOf(changing)).toBeLessThanOrEqual(RESTLESS[rule.name] ?? MAX_CHANGING_CELLS);
  } finally {
    await rollouts.dispose();
  }
});
