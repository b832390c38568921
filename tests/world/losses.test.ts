import { beforeEach, expect, test } from 'vitest';
import { LOSS_SECONDS, Losses, MAX_LOSSES } from '../../server/world/losses.ts';
import type { Organism } from '../../server/world/organism.ts';

let runSeconds: number;
let losses: Losses;
let told: unknown[];
beforeEach(() => {
  runSeconds = 0;
  told = [];
  losses = new Losses({
    runSeconds: () => runSeconds,
    lost: ({ id }) => told.push(['lost', id]),
    found: (id) => told.push(['found', id]),
  });
});
const one = (id: number, absence: Organism['absence'] = 'removed'): Organism =>
  ({ id, absence, species: 'blob', x: id, y: 2, planter: 'Ann', guest: 'ann', bornSeconds: 1 }) as Organism;
const ann = { guest: 'ann', name: 'Ann' };
const bob = { guest: '', name: 'Bob' };

test('a loss names who removed it, or whose clearing it died of; nobody is to blame for what withered', () => {
  losses.blame(1, ann);
  losses.gone(one(1));
  losses.blame(2, bob);
  losses.gone(one(2, null));
  losses.blame(3, bob);
  losses.gone(one(3, 'withering'));
  losses.gone(one(4));
  expect(losses.all.map(({ id, cause, by }) => [id, cause, by.name])).toEqual([
    [4, 'removed', ''],
    [3, 'withered', ''],
    [2, 'cleared', 'Bob'],
    [1, 'removed', 'Ann'],
  ]);
  losses.found(3);
  losses.found(3);
  expect(told).toEqual([...[1, 2, 3, 4].map((id) => ['lost', id]), ['found', 3]]);
});

test('a killer is who struck last, within a minute before the death, until the body is back', () => {
  losses.struck([1, 2], ann);
  losses.struck([2], { guest: 'cain', name: 'Cain' });
  runSeconds = 60;
  losses.died(1);
  losses.died(2);
  losses.died(3);
  expect([1, 2, 3].map((id) => losses.killerOf(id)?.name)).toEqual(['Ann', 'Cain', undefined]);
  losses.isBack(1);
  expect(losses.killerOf(1)).toBeUndefined();
  losses.struck([1], ann);
  runSeconds = 121;
  losses.died(1);
  expect(losses.killerOf(1)).toBeUndefined();
});

test('they are bounded, and who does away with most hides nobody else’s', () => {
  losses.blame(1, bob);
  losses.gone(one(1));
  for (let id = 2; id < 2 * MAX_LOSSES; id++) {
    losses.blame(id, ann);
    losses.gone(one(id));
  }
  expect(losses.all).toHaveLength(MAX_LOSSES);
  expect(losses.all.at(-1)).toMatchObject({ id: 1, by: bob });
  expect(losses.all[0].id).toBe(2 * MAX_LOSSES - 1);
});

test('they are told for two days of the world, and a restored one goes on counting', () => {
  losses.gone(one(1));
  runSeconds = LOSS_SECONDS + 1;
  losses.gone(one(2));
  expect(losses.all.map(({ id }) => id)).toEqual([2]);
  const kept = losses.all;
  losses.restore([]);
  expect(losses.all).toEqual([]);
  losses.restore(kept);
  losses.gone(one(7));
  expect(losses.all.map(({ id, x }) => [id, x])).toEqual([
    [3, 7],
    [2, 2],
  ]);
});
