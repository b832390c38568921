import { expect, test } from 'vitest';
import { PendingStrokes } from '../../server/rooms/pendingStrokes.ts';

const HOME = 'home';

test('a guest with many tabs leaves room for the others of their address', () => {
  const pending = new PendingStrokes();
  const flood = { guest: 'flood', address: HOME };
  let begun = 0;
  for (let tab = 0; tab < 8; tab++) for (let i = 0; i < 20; i++) if (pending.begin(`${tab}`, flood)) begun++;
  expect(begun).toBe(16);
  expect(pending.of('0')).toBe(8);
  expect(pending.begin('mine', { guest: 'ann', address: HOME })).toBe(true);
});

test('an address has at most 64, and what has ended makes room again', () => {
  const pending = new PendingStrokes();
  const by = (i: number) => ({ guest: `${i >> 3}`, address: HOME });
  for (let i = 0; i < 64; i++) expect(pending.begin(`visit ${i >> 3}`, by(i))).toBe(true);
  const late = { guest: 'late', address: HOME };
  expect(pending.begin('late', late)).toBe(false);
  expect(pending.of('late')).toBe(0);
  expect(pending.begin('late', { guest: 'late', address: 'elsewhere' })).toBe(true);
  pending.end('visit 0', by(0));
  expect(pending.begin('tab', late)).toBe(true);
  expect(pending.begin('tab', late)).toBe(false);
});
