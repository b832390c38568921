/** The picture that a rule must grow: read from a PNG, premultiplied, cropped to its content, scaled, padded. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { decode } from 'fast-png';
import { ALIVE_THRESHOLD, RuleError } from '../rules/rule.ts';
import { CLEAR_ALPHA, FAINT_ALPHA } from './assembly/setup.ts';
import { type Drawn, drawnPicture } from './drawn.ts';
import { cellIndex, type GridShape, gridShape } from './kernel.ts';
import { forEachCell } from './states.ts';

/** Longest side of a picture, cells: a larger one fits neither the trainer's memory nor 16 channels. */
const MAX_CELLS = 128;

export interface Target {
  /** The picture alone, without padding, in cells. */
  readonly width: number;
  readonly height: number;
  /** The padded grid. */
  readonly shape: GridShape;
  /** [cellCount, 4] premultiplied RGBA 0..1, laid out as a state is. */
  readonly rgba: Float32Array;
}

/** Where a target comes from: `sprite`, `image` or `drawing`. */
export interface TargetSource {
  /** Name of a sprite of the development dependency `pokesprite-images`. */
  readonly sprite?: string;
  /** Path of a PNG. */
  readonly image?: string;
  readonly drawing?: Drawn;
  /** Cells per pixel, 1..8; if it is not whole, a cell is the mean of the pixels it covers. */
  readonly scale: number;
  /** Empty cells around the picture. */
  readonly padding: number;
  /** False: the PNG's transparent margins stay, so that its middle is the seed. A drawing is never cropped. */
  readonly crop?: boolean;
}

/** A picture as it was decoded. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** [height, width, 4] straight RGBA, 0..255. */
  readonly rgba: Uint8Array;
  /** Names the picture in errors. */
  readonly label: string;
}

/** @throws RuleError naming what is wrong with the picture; DrawingError when a drawing cannot be unpacked */
export function readTarget(source: TargetSource): Target {
  if (source.drawing !== undefined) {
    const { rgba, width, height } = drawnPicture(source.drawing);
    return fromPixels(rgba, width, height, { ...source, crop: false }, source.drawing.title);
  }
  const { rgba, width, height, label } = readPixels(source);
  return fromPixels(rgba, width, height, source, label);
}

/** @throws RuleError naming what is wrong with the picture */
export function readPixels(source: Pick<TargetSource, 'sprite' | 'image'>): Pixels {
  const file = source.image ?? spriteFile(source.sprite ?? '');
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && source.sprite) throw new RuleError(`there is no sprite named ${source.sprite}`);
    throw new RuleError(`cannot read ${file}: ${missing ? 'no such file' : (error as Error).message}`);
  }
  let png: ReturnType<typeof decode>;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (error) {
    throw new RuleError(`${file} is not a PNG that can be read: ${(error as Error).message}`);
  }
  return { width: png.width, height: png.height, rgba: toRgba(png, file), label: file };
}

function spriteFile(sprite: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(sprite))
    throw new RuleError(`${sprite || 'an empty word'} is not the name of a sprite`);
  return join(spriteFolder(), `${sprite}.png`);
}

/** Names of all sprites, sorted. @throws RuleError when the development dependency is not installed */
export const spriteNames = (): string[] =>
  readdirSync(spriteFolder())
    .filter((file) => file.endsWith('.png'))
    .map((file) => file.slice(0, -'.png'.length))
    .sort();

function spriteFolder(): string {
  try {
    const root = dirname(createRequire(import.meta.url).resolve('pokesprite-images/package.json'));
    return join(root, 'pokemon-gen8/regular');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new RuleError('--sprite needs the development dependency pokesprite-images; or give --image a PNG');
  }
}

/** Straight RGBA, 0..255. */
function toRgba(png: ReturnType<typeof decode>, file: string): Uint8Array {
  const { width, height, depth } = png;
  const rgba = new Uint8Array(width * height * 4);
  if (png.palette) {
    if (depth !== 8) throw new RuleError(`${file} has a palette of ${depth} bits; save it as RGBA of 8 bits`);
    for (let i = 0; i < width * height; i++) {
      const [r, g, b, a = 255] = png.palette[png.data[i]] ?? [0, 0, 0, 0];
      rgba.set([r, g, b, a], i * 4);
    }
    return rgba;
  }
  const most = 2 ** depth - 1;
  const byte = (i: number): number => Math.round((png.data[i] * 255) / most);
  if (png.channels === 2 || png.channels === 4) {
    for (let i = 0; i < width * height; i++) {
      const first = i * png.channels;
      const grey = png.channels === 2;
      for (let c = 0; c < 3; c++) rgba[i * 4 + c] = byte(grey ? first : first + c);
      rgba[i * 4 + 3] = byte(first + png.channels - 1);
    }
    return rgba;
  }
  throw new RuleError(`${file} has no alpha channel: without transparency there is no body to grow`);
}

/**
 * @param pixels - straight RGBA, 0..255
 * @param label - names the picture in errors
 */
export function fromPixels(
  pixels: Uint8Array,
  width: number,
  height: number,
  { scale, padding, crop = true }: Pick<TargetSource, 'scale' | 'padding' | 'crop'>,
  label: string,
): Target {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let i = 0; i < width * height; i++) {
    if (pixels[i * 4 + 3] === 0) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  if (right < 0) throw new RuleError(`${label} is transparent everywhere`);
  if (!crop) [left, top, right, bottom] = [0, 0, width - 1, height - 1];
  const [pixelsWide, pixelsHigh] = [right - left + 1, bottom - top + 1];
  const cellsWide = Math.round(pixelsWide * scale);
  const cellsHigh = Math.round(pixelsHigh * scale);
  if (Math.max(cellsWide, cellsHigh) > MAX_CELLS) {
    throw new RuleError(
      `${label} is ${cellsWide}x${cellsHigh} cells at scale ${scale}; at most ${MAX_CELLS} fit`,
    );
  }
  const shape = gridShape(cellsWide + 2 * padding, cellsHigh + 2 * padding);
  const rgba = new Float32Array(shape.cellCount * 4);
  for (let y = 0; y < cellsHigh; y++) {
    const rows = covered(y, cellsHigh, pixelsHigh);
    for (let x = 0; x < cellsWide; x++) {
      const premultiplied = [0, 0, 0, 0];
      for (const [column, across] of covered(x, cellsWide, pixelsWide)) {
        for (const [row, down] of rows) {
          const pixel = ((top + row) * width + left + column) * 4;
          const alpha = (across * down * pixels[pixel + 3]) / 255;
          for (let c = 0; c < 3; c++) premultiplied[c] += (pixels[pixel + c] / 255) * alpha;
          premultiplied[3] += alpha;
        }
      }
      rgba.set(premultiplied, cellIndex(shape, x + padding, y + padding) * 4);
    }
  }
  return { width: cellsWide, height: cellsHigh, shape, rgba };
}

/** The same picture with this many empty cells around it. */
export function padded(target: Target, padding: number): Target {
  const { width, height } = target;
  const shape = gridShape(width + 2 * padding, height + 2 * padding);
  const rgba = new Float32Array(shape.cellCount * 4);
  const [left, top] = [(target.shape.width - width) >> 1, (target.shape.height - height) >> 1];
  for (let y = 0; y < height; y++) {
    const from = cellIndex(target.shape, left, top + y) * 4;
    rgba.set(target.rgba.subarray(from, from + width * 4), cellIndex(shape, padding, padding + y) * 4);
  }
  return { width, height, shape, rgba };
}

/**
 * The picture that is taught: alphas near the alive threshold are moved to `FAINT_ALPHA` or `CLEAR_ALPHA`, on their own
 * side of it, and their colours with them.
 *
 * Around a cell whose alpha wavers about the threshold, its outer neighbours are cleared and begin again, for ever.
 */
export function clearOfThreshold(target: Target): Target {
  const rgba = target.rgba.slice();
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    if (alpha <= FAINT_ALPHA || alpha >= CLEAR_ALPHA) continue;
    const factor = (alpha > ALIVE_THRESHOLD ? CLEAR_ALPHA : FAINT_ALPHA) / alpha;
    for (let c = 0; c < 4; c++) rgba[i + c] *= factor;
  }
  return { ...target, rgba };
}

/** Cells of the picture whose alpha is above the alive threshold. */
export function pictureCells({ rgba, shape }: Target): number {
  let count = 0;
  forEachCell(shape, (_x, _y, cell) => {
    if (rgba[cell * 4 + 3] > ALIVE_THRESHOLD) count++;
  });
  return count;
}

/** The pixels that a cell covers, and the part of the cell that each takes; `count` cells lie over `pixels` pixels. */
function covered(cell: number, count: number, pixels: number): [pixel: number, part: number][] {
  const [from, to] = [(cell * pixels) / count, ((cell + 1) * pixels) / count];
  const first = Math.floor(from);
  if (to <= first + 1) return [[first, 1]];
  return Array.from({ length: Math.ceil(to) - first }, (_, i) => {
    const pixel = first + i;
    return [pixel, (Math.min(to, pixel + 1) - Math.max(from, pixel)) / (to - from)];
  });
}
