import { expect, test } from 'vitest';
import { Groups } from '../server/groups.ts';

test('what was added to a key is found there, in order, and once', () => {
  const groups = new Groups<string, number>();
  for (const [key, member] of [
    ['a', 3],
    ['b', 7],
    ['a', 1],
    ['a', 3],
  ] as const)
    groups.add(key, member);
  expect([...groups.of('a')]).toEqual([3, 1]);
  expect([...groups.keys()]).toEqual(['a', 'b']);
});

test('a key is there as long as something has it', () => {
  const groups = new Groups<string, number>();
  groups.add('a', 1);
  groups.add('a', 2);
  groups.delete('a', 1);
  expect(groups.has('a')).toBe(true);
  groups.delete('a', 2);
  expect(groups.has('a')).toBe(false);
  expect(groups.size).toBe(0);
  expect(groups.of('a').size).toBe(0);
});

test('deleting what is not there changes nothing', () => {
  const groups = new Groups<string, number>();
  groups.add('a', 1);
  groups.delete('a', 2);
  groups.delete('b', 1);
  expect([...groups].map(([key, members]) => [key, [...members]])).toEqual([['a', [1]]]);
});
