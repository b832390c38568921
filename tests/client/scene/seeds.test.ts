import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Seeds } from '../../../client/scene/seeds.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a seed’s seconds are counted down between messages, and its ring closes', () => {
  const seeds = new Seeds(() => {});
  seeds.apply({ seeds: [{ id: 1, x: 10, y: 20, seconds: 12 }] }, 1_000);
  expect(seeds.signs(1_000)).toEqual([{ id: 1, x: 10, y: 20, seconds: 12, share: expect.closeTo(0.2, 5) }]);
  expect(seeds.signs(7_500)).toMatchObject([{ seconds: 6 }]);
  expect(seeds.signs(13_000)).toMatchObject([{ seconds: 0, share: 1 }]);
  expect(seeds.signs(60_000)).toMatchObject([{ seconds: 0, share: 1 }]);
});

test('a ring of a long wait begins open, and goes on from where it was with the next message', () => {
  const seeds = new Seeds(() => {});
  seeds.apply({ seeds: [{ id: 1, x: 0, y: 0, seconds: 40 }] }, 0);
  expect(seeds.signs(0)).toMatchObject([{ share: 0 }]);
  seeds.apply({ seeds: [{ id: 1, x: 0, y: 0, seconds: 20 }] }, 20_000);
  expect(seeds.signs(20_000)).toMatchObject([{ share: 0.5 }]);
});

test('signs are drawn again four times per second while there are some, and then no timer runs', () => {
  const refresh = vi.fn();
  const seeds = new Seeds(refresh);
  seeds.apply({ seeds: [{ id: 1, x: 0, y: 0, seconds: 3 }] }, 0);
  refresh.mockClear();
  vi.advanceTimersByTime(1_000);
  expect(refresh).toHaveBeenCalledTimes(4);
  seeds.clear();
  expect(vi.getTimerCount()).toBe(0);
  expect(seeds.signs(0)).toEqual([]);
});

test('a pointer within four cells means the seed', () => {
  const seeds = new Seeds(() => {});
  seeds.apply({ seeds: [{ id: 1, x: 10, y: 20, seconds: 3 }] }, 0);
  expect(seeds.isAt(14, 20.5)).toBe(true);
  expect(seeds.isAt(15, 20.5)).toBe(false);
  seeds.clear();
});
