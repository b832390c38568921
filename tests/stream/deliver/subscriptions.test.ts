import { describe, expect, test } from 'vitest';
import { Subscriptions } from '../../../server/stream/deliver/subscriptions.ts';

describe('the union of watched pages', () => {
  test('adds a page with its first watcher and drops it three seconds after its last has left', () => {
    const calls: [readonly number[], readonly number[]][] = [];
    const union = new Subscriptions((add, remove) => calls.push([add, remove]));
    const a = [1, 2];
    const b = [2, 3];
    union.enter(a);
    union.enter(b);
    expect(calls).toEqual([
      [[1, 2], []],
      [[3], []],
    ]);
    union.leave(a, 0);
    union.sweep(2_900);
    expect(calls.length).toBe(2);
    union.sweep(3_000);
    expect(calls[2]).toEqual([[], [1]]);
    expect([1, 2, 3].map((key) => union.has(key))).toEqual([false, true, true]);
    expect(union.pages).toBe(2);
  });

  test('does not change when a viewer pans back and forth', () => {
    const calls: unknown[] = [];
    const union = new Subscriptions((add, remove) => calls.push([add, remove]));
    const a = [1];
    union.enter(a);
    for (let nowMs = 0; nowMs < 5_000; nowMs += 100) {
      union.leave(a, nowMs);
      union.sweep(nowMs + 50);
      union.enter(a);
    }
    expect(calls.length).toBe(1);
  });
});
