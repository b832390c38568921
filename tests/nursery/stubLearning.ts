/** A learning process that computes nothing: `node stubLearning.ts FOLDER BEHAVIOUR RULE`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { FAILED_CODE, PAUSED_CODE, UNWRITTEN_CODE } from '../../server/background/lowProcess.ts';
import { fileOf, type LearnResult, readJob } from '../../server/nursery/job.ts';
import type { FromLearning, ToLearning } from '../../server/nursery/messages.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { blobRule } from '../world/blob.ts';

const [, , folder, behaviour] = process.argv;
const job = readJob(folder);
const post = (message: FromLearning): void => void process.send?.(message);

process.on('message', (message: ToLearning) => {
  if (message.type === 'watch') return post({ type: 'film', png: Buffer.from('film').toString('base64') });
  writeFileSync(fileOf(folder, 'checkpoint'), 'half');
  process.send!({ type: 'paused' }, () => process.exit(PAUSED_CODE));
});
process.on('disconnect', () => process.exit(PAUSED_CODE));

function finish(outcome: LearnResult['outcome'], lacks: readonly string[] = []): void {
  const rule = { ...blobRule(job.species), metadata: { title: job.title, maker: job.maker } };
  writeFileSync(fileOf(folder, 'rule'), serializeRule(rule));
  for (const file of ['film', 'card'] as const) writeFileSync(fileOf(folder, file), 'a picture');
  const result: LearnResult = {
    format: 1,
    outcome,
    lacks,
    iterations: existsSync(fileOf(folder, 'checkpoint')) ? 900 : 400,
    seconds: 80,
    metrics: { deaths: 0 },
  };
  writeFileSync(fileOf(folder, 'result'), JSON.stringify(result));
  process.send!({ type: 'finished' }, () => process.exit(0));
}

post({ type: 'progress', stage: 'learning', iterations: 10, maxIterations: 2600, loss: 0.1, seconds: 2 });
post({ type: 'checked', iterations: 5, error: null, recovery: { left: null } });
post({ type: 'checked', iterations: 10, error: 0.01, recovery: { left: 0.5, noise: 0.9 } });
if (behaviour === 'pass') finish('passed');
else if (behaviour === 'weak') finish('weak', ['left: 0.910 healed, 0.98 passes']);
else if (behaviour === 'refuse') finish('refused', ['3 of 16 died']);
else if (behaviour === 'hopeless') {
  console.error('it has no seed');
  process.exit(FAILED_CODE);
} else if (behaviour === 'crash') process.exit(1);
else if (behaviour === 'full disk') {
  console.error('cannot write checkpoint.bin: ENOSPC');
  process.exit(UNWRITTEN_CODE);
} else if (behaviour === 'resume' && existsSync(fileOf(folder, 'checkpoint'))) {
  if (readFileSync(fileOf(folder, 'checkpoint'), 'utf8') === 'half') finish('passed');
} else setInterval(() => {}, 1_000); // works until it is paused or killed
