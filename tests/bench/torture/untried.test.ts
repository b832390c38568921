import { expect, test } from 'vitest';
import { KINDS } from './kills.ts';
import { EVENTS } from './lived.ts';
import { untried } from './untried.ts';

const all = {
  kills: 100,
  byKind: new Map([...KINDS, 'full disk' as const].map((kind) => [kind, { aimed: 2, hit: 1 }])),
  lived: new Map(EVENTS.map((event) => [event, 1])),
};

test('a long run that has hit every kind and seen everything happen has tried all', () => {
  expect(untried(all, true)).toEqual([]);
});

test('a long run names each kind without a hit, and what never happened', () => {
  const byKind = new Map(all.byKind).set('pack flush', { aimed: 3, hit: 0 });
  byKind.delete('full disk');
  const lived = new Map(all.lived);
  lived.delete('witherings');
  const missed = 'pack flush: aimed at 3 times, and never hit';
  expect(untried({ ...all, byKind, lived }, false)).toEqual([missed, 'no witherings']);
  expect(untried({ ...all, byKind, lived }, true)).toContain('full disk: aimed at 0 times, and never hit');
});

test('a short run must only hit what it has aimed at five times', () => {
  const byKind = new Map([['pack flush' as const, { aimed: 4, hit: 0 }]]);
  expect(untried({ kills: 20, byKind, lived: new Map() }, true)).toEqual([]);
  byKind.set('pack flush', { aimed: 5, hit: 0 });
  expect(untried({ kills: 20, byKind, lived: new Map() }, true)).toHaveLength(1);
});
