import { describe, expect, test } from 'vitest';
import { type MatureForm, TERRITORY_MARGIN } from '../../server/world/mature.ts';
import { isTwoBodied, partsOf } from '../../server/world/twoBodies.ts';

const SIDE = 20;

/** A picture that is not like itself when it is moved: colours by place, no gaps. */
function makeForm(isOpaque: (x: number, y: number) => boolean = () => true): MatureForm {
  const rgba = new Float32Array(SIDE * SIDE * 4);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      if (isOpaque(x, y))
        rgba.set([x / SIDE, y / SIDE, (x >> 2) % 2 === (y >> 2) % 2 ? 1 : 0, 1], (y * SIDE + x) * 4);
  return { x: -10, y: -10, width: SIDE, height: SIDE, rgba };
}

const form = makeForm();
const WIDTH = SIDE + 2 * TERRITORY_MARGIN;

/** The pixels of such bodies in the territory; later ones cover earlier ones. */
function territory(
  ...bodies: { dx: number; dy: number; form?: MatureForm; colour?: number[] }[]
): Float32Array {
  const own = new Float32Array(WIDTH * WIDTH * 4);
  for (const { dx, dy, form: body = form, colour } of bodies) {
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const toX = x + TERRITORY_MARGIN + dx;
        const toY = y + TERRITORY_MARGIN + dy;
        if (toX < 0 || toY < 0 || toX >= WIDTH || toY >= WIDTH) continue;
        const cell = body.rgba.subarray((y * SIDE + x) * 4, (y * SIDE + x) * 4 + 4);
        if (cell[3] > 0.1) own.set(colour ?? cell, (toY * WIDTH + toX) * 4);
      }
    }
  }
  return own;
}

describe('parts', () => {
  const picture = (rows: string[]): [Float32Array, number] => [
    Float32Array.from(
      rows
        .join('')
        .split('')
        .flatMap((cell) => [0, 0, 0, cell === 'x' ? 1 : 0.05]),
    ),
    rows[0].length,
  ];

  test('are groups of opaque cells; a corner joins them, a gap does not', () => {
    expect(partsOf(...picture(['xx..', '..x.', '....', 'xx.x']), 1)).toBe(3);
    expect(partsOf(...picture(['xxxx', 'x..x', 'xxxx']), 1)).toBe(1);
    expect(partsOf(...picture(['....', '....']), 1)).toBe(0);
  });

  test('do not continue across the sides of the picture', () => {
    expect(partsOf(...picture(['x..', '..x', '...', 'x.x']), 1)).toBe(4);
  });

  test('with fewer cells than asked for do not count', () => {
    expect(partsOf(...picture(['xx..', 'xx..', '...x']), 2)).toBe(1);
  });
});

describe('an organism is two bodies', () => {
  test('when a part of it stands apart', () => {
    const piece = makeForm((x) => x < 4);
    expect(isTwoBodied(territory({ dx: -4, dy: 0 }, { dx: 20, dy: 0, form: piece }), form)).toBe(true);
  });

  test('when a part with a twentieth of its cells stands apart; a smaller one is a speck', () => {
    const own = territory({ dx: 0, dy: 0 });
    const grow = (rows: number): void => {
      for (let y = 0; y < rows; y++) own.fill(1, y * WIDTH * 4, (y * WIDTH + 4) * 4);
    };
    grow(4);
    expect(isTwoBodied(own, form)).toBe(false);
    grow(5);
    expect(isTwoBodied(own, form)).toBe(true);
  });

  test('when a second one has grown to its side, and only a part of it fits', () => {
    expect(isTwoBodied(territory({ dx: 0, dy: 0 }, { dx: 14, dy: 0 }), form)).toBe(true);
    expect(isTwoBodied(territory({ dx: 0, dy: 0 }, { dx: 0, dy: -14 }), form)).toBe(true);
  });
});

describe('it is not', () => {
  test('when it is whole, also beside its place', () => {
    for (const [dx, dy] of [
      [0, 0],
      [4, -2],
      [-8, 8],
    ])
      expect(isTwoBodied(territory({ dx, dy }), form)).toBe(false);
  });

  test('when it is wounded, or has no cells', () => {
    for (const isLeft of [(x: number) => x < 12, (_: number, y: number) => y > 9, (x: number) => x > 6])
      expect(isTwoBodied(territory({ dx: 0, dy: 0, form: makeForm(isLeft) }), form)).toBe(false);
    expect(isTwoBodied(territory(), form)).toBe(false);
  });

  test('when specks lie around it', () => {
    const own = territory({ dx: 0, dy: 0 });
    for (const cell of [0, 5, 5 * WIDTH, WIDTH * WIDTH - 1]) own.fill(1, cell * 4, cell * 4 + 4);
    expect(isTwoBodied(own, form)).toBe(false);
  });

  test('when what has grown beside it is nothing like it', () => {
    const own = territory({ dx: 8, dy: 0, colour: [-0.8, -0.8, -0.8, 0.3] }, { dx: 0, dy: 0 });
    expect(isTwoBodied(own, form)).toBe(false);
  });

  test('when its form itself has two parts', () => {
    const split = makeForm((x) => x < 8 || x > 11);
    expect(isTwoBodied(territory({ dx: 0, dy: 0, form: split }), split)).toBe(false);
  });

  test('when it holds NaN or infinite values', () => {
    expect(isTwoBodied(territory({ dx: 0, dy: 0 }).fill(Number.NaN), form)).toBe(false);
  });
});
