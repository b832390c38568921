/** `npm run bench -- loop`, so short that nothing is learned: sessions by script, the real tuner, and figures of it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { STYLE_NAMES } from '../bench/loop/styles.ts';
import { withFile } from '../started.ts';

const bench = async (...flags: string[]) => {
  const main = join(import.meta.dirname, '../bench/main.ts');
  const running = promisify(execFile)(process.execPath, [main, 'loop', '--quick', '--json', ...flags]);
  withFile(running.child);
  return JSON.parse((await running).stdout);
};

test('the loop bench learns from a scripted session and reports what became of it', {
  timeout: 300_000,
}, async () => {
  const { tried, passed, results } = await bench();
  expect([tried, passed]).toEqual([1, 0]);
  expect(results[0]).toMatchObject({ species: 'sprout', style: 'noise', outcome: 'gave up', iterations: 4 });
  expect(results[0].heldOutError).toHaveLength(2);
  // Nothing was promoted, so nothing has changed.
  expect(results[0].freshAfter).toEqual(results[0].freshBefore);
});

test('with --ten, sessions of one species follow each other, and the union judges each', {
  timeout: 300_000,
}, async () => {
  const { promotions, before, results, unionWounds } = await bench('--ten');
  expect(promotions).toBe(0);
  expect(results.map(({ style }: { style: string }) => style)).toEqual(STYLE_NAMES.slice(0, 2));
  // Two of eight wounds of the first session, and one of the second.
  expect(unionWounds).toBe(3);
  for (const { union } of results) expect(union).toEqual(before);
});
