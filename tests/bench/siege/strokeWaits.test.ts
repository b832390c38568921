import { expect, test } from 'vitest';
import { LoadClient } from '../load/client.ts';
import { MAX_WAIT_MS, StrokeWaits } from './strokeWaits.ts';

const client = (): LoadClient => new LoadClient(0, { width: 1, height: 1 }, false, { x: 0, y: 0 }, () => {});

test('a stroke waits from its sending to its answer', () => {
  const waits = new StrokeWaits();
  const one = client();
  waits.sent(one, 1, 1_000);
  waits.sent(one, 2, 1_100);
  waits.answered(one, 2, 1_110);
  waits.answered(one, 1, 1_030);
  expect(waits.take(1_200)).toEqual({ count: 2, lost: 0, p50Ms: 10, p99Ms: 30, maxMs: 30 });
});

test('strokes of different connections may have the same number', () => {
  const waits = new StrokeWaits();
  const [one, other] = [client(), client()];
  waits.sent(one, 1, 0);
  waits.sent(other, 1, 50);
  waits.answered(other, 1, 55);
  waits.answered(one, 1, 100);
  expect(waits.take(200)).toMatchObject({ count: 2, p50Ms: 5, maxMs: 100 });
});

test('an answer to a stroke that was not sent counts nothing', () => {
  const waits = new StrokeWaits();
  waits.answered(client(), 1, 5);
  expect(waits.take(10)).toEqual({ count: 0, lost: 0, p50Ms: null, p99Ms: null, maxMs: null });
});

test('strokes whose connection ends are lost, and count as the longest wait', () => {
  const waits = new StrokeWaits();
  const one = client();
  waits.sent(one, 1, 0);
  waits.sent(one, 2, 0);
  waits.answered(one, 1, 20);
  waits.cut(one);
  expect(waits.take(30)).toMatchObject({ count: 2, lost: 1, p50Ms: 20, maxMs: MAX_WAIT_MS });
});

test('a stroke that has waited for a second counts in the window that ends, and only there', () => {
  const waits = new StrokeWaits();
  const one = client();
  waits.sent(one, 1, 0);
  waits.sent(one, 2, 1_900);
  expect(waits.take(2_000)).toMatchObject({ count: 1, lost: 0, maxMs: 2_000 });
  waits.answered(one, 1, 2_100);
  waits.answered(one, 2, 2_100);
  expect(waits.take(3_000)).toMatchObject({ count: 1, maxMs: 200 });
});

test('a stroke without an answer for ten seconds is lost', () => {
  const waits = new StrokeWaits();
  waits.sent(client(), 1, 0);
  expect(waits.take(MAX_WAIT_MS + 500)).toMatchObject({ count: 1, lost: 1, maxMs: MAX_WAIT_MS });
});
