/**
 * The learning process: does one job of the nursery and ends. The server forks it at the lowest priority; by hand:
 * `node server/nursery/process.ts data/nursery/jobs/…`.
 */
import { runJob } from './runJob.ts';

await runJob(process.argv[2]);
