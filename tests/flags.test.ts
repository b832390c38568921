import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  choice,
  describeFlags,
  list,
  multipleOf,
  parseFlags,
  readFlags,
  real,
  text,
  toggle,
  whole,
  wrapped,
} from '../server/flags.ts';

const TABLE = {
  out: text('FILE', 'where to', 'here'),
  quiet: toggle('says nothing'),
  count: whole(1, 9, 3, 'how many'),
  width: multipleOf(4, 4, 16, 8, 'how wide'),
  part: real(0, 1, undefined, 'how much', 'all'),
  engine: choice(['wasm', 'tfjs'], 'wasm', 'what computes'),
  kinds: list(['cut', 'burn'], ['cut'], 'what hurts'),
} as const;

function read(...args: string[]): readonly [object, string[]] {
  const wrong: string[] = [];
  const { given } = parseFlags(TABLE, args, wrong);
  return [readFlags(TABLE, given, wrong), wrong];
}

test('a flag that is not given has its default', () => {
  expect(read()).toEqual([
    {
      out: undefined,
      quiet: false,
      count: 3,
      width: 8,
      part: undefined,
      engine: 'wasm',
      kinds: ['cut'],
    },
    [],
  ]);
});

test('a flag that is given has the type of its kind', () => {
  const args = '--out a --quiet --count=9 --width 12 --part 0.5 --engine tfjs --kinds burn,cut,burn';
  expect(read(...args.split(' '))).toEqual([
    {
      out: 'a',
      quiet: true,
      count: 9,
      width: 12,
      part: 0.5,
      engine: 'tfjs',
      kinds: ['burn', 'cut', 'burn'],
    },
    [],
  ]);
});

test('each value that is not allowed gets one line with flag, value and what is allowed', () => {
  const args = '--count 10 --width 10 --part 1.5 --engine cuda --kinds cut,freeze';
  expect(read(...args.split(' '))[1]).toEqual([
    '--count 10 is not a whole number from 1 to 9',
    '--width 10 is not a multiple of 4 from 4 to 16',
    '--part 1.5 is not a number from 0 to 1',
    '--engine cuda is not wasm or tfjs',
    '--kinds cut,freeze is not none or a list from cut,burn',
  ]);
});

describe('a command line', () => {
  const parse = (...args: string[]) => {
    const wrong: string[] = [];
    return { ...parseFlags(TABLE, args, wrong, { takesWords: true }), wrong };
  };

  test('gets one line for each mistake, and its other flags are read', () => {
    const args = '--speed 9 word --out --quiet=yes --count 1 --count 2 --part -1';
    expect(read(...args.split(' '))[1]).toEqual([
      '--speed: no such flag (see --help)',
      'word: no such flag (see --help)',
      '--out: a value is missing',
      '--quiet: takes no value',
      '--count: given twice',
      '--part -1 is not a number from 0 to 1',
    ]);
  });

  test('has words where they are taken, before, between and after flags', () => {
    expect(parse('a', '--quiet', 'b', '--count', '3', 'c')).toEqual({
      given: { quiet: true, count: '3' },
      words: ['a', 'b', 'c'],
      wrong: [],
    });
  });

  test('has only words after --', () => {
    expect(parse('--quiet', '--', '--count', '-')).toMatchObject({
      given: { quiet: true },
      words: ['--count', '-'],
      wrong: [],
    });
  });

  test('may give a value that is empty, has = in it, or begins with one dash', () => {
    expect(parse('--out=', '--part', '-0.5', '--kinds=a=b').given).toEqual({
      out: '',
      part: '-0.5',
      kinds: 'a=b',
    });
  });

  test('cannot reach what an object inherits', () => {
    expect(parse('--constructor', 'x', '--__proto__=y').wrong).toHaveLength(2);
  });

  test('of any kind is read without an exception, and nothing is lost in silence', () => {
    const arg = fc.oneof(
      fc.string(),
      fc.constantFrom('--', '--out', '--quiet', '--count=3', '--count', '-', '--=', '--out='),
    );
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 8 }), (args) => {
        const { given, words, wrong } = parse(...args);
        const values = Object.values(given).filter((value) => value !== true).length;
        const told = 2 * Object.keys(given).length + values + words.length + 2 * wrong.length + 1;
        expect(told).toBeGreaterThanOrEqual(args.length);
        for (const word of words) expect(args).toContain(word);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});

test('a number is decimal: hexadecimal, blank and infinite ones are refused', () => {
  for (const given of ['0x3', ' ', '', 'Infinity', '3 ', '1_0', '++1', '.'])
    expect(TABLE.count.read(given), given).toBeNull();
  expect(['3', '3.0', '3e0', '+3'].map((given) => TABLE.count.read(given))).toEqual([3, 3, 3, 3]);
  expect(TABLE.part.read('.5')).toBe(0.5);
});

describe('the help', () => {
  test('shows each flag in its group with what is allowed and its default', () => {
    const { out, quiet, ...rest } = TABLE;
    expect(describeFlags({ Files: { out, quiet }, Rest: rest }).split('\n')).toEqual([
      'Files',
      '  --out FILE     where to [default: here]',
      '  --quiet        says nothing',
      'Rest',
      '  --count N      how many [1..9; default: 3]',
      '  --width N      how wide [4..16 by 4; default: 8]',
      '  --part X       how much [0..1; default: all]',
      '  --engine NAME  what computes [wasm | tfjs; default: wasm]',
      '  --kinds LIST   what hurts [none, or a list from cut,burn; default: cut]',
    ]);
  });

  test('breaks lines at spaces and indents what follows; a long word stays whole', () => {
    const lines = wrapped(`--a  ${'word '.repeat(60).trim()}`, 5).split('\n');
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.every((line) => line.length <= 118)).toBe(true);
    expect(lines.slice(1).every((line) => line.startsWith('     word'))).toBe(true);
    expect(wrapped('x'.repeat(200), 5)).toBe('x'.repeat(200));
  });
});
