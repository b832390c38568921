import { expect, test } from 'vitest';
import { Roster } from '../../server/engines/roster.ts';

const TERRITORY = { x: 3, y: -2, width: 9, height: 7 };

test('an organism keeps its territory when its rule changes, and loses both when it goes', () => {
  const roster = new Roster();
  roster.enlist(7, 2);
  roster.stake(7, TERRITORY);
  roster.enlist(7, 3);
  expect(roster.slotOf(7)).toBe(3);
  expect(roster.territoryOf(7)).toEqual(TERRITORY);
  roster.delete(7);
  roster.enlist(7, 1); // another organism with the same id
  expect(roster.territoryOf(7)).toBeUndefined();
});

test('a territory is a copy: its caller may change the rectangle afterwards', () => {
  const roster = new Roster();
  const rect = { ...TERRITORY };
  roster.enlist(1, 0);
  roster.stake(1, rect);
  rect.width = 1;
  expect(roster.territoryOf(1)).toEqual(TERRITORY);
});

test('a save names a territory only of the organisms that have one', () => {
  const roster = new Roster();
  roster.enlist(1, 0);
  roster.enlist(2, 5);
  roster.stake(1, TERRITORY);
  roster.stake(2, TERRITORY);
  roster.stake(2, undefined);
  expect(roster.states()).toStrictEqual([
    { id: 1, rule: 0, territory: TERRITORY },
    { id: 2, rule: 5 },
  ]);
});
