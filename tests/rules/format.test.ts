import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRule, serializeRule } from '../../server/rules/format.ts';
import { type Rule, RuleError } from '../../server/rules/rule.ts';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { randomRule } from './rules.ts';

const FINITE = { noNaN: true, noDefaultInfinity: true } as const;

const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    randomSeed: fc.integer(),
    hidden: fc.integer({ min: 1, max: 64 }).map((quarter) => quarter * 4),
    name: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
    fireRate: fc.float({ min: Math.fround(0.001), max: 1, ...FINITE }),
    b2: fc.float32Array({ minLength: 16, maxLength: 16, ...FINITE }),
    metadata: fc.dictionary(
      fc.string().filter((key) => !['formatVersion', 'name', 'fireRate', '__proto__'].includes(key)),
      fc.string({ unit: 'grapheme' }),
    ),
  })
  .map(({ randomSeed, hidden, ...others }) => ({ ...randomRule(randomSeed, hidden), ...others }));

/** A copy with one entry set, or removed when the value is undefined. */
function changed(header: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  const entries = header as Record<string, unknown>;
  return { ...entries, [key]: rest.length === 0 ? value : changed(entries[key], rest, value) };
}

/** A file with the header changed; the tensors stay unless others are given. */
function fileWith(change: (header: unknown) => unknown, tensors?: Uint8Array): Uint8Array {
  const bytes = serializeRule(randomRule(1));
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
  const json = new TextEncoder().encode(JSON.stringify(change(header)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return Buffer.concat([length, json, tensors ?? bytes.subarray(8 + headerBytes)]);
}

describe('a rule file', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        const again = parseRule(serializeRule(rule));
        expect(again).toEqual({ ...rule, metadata: { ...rule.metadata } });
      }),
      { seed: 1, numRuns: 25 },
    );
  });

  test('that is cut short anywhere is refused', () => {
    const bytes = serializeRule(randomRule(2));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(() => parseRule(bytes.subarray(0, length))).toThrow(RuleError);
      }),
      { seed: 1 },
    );
  });

  test('with flipped bytes is refused, or is still a whole rule', () => {
    const bytes = serializeRule(randomRule(3));
    const flips = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    // Half of all flips go into the header, where a reader can be misled.
    const inHeader = fc.array(fc.tuple(fc.nat({ max: 400 }), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.oneof(flips, inHeader), (changes) => {
        const bad = bytes.slice();
        for (const [at, mask] of changes) bad[at] ^= mask;
        expectRuleOrError(bad);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('of arbitrary bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (tail, claims) => {
        const bytes = claims ? Buffer.concat([Buffer.from([tail.length, 0, 0, 0, 0, 0, 0, 0]), tail]) : tail;
        expectRuleOrError(bytes);
      }),
      { seed: 1 },
    );
  });

  test('with an arbitrary JSON header is refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expectRuleOrError(fileWith(() => value ?? 'null'))),
      { seed: 1 },
    );
  });

  // b2 of this file lies at 2080..2144, the last of 2144 bytes of tensors.
  test.each<[what: string, path: string[], value: unknown, message: string]>([
    ['another dtype', ['w1', 'dtype'], 'F16', 'w1 has dtype "F16", expected F32'],
    ['a missing tensor', ['b2'], undefined, 'tensor b2 is missing'],
    ['an unknown tensor', ['w3'], {}, 'unknown tensor "w3"'],
    ['a wrong shape', ['w1', 'shape'], [48, 8], 'w1 has shape [48,8], expected [8,48]'],
    ['a shape that its bytes do not fill', ['b1', 'shape'], [12], 'b1 has 32 bytes, its shape [12] takes 48'],
    ['a shape of fractions', ['b1', 'shape'], [8.5], 'b1 has a shape that is not of whole numbers'],
    [
      'offsets beyond the file',
      ['b2', 'data_offsets'],
      [9999, 10063],
      'b2 lies at 9999..10063, outside the 2144',
    ],
    ['offsets that overlap', ['b2', 'data_offsets'], [0, 64], 'b2 overlaps the tensor before it'],
    ['offsets turned round', ['b2', 'data_offsets'], [2144, 2080], 'b2 lies at 2144..2080, outside the 2144'],
    ['no metadata', ['__metadata__'], undefined, 'the header lacks __metadata__'],
    ['metadata that is not a string', ['__metadata__', 'x'], 1, 'metadata "x" is not a string'],
    ['no format version', ['__metadata__', 'formatVersion'], undefined, 'the metadata lacks formatVersion'],
    ['a later format', ['__metadata__', 'formatVersion'], '2', 'format version "2" is not known, only "1"'],
    ['no name', ['__metadata__', 'name'], undefined, 'the metadata lacks name'],
    ['a name with a path in it', ['__metadata__', 'name'], '../x', '"../x" is not a rule name'],
    ['no fire rate', ['__metadata__', 'fireRate'], undefined, 'the metadata lacks fireRate'],
    ['a fire rate of 0', ['__metadata__', 'fireRate'], '0', 'fireRate "0" is not in (0, 1]'],
    ['a fire rate above 1', ['__metadata__', 'fireRate'], '1.5', 'fireRate "1.5" is not in (0, 1]'],
    ['a fire rate of nothing', ['__metadata__', 'fireRate'], ' ', 'fireRate " " is not in (0, 1]'],
  ])('with %s is refused by name', (_what, path, value, message) => {
    expect(() => parseRule(fileWith((header) => changed(header, path, value)))).toThrow(message);
  });

  test('with a list for a header is refused', () => {
    expect(() => parseRule(fileWith(() => []))).toThrow('the header is not a JSON object');
  });

  test('with bytes that belong to no tensor is refused', () => {
    const tensors = new Uint8Array((8 * 48 + 8 + 16 * 8 + 16) * 4 + 4);
    expect(() => parseRule(fileWith((header) => header, tensors))).toThrow(
      '4 bytes after the last tensor do not belong to a tensor',
    );
  });

  test('with a value that is not finite is refused by tensor and index', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bytes = serializeRule(randomRule(4));
      new DataView(bytes.buffer).setFloat32(bytes.length - 8, value, true);
      expect(() => parseRule(bytes)).toThrow(`b2 holds ${value} at index 14`);
    }
  });

  test('that is larger than any rule is refused before it is parsed', () => {
    expect(() => parseRule(new Uint8Array(MAX_RULE_BYTES + 1))).toThrow(`at most ${MAX_RULE_BYTES} are read`);
  });

  test('whose header claims more than the file holds is refused', () => {
    const bytes = serializeRule(randomRule(5));
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 63n, true);
    expect(() => parseRule(bytes)).toThrow('the header claims 9223372036854775808 bytes');
  });

  test('is not written when it could not be read back', () => {
    expect(() => serializeRule({ ...randomRule(6), hidden: 12 })).toThrow(RuleError);
    expect(() => serializeRule({ ...randomRule(6), name: 'No Name' })).toThrow(RuleError);
    expect(() => serializeRule({ ...randomRule(6), b2: new Float32Array(16).fill(Number.NaN) })).toThrow(
      RuleError,
    );
  });
});

function expectRuleOrError(bytes: Uint8Array): void {
  try {
    const rule = parseRule(bytes);
    expect(rule.w1.length).toBe(rule.hidden * 48);
    for (const values of [rule.w1, rule.b1, rule.w2, rule.b2])
      expect(values.every(Number.isFinite)).toBe(true);
    expect(rule.fireRate).toBeGreaterThan(0);
  } catch (error) {
    expect(error).toBeInstanceOf(RuleError);
    expect((error as Error).message).not.toMatch(/\n/);
  }
}
