import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { boundsIn, changed, mirrorsOf, withValue } from './find.ts';

const named = (text: string) => boundsIn(text).map(({ name, value }) => [name, value]);

describe('a bound is', () => {
  test('a constant of the module that is a number, also as arithmetic, hexadecimal or with a type', () => {
    expect(named('const MAX_A = 4;')).toEqual([['MAX_A', 4]]);
    expect(named('export const MIN_B: number = 0.25;')).toEqual([['MIN_B', 0.25]]);
    expect(named('const BYTES = 96 * 1024;')).toEqual([['BYTES', 98_304]]);
    expect(named('const SHARE = 1 / 8;\nconst MASK = 0xff;\nconst BIG = 1_000;')).toEqual([
      ['SHARE', 0.125],
      ['MASK', 255],
      ['BIG', 1_000],
    ]);
  });

  test('each number of a flat object', () => {
    expect(named('const SICK = { seconds: 20, steps: 600 } as const;')).toEqual([
      ['SICK.seconds', 20],
      ['SICK.steps', 600],
    ]);
  });

  test('not a variable in a function, a text, a sum of other names, a zero, or the version of a format', () => {
    const text = [
      'function f() {\n  const MAX_A = 4;\n}',
      "const NAME = 'a';",
      'const LATE = 250 + OTHER;',
      'const NONE = 0;',
      'const PROTOCOL_VERSION = 4;',
      'const list = 3;',
    ].join('\n');
    expect(named(text)).toEqual([]);
  });

  test('what likeness.ts calls nearly whole', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../server/world/likeness.ts'), 'utf8');
    expect(named(text)).toContainEqual(['NEARLY_WHOLE', 0.8]);
  });
});

test('only the number of the bound is replaced', () => {
  const text = '/** 4. */\nconst MAX_A = 4; // of 4\nconst SICK = { seconds: 20, steps: 20 };\n';
  const [a, , steps] = boundsIn(text);
  expect(withValue(text, a, 8)).toBe(text.replace('MAX_A = 4', 'MAX_A = 8'));
  expect(withValue(text, steps, 10)).toBe(text.replace('steps: 20', 'steps: 10'));
});

test('half of a whole number is whole, except of 1; fractions and signs stay', () => {
  expect([changed(9, 'halved'), changed(1, 'halved'), changed(0.3, 'halved'), changed(-2, 'halved')]).toEqual(
    [4, 0.5, 0.15, -1],
  );
  expect([changed(9, 'doubled'), changed(0.3, 'doubled')]).toEqual([18, 0.6]);
});

test('a file is mirrored by the test of its path and those beside it that import it, else by all of that folder', () => {
  const health = 'tests/world/health.test.ts';
  const world = 'tests/world/world.test.ts';
  const tests = new Map([
    [health, "import { HealthWatch } from '../../server/world/health.ts';"],
    [world, "import { Organisms } from '../../server/world/organisms.ts';"],
    ['tests/world/deep/a.test.ts', "import { Beds } from '../../../server/world/beds.ts';"],
    ['tests/client/hands/keys.test.ts', ''],
  ]);
  expect(mirrorsOf('server/world/health.ts', tests)).toEqual([health]);
  expect(mirrorsOf('server/world/organisms.ts', tests)).toEqual([world]);
  expect(mirrorsOf('server/world/beds.ts', tests)).toEqual([health, world]);
  expect(mirrorsOf('server/rooms/guest.ts', tests)).toEqual([]);
  expect(mirrorsOf('client/hands/keys.ts', tests)).toEqual(['tests/client/hands/keys.test.ts']);
});
