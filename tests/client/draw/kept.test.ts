/** What outlives the board: kept drawings, links, and the help that the check offers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fixOf } from '../../../client/draw/fixes.ts';
import { isSameDrawing } from '../../../client/draw/raster.ts';
import { MAX_KEPT_DRAWINGS, Shelf } from '../../../client/draw/shelf.ts';
import {
  blankDrawing,
  contentOf,
  cutOut,
  type Drawing,
  DrawingError,
} from '../../../shared/drawing/drawing.ts';
import { growthFaults } from '../../../shared/drawing/growth.ts';
import { formatDrawLink, parseDrawLink } from '../../../shared/drawing/link.ts';
import { unpackDrawing } from '../../../shared/drawing/packed.ts';
import { STARTERS } from '../../../shared/starters/starters.ts';
import { anyDrawing, block } from '../../shared/drawing/drawings.ts';

/** A storage that may be full. */
function store(): {
  text: string | null;
  isFull: boolean;
  read(): string | null;
  write(text: string): boolean;
} {
  return {
    text: null,
    isFull: false,
    read() {
      return this.text;
    },
    write(text) {
      if (this.isFull) return false;
      this.text = text;
      return true;
    },
  };
}

describe('the shelf', () => {
  test('keeps drawings by id, newest first, and gives them back as they were', () => {
    const shelf = new Shelf(store());
    expect(shelf.keep('a', 'Owl', block(8, 8), 1)).toBeNull();
    expect(shelf.keep('b', 'Fox', block(9, 9), 2)).toBeNull();
    expect(shelf.keep('a', 'Owl 2', block(10, 8), 3)).toBeNull();
    expect(shelf.list().map(({ id, name }) => [id, name])).toEqual([
      ['a', 'Owl 2'],
      ['b', 'Fox'],
    ]);
    expect(unpackDrawing(shelf.list()[0].packed)).toEqual(block(10, 8));
    expect(shelf.remove('a')).toBeNull();
    expect(shelf.list().map(({ id }) => id)).toEqual(['b']);
  });

  test('says so when it is full, and when the browser keeps nothing more; what it has stays', () => {
    const disk = store();
    const shelf = new Shelf(disk);
    for (let i = 0; i < MAX_KEPT_DRAWINGS; i++) expect(shelf.keep(`${i}`, '', block(8, 8), i)).toBeNull();
    expect(shelf.keep('one more', '', block(8, 8), 99)).toMatch(/keeps 40 drawings/);
    expect(shelf.keep('3', 'still', block(8, 9), 99)).toBeNull();
    disk.isFull = true;
    expect(shelf.keep('3', 'lost', block(8, 10), 100)).toMatch(/storage is full/);
    expect(shelf.list()).toHaveLength(MAX_KEPT_DRAWINGS);
    expect(shelf.list()[0].name).toBe('still');
  });

  test('leaves out what others wrote there, and keeps the rest', () => {
    const disk = store();
    const shelf = new Shelf(disk);
    shelf.keep('a', 'Owl', block(8, 8), 1);
    const good = JSON.parse(disk.text ?? '') as unknown[];
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json()),
        fc.array(fc.anything(), { maxLength: 5 }),
        (text, junk) => {
          disk.text = text;
          expect(Array.isArray(shelf.list())).toBe(true);
          disk.text = JSON.stringify([...junk, ...good]) ?? null;
          expect(shelf.list().map(({ id }) => id)).toEqual(['a']);
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });
});

describe('a link', () => {
  const cropped = (drawing: Drawing): Drawing =>
    cutOut(drawing, contentOf(drawing) ?? { x: 0, y: 0, ...drawing });

  test('carries the drawing, cropped, and its name', () => {
    fc.assert(
      fc.property(anyDrawing, fc.constantFrom('', 'Owl', 'Zoë & Ñ', 'フクロウ'), (drawing, name) => {
        const linked = parseDrawLink(formatDrawLink(drawing, name));
        expect(linked?.drawing).toEqual(cropped(drawing));
        expect(linked?.name).toBe(name === 'Zoë & Ñ' ? '' : name);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test('to any starter has at most 2,000 characters', () => {
    const lengths = STARTERS.map(({ name, drawing }) => formatDrawLink(drawing, name).length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2_000);
  });

  test('of another kind is none; a damaged one says so; a name that is none is left out', () => {
    expect(parseDrawLink('')).toBeNull();
    expect(parseDrawLink('#12,40,6')).toBeNull();
    expect(() => parseDrawLink('#draw=AAAA')).toThrow(DrawingError);
    const link = formatDrawLink(block(8, 8), 'Owl');
    expect(parseDrawLink(link.replace('Owl', '%'))?.name).toBe('');
    expect(parseDrawLink(link.replace('Owl', '%3Cb%3E'))?.name).toBe('');
    expect(parseDrawLink(`${link}&name=again`)).toBeNull();
  });

  test('of any text is read, refused with a reason, or none: never anything else', () => {
    let reads = 0;
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.nat(200), (text, at) => {
        const link = formatDrawLink(block(9, 9), 'Owl');
        for (const hash of [
          text,
          `#draw=${text}`,
          `${link.slice(0, at)}${text}`,
          `#draw=${'A'.repeat(at * 1_000)}`,
        ])
          try {
            if (parseDrawLink(hash) !== null) reads++;
          } catch (error) {
            if (!(error instanceof DrawingError)) throw error;
          }
      }),
      { numRuns: 200, seed: 2 },
    );
    expect(reads).toBeGreaterThan(0);
  });
});

describe('what the check offers', () => {
  /** A board of 40 with the given cells painted. */
  function board(isPainted: (x: number, y: number) => boolean, alpha = 255): Drawing {
    const drawing = blankDrawing(40);
    for (let y = 0; y < 40; y++)
      for (let x = 0; x < 40; x++)
        if (isPainted(x, y)) drawing.rgba.set([90, 140, 60, alpha], (y * 40 + x) * 4);
    return drawing;
  }
  const inBlock = (x: number, y: number): boolean => x >= 12 && x < 28 && y >= 12 && y < 28;

  test.each<[string, Drawing]>([
    ['parts', board((x, y) => inBlock(x, y) || (x >= 33 && x < 36 && y > 20 && y < 24))],
    ['specks', board((x, y) => inBlock(x, y) || (x === 2 && y === 3))],
    ['small', board((x, y) => x >= 18 && x < 22 && y >= 18 && y < 20)],
    [
      'hole',
      board(
        (x, y) =>
          Math.max(Math.abs(x - 19.5), Math.abs(y - 19.5)) < 14 &&
          Math.max(Math.abs(x - 19.5), Math.abs(y - 19.5)) > 10,
      ),
    ],
    ['thin', board((x, y) => inBlock(x, y) || (y % 6 === 2 && x >= 2))],
  ])('takes the fault away: %s', (kind, drawing) => {
    const fault = growthFaults(drawing).find((one) => one.kind === kind);
    expect(fault).toBeDefined();
    const fixed = fixOf(fault!)!.apply(drawing);
    expect(growthFaults(fixed).map((one) => one.kind)).not.toContain(kind);
    expect(contentOf(fixed)).not.toBeNull();
  });

  test('never leaves any drawing as it was', () => {
    const any = fc.record({
      side: fc.integer({ min: 8, max: 64 }),
      cells: fc.array(
        fc.record({
          x: fc.nat(63),
          y: fc.nat(63),
          width: fc.integer({ min: 1, max: 64 }),
          height: fc.integer({ min: 1, max: 3 }),
          alpha: fc.constantFrom(255, 255, 90, 12, 0),
        }),
        { minLength: 1, maxLength: 8 },
      ),
    });
    const offered = new Set<string>();
    fc.assert(
      fc.property(any, ({ side, cells }) => {
        const drawing = blankDrawing(side);
        for (const { x, y, width, height, alpha } of cells)
          for (let v = y; v < Math.min(side, y + height); v++)
            for (let u = x; u < Math.min(side, x + width); u++)
              drawing.rgba.set(alpha === 0 ? [0, 0, 0, 0] : [90, 140, 60, alpha], (v * side + u) * 4);
        for (const fault of growthFaults(drawing)) {
          const fix = fixOf(fault);
          if (fix === null) continue;
          offered.add(fault.kind);
          const fixed = fix.apply(drawing);
          if (isSameDrawing(fixed, drawing)) throw new Error(`${fault.kind}: ${fix.label}`);
          expect(Math.max(fixed.width, fixed.height)).toBeLessThanOrEqual(64);
        }
      }),
      { numRuns: 400, seed: 3 },
    );
    expect([...offered].sort()).toEqual(['faint', 'hole', 'parts', 'small', 'specks', 'thin']);
  });

  test('is nothing for an empty board, and clears faint cells', () => {
    expect(fixOf(growthFaults(blankDrawing(16))[0])).toBeNull();
    const faint = board(inBlock);
    faint.rgba.set([1, 2, 3, 9], 0);
    const [fault] = growthFaults(faint);
    expect(fault.kind).toBe('faint');
    expect(growthFaults(fixOf(fault)!.apply(faint))).toEqual([]);
  });
});
