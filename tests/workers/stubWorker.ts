/** A worker in a process of its own, whose jobs do not compute: `node stubWorker.ts URL BLOBS`. */
import { join } from 'node:path';
import { forkLow } from '../../server/background/lowProcess.ts';
import { FolderBlobs } from '../../server/store/folderBlobs.ts';
import { openQueue } from '../../server/workers/queue.ts';
import { Worker, type Workshop } from '../../server/workers/worker.ts';

const [url, blobs] = process.argv.slice(2);
const log = (line: string): void => console.info(line);
const WORKSHOP: Workshop = {
  files: ['job.json', 'checkpoint.bin', 'result.json'],
  result: 'result.json',
  spawn: (folder) => forkLow(join(import.meta.dirname, 'stubJob.ts'), folder),
};
const worker = new Worker({
  boss: await openQueue(url, log),
  blobs: new FolderBlobs(blobs),
  workshops: { tuning: WORKSHOP, nursery: { ...WORKSHOP, isWatchable: true } },
  log,
  sendMs: 200,
});
process.on('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
await worker.start();
log('started');
