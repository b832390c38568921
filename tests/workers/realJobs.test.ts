/** A real worker tunes a rule and learns a drawing, in a real queue, for a world on another machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../server/config.ts';
import { fileOf, readResult } from '../../server/nursery/job.ts';
import { isResult, JOB_FILES } from '../../server/tuner/jobs.ts';
import { readJson } from '../../server/tuner/jsonFile.ts';
import { type FarJobs, openFarJobs } from '../../server/workers/jobs.ts';
import type { JobKind } from '../../server/workers/queue.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import { until } from '../serverProcess.ts';
import { kill, withFile } from '../started.ts';
import { Cluster, noPostgres } from '../store/cluster.ts';
import { sproutJob } from '../tuner/sprout.ts';

const LIMIT_MS = 120_000;
const root = join(import.meta.dirname, '../..');

describe.skipIf(noPostgres !== null)('a worker of another machine', { timeout: 2 * LIMIT_MS }, () => {
  let cluster: Cluster;
  let folder: string;
  let store: readonly string[];
  let jobs: FarJobs;
  const workers: ChildProcess[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start();
    folder = mkdtempSync(join(tmpdir(), 'regrow-far-'));
    store = ['--store', cluster.url, '--blobs', join(folder, 'blobs')];
    jobs = await openFarJobs(readConfig(store, {}), () => {});
  });
  afterAll(async () => {
    for (const worker of workers) await kill(worker);
    await jobs?.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startWorker(entry: string, ...args: string[]): Promise<ChildProcess> {
    const worker = withFile(
      spawn(process.execPath, [entry, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    workers.push(worker);
    let output = '';
    worker.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const isWaiting = async () => (output.includes('waiting for jobs') ? true : undefined);
    await until('the worker takes jobs', isWaiting, LIMIT_MS);
    return worker;
  }

  async function done(kind: JobKind, place: string): Promise<{ code: number | null; words: string }> {
    const far = jobs.spawn(kind)(place);
    let words = '';
    far.stderr!.on('data', (chunk: Buffer) => {
      words += chunk.toString();
    });
    const [code] = await once(far, 'exit');
    return { code: code as number | null, words };
  }

  function learning(drawing: string): string {
    const place = mkdtempSync(join(folder, 'drawing-'));
    const job = {
      format: 1,
      id: 7,
      species: 'dot',
      title: 'Dot',
      maker: 'Ann',
      drawing,
      threads: 1,
      randomSeed: 1,
    };
    writeFileSync(fileOf(place, 'job'), JSON.stringify({ ...job, maxIterations: 1_000 }));
    return place;
  }

  test('tunes a rule as this machine does, and says why a drawing cannot be learned', async () => {
    const worker = await startWorker('server/main.ts', '--role', 'worker', ...store);
    const place = join(folder, 'tuning');
    mkdirSync(place);
    sproutJob(place, { iterations: 1 });
    expect(await done('tuning', place)).toEqual({ code: 0, words: '' });
    const result = readJson(join(place, JOB_FILES.result), isResult);
    // So small a change heals no better.
    expect(result).toMatchObject({ verdict: 'rejected', iterations: 1 });

    const { code, words } = await done('nursery', learning('no drawing'));
    expect(code).toBe(1);
    expect(words).not.toBe('');
    const ended = once(worker, 'exit');
    worker.kill('SIGTERM');
    expect((await ended)[0]).toBe(0);
  });

  test('learns a drawing, and its rule, film and card come back', async () => {
    await startWorker('tests/workers/quickWorker.ts', cluster.url, join(folder, 'blobs'));
    const rgba = Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => (i % 4 === 3 ? 255 : 90));
    const place = learning(packDrawing({ width: 8, height: 8, rgba }));
    expect(await done('nursery', place)).toEqual({ code: 0, words: '' });
    expect(readResult(place)?.outcome).not.toBe('refused');
    for (const file of ['rule', 'film', 'card'] as const) expect(existsSync(fileOf(place, file))).toBe(true);
  });
});
