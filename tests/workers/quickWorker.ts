/** A worker whose drawings have an easy exam, so that one is learned in seconds: `node quickWorker.ts URL BLOBS`. */
import { join } from 'node:path';
import { forkLow } from '../../server/background/lowProcess.ts';
import { JOB_FILES } from '../../server/nursery/job.ts';
import { FolderBlobs } from '../../server/store/folderBlobs.ts';
import { openQueue } from '../../server/workers/queue.ts';
import { Worker, type Workshop } from '../../server/workers/worker.ts';

const QUICK = join(import.meta.dirname, '../nursery/quickLearning.ts');

const [url, blobs] = process.argv.slice(2);
const log = (line: string): void => console.info(line);
const nursery: Workshop = {
  files: Object.values(JOB_FILES),
  result: JOB_FILES.result,
  spawn: (folder) => forkLow(QUICK, folder),
};
const tuning: Workshop = {
  ...nursery,
  spawn: () => {
    throw new Error('nobody tunes here');
  },
};
const boss = await openQueue(url, log);
await new Worker({ boss, blobs: new FolderBlobs(blobs), workshops: { nursery, tuning }, log }).start();
log('waiting for jobs');
