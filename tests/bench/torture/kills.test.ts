import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seededRandom } from '../../engines/fixtures.ts';
import { carryOut, planKill } from './kills.ts';

const kindsOf = (canFill: boolean): Set<string> => {
  const draw = seededRandom(1);
  return new Set(Array.from({ length: 1_000 }, () => planKill(draw, canFill).kind));
};

test('every kind of kill comes, a full disk only where one can be filled', () => {
  const kinds = [
    'EIO',
    'in operation',
    'in registry',
    'in start',
    'in write',
    'random',
    'watched flush',
    'watched registry',
    'watched rename',
    'watched save',
  ];
  expect([...kindsOf(false)].sort()).toEqual(kinds);
  expect([...kindsOf(true)].sort()).toEqual([...kinds, 'full disk'].sort());
});

test('a server that ends by itself is not waited for', async () => {
  const server = { isRunning: false, ended: sleep(1), kill() {} };
  const { signal } = new AbortController();
  await carryOut({ kind: 'random', atMs: 60_000 }, server, '', null, signal);
});
