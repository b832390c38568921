import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { DRAW_TOOLS, Easel, MAX_PENCIL_SIZE } from '../../../client/draw/easel.ts';
import { MAX_UNDO } from '../../../client/draw/history.ts';
import { type Colour, colourAt } from '../../../client/draw/raster.ts';
import { blankDrawing, contentOf, type Drawing, MAX_COLOURS } from '../../../shared/drawing/drawing.ts';
import { coloursOf } from '../../../shared/drawing/packed.ts';
import { block } from '../../shared/drawing/drawings.ts';

const RED: Colour = [200, 0, 0, 255];
let easel: Easel;
beforeEach(() => {
  easel = new Easel();
  easel.open(blankDrawing(16));
  easel.take(RED);
});

const painted = (drawing: Drawing = easel.drawing): string[] =>
  Array.from({ length: drawing.width * drawing.height }, (_, i) => i)
    .filter((i) => drawing.rgba[i * 4 + 3] > 0)
    .map((i) => `${i % drawing.width},${Math.floor(i / drawing.width)}`);

function stroke(...cells: (readonly [number, number])[]): void {
  easel.press(cells[0]);
  for (const cell of cells.slice(1)) easel.drag(cell);
  easel.release();
}

describe('tools', () => {
  test('the pencil paints without gaps, and the eraser takes away', () => {
    stroke([1, 1], [5, 1]);
    expect(painted()).toEqual(['1,1', '2,1', '3,1', '4,1', '5,1']);
    easel.choose('eraser');
    stroke([2, 1], [4, 1]);
    expect(painted()).toEqual(['1,1', '5,1']);
  });

  test('the line ends where the pointer is, whichever way it went', () => {
    easel.choose('line');
    stroke([1, 1], [9, 9], [4, 1]);
    expect(painted()).toEqual(['1,1', '2,1', '3,1', '4,1']);
  });

  test('a fill fills an area, and each side of a symmetry', () => {
    stroke([8, 0], [8, 15]);
    easel.choose('fill');
    easel.press([0, 0]);
    expect(painted()).toHaveLength(9 * 16);
    easel.undo();
    easel.mirror({ across: true, down: false });
    easel.press([0, 0]);
    expect(painted()).toHaveLength(16 * 16);
  });

  test('move takes the drawing along, and what the drag brings back is whole', () => {
    stroke([0, 0], [3, 0]);
    easel.choose('move');
    easel.press([0, 0]);
    easel.drag([-2, 1]);
    expect(painted()).toEqual(['0,1', '1,1']);
    easel.drag([1, 2]);
    easel.release();
    expect(painted()).toEqual(['1,2', '2,2', '3,2', '4,2']);
  });

  test('the picker takes the colour and gives the tool back; on a clear cell it takes the eraser', () => {
    stroke([2, 2]);
    easel.take([0, 0, 9, 255]);
    easel.choose('line');
    easel.choose('picker');
    easel.press([2, 2]);
    expect(easel.colour).toEqual(RED);
    expect(easel.tool).toBe('line');
    easel.choose('picker');
    easel.press([9, 9]);
    expect(easel.tool).toBe('eraser');
    // A colour of the palette is to paint with, whatever was in hand.
    easel.take(RED);
    expect(easel.tool).toBe('pencil');
    easel.choose('fill');
    easel.choose('picker');
    easel.take(RED);
    expect(easel.tool).toBe('fill');
  });

  test('the pencil is 1 to 6 cells wide', () => {
    easel.resizeBrush(0);
    expect(easel.size).toBe(1);
    easel.resizeBrush(99);
    expect(easel.size).toBe(MAX_PENCIL_SIZE);
    easel.resizeBrush(2);
    stroke([3, 3]);
    expect(painted()).toHaveLength(4);
  });
});

describe('undo and redo', () => {
  test('go back and forth one finished change at a time, and a new change ends redo', () => {
    stroke([1, 1]);
    stroke([2, 2]);
    easel.undo();
    expect(painted()).toEqual(['1,1']);
    easel.redo();
    expect(painted()).toEqual(['1,1', '2,2']);
    easel.undo();
    stroke([3, 3]);
    expect(easel.canRedo).toBe(false);
    expect(painted()).toEqual(['1,1', '3,3']);
  });

  test('a stroke that changes nothing, or is cancelled, is nothing to undo', () => {
    stroke([-3, -3]);
    easel.press([4, 4]);
    easel.cancel();
    expect(painted()).toEqual([]);
    expect(easel.canUndo).toBe(false);
  });

  test('as many changes as are remembered come back, not more', () => {
    for (let i = 0; i < MAX_UNDO + 20; i++) stroke([i % 16, Math.floor(i / 16)]);
    for (let i = 0; i < MAX_UNDO + 20; i++) easel.undo();
    expect(painted()).toHaveLength(20);
  });

  test('any strokes and any undoing keep a drawing of the board’s size and of clean clear cells', () => {
    const deed = fc.oneof(
      fc.record({
        kind: fc.constantFrom(...DRAW_TOOLS),
        from: fc.tuple(fc.integer({ min: -3, max: 18 }), fc.integer({ min: -3, max: 18 })),
        to: fc.tuple(fc.integer({ min: -3, max: 18 }), fc.integer({ min: -3, max: 18 })),
      }),
      fc.constantFrom('undo', 'redo', 'cancel', 'across'),
    );
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
        const one = new Easel();
        one.open(block(6, 6, 5));
        for (const done of deeds) {
          if (done === 'undo') one.undo();
          else if (done === 'redo') one.redo();
          else if (done === 'cancel') one.cancel();
          else if (done === 'across') one.mirror({ across: !one.symmetry.across, down: false });
          else {
            one.choose(done.kind);
            one.press(done.from);
            one.drag(done.to);
            one.release();
          }
          expect(one.drawing.rgba).toHaveLength(16 * 16 * 4);
        }
        while (one.canUndo) one.undo();
        expect(one.drawing).toEqual(block(6, 6, 5));
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  test('another board and another drawing in its place can be undone; opening cannot', () => {
    easel.open(block(6, 6, 5));
    easel.resizeBoard(32);
    expect(easel.drawing.width).toBe(32);
    easel.undo();
    expect(easel.drawing).toEqual(block(6, 6, 5));
    easel.open(blankDrawing(8));
    expect(easel.canUndo).toBe(false);
  });
});

test('one colour more than fits makes the nearest ones one', () => {
  const drawing = blankDrawing(32);
  for (let i = 0; i < MAX_COLOURS; i++) drawing.rgba.set([i, 100, 50, 255], i * 4);
  easel.open(drawing);
  easel.take([0, 0, 255, 255]);
  stroke([20, 20]);
  expect(coloursOf(easel.drawing).length).toBeLessThanOrEqual(MAX_COLOURS);
  expect(colourAt(easel.drawing, [20, 20])).toEqual([0, 0, 255, 255]);
  expect(contentOf(easel.drawing)).toEqual({ x: 0, y: 0, width: 32, height: 21 });
});
