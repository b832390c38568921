import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DrawingError } from '../../../shared/drawing/drawing.ts';
import { packDrawing } from '../../../shared/drawing/packed.ts';
import { creatureNameFault, readSubmission } from '../../../shared/drawing/submission.ts';
import { anyDrawing, block } from './drawings.ts';

const good = { name: 'Moss Owl', drawing: packDrawing(block(12, 12)), isFree: true };

describe('a submission', () => {
  test('is a name and a drawing', () => {
    expect(readSubmission({ ...good, name: '  Moss   Owl ' })).toEqual({
      name: 'Moss Owl',
      drawing: block(12, 12),
    });
  });

  test.each<[string, unknown, string]>([
    ['no object', null, 'needs a name'],
    ['a list', [], 'needs a name'],
    ['no name', { ...good, name: undefined }, 'needs a name'],
    ['a blank name', { ...good, name: '   ' }, 'needs a name'],
    ['a name of letters that show nothing', { ...good, name: '\u3164\u3164' }, 'letters and digits'],
    ['a name with a filler in it', { ...good, name: 'Owl\uFFA0' }, 'letters and digits'],
    ['no drawing', { ...good, drawing: 7 }, 'no drawing'],
    ['no consent', { ...good, isFree: 'yes' }, 'your own, or free for all'],
    ['text that is no drawing', { ...good, drawing: 'AAAA' }, 'not a drawing'],
    ['what cannot grow', { ...good, drawing: packDrawing(block(3, 3)) }, 'at least 40 make a body'],
  ])('is refused for its reason: %s', (_what, message, reason) => {
    expect(() => readSubmission(message)).toThrow(reason);
    expect(() => readSubmission(message)).toThrow(DrawingError);
  });

  test('of any values is read or refused, and nothing else happens', () => {
    let read = 0;
    const names = fc.oneof(fc.string(), fc.anything(), fc.constant('Fern'));
    const drawings = fc.oneof(
      fc.string(),
      fc.anything(),
      anyDrawing.map(packDrawing),
      fc.constant(good.drawing),
    );
    fc.assert(
      fc.property(names, drawings, fc.oneof(fc.anything(), fc.constant(true)), (name, drawing, isFree) => {
        try {
          readSubmission({ name, drawing, isFree });
          read++;
        } catch (error) {
          if (!(error instanceof DrawingError)) throw error;
        }
      }),
      { numRuns: 300, seed: 1 },
    );
    fc.assert(
      fc.property(fc.anything(), (message) => {
        expect(() => readSubmission(message)).toThrow(DrawingError);
      }),
      { numRuns: 200, seed: 2 },
    );
    expect(read).toBeGreaterThan(5);
  });
});

describe('a creature’s name', () => {
  test.each(['Owl', 'Øresund 7', 'フクロウ', 'O’Malley', "D'Or", 'Mr. T-Rex', 'Zoë', 'हाथी'])(
    'may be %s',
    (name) => {
      expect(creatureNameFault(name)).toBeNull();
    },
  );

  test.each([
    ['', 'needs a name'],
    ['<b>owl</b>', 'letters and digits'],
    ['a\u202Eb', 'letters and digits'],
    ['- -', 'letters and digits'],
    ['z\u0341\u0342\u0343\u0345\u0346', 'letters and digits'],
    ['a'.repeat(25), '24 characters'],
    ['a'.repeat(10_000), 'too long'],
  ])('may not be %j', (name, reason) => {
    expect(creatureNameFault(name)).toMatch(reason);
  });
});
