import { expect, test } from 'vitest';
import type { OrganismRecord } from '../../../server/world/organismRecord.ts';
import { Lived } from './lived.ts';

const record = (id: number, facts: Partial<OrganismRecord> = {}): OrganismRecord => ({
  ...{ id, species: 'blob', x: 5, y: 5, planter: 'Ann', plantedStep: 1, plantedSeconds: 0 },
  ...{ health: 1, history: [], ...facts },
});

test('what becomes of organisms is counted when it changes, also from how they were before', () => {
  const lived = new Lived([
    record(1),
    record(2, { absence: 'died', dueSeconds: 9 }),
    record(3, { isAsleep: true }),
  ]);
  lived.take({ act: 'organism', record: record(1, { absence: 'wilting' }) });
  lived.take({ act: 'organism', record: record(1, { absence: 'wilting', dueSeconds: 4 }) });
  lived.take({ act: 'organism', record: record(2) });
  lived.take({ act: 'organism', record: record(4) });
  lived.take({ act: 'organism', record: record(4, { absence: 'removed' }) });
  lived.take({ act: 'gone', organism: 4 });
  lived.take({ act: 'organism', record: record(4, { absence: 'withering' }) });
  lived.take({ act: 'wake', organism: 3 });
  expect(Object.fromEntries(lived.counts)).toEqual({
    wiltings: 1,
    returns: 1,
    removals: 1,
    witherings: 1,
    woken: 1,
  });
});

test('a body that falls asleep again has woken by itself meanwhile', () => {
  const lived = new Lived([record(1)]);
  for (let i = 0; i < 3; i++) lived.take({ act: 'sleep', organism: 1 });
  expect(Object.fromEntries(lived.counts)).toEqual({ 'fallen asleep': 3, woken: 2 });
});

test('a swap counts when it has ended, and a rollback is one of them', () => {
  const lived = new Lived([]);
  for (const verdict of ['in force', 'rolled back'] as const)
    lived.take({ act: 'outcome', outcome: { id: 1, verdict } as never });
  expect(Object.fromEntries(lived.counts)).toEqual({ swaps: 2, rollbacks: 1 });
});
