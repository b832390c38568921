/** What the board offers to do about a fault. Pure. */
import {
  blankDrawing,
  contentOf,
  type Drawing,
  isLiving,
  MAX_DRAWING_SIDE,
} from '../../shared/drawing/drawing.ts';
import { type GrowthFault, MIN_BODY_CELLS } from '../../shared/drawing/growth.ts';
import { areaAround, type Cell, CLEAR, type Colour, colourAt, copyOf, paint } from './raster.ts';

export interface Fix {
  readonly label: string;
  apply(drawing: Drawing): Drawing;
}

/** @returns null where only the one who draws can help */
export function fixOf({ kind, cells }: GrowthFault): Fix | null {
  const cleared = (drawing: Drawing): Drawing => {
    const result = copyOf(drawing);
    paint(result, placesOf(cells, drawing), CLEAR);
    return result;
  };
  switch (kind) {
    case 'specks':
    case 'faint':
    case 'parts':
      return { label: 'Remove', apply: cleared };
    case 'hole':
      return { label: 'Fill the middle', apply: (drawing) => filled(drawing, cells[0]) };
    case 'thin':
      return { label: 'Make it thicker', apply: (drawing) => thickened(drawing, placesOf(cells, drawing)) };
    case 'small':
      return { label: 'Make it larger', apply: enlarged };
    case 'empty':
    case 'large':
      return null;
    default:
      kind satisfies never;
      return null;
  }
}

const placesOf = (cells: readonly number[], { width }: Drawing): Cell[] =>
  cells.map((cell): Cell => [cell % width, Math.floor(cell / width)]);

/** Fills the clear area around a cell with the colour that surrounds it most; what reaches the rim, with a disc instead. */
function filled(drawing: Drawing, middle: number): Drawing {
  const { width, height } = drawing;
  const result = copyOf(drawing);
  const [place] = placesOf([middle], drawing);
  const area = areaAround(drawing, place);
  const isOpen = area.some(([x, y]) => x === 0 || y === 0 || x === width - 1 || y === height - 1);
  paint(result, isOpen ? disc(drawing, place) : area, nearestColour(drawing, place));
  return result;
}

/** From the middle to the nearest living cell, so that it touches. */
function disc(drawing: Drawing, [x, y]: Cell): Cell[] {
  const radius = Math.min(...livingCells(drawing).map(([u, v]) => Math.hypot(u - x, v - y)));
  const cells: Cell[] = [];
  for (let v = 0; v < drawing.height; v++)
    for (let u = 0; u < drawing.width; u++)
      if (Math.hypot(u - x, v - y) <= radius && !isLiving(drawing, v * drawing.width + u)) cells.push([u, v]);
  return cells;
}

function livingCells(drawing: Drawing): Cell[] {
  const all = Array.from({ length: drawing.width * drawing.height }, (_, cell) => cell);
  return placesOf(
    all.filter((cell) => isLiving(drawing, cell)),
    drawing,
  );
}

function nearestColour(drawing: Drawing, [x, y]: Cell): Colour {
  let nearest: Cell | null = null;
  let least = Infinity;
  for (const [u, v] of livingCells(drawing)) {
    const away = (u - x) ** 2 + (v - y) ** 2;
    if (away >= least) continue;
    least = away;
    nearest = [u, v];
  }
  return nearest === null ? CLEAR : colourAt(drawing, nearest);
}

/** Each of the cells becomes a square of 2 x 2: its right and lower neighbours take its colour where they do not live. */
function thickened(drawing: Drawing, cells: readonly Cell[]): Drawing {
  const result = copyOf(drawing);
  for (const [x, y] of cells) {
    const colour = colourAt(drawing, [x, y]);
    const [right, down] = [x + 1 < drawing.width ? 1 : -1, y + 1 < drawing.height ? 1 : -1];
    const square: Cell[] = [
      [x + right, y],
      [x, y + down],
      [x + right, y + down],
    ];
    paint(
      result,
      square.filter(([u, v]) => !isLiving(result, v * result.width + u)),
      colour,
    );
  }
  return result;
}

/** Doubles the content until it has cells enough, on a board that holds it; one too long for any board becomes thicker. */
function enlarged(drawing: Drawing): Drawing {
  const living = livingCells(drawing);
  // What does not live would hold the rest to its size.
  const body = blankDrawing(drawing.width, drawing.height);
  for (const cell of living) paint(body, [cell], colourAt(drawing, cell));
  const content = contentOf(body);
  if (content === null) return drawing;
  let factor = 2;
  while (living.length * factor ** 2 < MIN_BODY_CELLS) factor++;
  const longest = Math.max(content.width, content.height) * factor;
  if (longest > MAX_DRAWING_SIDE) return thickened(drawing, living);
  const side = Math.min(MAX_DRAWING_SIDE, Math.max(drawing.width, longest + 4));
  const result = blankDrawing(side);
  const left = Math.floor((side - content.width * factor) / 2);
  const top = Math.floor((side - content.height * factor) / 2);
  for (let y = 0; y < content.height * factor; y++)
    for (let x = 0; x < content.width * factor; x++)
      paint(
        result,
        [[left + x, top + y]],
        colourAt(body, [content.x + Math.floor(x / factor), content.y + Math.floor(y / factor)]),
      );
  return result;
}
