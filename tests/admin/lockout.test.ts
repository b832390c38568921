import { describe, expect, test } from 'vitest';
import { Lockout } from '../../server/admin/lockout.ts';

function lockout(): { lockout: Lockout; pass(ms: number): void } {
  let now = 0;
  return {
    lockout: new Lockout(() => now),
    pass: (ms) => {
      now += ms;
    },
  };
}

describe('an address that sends wrong tokens', () => {
  test('waits twice as long every time after the third, at most a quarter of an hour', () => {
    const { lockout: guard, pass } = lockout();
    const waits: number[] = [];
    for (let n = 0; n < 16; n++) {
      guard.fail('a');
      waits.push(guard.waitMs('a') / 1_000);
      pass(guard.waitMs('a'));
      // Keeps below the limit for all addresses together.
      pass(60_000);
    }
    expect(waits).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
  });

  test('locks no other address out, and starts anew after a right token', () => {
    const { lockout: guard } = lockout();
    for (let n = 0; n < 6; n++) guard.fail('a');
    expect([guard.waitMs('a') > 0, guard.waitMs('b')]).toEqual([true, 0]);
    guard.succeed('a');
    expect(guard.waitMs('a')).toBe(0);
  });

  test('shares sixty guesses per minute with all other addresses', () => {
    const { lockout: guard, pass } = lockout();
    for (let n = 0; n < 60; n++) {
      expect(guard.waitMs(`address ${n}`)).toBe(0);
      guard.fail(`address ${n}`);
    }
    expect(guard.waitMs('another')).toBe(60_000);
    pass(60_000);
    guard.fail('another');
    expect(guard.waitMs('one more')).toBe(0);
  });
});
