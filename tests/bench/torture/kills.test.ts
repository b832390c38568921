import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../engines/fixtures.ts';
import { carryOut, KILLS_PER_ROUND, KINDS, KillPlan, type Victim } from './kills.ts';

const { signal } = new AbortController();

const kindsOf = (kills: number, canFill: boolean): Set<string> => {
  const plan = new KillPlan(seededRandom(1));
  return new Set(Array.from({ length: kills }, () => plan.next(canFill).kind));
};

test('every kind of kill comes within one round', () => {
  expect([...kindsOf(KILLS_PER_ROUND, false)].sort()).toEqual([...KINDS].sort());
});

test('a full disk comes only where one can be filled', () => {
  expect(kindsOf(1_000, false)).not.toContain('full disk');
  expect([...kindsOf(1_000, true)].sort()).toEqual([...KINDS, 'full disk'].sort());
});

/** A server that runs until it is killed. */
function victim(): Victim & { isRunning: boolean } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  return {
    isRunning: true,
    ended,
    printed: '',
    kill() {
      this.isRunning = false;
      resolve();
    },
  };
}

test('a server that ends by itself is not waited for', async () => {
  const server = { isRunning: false, ended: sleep(1), printed: '', kill() {} };
  await carryOut({ kind: 'random', atMs: 60_000 }, server, '', null, signal);
});

test('an aim at an operation is hit when the server ends in it', async () => {
  const server = victim();
  setTimeout(() => server.kill(), 5);
  expect(await carryOut({ kind: 'pack write', preload: '' }, server, '', null, signal)).toBe(true);
});

test('a watched file is hit when it changes, and another is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  try {
    const server = victim();
    const done = carryOut({ kind: 'watched save', atMs: 0 }, server, folder, null, signal);
    await sleep(50);
    writeFileSync(join(folder, 'journal-00000001.log'), '');
    await sleep(20);
    expect(server.isRunning).toBe(true);
    writeFileSync(join(folder, 'pages-1.pack'), '');
    expect(await done).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a disk that was to fail and did not is an aim missed', async () => {
  const kill = { kind: 'EIO', preload: '', atMs: 1 } as const;
  expect(await carryOut(kill, victim(), '', null, signal)).toBe(false);
  const failed = { ...victim(), printed: 'double: the disk fails for 3 ms' };
  expect(await carryOut(kill, failed, '', null, signal)).toBe(true);
});
