/** The queue of jobs that workers on other machines do: pg-boss, in the database of the store. */
import { PgBoss } from 'pg-boss';

/** The queue of all worlds and kinds. */
export const JOBS = 'jobs';
export type JobKind = 'tuning' | 'nursery';
/** A worker that has not been heard of for so long has died; pg-boss allows no less. */
const HEARTBEAT_SECONDS = 10;
/** A job that takes longer has gone wrong. */
const MAX_JOB_SECONDS = 6 * 3_600;
/** Workers that may die or be stopped over one job. */
const MAX_RETRIES = 20;
/** What a job's owner does not collect is forgotten after a week. */
const KEPT_SECONDS = 7 * 86_400;

/** What a worker gets. */
export interface Order {
  readonly kind: JobKind;
  readonly world: string;
  /** Blob of the job's files. */
  readonly input: string;
}

/**
 * What a job has come to: files; why no try can succeed; or why this one has not, which is not the worker's fault. Only
 * what a worker leaves undone is done again by another: of failures, whoever made the job keeps count.
 */
export type Outcome = { readonly blob: string } | { readonly hopeless: string } | { readonly failed: string };

/** @param log - gets what the operator should read @throws Error of the database */
export async function openQueue(url: string, log: (line: string) => void): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    schema: 'regrow_jobs',
    max: 3,
    // Dead workers are looked for this often.
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  });
  let told = '';
  boss.on('error', ({ message }) => {
    if (message !== told) log(`jobs: ${message}`);
    told = message;
  });
  await boss.start();
  await boss.createQueue(JOBS, {
    heartbeatSeconds: HEARTBEAT_SECONDS,
    expireInSeconds: MAX_JOB_SECONDS,
    retryLimit: MAX_RETRIES,
    deleteAfterSeconds: KEPT_SECONDS,
  });
  return boss;
}
