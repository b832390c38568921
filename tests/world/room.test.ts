import { describe, expect, test } from 'vitest';
import type { MatureForm } from '../../server/world/mature.ts';
import { type GrownBody, overlapShare, roomFault } from '../../server/world/room.ts';
import { withArticle } from '../../shared/room.ts';

const WORLD = { width: 128, height: 64 };

/** Opaque where the picture has an x; the seed lies at (seedX, seedY) of it. */
function formOf(picture: string[], seedX: number, seedY: number): MatureForm {
  const rgba = picture.flatMap((row) =>
    [...row].flatMap((cell) => (cell === 'x' ? [1, 1, 1, 1] : [0, 0, 0, 0.05])),
  );
  const { length: width } = picture[0];
  return { x: -seedX, y: -seedY, width, height: picture.length, rgba: Float32Array.from(rgba) };
}

const square = (side: number): MatureForm => {
  const half = Math.floor(side / 2);
  return formOf(Array(side).fill('x'.repeat(side)), half, half);
};
const at = (x: number, y: number, form: MatureForm, species = 'gengar'): GrownBody => ({
  species,
  x,
  y,
  form,
});

describe('room at the edge of the world', () => {
  const wide = formOf(['.xxxxx.', '.xxxxx.'], 2, 0);

  test.each([
    [0, 30, 'A Gengar needs 1 free cell on its left: the world ends here.'],
    [125, 30, 'A Gengar needs 3 free cells on its right: the world ends here.'],
    [30, 63, 'A Gengar needs 1 free cell below: the world ends here.'],
  ])('a body that would hang over it at (%i, %i) is refused', (x, y, reason) => {
    expect(roomFault(at(x, y, wide), WORLD, [])).toBe(reason);
  });

  test('is needed above, too, and the reason says "An Eevee"', () => {
    expect(roomFault(at(30, 2, square(7), 'eevee'), WORLD, [])).toBe(
      'An Eevee needs 3 free cells above: the world ends here.',
    );
  });

  test('only opaque cells need room, down to the last one', () => {
    for (const [x, y] of [
      [1, 0],
      [124, 62],
    ])
      expect(roomFault(at(x, y, wide), WORLD, [])).toBeNull();
  });
});

describe('room among others', () => {
  test('two bodies may share 5 % of the smaller one, and no more', () => {
    const large = at(30, 30, square(21));
    // 10 x 10: a column is 10 % of it, half a column of 5 cells 5 %.
    const small = (x: number, y: number) => at(x, y, square(10), 'mew');
    expect(overlapShare(small(46, 30), large)).toBe(0);
    expect(overlapShare(small(45, 36), large)).toBe(0.1);
    expect(overlapShare(large, small(45, 41))).toBe(0.05);
    expect(roomFault(small(45, 41), WORLD, [large])).toBeNull();
    expect(roomFault(small(45, 40), WORLD, [large])).toBe('No room: it would grow into a Gengar.');
    expect(roomFault(large, WORLD, [small(100, 30), small(45, 40)])).toBe(
      'No room: it would grow into a Mew.',
    );
  });

  test('what counts is cells, not boxes: two that fit together may stand together', () => {
    const corner = formOf(['xxxx', 'x...', 'x...', 'x...'], 0, 0);
    const filling = formOf(['xxx', 'xxx', 'xxx'], 0, 0);
    expect(roomFault(at(41, 31, filling), WORLD, [at(40, 30, corner)])).toBeNull();
    expect(roomFault(at(40, 30, filling), WORLD, [at(40, 30, corner)])).not.toBeNull();
  });

  test('a species is named with its article and as the client writes it', () => {
    expect(withArticle('mr-mime')).toBe('a Mr Mime');
    expect(withArticle('abra')).toBe('an Abra');
  });
});
