/**
 * Replaces the tuning process where its computation does not matter: `crash` dies, `nothing` ends without a result,
 * `hopeless` reports why it gives up, `full disk` cannot write its files, `deaf` never pauses, `work` works until it is paused, `candidate`,
 * `rejected` and `needless` leave that result.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED_CODE, PAUSED_CODE, UNWRITTEN_CODE } from '../../server/background/lowProcess.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { readRule } from '../../server/rules/load.ts';
import { JOB_FILES } from '../../server/tuner/jobs.ts';
import type { FromTuning } from '../../server/tuner/messages.ts';

const [folder, behaviour] = process.argv.slice(2);
const post = (message: FromTuning): void => void process.send!(message);
const rounds = [{ aim: 'healing', because: '', iterations: 5, lacks: ['worse, error at step 1000'] }];
const progress = {
  type: 'progress',
  planned: 100,
  loss: 0.01,
  seconds: 3,
  aim: 'picture',
  because: 'worse, error at step 1000',
  rounds,
} as const;

process.on('message', () => {
  if (behaviour === 'deaf') return;
  process.send!({ type: 'paused' }, () => process.exit(PAUSED_CODE));
});
process.on('disconnect', () => process.exit(PAUSED_CODE));

post({ type: 'stage', stage: 'measuring' });
post({ ...progress, done: 7 });
post({ type: 'spotCheck', done: 0, recovery: 0.5 });
switch (behaviour) {
  case 'crash':
    throw new TypeError('a bug in the trainer');
  case 'hopeless':
    console.error('moss does not grow');
    process.exit(FAILED_CODE);
    break;
  case 'full disk':
    console.error('cannot write checkpoint: ENOSPC');
    process.exit(UNWRITTEN_CODE);
    break;
  case 'nothing':
    process.exit(0);
    break;
  case 'deaf':
  case 'work':
    setInterval(() => {}, 1_000);
    break;
  default: {
    const rule = readRule(join(folder, JOB_FILES.incumbent));
    const file = serializeRule({
      ...rule,
      fireRate: rule.fireRate + 0.01,
      metadata: { ...rule.metadata, tunedOn: folder },
    });
    writeFileSync(join(folder, JOB_FILES.candidate), file);
    writeFileSync(join(folder, JOB_FILES.film), 'a film');
    const reasons = behaviour === 'candidate' ? [] : ['worse, recovery left: 1 → 0.5 (p = 0.001)'];
    const learned = {
      session: '2026-01-01T00-00-00.000Z',
      wounds: 9,
      recoveryBefore: 0.5,
      recoveryAfter: 0.9,
      stepsBefore: 90,
      stepsAfter: 60,
    };
    const result = { format: 2, verdict: behaviour, reasons, metrics: { learned }, iterations: 9, rounds };
    writeFileSync(join(folder, JOB_FILES.result), JSON.stringify(result));
    process.send!({ type: 'finished' }, () => process.exit(0));
  }
}
