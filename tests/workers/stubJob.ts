/**
 * Replaces the tuning process: writes a checkpoint and waits; begun with one, it leaves a result that names it. A job that
 * says "hopeless" is given up, one that says "quick" needs no checkpoint, one that says "clumsy" fails behind its own, one
 * that says "filmed" makes a film when somebody looks, and is done when nobody looks any more.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED_CODE, PAUSED_CODE } from '../../server/background/lowProcess.ts';
import { writeWhole } from '../../server/rules/load.ts';

const [folder] = process.argv.slice(2);
const checkpoint = join(folder, 'checkpoint.bin');
const job = readFileSync(join(folder, 'job.json'), 'utf8');
const finish = (begun: string): void => {
  writeWhole(join(folder, 'result.json'), JSON.stringify({ job, begun, pid: process.pid }));
  process.exit(0);
};

process.on('message', ({ type, isWatched }: { type: string; isWatched?: boolean }) => {
  if (type !== 'watch') process.exit(PAUSED_CODE);
  if (!job.includes('filmed')) return;
  if (isWatched) process.send?.({ type: 'film', png: 'x'.repeat(500_000) });
  else finish('nothing');
});
process.on('disconnect', () => process.exit(PAUSED_CODE));
if (job.includes('hopeless')) {
  console.error('moss does not grow');
  process.exit(FAILED_CODE);
}
if (job.includes('clumsy') && !existsSync(checkpoint)) {
  writeWhole(checkpoint, 'a checkpoint before the fall');
  console.error('moss has fallen');
  process.exit(3);
}
if (job.includes('quick')) finish('nothing');
if (existsSync(checkpoint)) finish(readFileSync(checkpoint, 'utf8'));
else {
  writeWhole(checkpoint, `checkpoint of process ${process.pid}`);
  process.send?.({ type: 'progress', done: 7 });
  setInterval(() => {}, 1_000);
}
