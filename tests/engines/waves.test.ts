import { expect, test } from 'vitest';
import * as at from '../../server/engines/wasm/assembly/layout.ts';
import { EngineMemory } from '../../server/engines/wasm/memory.ts';
import { inWaves, leastDeltaRecords } from '../../server/engines/wasm/waves.ts';
import { seededRandom } from './fixtures.ts';

/** Runs the phases on paper and checks every rule that they must keep. @returns the number of phases */
function play(indices: readonly number[], across: number, records: number): number {
  const phases = inWaves(indices, across, records);
  const sensed = new Set<number>();
  const applied = new Set<number>();
  const exists = new Set(indices);
  const holder = new Map<number, number>();
  const wrongs: string[] = [];
  const must = (holds: boolean, wrong: string) => {
    if (!holds) wrongs.push(wrong);
  };
  for (const { kind, first, end } of phases.slice(0, -1)) {
    for (let i = first; i < end; i++) {
      const page = indices[i];
      if (kind === at.PHASE_SENSE) {
        // The cells that it sees must be unchanged by this step, and its record must be free.
        for (const near of neighbours(page, across))
          must(!applied.has(near), `${page} sensed after ${near} moved`);
        const before = holder.get(i % records);
        must(before === undefined || applied.has(before), `${page} takes the record of ${before}`);
        holder.set(i % records, page);
        must(!sensed.has(page), `${page} sensed twice`);
        sensed.add(page);
      } else {
        for (const near of neighbours(page, across))
          must(!exists.has(near) || sensed.has(near), `${page} applied before ${near} was sensed`);
        must(!applied.has(page), `${page} applied twice`);
        applied.add(page);
      }
    }
  }
  expect(wrongs).toEqual([]);
  expect(applied.size).toBe(indices.length);
  expect(phases.at(-1)).toEqual({ kind: at.PHASE_SETTLE, first: 0, end: indices.length });
  return phases.length;
}

function neighbours(page: number, across: number): number[] {
  const near = [];
  for (let dy = -1; dy <= 1; dy++)
    for (let dx = -1; dx <= 1; dx++) {
      const x = (page % across) + dx;
      if (x >= 0 && x < across && (dx !== 0 || dy !== 0)) near.push(page + dy * across + dx);
    }
  return near;
}

test('no page is applied before its neighbours are sensed, for any pages and any allowed number of records', () => {
  const random = seededRandom(4);
  for (let round = 0; round < 60; round++) {
    const across = 1 + Math.floor(random() * 12);
    const density = random();
    const indices = Array.from({ length: across * 14 }, (_, i) => i).filter(() => random() < density);
    for (const more of [0, 1, 5]) play(indices, across, leastDeltaRecords(across) + more);
  }
});

test('a full world of 100 pages takes fewer than 200 phases with the fewest records, and fewer than 10 with 60', () => {
  const across = 10;
  const full = Array.from({ length: 100 }, (_, i) => i);
  expect(play(full, across, leastDeltaRecords(across))).toBeLessThan(200);
  expect(play(full, across, 60)).toBeLessThan(10);
});

test('fewer delta records than a step needs are refused', () => {
  expect(() => new EngineMemory(100, 10, 11)).toThrow(/11 delta records are not in 12\.\./);
});

test('the largest world has room for more than 12,000 pages', () => {
  expect(new EngineMemory(2 ** 20, 1024).maxPages).toBeGreaterThan(12_000);
});
