/** Cells of a drawing: which ones a tool reaches, and boards made from boards. Pure. */
import { blankDrawing, contentOf, cutOut, type Drawing } from '../../shared/drawing/drawing.ts';

/** Straight, 0..255 each. */
export type Colour = readonly [r: number, g: number, b: number, a: number];
export type Cell = readonly [x: number, y: number];

export const CLEAR: Colour = [0, 0, 0, 0];

/** `across`: the left half is seen on the right; `down`: the upper half below. */
export interface Symmetry {
  readonly across: boolean;
  readonly down: boolean;
}

export const isOn = ({ width, height }: Drawing, [x, y]: Cell): boolean =>
  x >= 0 && y >= 0 && x < width && y < height;

/** @param cell - on the board */
export function colourAt({ width, rgba }: Drawing, [x, y]: Cell): Colour {
  const first = (y * width + x) * 4;
  return [rgba[first], rgba[first + 1], rgba[first + 2], rgba[first + 3]];
}

export const isSameColour = (a: Colour, b: Colour): boolean => a.every((value, i) => value === b[i]);

export const isSameDrawing = (a: Drawing, b: Drawing): boolean =>
  a.width === b.width && a.height === b.height && a.rgba.every((value, i) => value === b.rgba[i]);

export const copyOf = ({ width, height, rgba }: Drawing): Drawing => ({ width, height, rgba: rgba.slice() });

/** Paints in place; cells beside the board are left out. */
export function paint(drawing: Drawing, cells: Iterable<Cell>, colour: Colour): void {
  for (const cell of cells)
    if (isOn(drawing, cell)) drawing.rgba.set(colour, (cell[1] * drawing.width + cell[0]) * 4);
}

/** The cells of a straight line, both ends among them. The ends are whole numbers (Bresenham). */
export function lineCells([fromX, fromY]: Cell, [toX, toY]: Cell): Cell[] {
  const [dx, dy] = [Math.abs(toX - fromX), -Math.abs(toY - fromY)];
  const [stepX, stepY] = [Math.sign(toX - fromX), Math.sign(toY - fromY)];
  const cells: Cell[] = [];
  let [x, y, error] = [fromX, fromY, dx + dy];
  for (let left = Math.max(dx, -dy); left >= 0; left--) {
    cells.push([x, y]);
    const twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x += stepX;
    }
    if (twice <= dx) {
      error += dx;
      y += stepY;
    }
  }
  return cells;
}

/** The square that a brush of `size` cells covers around each cell. */
export function brushed(cells: readonly Cell[], size: number): Cell[] {
  if (size === 1) return [...cells];
  const first = -Math.floor((size - 1) / 2);
  return cells.flatMap(([x, y]) =>
    Array.from(
      { length: size ** 2 },
      (_, i): Cell => [x + first + (i % size), y + first + Math.floor(i / size)],
    ),
  );
}

/** The cells and what a symmetry makes of them. */
export function mirrored(cells: readonly Cell[], { width, height }: Drawing, symmetry: Symmetry): Cell[] {
  const across = symmetry.across ? cells.map(([x, y]): Cell => [width - 1 - x, y]) : [];
  const both = [...cells, ...across];
  return symmetry.down ? [...both, ...both.map(([x, y]): Cell => [x, height - 1 - y])] : both;
}

/** The cells of one colour that are joined to a cell by their sides. */
export function areaAround(drawing: Drawing, start: Cell): Cell[] {
  if (!isOn(drawing, start)) return [];
  const { width } = drawing;
  const colour = colourAt(drawing, start);
  const isSeen = new Uint8Array(width * drawing.height);
  const area: Cell[] = [start];
  isSeen[start[1] * width + start[0]] = 1;
  for (const [x, y] of area) {
    for (const next of [
      [x - 1, y],
      [x + 1, y],
      [x, y - 1],
      [x, y + 1],
    ] satisfies Cell[]) {
      const at = next[1] * width + next[0];
      if (!isOn(drawing, next) || isSeen[at] === 1 || !isSameColour(colourAt(drawing, next), colour))
        continue;
      isSeen[at] = 1;
      area.push(next);
    }
  }
  return area;
}

/** What leaves the board is lost. */
export const shifted = (drawing: Drawing, dx: number, dy: number): Drawing =>
  cutOut(drawing, { x: -dx, y: -dy, width: drawing.width, height: drawing.height });

/** A square board of `side` cells with the drawing in its middle; what is larger loses its rim. */
export function onBoard(drawing: Drawing, side: number): Drawing {
  const content = contentOf(drawing);
  if (content === null) return blankDrawing(side);
  const x = content.x - Math.floor((side - content.width) / 2);
  const y = content.y - Math.floor((side - content.height) / 2);
  return cutOut(drawing, { x, y, width: side, height: side });
}

/** The other way round: left to right, or upside down. */
export function flipped(drawing: Drawing, isAcross: boolean): Drawing {
  const { width, height } = drawing;
  const result = blankDrawing(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      paint(result, [isAcross ? [width - 1 - x, y] : [x, height - 1 - y]], colourAt(drawing, [x, y]));
  return result;
}
