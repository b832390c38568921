import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Desk, KEEP_AFTER_MS, type Told } from '../../../client/draw/desk.ts';
import { Easel, FIRST_SIDE } from '../../../client/draw/easel.ts';
import { type KeptDrawing, MAX_KEPT_DRAWINGS, Shelf } from '../../../client/draw/shelf.ts';
import { blankDrawing, contentOf } from '../../../shared/drawing/drawing.ts';
import { formatDrawLink } from '../../../shared/drawing/link.ts';
import { packDrawing, unpackDrawing } from '../../../shared/drawing/packed.ts';
import { block } from '../../shared/drawing/drawings.ts';

let stored: string | null;
let last: string | null;
let told: Told[];

/** A page that is opened on the same browser. */
function opened(): { desk: Desk; easel: Easel; shelf: Shelf } {
  const easel = new Easel();
  const shelf = new Shelf({
    read: () => stored,
    write: (text) => {
      stored = text;
      return true;
    },
  });
  const desk = new Desk(easel, shelf, {
    recall: () => last,
    remember: (id) => {
      last = id;
    },
  });
  desk.told.on((line) => told.push(line));
  desk.resume();
  return { desk, easel, shelf };
}

/** Two pages with the same drawing in hand, which the first has changed since the second was opened. */
function windowsOf(name: string): [ReturnType<typeof opened>, ReturnType<typeof opened>] {
  const one = opened();
  one.desk.rename(name);
  dot(one.easel, 3, 3);
  vi.advanceTimersByTime(KEEP_AFTER_MS);
  const other = opened();
  vi.advanceTimersByTime(1_000);
  dot(one.easel, 4, 4);
  vi.advanceTimersByTime(KEEP_AFTER_MS);
  return [one, other];
}

function dot(easel: Easel, x: number, y: number): void {
  easel.press([x, y]);
  easel.release();
}

/** The cells of a packed drawing that are not clear. */
function paintedIn(packed: string): string[] {
  const { width, rgba } = unpackDrawing(packed);
  return Array.from({ length: rgba.length / 4 }, (_, cell) => cell)
    .filter((cell) => rgba[cell * 4 + 3] > 0)
    .map((cell) => `${cell % width},${Math.floor(cell / width)}`);
}

const kept = (shelf: Shelf): KeptDrawing => shelf.list()[0];

beforeEach(() => {
  vi.useFakeTimers();
  [stored, last, told] = [null, null, []];
});
afterEach(() => vi.useRealTimers());

describe('a drawing in hand', () => {
  test('is kept soon after a change, once for many, and is there again on the next page', () => {
    const { desk, easel, shelf } = opened();
    desk.rename('Owl');
    dot(easel, 3, 3);
    vi.advanceTimersByTime(KEEP_AFTER_MS - 1);
    dot(easel, 4, 3);
    vi.advanceTimersByTime(KEEP_AFTER_MS - 1);
    expect(shelf.list()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(shelf.list()).toHaveLength(1);
    const again = opened();
    expect(again.desk.name).toBe('Owl');
    expect(again.easel.drawing).toEqual(easel.drawing);
    expect(again.desk.id).toBe(desk.id);
  });

  test('is kept at once when the board is left, if it has changed', () => {
    const { desk, easel, shelf } = opened();
    desk.keep();
    expect(shelf.list()).toEqual([]);
    dot(easel, 3, 3);
    desk.keep();
    expect(shelf.list()).toHaveLength(1);
  });

  test('that two windows change becomes two, so that neither loses anything', () => {
    const [one, other] = windowsOf('Owl');
    dot(other.easel, 5, 5);
    vi.advanceTimersByTime(KEEP_AFTER_MS);
    dot(one.easel, 6, 6);
    dot(other.easel, 7, 7);
    vi.advanceTimersByTime(KEEP_AFTER_MS);
    expect(told.filter(({ text }) => text.startsWith('Another window'))).toHaveLength(1);
    const found = one.shelf.list().map(({ name, packed }) => [name, paintedIn(packed)]);
    expect(found).toEqual(
      expect.arrayContaining([
        ['Owl', ['3,3', '4,4', '6,6']],
        ['Owl', ['3,3', '5,5', '7,7']],
      ]),
    );
    expect(found).toHaveLength(2);
  });

  test('that another window has changed is shown as it is now, unless it is being changed here', () => {
    const [one, other] = windowsOf('Owl');
    other.desk.catchUp();
    expect(paintedIn(packDrawing(other.easel.drawing))).toEqual(['3,3', '4,4']);
    dot(other.easel, 5, 5);
    dot(one.easel, 6, 6);
    one.desk.keep();
    other.desk.catchUp();
    expect(paintedIn(packDrawing(other.easel.drawing))).toEqual(['3,3', '4,4', '5,5']);
  });

  test('is not kept in the middle of a stroke; leaving the board ends the stroke', () => {
    const { desk, easel, shelf } = opened();
    dot(easel, 3, 3);
    easel.press([5, 5]);
    vi.advanceTimersByTime(10 * KEEP_AFTER_MS);
    expect(shelf.list()).toEqual([]);
    easel.drag([7, 5]);
    desk.keep();
    expect(contentOf(unpackDrawing(kept(shelf).packed))).toEqual({ x: 3, y: 3, width: 5, height: 3 });
    expect(easel.isDown).toBe(false);
  });

  test('that is empty is not kept, unless it was: then it has been cleared', () => {
    const { desk, easel, shelf } = opened();
    desk.rename('Nothing');
    desk.keep();
    expect(shelf.list()).toEqual([]);
    dot(easel, 3, 3);
    desk.keep();
    easel.replace(blankDrawing(FIRST_SIDE));
    desk.keep();
    expect(contentOf(unpackDrawing(kept(shelf).packed))).toBeNull();
  });

  test('is kept before another one is taken up, and the other is not changed by it', () => {
    const { desk, easel, shelf } = opened();
    dot(easel, 3, 3);
    desk.begin(block(8, 8), 'Brick');
    expect(desk.name).toBe('Brick');
    expect(easel.drawing.width).toBe(FIRST_SIDE);
    expect(easel.canUndo).toBe(false);
    expect(shelf.list()).toHaveLength(1);
    desk.open(kept(shelf));
    expect(contentOf(easel.drawing)).toEqual({ x: 3, y: 3, width: 1, height: 1 });
    expect(shelf.list()).toHaveLength(1);
  });

  test('that finds no room is told of, and stays on the board', () => {
    const { desk, easel, shelf } = opened();
    for (let i = 0; i < MAX_KEPT_DRAWINGS; i++) shelf.keep(`${i}`, '', block(8, 8), i);
    dot(easel, 3, 3);
    desk.keep();
    expect(told.at(-1)?.text).toMatch(/keeps 40 drawings/);
    expect(contentOf(easel.drawing)).not.toBeNull();
  });
});

describe('a drawing that is removed', () => {
  test('is gone, stays on the board if it was there, and can be brought back', () => {
    const { desk, easel, shelf } = opened();
    dot(easel, 3, 3);
    desk.keep();
    const before = kept(shelf);
    desk.remove(before);
    expect(shelf.list()).toEqual([]);
    expect(contentOf(easel.drawing)).not.toBeNull();
    expect(desk.id).not.toBe(before.id);
    expect(told.at(-1)?.text).toBe('Removed the drawing.');
    told.at(-1)?.press?.();
    expect(shelf.list()).toEqual([before]);
  });
});

describe('a link', () => {
  test('is a drawing of one’s own once it is changed; opened twice, it is the same one', () => {
    const { desk, easel, shelf } = opened();
    const link = formatDrawLink(block(8, 6), 'Brick');
    desk.openLink(link);
    expect(desk.name).toBe('Brick');
    expect(contentOf(easel.drawing)).toEqual({ x: 2, y: 3, width: 8, height: 6 });
    expect(shelf.list()).toEqual([]);
    desk.rename('Mine');
    desk.keep();
    desk.begin(null, '');
    desk.openLink(link);
    expect(desk.name).toBe('Mine');
    expect(shelf.list()).toHaveLength(1);
  });

  test('is there again when the page is loaded anew, although it is not kept, until another one is in hand', () => {
    const first = opened();
    first.desk.openLink(formatDrawLink(block(12, 12), 'Brick'));
    const again = opened();
    expect(again.desk.name).toBe(first.desk.name);
    expect(again.easel.drawing).toEqual(first.easel.drawing);
    expect(again.shelf.list()).toEqual([]);
    dot(again.easel, 0, 0);
    again.desk.keep();
    expect(opened().desk.id).toBe(again.desk.id);
    again.desk.begin(null, '');
    expect(contentOf(opened().easel.drawing)).toBeNull();
  });

  test('that is damaged is told of, and what is on the board stays', () => {
    const { desk, easel } = opened();
    dot(easel, 3, 3);
    desk.openLink('#draw=AAAA');
    expect(told.at(-1)?.text).toMatch(/holds no drawing/);
    expect(contentOf(easel.drawing)).toEqual({ x: 3, y: 3, width: 1, height: 1 });
    desk.openLink('#12,13,4');
    expect(contentOf(easel.drawing)).not.toBeNull();
  });
});
