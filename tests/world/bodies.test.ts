import { expect, test } from 'vitest';
import type { PageState } from '../../server/engines/engine.ts';
import { Bodies } from '../../server/world/bodies.ts';

const page = (index: number, owners: Record<number, number>): PageState => {
  const state = { page: index, cells: new Float32Array(64 * 64 * 16), owners: new Uint16Array(64 * 64) };
  for (const [cell, owner] of Object.entries(owners)) {
    state.owners[Number(cell)] = owner;
    state.cells.fill(owner * 100 + Number(cell), Number(cell) * 16, (Number(cell) + 1) * 16);
  }
  return state;
};

const IN = [page(3, { 5: 1, 6: 1, 7: 2 }), page(8, { 0: 1, 9: 3 })];

test('bodies that are set aside are the cells of the organisms that are meant', () => {
  const bodies = Bodies.in(IN, new Set([1, 3, 4]));
  expect(bodies.ids).toEqual([1, 3]);
  expect([1, 2, 4].map((id) => bodies.has(id))).toEqual([true, false, false]);
  const one = bodies.of([4, 1, 2]);
  expect([...one.keys()]).toEqual([1]);
  expect(one.get(1)).toEqual([
    {
      page: 3,
      cells: Uint16Array.of(5, 6),
      values: Float32Array.of(...Array(16).fill(105), ...Array(16).fill(106)),
    },
    { page: 8, cells: Uint16Array.of(0), values: new Float32Array(16).fill(100) },
  ]);
});

test('pages that hold them and nothing else give them back', () => {
  const bodies = Bodies.in(IN, new Set([1, 3]));
  const pages = [...bodies.pages()];
  expect(pages.map((one) => one.page)).toEqual(bodies.pageIndices);
  expect(pages).toEqual([page(3, { 5: 1, 6: 1 }), page(8, { 0: 1, 9: 3 })]);
  expect(Bodies.in(pages, new Set([1, 2, 3]))).toEqual(bodies);
});

test('a body is taken over from another set as it is there', () => {
  const bodies = Bodies.in(IN, new Set([2]));
  bodies.adopt(Bodies.in([page(4, { 1: 1, 2: 2 })], new Set([1, 2])), [1, 7]);
  expect([...bodies.of([1, 2]).values()].map(([{ page: index }]) => index)).toEqual([4, 3]);
});
