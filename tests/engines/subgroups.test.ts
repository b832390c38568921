import { describe, expect, test } from 'vitest';
import { settle } from '../../server/engines/webgpu/kernels/settle.ts';
import { update } from '../../server/engines/webgpu/kernels/update.ts';
import { laneProgram, runInLockstep, type Words } from './lockstep.ts';

const LANES = 256;
const FORM = { subgroups: true, halfWeights: false };

/** The text between two marks, without them. */
function between(text: string, from: string, to: string): string {
  const start = text.indexOf(from);
  const end = text.indexOf(to, start);
  if (start < 0 || end < 0) throw new Error(`no text from "${from}" to "${to}"`);
  return text.slice(start + from.length, end);
}

/** Park and Miller's random generator: 0..1. */
function seeded(randomSeed: number): () => number {
  let state = randomSeed;
  return () => {
    state = (state * 48_271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}

/** The lanes of each subgroup. WGSL fixes neither that lane i is in subgroup i / size, nor which subgroup runs first. */
const partitions: readonly (readonly [string, readonly (readonly number[])[]])[] = [
  ...[4, 8, 16, 32, 64, 128].map((size) => [`subgroups of ${size}`, cut(LANES, () => size)] as const),
  ['subgroups of 8, 16 and 32 in turn', cut(LANES, (i) => [8, 16, 32][i % 3])],
  ['lanes dealt out to subgroups one by one', deal(8)],
  ['subgroups of 32 that run from the last to the first', cut(LANES, () => 32).toReversed()],
  ['subgroups that a branch before has split', cut(LANES, (i) => [5, 27, 1, 31][i % 4])],
];

function cut(lanes: number, sizeOf: (i: number) => number): number[][] {
  const made: number[][] = [];
  for (let first = 0; first < lanes; ) {
    const end = Math.min(lanes, first + sizeOf(made.length));
    made.push(Array.from({ length: end - first }, (_, i) => first + i));
    first = end;
  }
  return made;
}

function deal(subgroups: number): number[][] {
  return Array.from({ length: subgroups }, (_, s) =>
    Array.from({ length: LANES / subgroups }, (_, i) => i * subgroups + s),
  );
}

describe.each(partitions)('%s', (_, subgroups) => {
  test('every firing lane gets its own place, and the places are 0 .. count - 1', () => {
    const text = between(update(FORM), 'fn placeAmongFired(fires: bool) -> u32 {', '\n}');
    const program = laneProgram(text, ['fires']);
    for (const rate of [0, 0.02, 0.5, 1]) {
      const random = seeded(7);
      const fires = Array.from({ length: LANES }, () => random() < rate);
      const words = { firedCount: 0 };
      const places = runInLockstep(
        fires.map((one) => program(words, { fires: one })),
        subgroups,
      );
      const count = fires.filter(Boolean).length;
      expect(words.firedCount).toBe(count);
      const taken = places.filter((_, lane) => fires[lane]).sort((a, b) => a - b);
      expect(taken).toEqual(Array.from({ length: count }, (_, i) => i));
    }
  });

  test("a tile's record is the same for every grouping of lanes", () => {
    const text = between(
      settle(FORM),
      'let isOpaque = isAlive && (claim & OPAQUE_AFTER) != 0u;',
      'workgroupBarrier();',
    );
    const program = laneProgram(text, ['found', 'isAlive', 'OWNER', 'owner', 'column', 'row', 'isOpaque']);
    for (const rate of [0, 0.02, 0.5, 1]) {
      const random = seeded(11);
      const cells = Array.from({ length: LANES }, (_, lane) => {
        const isAlive = random() < rate;
        return {
          isAlive,
          OWNER: 0xffff,
          owner: isAlive ? 1 + Math.floor(random() * 65_534) : 0,
          found: Math.floor(random() * 1024) * Number(random() < rate),
          isOpaque: isAlive && random() < 0.5,
          column: lane % 16,
          row: Math.floor(lane / 16),
        };
      });
      const words: Words = { flags: 0, owned: 0, leastOwner: 0xffff, greatestOwner: 0, opaque: 0 };
      runInLockstep(
        cells.map((cell) => program(words, cell)),
        subgroups,
      );
      const living = cells.filter(({ isAlive }) => isAlive);
      let opaque = 0;
      for (const { column, row, isOpaque } of cells)
        if (isOpaque) opaque |= (1 << column) | (1 << (16 + row));
      expect(words).toEqual({
        flags: cells.reduce((flags, { found }) => flags | found, 0),
        owned: living.length,
        leastOwner: Math.min(0xffff, ...living.map(({ owner }) => owner)),
        greatestOwner: Math.max(0, ...living.map(({ owner }) => owner)),
        opaque: opaque >>> 0,
      });
    }
  });
});

test('lanes of a subgroup that reach different operations throw', () => {
  const program = laneProgram('var a = 0u; if (fires) { a = subgroupAdd(1u); } return subgroupAdd(a);', [
    'fires',
  ]);
  const lanes = [true, false].map((fires) => program({}, { fires }));
  expect(() => runInLockstep(lanes, [[0, 1]])).toThrow('lanes of a subgroup diverge');
  expect(() => laneProgram('let a = subgroupShuffle(1u, &b);', [])).toThrow('not translated: &b');
});
