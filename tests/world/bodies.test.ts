import { expect, test } from 'vitest';
import type { EngineState, PageState } from '../../server/engines/engine.ts';
import { Bodies } from '../../server/world/bodies.ts';

const page = (index: number, owners: Record<number, number>): PageState => {
  const state = { page: index, cells: new Float32Array(64 * 64 * 16), owners: new Uint16Array(64 * 64) };
  for (const [cell, owner] of Object.entries(owners)) {
    state.owners[Number(cell)] = owner;
    state.cells.fill(owner * 100 + Number(cell), Number(cell) * 16, (Number(cell) + 1) * 16);
  }
  return state;
};
const world = (...pages: PageState[]): EngineState => ({
  stepNumber: 9,
  randomSeed: 1,
  organisms: [],
  pages,
});
const owned = ({ pages }: EngineState): unknown =>
  pages.map(({ page, owners }) => [
    page,
    Object.fromEntries([...owners.entries()].filter(([, one]) => one !== 0)),
  ]);

test('a body comes back where it was, over pages that are gone; an organism that took one of its cells keeps it', () => {
  const bodies = new Bodies([page(3, { 5: 1, 6: 1, 7: 2 }), page(8, { 0: 1 })], new Set([1]));
  const now = world(page(3, { 6: 2, 7: 2, 90: 1 }), page(4, { 50: 1 }));
  const back = bodies.putBack(now, new Set([1, 2]));
  expect(owned(back)).toEqual([
    [3, { 5: 1, 6: 2, 7: 2 }],
    [8, { 0: 1 }],
  ]);
  const [first, last] = back.pages;
  expect([...first.cells.subarray(5 * 16, 6 * 16)]).toEqual(Array(16).fill(105));
  expect([...first.cells.subarray(6 * 16, 7 * 16)]).toEqual(Array(16).fill(206));
  expect(first.cells.subarray(90 * 16, 91 * 16).every((value) => value === 0)).toBe(true);
  expect(last.cells[0]).toBe(100);
});

test('an organism whose body was not set aside keeps its cells', () => {
  const bodies = new Bodies([page(3, { 5: 1 })], new Set([1]));
  const now = world(page(3, { 5: 3, 9: 2 }));
  expect(owned(bodies.putBack(now, new Set([2, 3])))).toEqual([[3, { 5: 3, 9: 2 }]]);
  expect([bodies.has(1), bodies.has(2)]).toEqual([true, false]);
});
