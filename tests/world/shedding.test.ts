import { expect, test } from 'vitest';
import { looseIn } from '../../server/world/shedding.ts';

/** '#' is a cell. */
const cellsOf = (...rows: string[]): Uint8Array =>
  Uint8Array.from(rows.join(''), (mark) => (mark === '#' ? 1 : 0));

test('all pieces but the largest are loose, if they are small', () => {
  const owned = cellsOf('##..#', '##...', '....#', '#...#');
  expect(looseIn(owned.slice(), 5, 2)).toEqual([4, 14, 15, 19]);
  expect(looseIn(owned.slice(), 5, 1)).toEqual([4, 15]);
  expect(looseIn(owned.slice(), 5, 0)).toEqual([]);
});

test('the largest piece is never loose, however small it is', () => {
  expect(looseIn(cellsOf('#....', '....#'), 5, 4)).toEqual([9]);
  expect(looseIn(cellsOf('.....', '...##'), 5, 4)).toEqual([]);
  expect(looseIn(cellsOf('.....', '.....'), 5, 4)).toEqual([]);
});
