/** From any picture to a drawing: background taken away, cropped, averaged over areas, few colours. Pure. */

import { blankDrawing, type Drawing, MIN_LIVING_ALPHA } from '../../shared/drawing/drawing.ts';
import type { Rect } from '../../shared/geometry.ts';

/** A decoded picture: [height, width, 4] straight RGBA. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

/** Longest side of a picture that is worked on, pixels: eight per cell of the largest drawing. */
export const MAX_PICTURE_SIDE = 512;

/**
 * Makes the background clear: what the border's most frequent colour reaches from the border. A picture whose border is
 * clear already stays as it is.
 *
 * @param tolerance - how far a pixel's colour may lie from the background's, 0..441; 0 takes the very colour alone
 */
export function withoutBackground(picture: Pixels, tolerance: number): Pixels {
  const { width, height } = picture;
  const rgba = Uint8Array.from(picture.rgba);
  const border = borderOf(width, height);
  const background = mostFrequent(rgba, border);
  if (background === null) return picture;
  const isBackground = (pixel: number): boolean => {
    const at = pixel * 4;
    if (rgba[at + 3] < MIN_LIVING_ALPHA) return true;
    return Math.hypot(...background.map((value, c) => rgba[at + c] - value)) <= tolerance;
  };
  const isSeen = new Uint8Array(width * height);
  const front: number[] = [];
  const meet = (pixel: number): void => {
    if (isSeen[pixel] === 1 || !isBackground(pixel)) return;
    isSeen[pixel] = 1;
    front.push(pixel);
  };
  border.forEach(meet);
  for (let pixel = front.pop(); pixel !== undefined; pixel = front.pop()) {
    const x = pixel % width;
    if (x > 0) meet(pixel - 1);
    if (x < width - 1) meet(pixel + 1);
    if (pixel >= width) meet(pixel - width);
    if (pixel < width * (height - 1)) meet(pixel + width);
  }
  isSeen.forEach((seen, pixel) => {
    if (seen === 1) rgba.fill(0, pixel * 4, pixel * 4 + 4);
  });
  return { width, height, rgba };
}

/**
 * The part of a picture within `area`, cropped to what is not clear, its longer side made `side` cells. A cell is the
 * mean of the pixels that it covers, weighted by their alpha; one that would not live is clear.
 *
 * @param area - within the picture, at least one pixel
 * @param side - 1..64
 * @returns null when all of it is clear
 */
export function fitted(picture: Pixels, area: Rect, side: number): Drawing | null {
  const content = contentWithin(picture, area);
  if (content === null) return null;
  const cellPixels = Math.max(content.width, content.height) / side;
  const width = Math.max(1, Math.round(content.width / cellPixels));
  const height = Math.max(1, Math.round(content.height / cellPixels));
  const drawing = blankDrawing(width, height);
  for (let y = 0; y < height; y++) {
    const rows = covered(y, height, content.height);
    for (let x = 0; x < width; x++) {
      const sum = [0, 0, 0, 0];
      for (const [column, across] of covered(x, width, content.width)) {
        for (const [row, down] of rows) {
          const pixel = ((content.y + row) * picture.width + content.x + column) * 4;
          const alpha = across * down * picture.rgba[pixel + 3];
          for (let c = 0; c < 3; c++) sum[c] += picture.rgba[pixel + c] * alpha;
          sum[3] += alpha;
        }
      }
      const alpha = Math.round(sum[3]);
      if (alpha < MIN_LIVING_ALPHA) continue;
      const colour = [...sum.slice(0, 3).map((value) => Math.round(value / sum[3])), alpha];
      drawing.rgba.set(colour, (y * width + x) * 4);
    }
  }
  return drawing;
}

/** The pixels that a cell covers, and the part of the cell that each takes; `count` cells lie over `pixels` pixels. */
function covered(cell: number, count: number, pixels: number): [pixel: number, part: number][] {
  const [from, to] = [(cell * pixels) / count, ((cell + 1) * pixels) / count];
  const first = Math.floor(from);
  const parts: [number, number][] = [];
  for (let pixel = first; pixel < Math.min(pixels, Math.ceil(to)); pixel++) {
    const part = (Math.min(to, pixel + 1) - Math.max(from, pixel)) / (to - from);
    if (part > 0) parts.push([pixel, part]);
  }
  return parts;
}

function contentWithin(picture: Pixels, area: Rect): Rect | null {
  const { width, rgba } = picture;
  let [left, top, right, bottom] = [width, picture.height, -1, -1];
  for (let y = area.y; y < area.y + area.height; y++) {
    for (let x = area.x; x < area.x + area.width; x++) {
      if (rgba[(y * width + x) * 4 + 3] < MIN_LIVING_ALPHA) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

interface Shade {
  /** Premultiplied RGB and alpha, 0..255. */
  readonly channels: readonly number[];
  readonly colour: number;
  readonly cells: number;
}

/**
 * The drawing in at most `count` colours: those that are alike become their mean (median cut). A drawing that has no more
 * stays as it is.
 */
export function reduced(drawing: Drawing, count: number): Drawing {
  const cells = new Map<number, number>();
  const { rgba } = drawing;
  const keyAt = (at: number): number =>
    ((rgba[at] << 24) | (rgba[at + 1] << 16) | (rgba[at + 2] << 8) | rgba[at + 3]) >>> 0;
  for (let at = 0; at < rgba.length; at += 4)
    if (rgba[at + 3] !== 0) cells.set(keyAt(at), (cells.get(keyAt(at)) ?? 0) + 1);
  if (cells.size <= count) return drawing;
  const shades = Array.from(cells, ([colour, number]): Shade => {
    const alpha = colour & 255;
    const rgb = [colour >>> 24, (colour >>> 16) & 255, (colour >>> 8) & 255];
    return { colour, cells: number, channels: [...rgb.map((value) => (value * alpha) / 255), alpha] };
  });
  const means = new Map<number, readonly number[]>();
  for (const box of cutBoxes(shades, count)) {
    const mean = meanOf(box);
    for (const { colour } of box) means.set(colour, mean);
  }
  const result = blankDrawing(drawing.width, drawing.height);
  for (let at = 0; at < rgba.length; at += 4)
    if (rgba[at + 3] !== 0) result.rgba.set(means.get(keyAt(at)) ?? [], at);
  return result;
}

/** Halves, again and again, the box whose colours differ most, weighted by the root of its cells. */
function cutBoxes(shades: Shade[], count: number): Shade[][] {
  const widest = (box: readonly Shade[]): { channel: number; range: number } => {
    const ranges = [0, 1, 2, 3].map((c) => {
      const values = box.map(({ channels }) => channels[c]);
      return Math.max(...values) - Math.min(...values);
    });
    const range = Math.max(...ranges);
    return { channel: ranges.indexOf(range), range };
  };
  const sizeOf = (box: readonly Shade[]): number => box.reduce((sum, { cells }) => sum + cells, 0);
  const boxes = [{ box: shades, ...widest(shades), cells: sizeOf(shades) }];
  while (boxes.length < count) {
    let next = 0;
    const weight = (i: number): number => boxes[i].range * Math.sqrt(boxes[i].cells);
    for (let i = 1; i < boxes.length; i++) if (weight(i) > weight(next)) next = i;
    const { box, channel, range } = boxes[next];
    if (range === 0) break;
    box.sort((a, b) => a.channels[channel] - b.channels[channel]);
    let before = 0;
    let at = 0;
    while (at < box.length - 1 && (at === 0 || before < sizeOf(box) / 2)) before += box[at++].cells;
    const halves = [box.slice(0, at), box.slice(at)];
    boxes.splice(next, 1, ...halves.map((half) => ({ box: half, ...widest(half), cells: sizeOf(half) })));
  }
  return boxes.map(({ box }) => box);
}

/** @returns straight RGBA */
function meanOf(box: readonly Shade[]): number[] {
  const sum = [0, 0, 0, 0];
  let cells = 0;
  for (const shade of box) {
    cells += shade.cells;
    for (let c = 0; c < 4; c++) sum[c] += shade.channels[c] * shade.cells;
  }
  const alpha = sum[3] / cells;
  const straight = (value: number): number => Math.min(255, Math.round((value / cells / alpha) * 255));
  return [straight(sum[0]), straight(sum[1]), straight(sum[2]), Math.max(1, Math.round(alpha))];
}

/** Indexes of the pixels of the outermost rows and columns. */
function borderOf(width: number, height: number): number[] {
  const pixels = new Set<number>();
  for (let x = 0; x < width; x++) pixels.add(x).add((height - 1) * width + x);
  for (let y = 0; y < height; y++) pixels.add(y * width).add(y * width + width - 1);
  return [...pixels];
}

/** The mean of the border's most frequent colours, of 16 steps a channel; null: most of the border is clear. */
function mostFrequent(rgba: Uint8Array, border: readonly number[]): readonly number[] | null {
  const bins = new Map<number, number[]>();
  let clear = 0;
  for (const pixel of border) {
    const at = pixel * 4;
    if (rgba[at + 3] < MIN_LIVING_ALPHA) {
      clear++;
      continue;
    }
    const bin = ((rgba[at] >> 4) << 8) | ((rgba[at + 1] >> 4) << 4) | (rgba[at + 2] >> 4);
    const pixels = bins.get(bin);
    if (pixels === undefined) bins.set(bin, [at]);
    else pixels.push(at);
  }
  if (clear * 2 > border.length) return null;
  const [first] = [...bins.values()].sort((a, b) => b.length - a.length);
  if (first === undefined) return null;
  return [0, 1, 2].map((c) => first.reduce((sum, at) => sum + rgba[at + c], 0) / first.length);
}
