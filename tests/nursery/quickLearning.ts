/** A learning process whose exam is easy: `node quickLearning.ts FOLDER`. What it learns, it learns in truth. */
import type { Evaluation, Frames } from '../../server/evaluation/evaluate.ts';
import { GATES } from '../../server/nursery/gates.ts';
import { roundPlan } from '../../server/nursery/rounds.ts';
import { runJob } from '../../server/nursery/runJob.ts';
import { SpotCheck } from '../../server/nursery/spotCheck.ts';

let checks = 0;
const figure = (median: number) => ({ median, worst: median });
const evaluation = {
  mse: { 200: figure(1e-4), 1000: figure(1e-4), 5000: figure(1e-4) },
  recovery: Object.fromEntries(GATES.kinds.map((kind) => [kind, figure(1)])),
  changingCells: figure(0),
  deaths: 0,
  runaways: 0,
} as unknown as Evaluation;

await runJob(process.argv[2], {
  pace: { firstCheck: 8, checkEvery: 8, judgeEvery: 8 },
  roundPlan,
  judge: async () => ({ evaluation, frames: {} as Frames }),
  openCheck: (rule, target, threads) => {
    const check = new SpotCheck(rule, target, threads);
    return {
      async measure(...what) {
        // At the fourth check, all is well.
        const checked = await check.measure(...what);
        if (++checks < 4) return checked;
        const recovery = Object.fromEntries(GATES.kinds.map((kind) => [kind, 1]));
        return { ...checked, grownError: 1e-4, olderError: 1e-4, recovery, isSafe: true };
      },
      dispose: () => check.dispose(),
    };
  },
});
