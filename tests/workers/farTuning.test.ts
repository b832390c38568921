/** Jobs in a real queue, done by workers that are killed, paused and stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PgBoss } from 'pg-boss';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FAILED_CODE, PAUSED_CODE } from '../../server/background/lowProcess.ts';
import { FolderBlobs } from '../../server/store/folderBlobs.ts';
import { FarProcess } from '../../server/workers/farProcess.ts';
import { type JobKind, openQueue } from '../../server/workers/queue.ts';
import { until } from '../serverProcess.ts';
import { kill, withFile } from '../started.ts';
import { Cluster, noPostgres } from '../store/cluster.ts';

const LIMIT_MS = 60_000;

describe.skipIf(noPostgres !== null)('jobs at workers', { timeout: 2 * LIMIT_MS }, () => {
  let cluster: Cluster;
  // Each test has a queue, blobs and workers of its own.
  let url: string;
  let boss: PgBoss;
  let folder: string;
  let blobs: string;
  let workers: StartedWorker[];
  let jobs = 0;

  beforeAll(async () => {
    cluster = await Cluster.start();
  });
  afterAll(() => cluster?.stop());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'regrow-workers-'));
    blobs = join(folder, 'blobs');
    workers = [];
    url = await cluster.addDatabase();
    boss = await openQueue(url, () => {});
  });
  afterEach(async () => {
    for (const { child } of workers) await kill(child);
    await boss?.stop({ graceful: false });
    rmSync(folder, { recursive: true, force: true });
  });

  interface StartedWorker {
    readonly child: ChildProcess;
    /** Waits until it has printed this. */
    says(words: string): Promise<true>;
  }

  async function startWorker(): Promise<StartedWorker> {
    const stub = join(import.meta.dirname, 'stubWorker.ts');
    const args = [stub, url, blobs];
    const child = withFile(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const says = (words: string): Promise<true> =>
      until(`a worker says "${words}"`, async () => (output.includes(words) ? true : undefined), LIMIT_MS);
    const worker = { child, says };
    workers.push(worker);
    await says('started');
    return worker;
  }

  function makeJob(text: string): string {
    const place = mkdtempSync(join(folder, `job${++jobs}-`));
    writeFileSync(join(place, 'job.json'), JSON.stringify({ text, jobs }));
    return place;
  }

  interface Watched {
    readonly far: FarProcess;
    readonly exit: Promise<number | null>;
    readonly words: () => string;
  }

  function watch(place: string, kind: JobKind = 'tuning'): Watched {
    const names = {
      files: ['job.json', 'checkpoint.bin', 'result.json'],
      identity: ['job.json'],
      result: 'result.json',
    };
    const far = new FarProcess(place, {
      boss,
      blobs: new FolderBlobs(blobs),
      world: 'w',
      kind,
      ...names,
      pollMs: 100,
    });
    let words = '';
    far.stderr.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    return { far, exit: once(far, 'exit').then(([code]) => code as number | null), words: () => words };
  }

  const blobsNow = (): string[] =>
    existsSync(join(blobs, 'w/jobs')) ? readdirSync(join(blobs, 'w/jobs')) : [];

  /** Another worker can go on from it: a blob gets its name when it is whole. */
  const aCheckpoint = (): Promise<true> =>
    until(
      'a checkpoint',
      async () => (blobsNow().some((name) => name.endsWith('-state')) ? true : undefined),
      LIMIT_MS,
    );

  const resultIn = (place: string): { begun: string; pid: number } =>
    JSON.parse(readFileSync(join(place, 'result.json'), 'utf8'));

  test('a job is done at a worker, its files come back, and nothing of it is left', async () => {
    await startWorker();
    const place = makeJob('quick');
    const { exit } = watch(place);
    expect(await exit).toBe(0);
    expect(resultIn(place).begun).toBe('nothing');
    expect(blobsNow()).toEqual([]);
    expect(await boss.findJobs('jobs')).toEqual([]);
  });

  test('a job that cannot succeed is given up with its reason, and not tried again', async () => {
    await startWorker();
    const { exit, words } = watch(makeJob('hopeless'));
    expect(await exit).toBe(FAILED_CODE);
    expect(words()).toContain('moss does not grow');
  });

  test('a job that fails by itself is told of at once; the next try goes on from its checkpoint', async () => {
    await startWorker();
    const place = makeJob('clumsy');
    const { exit, words } = watch(place);
    expect([await exit, words()]).toEqual([1, 'moss has fallen']);
    expect([blobsNow(), await boss.findJobs('jobs')]).toEqual([[], []]);
    expect(await watch(place).exit).toBe(0);
    expect(resultIn(place).begun).toBe('a checkpoint before the fall');
  });

  test('the job of a killed worker goes on at another from its checkpoint, and has one result', async () => {
    const first = await startWorker();
    const place = makeJob('long');
    const { exit } = watch(place);
    await aCheckpoint();
    first.child.kill('SIGKILL');
    await startWorker();
    expect(await exit).toBe(0);
    const { begun, pid } = resultIn(place);
    expect(begun).toMatch(/^checkpoint of process \d+$/);
    expect(begun).not.toContain(`process ${pid}`);
    expect(blobsNow()).toEqual([]);
  });

  test('what the process of a job says is heard where the job comes from', async () => {
    const worker = await startWorker();
    const { far } = watch(makeJob('long'));
    const heard: unknown[] = [];
    far.on('message', (message) => heard.push(message));
    await until('its progress', async () => (heard.length > 0 ? true : undefined), LIMIT_MS);
    expect(heard).toEqual([{ type: 'progress', done: 7 }]);
    // Only a pause is a pause.
    far.send({ type: 'watch' });
    expect(heard).toHaveLength(1);
    worker.child.kill('SIGKILL');
  });

  test('while somebody looks, the worker makes a film that comes here, and nothing of it is left', async () => {
    await startWorker();
    const place = makeJob('filmed');
    const { far, exit } = watch(place, 'nursery');
    const films: string[] = [];
    far.on('message', ({ type, png }: { type: string; png: string }) => {
      if (type === 'film') films.push(png);
    });
    far.send({ type: 'watch', isWatched: true });
    await until('a film', async () => (films.length > 0 ? true : undefined), LIMIT_MS);
    expect(films).toEqual(['x'.repeat(500_000)]);
    far.send({ type: 'watch', isWatched: false });
    expect(await exit).toBe(0);
    expect(blobsNow()).toEqual([]);
  });

  test('a worker that was paused finds its job given away; what it comes to is not taken', async () => {
    const first = await startWorker();
    const place = makeJob('long');
    const { exit } = watch(place);
    await aCheckpoint();
    first.child.kill('SIGSTOP');
    await startWorker();
    expect(await exit).toBe(0);
    const result = readFileSync(join(place, 'result.json'), 'utf8');
    first.child.kill('SIGCONT');
    await first.says('it was given to another worker');
    expect(readFileSync(join(place, 'result.json'), 'utf8')).toBe(result);
    expect(await boss.findJobs('jobs')).toEqual([]);
  });

  test('a worker that is stopped gives its job back at once', async () => {
    const first = await startWorker();
    const place = makeJob('long');
    const { exit } = watch(place);
    await aCheckpoint();
    const ended = once(first.child, 'exit');
    first.child.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
    const [job] = await boss.findJobs('jobs');
    expect(job.state).toBe('retry');
    await startWorker();
    expect(await exit).toBe(0);
  });

  test('who looks away and comes back finds the same job', async () => {
    const place = makeJob('quick');
    const first = watch(place);
    await until(
      'the job',
      async () => ((await boss.findJobs('jobs')).length === 1 ? true : undefined),
      LIMIT_MS,
    );
    first.far.send({ type: 'pause' });
    expect(await first.exit).toBe(PAUSED_CODE);
    const second = watch(place);
    await startWorker();
    expect(await second.exit).toBe(0);
    expect(await boss.findJobs('jobs')).toEqual([]);
  });
});
