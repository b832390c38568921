/** What a maker takes home: the growth of their creature as a film, and a card with the drawing beside the grown body. */
import { createRequire } from 'node:module';
import { encode } from 'fast-png';
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { FILM } from '../../shared/nursery.ts';
import type { Frames } from './film.ts';

/** The part of `gifenc` that is used; the package has no types, and loaders differ about its exports. */
interface Gifenc {
  GIFEncoder(): {
    /** @param index - [height, width], into the palette: the first frame's, where a frame has none */
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { readonly palette?: Palette; readonly delay: number; readonly repeat?: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  /** @param rgba - [n, 4] */
  quantize(rgba: Uint8Array, maxColors: number): Palette;
  applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array;
}
type Palette = readonly (readonly number[])[];

const gifenc = createRequire(import.meta.url)('gifenc') as Gifenc;

/** Pixels along the longer side, at most; a cell is a whole number of them. */
const FILM_PIXELS = 300;
const CARD_PIXELS = 360;
const CARD_GAP = 32;
const PAPER = [247, 245, 240] as const;
const MAX_COLOURS = 256;
const FRAME_MS = 110;
/** The grown body, the wound and the healed body stay a while. */
const REST_MS = 900;

/** Straight RGBA on paper, each cell a square of `scale` pixels. @returns [height * scale, width * scale, 4], opaque */
function onPaper(rgba: Uint8Array, width: number, height: number, scale: number): Uint8Array {
  const pixels = new Uint8Array(width * height * scale * scale * 4);
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      const cell = (Math.floor(y / scale) * width + Math.floor(x / scale)) * 4;
      const pixel = (y * width * scale + x) * 4;
      const alpha = rgba[cell + 3] / 255;
      for (let c = 0; c < 3; c++)
        pixels[pixel + c] = Math.round(PAPER[c] + alpha * (rgba[cell + c] - PAPER[c]));
      pixels[pixel + 3] = 255;
    }
  }
  return pixels;
}

const scaleFor = (side: number, pixels: number): number => Math.max(1, Math.floor(pixels / side));

/** @returns a GIF that repeats for ever */
export function growthGif({ width, height, rgba }: Frames): Uint8Array {
  const scale = scaleFor(Math.max(width, height), FILM_PIXELS);
  const bytes = width * height * 4;
  // One palette for all frames: colours then do not jump. A pixel per cell is enough to find it.
  const palette = gifenc.quantize(onPaper(rgba, width, height * FILM.frames, 1), MAX_COLOURS);
  const gif = gifenc.GIFEncoder();
  for (let frame = 0; frame < FILM.frames; frame++) {
    const cells = rgba.subarray(frame * bytes, (frame + 1) * bytes);
    const index = gifenc.applyPalette(onPaper(cells, width, height, scale), palette);
    const rests = [FILM.growthFrames - 1, FILM.growthFrames, FILM.frames - 1].includes(frame);
    const delay = rests ? REST_MS : FRAME_MS;
    gif.writeFrame(index, width * scale, height * scale, {
      delay,
      ...(frame === 0 && { palette, repeat: 0 }),
    });
  }
  gif.finish();
  return gif.bytes();
}

/**
 * @param picture - as it was learned, with the seed in its middle
 * @param margin - empty cells around the body in the film
 * @returns a PNG: the drawing, and what has grown
 */
export function cardPng(picture: Drawing, film: Frames, margin: number): Uint8Array {
  const { width, height } = film;
  const scale = scaleFor(Math.max(width, height), CARD_PIXELS);
  const drawn = new Uint8Array(width * height * 4);
  for (let y = 0; y < picture.height; y++)
    drawn.set(
      picture.rgba.subarray(y * picture.width * 4, (y + 1) * picture.width * 4),
      ((y + margin) * width + margin) * 4,
    );
  const grown = film.rgba.subarray((FILM.growthFrames - 1) * width * height * 4);
  const [wide, high] = [width * scale, height * scale];
  const whole = { width: 2 * wide + CARD_GAP, height: high };
  const data = new Uint8Array(whole.width * whole.height * 4);
  for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 ? 255 : PAPER[i % 4];
  for (const [side, cells] of [drawn, grown].entries()) {
    const pixels = onPaper(cells, width, height, scale);
    for (let y = 0; y < high; y++)
      data.set(
        pixels.subarray(y * wide * 4, (y + 1) * wide * 4),
        (y * whole.width + side * (wide + CARD_GAP)) * 4,
      );
  }
  return encode({ ...whole, data, channels: 4, depth: 8 });
}
