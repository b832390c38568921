import { expect, test } from 'vitest';
import { Allowances } from '../server/allowances.ts';

let nowMs = 0;
const allowances = (): Allowances => new Allowances({ most: 10, perSecond: 2, now: () => nowMs });

test('an allowance is used up, says when there is enough, and is refilled to its most by time', () => {
  const all = allowances();
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
  const all = allowances();
  expect(all.take('a', 9)).toBe(0);
  for (let i = 0; i < 100; i++) expect(all.take('a', 2)).toBe(500);
  expect(all.take('a', 1)).toBe(0);
  expect(all.take('b', 10)).toBe(0);
});

test('a cost above the most takes all, so that it can be paid at all', () => {
  const all = allowances();
  expect(all.take('a', 1_000)).toBe(0);
  expect(all.take('a', 1_000)).toBe(5_000);
});

test('the address that asked least recently is forgotten beyond 16,384', () => {
  const all = allowances();
  for (const address of ['early', 'often']) all.take(address, 10);
  for (let i = 0; i < 16_383; i++) {
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
  const all = allowances();
  all.charge('c', 4);
  expect(all.take('c', 6)).toBe(0);
  all.charge('c', 100);
  expect(all.take('c', 1)).toBe(500);
});

test('only those that are not full are remembered, and what is given back refills', () => {
  const all = allowances();
  for (let i = 0; i < 100; i++) all.take(`address ${i}`, 4);
  expect(all.size).toBe(100);
  all.giveBack('address 0', 3);
  expect(all.left('address 0')).toBe(9);
  all.giveBack('nobody', 3);
  expect(all.left('nobody')).toBe(10);
  nowMs += 2_000;
  all.take('another', 1);
  expect(all.size).toBe(1);
});

test('a network has as much as 8 of its addresses, however many ask', () => {
  const all = allowances();
  const at = (n: number): string => `2001:db8:1:${n.toString(16)}::`;
  for (let n = 0; n < 8; n++) expect(all.take(at(n), 10)).toBe(0);
  expect(all.take(at(8), 8)).toBe(500);
  expect(all.scarcest(at(8))).toEqual({ left: 0, perSecond: 16 });
  expect(all.take('2001:db8:2::', 8)).toBe(0);
  all.giveBack(at(0), 10);
  expect(all.scarcest(at(9))).toEqual({ left: 10, perSecond: 2 });
});
