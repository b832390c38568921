/**
 * What of a drawing cannot grow, or grows badly. The page says so while one draws; the nursery refuses what `stops`.
 *
 * A body grows from one cell, its *seed*, and life spreads to a cell from the 3x3 around it. So what touches nothing,
 * not even at a corner, is never reached; and a seed far from every cell of the body has nowhere to begin. A cell lives
 * if its alpha is above 0.1.
 */
import { contentOf, cutOut, type Drawing, isLiving, MIN_LIVING_ALPHA } from './drawing.ts';

export type GrowthFaultKind = 'empty' | 'small' | 'parts' | 'specks' | 'faint' | 'hole' | 'large' | 'thin';

export interface GrowthFault {
  readonly kind: GrowthFaultKind;
  /** It cannot grow. Else it may, but badly. */
  readonly stops: boolean;
  /** For the one who draws. */
  readonly text: string;
  /** Indexes of the cells concerned, in the drawing; may be empty. */
  readonly cells: readonly number[];
}

/** Living cells: an eraser's dab would leave nothing of less. */
export const MIN_BODY_CELLS = 40;
/** Cells of the longer side: trained bodies beyond this need more iterations and heal worse. */
const MAX_EASY_SIDE = 44;
/** Living cells of a part that is a speck, not a limb. */
const MAX_SPECK_CELLS = 3;
/**
 * How far from the middle of the body the seed may lie, each way, cells. It makes the training grid twice as much
 * larger, and it must stay within what *shrink* leaves of a body: a disc of half its radius.
 */
const MAX_SEED_SHIFT = 8;
/** Share of the body that may be thin: ears' tips, whiskers. */
const MAX_THIN_SHARE = 0.12;
/** Share of the body from which on a part matters when only thin cells hold it. */
const MIN_LIMB_SHARE = 0.05;

/** @returns the worst first; empty: it can grow */
export function growthFaults(drawing: Drawing): GrowthFault[] {
  const { width, height } = drawing;
  const living = Array.from({ length: width * height }, (_, cell) => cell).filter((cell) =>
    isLiving(drawing, cell),
  );
  const content = contentOf(drawing);
  if (content === null || living.length === 0)
    return [fault('empty', true, content === null ? 'There is nothing to grow yet.' : TOO_FAINT, [])];
  const faults: GrowthFault[] = [];
  const parts = touching(width, height, living);
  const [body] = parts;
  const specks = parts.slice(1).filter((part) => part.length <= MAX_SPECK_CELLS);
  const loose = parts.slice(1).filter((part) => part.length > MAX_SPECK_CELLS);
  if (loose.length > 0)
    faults.push(
      fault(
        'parts',
        true,
        `${counted(loose.length, 'part touches', 'parts touch')} nothing: growth cannot reach ${loose.length === 1 ? 'it' : 'them'}.`,
        loose.flat(),
      ),
    );
  if (specks.length > 0)
    faults.push(
      fault(
        'specks',
        true,
        `${counted(specks.length, 'speck touches', 'specks touch')} nothing: growth cannot reach ${specks.length === 1 ? 'it' : 'them'}.`,
        specks.flat(),
      ),
    );
  const faint = faintCells(drawing);
  if (faint.length > 0)
    faults.push(
      fault(
        'faint',
        true,
        `${counted(faint.length, 'cell is', 'cells are')} too faint to live, and ${faint.length === 1 ? 'touches' : 'touch'} nothing that does.`,
        faint,
      ),
    );
  if (living.length < MIN_BODY_CELLS)
    faults.push(
      fault(
        'small',
        true,
        `It has ${counted(living.length, 'cell', 'cells')}; at least ${MIN_BODY_CELLS} make a body.`,
        [],
      ),
    );
  if (seedOf(drawing) === null)
    faults.push(
      fault('hole', true, 'The middle is empty, and a body grows from its middle: fill it.', [
        middleOf(drawing, content),
      ]),
    );
  if (Math.max(content.width, content.height) > MAX_EASY_SIDE)
    faults.push(
      fault(
        'large',
        false,
        `It is ${content.width} × ${content.height} cells. Over ${MAX_EASY_SIDE}, learning takes longer and may not end well.`,
        [],
      ),
    );
  const thin = thinCells(width, height, living);
  if (thin.length > MAX_THIN_SHARE * living.length)
    faults.push(fault('thin', false, 'Much of it is one cell thin, and heals badly.', thin));
  else if (hangsByThread(width, height, body, thin))
    faults.push(fault('thin', false, 'A line one cell thin holds it together.', thin));
  return faults;
}

/**
 * The cell that the body grows from: the middle of the content's box, as a trainer that crops finds it (`floor(width /
 * 2)`, `floor(height / 2)`), or the nearest living cell within 8 cells each way.
 *
 * @returns its index; null: there is none
 */
export function seedOf(drawing: Drawing): number | null {
  const content = contentOf(drawing);
  if (content === null) return null;
  const middle = middleOf(drawing, content);
  const [x, y] = [middle % drawing.width, Math.floor(middle / drawing.width)];
  let nearest: number | null = null;
  let least = Infinity;
  for (let v = Math.max(0, y - MAX_SEED_SHIFT); v <= Math.min(drawing.height - 1, y + MAX_SEED_SHIFT); v++) {
    for (let u = Math.max(0, x - MAX_SEED_SHIFT); u <= Math.min(drawing.width - 1, x + MAX_SEED_SHIFT); u++) {
      const away = (u - x) ** 2 + (v - y) ** 2;
      const cell = v * drawing.width + u;
      if (away >= least || !isLiving(drawing, cell)) continue;
      least = away;
      nearest = cell;
    }
  }
  return nearest;
}

/**
 * The picture that a trainer is given: cropped to its content, with as many clear rows and columns on one side as bring
 * the seed to the middle, (`floor(width / 2)`, `floor(height / 2)`). It must not be cropped again. At most 80 cells a
 * side.
 *
 * @returns null when there is no seed
 */
export function pictureToGrow(drawing: Drawing): Drawing | null {
  const content = contentOf(drawing);
  const seed = seedOf(drawing);
  if (content === null || seed === null) return null;
  const columns = centred(content.x, content.width, seed % drawing.width);
  const rows = centred(content.y, content.height, Math.floor(seed / drawing.width));
  return cutOut(drawing, { x: columns.from, y: rows.from, width: columns.length, height: rows.length });
}

const TOO_FAINT = `All of it is too faint to live: alpha must be at least ${MIN_LIVING_ALPHA} of 255.`;

const fault = (
  kind: GrowthFaultKind,
  stops: boolean,
  text: string,
  cells: readonly number[],
): GrowthFault => ({ kind, stops, text, cells });

const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`;

function middleOf({ width }: Drawing, content: NonNullable<ReturnType<typeof contentOf>>): number {
  return (content.y + Math.floor(content.height / 2)) * width + content.x + Math.floor(content.width / 2);
}

/** The shortest range that holds [from, from + length) and has `middle` at its `floor(length / 2)`. */
function centred(from: number, length: number, middle: number): { from: number; length: number } {
  const before = middle - from;
  const after = from + length - 1 - middle;
  const half = Math.max(before, after);
  // An even length has one cell more before its middle than after it.
  if (before > after) return { from: middle - half, length: 2 * half };
  return { from: middle - half, length: 2 * half + 1 };
}

/** Groups of cells that touch at a side or a corner, the largest first. */
function touching(width: number, height: number, cells: readonly number[]): number[][] {
  const isOpen = new Uint8Array(width * height);
  for (const cell of cells) isOpen[cell] = 1;
  const groups: number[][] = [];
  for (const start of cells) {
    if (isOpen[start] === 0) continue;
    isOpen[start] = 0;
    const group = [start];
    for (const cell of group)
      forEachAround(width, height, cell, (next) => {
        if (isOpen[next] === 0) return;
        isOpen[next] = 0;
        group.push(next);
      });
    groups.push(group);
  }
  return groups.sort((a, b) => b.length - a.length);
}

/** Calls back for the cells of the 3x3, the middle left out. */
function forEachAround(width: number, height: number, cell: number, visit: (next: number) => void): void {
  const [x, y] = [cell % width, Math.floor(cell / width)];
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
      if (u !== x || v !== y) visit(v * width + u);
}

/** Cells that are drawn and never live: too faint, and no cell of their 3x3 lives. */
function faintCells(drawing: Drawing): number[] {
  const faint: number[] = [];
  for (let cell = 0; cell < drawing.width * drawing.height; cell++) {
    if (drawing.rgba[cell * 4 + 3] === 0 || isLiving(drawing, cell)) continue;
    let isHeld = false;
    forEachAround(drawing.width, drawing.height, cell, (next) => {
      isHeld ||= isLiving(drawing, next);
    });
    if (!isHeld) faint.push(cell);
  }
  return faint;
}

/** Cells that belong to no living square of 2x2. */
function thinCells(width: number, height: number, living: readonly number[]): number[] {
  const lives = new Uint8Array(width * height);
  for (const cell of living) lives[cell] = 1;
  const isThick = new Uint8Array(width * height);
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const square = [y * width + x, y * width + x + 1, (y + 1) * width + x, (y + 1) * width + x + 1];
      if (square.every((cell) => lives[cell] === 1)) for (const cell of square) isThick[cell] = 1;
    }
  }
  return living.filter((cell) => isThick[cell] === 0);
}

/** Whether the body falls into limbs when its thin cells are taken away. */
function hangsByThread(
  width: number,
  height: number,
  body: readonly number[],
  thin: readonly number[],
): boolean {
  if (thin.length === 0) return false;
  const isThin = new Set(thin);
  const limbs = touching(
    width,
    height,
    body.filter((cell) => !isThin.has(cell)),
  );
  return limbs.filter((limb) => limb.length >= MIN_LIMB_SHARE * body.length).length > 1;
}
