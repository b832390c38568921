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
} from '../../server/commands/flags.ts';
import { RuleError } from '../../server/rules/rule.ts';

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
  const { given } = parseFlags(TABLE, args, { takesWords: false });
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

test('an unknown flag, a missing value and a word that is not taken are refused in one line', () => {
  for (const args of [['--speed'], ['--out'], ['word']]) {
    const error = (() => {
      try {
        return read(...args);
      } catch (reason) {
        return reason;
      }
    })();
    expect(error).toBeInstanceOf(RuleError);
    expect((error as RuleError).message).toContain(args[0]);
    expect((error as RuleError).message).not.toContain('\n');
  }
  expect(parseFlags(TABLE, ['word'], { takesWords: true }).words).toEqual(['word']);
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
