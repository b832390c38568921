import { describe, expect, test } from 'vitest';
import { Subscriptions } from '../../../server/stream/deliver/subscriptions.ts';

describe('the union of watched pages', () => {
  const watch = (watcher: string, ...keys: number[]) => keys.map((key) => ({ key, watcher, place: -1 }));

  test('adds a page with its first watcher and drops it three seconds after its last has left', () => {
    const calls: [readonly number[], readonly number[]][] = [];
    const union = new Subscriptions((add, remove) => calls.push([add, remove]));
    const a = watch('a', 1, 2);
    const b = watch('b', 2, 3);
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
    expect([...union.watchersOf(2)!]).toEqual([b[0]]);
    expect(union.pages).toBe(2);
  });

  test('does not change when a viewer pans back and forth', () => {
    const calls: unknown[] = [];
    const union = new Subscriptions((add, remove) => calls.push([add, remove]));
    const a = watch('a', 1);
    union.enter(a);
    for (let nowMs = 0; nowMs < 5_000; nowMs += 100) {
      union.leave(a, nowMs);
      union.sweep(nowMs + 50);
      union.enter(a);
    }
    expect(calls.length).toBe(1);
  });
});
