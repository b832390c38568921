import { expect, test } from 'vitest';
import { Chains } from '../../../server/stream/deliver/chains.ts';
import type { PublishedUpdate } from '../../../server/stream/published.ts';
import { seededRandom } from '../../engines/fixtures.ts';

const frame = Buffer.from(Array.from({ length: 4_000 }, (_, i) => i & 255));
const update = (
  key: number,
  version: number,
  base: number,
  offset: number,
  length: number,
): PublishedUpdate => ({
  key,
  version,
  base,
  offset,
  length,
});
const held = (chains: Chains, key: number): number[] => {
  const { bytes, length } = chains.of(key)!;
  return [...bytes.subarray(0, length)];
};

test('a chain is the last keyframe and the deltas after it, in order', () => {
  const chains = new Chains();
  chains.add(update(1, 4, 2, 0, 10), frame);
  expect(chains.of(1)).toBeUndefined();
  chains.add(update(1, 4, 0, 10, 100), frame);
  chains.add(update(1, 6, 4, 200, 30), frame);
  chains.add(update(1, 9, 6, 500, 20), frame);
  expect(chains.of(1)).toMatchObject({ version: 9, updates: 3 });
  expect(held(chains, 1)).toEqual([
    ...frame.subarray(10, 110),
    ...frame.subarray(200, 230),
    ...frame.subarray(500, 520),
  ]);
  chains.add(update(1, 9, 0, 0, 40), frame);
  expect(held(chains, 1)).toEqual([...frame.subarray(0, 40)]);
});

test('a chain ends where a delta starts from another version, and where deltas outweigh the keyframe', () => {
  const chains = new Chains();
  chains.add(update(1, 4, 0, 0, 100), frame);
  chains.add(update(1, 8, 6, 0, 10), frame);
  expect(chains.of(1)).toBeUndefined();

  chains.add(update(1, 10, 0, 0, 1_000), frame);
  let version = 10;
  let sent = 1_000;
  for (; chains.of(1) !== undefined; version++) {
    sent = chains.of(1)!.length;
    chains.add(update(1, version + 1, version, 0, 300), frame);
  }
  expect(sent).toBeGreaterThan(2_000);
  expect(sent).toBeLessThanOrEqual(3_000);
});

test('all chains together stay within their bound; those with the oldest keyframes are dropped first', () => {
  const bound = 20_000;
  const chains = new Chains(bound);
  const draw = seededRandom(3);
  const versions = new Map<number, number>();
  for (let i = 1; i <= 5_000; i++) {
    const key = Math.floor(draw() * 60);
    const base = draw() < 0.3 ? 0 : (versions.get(key) ?? 0);
    chains.add(update(key, i, base, 0, 20 + Math.floor(draw() * 900)), frame);
    versions.set(key, i);
    if (draw() < 0.05) chains.forget(Math.floor(draw() * 60));
    expect(chains.bytes).toBeLessThanOrEqual(bound);
    let held = 0;
    for (const one of versions.keys()) held += chains.of(one)?.bytes.length ?? 0;
    expect(held).toBe(chains.bytes);
  }
  for (let key = 0; key < 60; key++) chains.forget(key);
  expect(chains.bytes).toBe(0);
});
