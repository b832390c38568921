import { describe, expect, test } from 'vitest';
import { isWorldName, isWorldTitle, titleOf } from '../../shared/worldNames.ts';

describe('the name of a world', () => {
  test.each(['a', '7', 'meadow', 'coral-reef', 'a--b', 'x'.repeat(32)])('may be "%s"', (name) => {
    expect(isWorldName(name)).toBe(true);
  });

  test.each([
    '',
    '-',
    '-a',
    'a-',
    'A',
    'a_b',
    'a.b',
    'a/b',
    'a b',
    'a\n',
    '..',
    '*',
    '>',
    'é',
    'x'.repeat(33),
  ])('cannot be %j', (name) => {
    expect(isWorldName(name)).toBe(false);
  });
});

test('a title is text that can be seen, with nothing around it', () => {
  for (const title of ['Reef', 'Das große Riff', '礁', 'x'.repeat(60)])
    expect(isWorldTitle(title)).toBe(true);
  for (const title of ['', ' ', ' Reef', 'Reef ', 'Re\u202eef', 'a\tb', 'a\u2028b', 'x'.repeat(61)])
    expect(isWorldTitle(title)).toBe(false);
});

test('without a title, a world is called by its name in words', () => {
  expect(titleOf('coral-reef')).toBe('Coral reef');
  expect(titleOf('meadow')).toBe('Meadow');
});
