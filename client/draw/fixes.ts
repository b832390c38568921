/** What the board offers to do about a fault. Pure. */
import { blankDrawing, contentOf, type Drawing, MAX_DRAWING_SIDE } from '../../shared/drawing/drawing.ts';
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
      return { label: 'Make it thicker', apply: (drawing) => thickened(drawing, cells) };
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

/** From the middle to the nearest painted cell, so that it touches. */
function disc(drawing: Drawing, [x, y]: Cell): Cell[] {
  const painted = paintedCells(drawing);
  const radius = Math.min(...painted.map(([u, v]) => Math.hypot(u - x, v - y)));
  const cells: Cell[] = [];
  for (let v = 0; v < drawing.height; v++)
    for (let u = 0; u < drawing.width; u++)
      if (Math.hypot(u - x, v - y) <= radius && colourAt(drawing, [u, v])[3] === 0) cells.push([u, v]);
  return cells;
}

function paintedCells(drawing: Drawing): Cell[] {
  const all = Array.from({ length: drawing.width * drawing.height }, (_, cell) => cell);
  return placesOf(all, drawing).filter((cell) => colourAt(drawing, cell)[3] > 0);
}

function nearestColour(drawing: Drawing, [x, y]: Cell): Colour {
  let nearest: Cell | null = null;
  let least = Infinity;
  for (const [u, v] of paintedCells(drawing)) {
    const away = (u - x) ** 2 + (v - y) ** 2;
    if (away >= least) continue;
    least = away;
    nearest = [u, v];
  }
  return nearest === null ? CLEAR : colourAt(drawing, nearest);
}

/** Each thin cell becomes a square of 2 x 2: its right and lower neighbours take its colour where they are clear. */
function thickened(drawing: Drawing, cells: readonly number[]): Drawing {
  const result = copyOf(drawing);
  for (const [x, y] of placesOf(cells, drawing)) {
    const colour = colourAt(drawing, [x, y]);
    const [right, down] = [x + 1 < drawing.width ? 1 : -1, y + 1 < drawing.height ? 1 : -1];
    const square: Cell[] = [
      [x + right, y],
      [x, y + down],
      [x + right, y + down],
    ];
    paint(
      result,
      square.filter((cell) => colourAt(result, cell)[3] === 0),
      colour,
    );
  }
  return result;
}

/** Doubles the content until it has cells enough, on a board that holds it. */
function enlarged(drawing: Drawing): Drawing {
  const content = contentOf(drawing);
  if (content === null) return drawing;
  let factor = 2;
  const painted = paintedCells(drawing).length;
  while (painted * factor ** 2 < MIN_BODY_CELLS) factor++;
  const longest = Math.max(content.width, content.height) * factor;
  const side = Math.max(drawing.width, longest + 4);
  if (side > MAX_DRAWING_SIDE) return drawing;
  const result = blankDrawing(side);
  const left = Math.floor((side - content.width * factor) / 2);
  const top = Math.floor((side - content.height * factor) / 2);
  for (let y = 0; y < content.height * factor; y++)
    for (let x = 0; x < content.width * factor; x++)
      paint(
        result,
        [[left + x, top + y]],
        colourAt(drawing, [content.x + Math.floor(x / factor), content.y + Math.floor(y / factor)]),
      );
  return result;
}
