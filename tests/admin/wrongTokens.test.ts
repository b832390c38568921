import { expect, test } from 'vitest';
import { WrongTokens } from '../../server/admin/wrongTokens.ts';

function guard(): { wrong: WrongTokens; pass(ms: number): void } {
  let now = 0;
  return {
    wrong: new WrongTokens(() => now),
    pass: (ms) => {
      now += ms;
    },
  };
}

test('an address waits twice as long after every wrong token after the third, at most a quarter of an hour', () => {
  const { wrong, pass } = guard();
  const waits: number[] = [];
  for (let n = 0; n < 3; n++) expect(wrong.fail('a')).toBe(0);
  for (let n = 0; n < 13; n++) {
    expect(wrong.fail('a')).toBe(0);
    const waitMs = wrong.fail('a');
    // A try that came too early makes the wait no longer.
    expect(wrong.fail('a')).toBe(waitMs);
    waits.push(waitMs / 1_000);
    pass(waitMs);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
});

test('one address costs no other a wait, and starts anew after a right token', () => {
  const { wrong } = guard();
  for (let n = 0; n < 6; n++) wrong.fail('a');
  expect(wrong.fail('a')).toBe(1_000);
  expect(wrong.fail('b')).toBe(0);
  wrong.succeed('a');
  expect(wrong.fail('a')).toBe(0);
});

test('after an hour without a wrong token, an address starts anew', () => {
  const { wrong, pass } = guard();
  for (let n = 0; n < 4; n++) wrong.fail('a');
  expect(wrong.fail('a')).toBeGreaterThan(0);
  pass(60 * 60_000 + 1);
  expect([wrong.fail('a'), wrong.fail('a'), wrong.fail('a')]).toEqual([0, 0, 0]);
});

test('of many addresses it forgets the oldest, so that memory is bounded', () => {
  const { wrong } = guard();
  for (let n = 0; n < 5; n++) wrong.fail('the first');
  for (let n = 0; n < 1_024; n++) wrong.fail(`address ${n}`);
  expect(wrong.fail('the first')).toBe(0);
});
