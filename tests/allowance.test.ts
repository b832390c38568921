import { expect, test } from 'vitest';
import { Allowance } from '../server/allowance.ts';

let nowMs = 0;
const allowance = (): Allowance => new Allowance({ most: 10, perSecond: 2, now: () => nowMs });

test('an allowance is used up, says when there is enough, and is refilled to its most by time', () => {
  const all = allowance();
  expect(all.take('a', 4)).toBe(0);
  expect(all.take('a', 6)).toBe(0);
  expect(all.take('a', 3)).toBe(1_500);
  nowMs += 1_500;
  expect(all.take('a', 3)).toBe(0);
  nowMs += 3_600_000;
  expect(all.take('a', 10)).toBe(0);
  expect(all.take('a', 1)).toBe(500);
});

test('what is refused costs nothing, and each address has its own', () => {
  const all = allowance();
  expect(all.take('a', 9)).toBe(0);
  for (let i = 0; i < 100; i++) expect(all.take('a', 2)).toBe(500);
  expect(all.take('a', 1)).toBe(0);
  expect(all.take('b', 10)).toBe(0);
});

test('a cost above the most takes all, so that it can be paid at all', () => {
  const all = allowance();
  expect(all.take('a', 1_000)).toBe(0);
  expect(all.take('a', 1_000)).toBe(5_000);
});

test('the address that asked least recently is forgotten beyond ten thousand', () => {
  const all = allowance();
  for (const address of ['early', 'often']) all.take(address, 10);
  for (let i = 0; i < 9_999; i++) {
    all.take(`address ${i}`, 1);
    if (i === 5_000) {
      nowMs += 500;
      all.take('often', 1);
    }
  }
  nowMs = 0;
  expect(all.take('often', 10)).toBeGreaterThan(0);
  expect(all.take('early', 10)).toBe(0);
});

test('a charge takes what there is, and no more', () => {
  const all = allowance();
  all.charge('c', 4);
  expect(all.take('c', 6)).toBe(0);
  all.charge('c', 100);
  expect(all.take('c', 1)).toBe(500);
});
