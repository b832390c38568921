import { describe, expect, test } from 'vitest';
import { stemOf } from '../../server/nursery/desk/drawingTable.ts';
import { Estimate } from '../../server/nursery/desk/estimate.ts';
import { type Turn, turnOrder } from '../../server/nursery/desk/turnOrder.ts';

const row = (id: number, guest: string, address: string, begun = ''): Turn => ({ id, guest, address, begun });
const order = (waiting: readonly Turn[], begun: readonly Turn[] = []): number[] =>
  turnOrder(waiting, begun).map(({ id }) => id);

describe('turns', () => {
  test('go round addresses, and within an address round its guests', () => {
    const waiting = [
      row(1, 'ann', '192.0.2.1'),
      row(2, 'ann', '192.0.2.1'),
      row(3, 'amy', '192.0.2.1'),
      row(4, 'bob', '192.0.2.2'),
    ];
    expect(order(waiting)).toEqual([1, 4, 3, 2]);
  });

  test('come first to who has waited longest since their last one', () => {
    const begun = [row(1, 'ann', '192.0.2.1', '2026-01-02'), row(2, 'bob', '192.0.2.2', '2026-01-01')];
    const waiting = [row(5, 'ann', '192.0.2.1'), row(6, 'bob', '192.0.2.2'), row(7, 'cat', '192.0.2.3')];
    expect(order(waiting, begun)).toEqual([7, 6, 5]);
  });

  test('name everybody once', () => {
    const waiting = Array.from({ length: 40 }, (_, i) => row(i, `g${i % 7}`, `192.0.2.${i % 3}`));
    expect(order(waiting).toSorted((a, b) => a - b)).toEqual(waiting.map(({ id }) => id));
  });
});

describe('an estimate', () => {
  test('never runs out before the learning does', () => {
    const estimate = new Estimate();
    for (const iterations of [300, 500, 700]) estimate.ended(iterations);
    for (const done of [0, 299, 600, 699, 700, 2_000]) expect(estimate.left(done, 2_600)).toBeGreaterThan(0);
    expect(estimate.left(600, 2_600)).toBeLessThan(estimate.left(700, 2_600));
  });

  test('follows the pace of the machine', () => {
    const estimate = new Estimate();
    const before = estimate.left(0, 2_600);
    estimate.pass(500, 500);
    expect(estimate.left(0, 2_600)).toBeGreaterThan(4 * before);
  });

  test('grows with the place in the queue', () => {
    const estimate = new Estimate();
    const waits = [0, 1, 2].map((place) => estimate.wait(place, { done: 100, maxIterations: 2_600 }));
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(estimate.wait(0, null)).toBeLessThan(waits[0]);
  });
});

test.each([
  ['Señor Käfer 2', 'senor-kafer-2'],
  ['  -- ', 'creature'],
  ['龍', 'creature'],
  ['42', 'creature'],
  ['A very long name for a creature', 'a-very-long-name-for-a-c'],
  ["O'Neil", 'o-neil'],
])('the species of "%s" is called %s', (name, stem) => {
  expect(stemOf(name)).toBe(stem);
});
