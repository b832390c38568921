import { expect, test } from 'vitest';
import { defaultHue, defaultName, sanitiseName } from '../../server/rooms/names.ts';
import { MAX_NAME_LENGTH } from '../../shared/limits.ts';

test.each([
  ['  Ash   Ketchum ', 'Ash Ketchum'],
  ['Zo\u0065\u0301', 'Zoé'],
  ['サトシ', 'サトシ'],
  ['a\u0000b\u001b[31mc', 'a b [31mc'],
  ['\u202eevil', 'evil'],
  ['\u200b\u200d\ufeff', ''],
  [`x${'\u0336'.repeat(40)}y`, 'xy'],
  ['👩‍🚀 pilot', '👩 🚀 pilot'],
  ['n'.repeat(99), 'n'.repeat(MAX_NAME_LENGTH)],
  ['😀'.repeat(99), '😀'.repeat(MAX_NAME_LENGTH)],
])('%j is shown as %j', (name, shown) => {
  expect(sanitiseName(name)).toBe(shown);
});

test('default names rarely collide, and an id always gives the same name and a hue below 360', () => {
  const ids = Array.from({ length: 100 }, (_, i) => `session-${i}`);
  expect(new Set(ids.map(defaultName)).size).toBeGreaterThan(97);
  for (const id of ids) {
    expect(defaultName(id)).toBe(defaultName(id));
    expect(defaultName(id).length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
    expect(defaultHue(id)).toBeLessThan(360);
  }
});
