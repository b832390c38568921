import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FactError } from '../../server/sessions/facts.ts';
import {
  checkSession,
  MAX_RECORD_BYTES,
  readSession,
  readSessionHead,
  SessionRecordError,
  writeSession,
} from '../../server/sessions/record.ts';
import { cut, lost, recordOf } from './records.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  file = join(folder, 'sessions', 'one.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const record = recordOf([cut, lost, cut]);

describe('a session record', () => {
  test.each([0, 1, 2, 201, 450])('with %i wounds is read as it was written', async (count) => {
    const wounds = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? lost : cut));
    const written = recordOf(wounds);
    await writeSession(file, written);
    expect(readSession(file)).toEqual(written);
    const { wounds: _, ...head } = written;
    expect(await readSessionHead(file)).toEqual(head);
    expect(readdirSync(join(folder, 'sessions'))).toEqual(['one.json']);
  });

  test('replaces an older one only when it is whole', async () => {
    await writeSession(file, record);
    await expect(writeSession(file, { ...record, players: -1 })).rejects.toThrow(
      'players is -1, expected 0..9007199254740991',
    );
    const torn = recordOf([cut, { ...lost, healthBefore: 2 }]);
    await expect(writeSession(file, torn)).rejects.toThrow('wounds[1].healthBefore is 2, expected 0..1');
    expect(readSession(file)).toEqual(record);
    expect(readdirSync(join(folder, 'sessions'))).toEqual(['one.json']);
  });

  test('that was cut short anywhere is refused, with the file named', async () => {
    await writeSession(file, record);
    const { length } = readFileSync(file);
    for (let left = length - 2; left >= 0; left -= 37) {
      truncateSync(file, left);
      expect(() => readSession(file)).toThrow(SessionRecordError);
      expect(() => readSession(file)).toThrow(`${file} is not a session record: not JSON`);
    }
  });

  test('that is too large is not even read', () => {
    const big = join(folder, 'big.json');
    writeFileSync(big, '');
    truncateSync(big, MAX_RECORD_BYTES + 1);
    expect(() => readSession(big)).toThrow(`${big} has 50331649 bytes, a session record at most 50331648`);
  });

  const wound = record.wounds[0];
  const withWound = (change: object) => ({ ...record, wounds: [{ ...wound, ...change }, lost, cut] });
  const withBlow = (change: object) =>
    withWound({ blows: [{ ...wound.blows[0], ...change }, wound.blows[1]] });
  test.each([
    ['a list', [], /^the whole is a list of 0, expected an object/],
    ['null', null, /^the whole is null/],
    ['a format of the future', { ...record, format: 2 }, /^format is 2, expected 1/],
    ['one fact too many', { ...record, who: 'Ann' }, /^who is not known/],
    ['one too few', { ...record, strokes: undefined }, /^strokes is undefined, expected a whole number/],
    [
      'an id that is a path',
      { ...record, id: '../../x' },
      /^id is "..\/..\/x", expected 2026-11-25T02-10-00.123Z/,
    ],
    [
      'a time that is not one',
      { ...record, beganAt: '2026-13-01' },
      /^beganAt is "2026-13-01", expected a time/,
    ],
    [
      'an end before its beginning',
      { ...record, endedAt: '2020-01-01T00:00:00.000Z' },
      /^endedAt is .* before beganAt/,
    ],
    [
      'an end of no known kind',
      { ...record, endedBy: 'boredom' },
      /^endedBy is "boredom", expected empty, admin/,
    ],
    ['more at once than there were', { ...record, mostAtOnce: 4 }, /^mostAtOnce is 4, expected 0..3/],
    ['wounds that are not a list', { ...record, wounds: {} }, /^wounds is an object, expected a list/],
    [
      'too many wounds',
      { ...record, wounds: Array(20_001).fill(cut) },
      /^wounds has 20001 entries, expected 0..20000/,
    ],
    ['a species nobody counted', { ...record, damage: record.damage.slice(1) }, /^damage lacks bulbasaur/],
    [
      'a species counted wrongly',
      { ...record, wounds: [cut, lost] },
      /^damage says 2 wounds of pikachu, 2 healed; there are 1, 1/,
    ],
    [
      'a species counted twice',
      { ...record, damage: [...record.damage, record.damage[0]] },
      /^damage names a species twice/,
    ],
    [
      'a rule that is not named as one',
      withWound({ rule: 'pikachu v1' }),
      /^wounds\[0\].rule is "pikachu v1", expected a rule like/,
    ],
    ['a species that is a path', withWound({ species: '../x' }), /^wounds\[0\].species is "..\/x"/],
    ['no blow', withWound({ blows: [] }), /^wounds\[0\].blows has 0 entries, expected 1..64/],
    [
      'too many blows',
      withWound({ blows: Array(65).fill(wound.blows[0]) }),
      /^wounds\[0\].blows has 65 entries/,
    ],
    [
      'a first blow that is late',
      withBlow({ afterSteps: 1 }),
      /^wounds\[0\].blows\[0\].afterSteps is 1, expected 0/,
    ],
    [
      'blows out of order',
      withWound({ blows: [wound.blows[0], wound.blows[1], { ...wound.blows[1], afterSteps: 8 }] }),
      /^wounds\[0\].blows\[2\].afterSteps is 8, expected 9 or more/,
    ],
    ['a tool that hurts nobody', withBlow({ tool: 'plant' }), /^wounds\[0\].blows\[0\].tool is "plant"/],
    [
      'a brush that is too wide',
      withBlow({ radius: 25 }),
      /^wounds\[0\].blows\[0\].radius is 25, expected 0.5..24/,
    ],
    [
      'half a point',
      withBlow({ points: [1, 2, 3] }),
      /^wounds\[0\].blows\[0\].points has 3 entries, expected pairs/,
    ],
    [
      'a point between cells',
      withBlow({ points: [1, 2.5] }),
      /^wounds\[0\].blows\[0\].points\[1\] is 2.5, expected a whole/,
    ],
    ['a point that is null', withBlow({ points: [1, null] }), /^wounds\[0\].blows\[0\].points\[1\] is null/],
    [
      'a point beyond any world',
      withBlow({ points: [1, 1e9] }),
      /^wounds\[0\].blows\[0\].points\[1\] is 1000000000/,
    ],
    [
      'a health above 1',
      withWound({ healthBefore: 1.01 }),
      /^wounds\[0\].healthBefore is 1.01, expected 0..1/,
    ],
    [
      'a least that is not the least',
      withWound({ healthAfter: 0.4 }),
      /^wounds\[0\].healthAfter is 0.4, expected 0.41..1/,
    ],
    [
      'a healing of no length',
      withWound({ healedInSteps: '9' }),
      /^wounds\[0\].healedInSteps is "9", expected a whole/,
    ],
  ])('of %s is refused, with the fact named', (_what, value, fact) => {
    const error = caught(() => checkSession(value));
    expect(error).toBeInstanceOf(FactError);
    expect(error?.message).toMatch(fact);
  });

  test('with more than 2,000,000 coordinates is refused', () => {
    const points = Array(128).fill(1);
    const long = { ...cut, blows: Array(64).fill({ ...cut.blows[0], points }) };
    const wounds = Array(245).fill(long);
    expect(() => checkSession(recordOf(wounds))).toThrow(
      'wounds have 2007040 coordinates, expected at most 2000000',
    );
  });

  test('with any change is refused, or is another valid record', () => {
    const anything = fc.oneof(
      fc.constantFrom(null, true, '', 'pikachu', 0, -1, 0.5, 1, 2, 65, 1e308, [], {}, [0, 0], ['__proto__']),
      fc.jsonValue(),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
    );
    const places = pathsIn(record);
    let refused = 0;
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.constantFrom('set', 'delete', 'add'),
        anything,
        (path, how, value) => {
          const changed = changedAt(structuredClone(record), path, how, value);
          const result = attempt(() => checkSession(JSON.parse(JSON.stringify(changed))));
          if (result instanceof FactError) {
            refused++;
            expect(result.message.length).toBeLessThan(250);
          } else {
            taken++;
            expect(result).toEqual(JSON.parse(JSON.stringify(changed)));
          }
        },
      ),
      { numRuns: 3_000, seed: 7 },
    );
    expect(refused).toBeGreaterThan(1_000);
    expect(taken).toBeGreaterThan(10);
  });

  test('of arbitrary bytes is refused with a SessionRecordError', () => {
    const path = join(folder, 'bytes.json');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        writeFileSync(path, bytes);
        expect(() => readSession(path)).toThrow(SessionRecordError);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

type Path = readonly (string | number)[];

/** The path of every place in a value but the whole. */
function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...pathsIn(inner, [...at, key])]);
}

/** Sets or removes the value at the path, or adds one beside it. */
function changedAt(whole: object, path: Path, how: string, value: unknown): unknown {
  let parent = whole as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  const last = path[path.length - 1];
  if (how === 'add' && Array.isArray(parent)) parent.splice(Number(last), 0, value);
  else if (how === 'add') parent[`${last}x`] = value;
  else if (how === 'set') parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return whole;
}

function attempt<T>(work: () => T): T | FactError {
  try {
    return work();
  } catch (error) {
    if (error instanceof FactError) return error;
    throw error;
  }
}

const caught = (work: () => unknown): Error | null => {
  try {
    work();
    return null;
  } catch (error) {
    return error as Error;
  }
};
