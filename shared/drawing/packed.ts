/**
 * A drawing as a short text of base64url: how links, the browser's storage and submissions carry it.
 *
 * ```
 * packed  := u8 1  u8 width  u8 height  u8 count  u8 depth  colour{count}  token*
 * colour  := rgb{3} where depth is 0, and the colour is opaque; rgba{4} where depth is 1
 * token   := u8 with a kind in its two highest bits, and cells − 1 in the others
 *            0  like the cell before    1  like the cells above    2  an index each    3  clear
 * index   := u4 where count is at most 15, the high half first, filled up to a byte; else u8; 0 is clear
 * ```
 *
 * Cells are told row by row. Each token has 1 to 64 of them, so a text of any bytes ends with the drawing.
 */
import { blankDrawing, type Drawing, DrawingError, MAX_COLOURS, MAX_DRAWING_SIDE } from './drawing.ts';

const VERSION = 1;
const HEADER_BYTES = 5;
const MAX_RUN = 64;
const AS_BEFORE = 0;
const AS_ABOVE = 1;
const LITERAL = 2;
const CLEAR = 3;
/** As many colours and clear fit half a byte. */
const MAX_NIBBLE_COLOURS = 15;

const MAX_CELLS = MAX_DRAWING_SIDE ** 2;
/** All colours, and every cell an index. */
const MAX_PACKED_BYTES = HEADER_BYTES + MAX_COLOURS * 4 + MAX_CELLS + MAX_CELLS / MAX_RUN;
export const MAX_PACKED_CHARACTERS = Math.ceil((MAX_PACKED_BYTES * 4) / 3);

interface Indexed {
  /** Packed RGBA by index − 1. */
  readonly colours: readonly number[];
  readonly cells: Uint8Array;
}

const colourAt = (rgba: Uint8Array, cell: number): number =>
  ((rgba[cell * 4] << 24) | (rgba[cell * 4 + 1] << 16) | (rgba[cell * 4 + 2] << 8) | rgba[cell * 4 + 3]) >>>
  0;

/** @returns packed RGBA of every colour beside clear, in the order in which they appear */
export function coloursOf({ rgba }: Drawing): number[] {
  const found = new Set<number>();
  for (let cell = 0; cell < rgba.length / 4; cell++)
    if (rgba[cell * 4 + 3] !== 0) found.add(colourAt(rgba, cell));
  return [...found];
}

/** @throws DrawingError when it has a side or more colours than fit */
export function packDrawing(drawing: Drawing): string {
  const { width, height } = drawing;
  if (!fits(width) || !fits(height))
    throw new DrawingError(`A drawing of ${width} x ${height} cells is too large.`);
  const { colours, cells } = indexed(drawing);
  const isOpaque = colours.every((colour) => (colour & 255) === 255);
  const bytes = [VERSION, width, height, colours.length, isOpaque ? 0 : 1];
  for (const colour of colours) {
    bytes.push(colour >>> 24, (colour >>> 16) & 255, (colour >>> 8) & 255);
    if (!isOpaque) bytes.push(colour & 255);
  }
  pushTokens(bytes, cells, width, colours.length <= MAX_NIBBLE_COLOURS);
  return toBase64(bytes);
}

/** @throws DrawingError when the text is not exactly one drawing; takes time in proportion to its length */
export function unpackDrawing(text: string): Drawing {
  if (text.length > MAX_PACKED_CHARACTERS) throw new DrawingError('The drawing is too long.');
  const bytes = fromBase64(text);
  const [version, width, height, count, depth] = bytes;
  if (bytes.length < HEADER_BYTES || version !== VERSION || depth > 1)
    throw new DrawingError('This is not a drawing that this page knows.');
  if (!fits(width) || !fits(height)) throw new DrawingError('The drawing has no size that can be drawn.');
  const colourBytes = depth === 1 ? 4 : 3;
  const first = HEADER_BYTES + count * colourBytes;
  if (bytes.length < first) throw damaged();
  const cells = readTokens(bytes.subarray(first), width, height, count);
  const drawing = blankDrawing(width, height);
  for (let cell = 0; cell < cells.length; cell++) {
    if (cells[cell] === 0) continue;
    const from = HEADER_BYTES + (cells[cell] - 1) * colourBytes;
    const alpha = depth === 1 ? bytes[from + 3] : 255;
    if (alpha === 0) continue;
    drawing.rgba.set(bytes.subarray(from, from + 3), cell * 4);
    drawing.rgba[cell * 4 + 3] = alpha;
  }
  return drawing;
}

const fits = (side: number): boolean => side >= 1 && side <= MAX_DRAWING_SIDE;

const damaged = (): DrawingError => new DrawingError('The drawing is damaged: some of it is missing.');

function indexed(drawing: Drawing): Indexed {
  const colours = coloursOf(drawing);
  if (colours.length > MAX_COLOURS)
    throw new DrawingError(
      `A drawing of ${colours.length} colours has too many; at most ${MAX_COLOURS} fit.`,
    );
  const indexes = new Map(colours.map((colour, i) => [colour, i + 1]));
  const cells = new Uint8Array(drawing.width * drawing.height);
  for (let cell = 0; cell < cells.length; cell++)
    if (drawing.rgba[cell * 4 + 3] !== 0) cells[cell] = indexes.get(colourAt(drawing.rgba, cell)) ?? 0;
  return { colours, cells };
}

const literalBytes = (count: number, isNibbles: boolean): number =>
  isNibbles ? Math.ceil(count / 2) : count;

/** Appends the shortest tokens that tell the cells. */
function pushTokens(bytes: number[], cells: Uint8Array, width: number, isNibbles: boolean): void {
  const count = cells.length;
  // From the last cell on: the bytes that the rest takes, and the token that begins it. A shorter rest never takes more,
  // so the longest run is the best one; literals are tried in every length.
  const cost = new Int32Array(count + 1);
  const kinds = new Uint8Array(count);
  const lengths = new Uint8Array(count);
  let [same, asAbove, clear] = [0, 0, 0];
  for (let from = count - 1; from >= 0; from--) {
    const cell = cells[from];
    same = from + 1 < count && cells[from + 1] === cell ? same + 1 : 1;
    asAbove = cell === (from >= width ? cells[from - width] : 0) ? asAbove + 1 : 0;
    clear = cell === 0 ? clear + 1 : 0;
    const asBefore = cell === (from > 0 ? cells[from - 1] : 0) ? same : 0;
    let least = MAX_PACKED_BYTES;
    const offer = (kind: number, cellsTold: number, own: number): void => {
      if (cellsTold === 0 || own + cost[from + cellsTold] >= least) return;
      least = own + cost[from + cellsTold];
      kinds[from] = kind;
      lengths[from] = cellsTold;
    };
    offer(CLEAR, Math.min(MAX_RUN, clear), 1);
    offer(AS_BEFORE, Math.min(MAX_RUN, asBefore), 1);
    offer(AS_ABOVE, Math.min(MAX_RUN, asAbove), 1);
    const most = Math.min(MAX_RUN, count - from);
    for (let length = 1; length <= most; length++)
      offer(LITERAL, length, 1 + literalBytes(length, isNibbles));
    cost[from] = least;
  }
  for (let from = 0; from < count; from += lengths[from]) {
    bytes.push((kinds[from] << 6) | (lengths[from] - 1));
    if (kinds[from] !== LITERAL) continue;
    const told = cells.subarray(from, from + lengths[from]);
    if (!isNibbles) bytes.push(...told);
    else for (let i = 0; i < told.length; i += 2) bytes.push((told[i] << 4) | (told[i + 1] ?? 0));
  }
}

function readTokens(bytes: Uint8Array, width: number, height: number, colours: number): Uint8Array {
  const isNibbles = colours <= MAX_NIBBLE_COLOURS;
  const cells = new Uint8Array(width * height);
  let at = 0;
  let cell = 0;
  while (cell < cells.length) {
    if (at >= bytes.length) throw damaged();
    const kind = bytes[at] >> 6;
    const length = (bytes[at] & (MAX_RUN - 1)) + 1;
    at++;
    const end = cell + length;
    if (end > cells.length) throw new DrawingError('The drawing is damaged: it has more cells than it says.');
    if (kind === AS_BEFORE) cells.fill(cell > 0 ? cells[cell - 1] : 0, cell, end);
    else if (kind === AS_ABOVE) for (let i = cell; i < end; i++) cells[i] = i >= width ? cells[i - width] : 0;
    else if (kind === LITERAL) {
      const taken = literalBytes(length, isNibbles);
      if (at + taken > bytes.length) throw damaged();
      for (let i = 0; i < length; i++) {
        const byte = bytes[at + (isNibbles ? i >> 1 : i)];
        const index = !isNibbles ? byte : i % 2 === 0 ? byte >> 4 : byte & 15;
        if (index > colours)
          throw new DrawingError('The drawing is damaged: it uses a colour that it lacks.');
        cells[cell + i] = index;
      }
      at += taken;
    }
    cell = end;
  }
  if (at !== bytes.length) throw new DrawingError('The drawing is damaged: something follows its last cell.');
  return cells;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function toBase64(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i], bytes[i + 1], bytes[i + 2]];
    text += DIGITS[a >> 2] + DIGITS[((a & 3) << 4) | ((b ?? 0) >> 4)];
    if (b !== undefined) text += DIGITS[((b & 15) << 2) | ((c ?? 0) >> 6)];
    if (c !== undefined) text += DIGITS[c & 63];
  }
  return text;
}

function fromBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1)
    throw new DrawingError('This is not a drawing that this page knows.');
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const character of text) {
    held = ((held << 6) | DIGITS.indexOf(character)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 255;
  }
  return bytes;
}
