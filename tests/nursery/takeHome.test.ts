import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { FilmMaker, SHOWN_MARGIN } from '../../server/nursery/film.ts';
import { cardPng, growthGif } from '../../server/nursery/takeHome.ts';
import { readRule } from '../../server/rules/load.ts';
import { drawnTarget } from '../../server/training/learning.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import { FILM } from '../../shared/nursery.ts';

const drawing = {
  width: 8,
  height: 8,
  rgba: Uint8Array.from({ length: 256 }, (_, i) => (i % 4 === 3 ? 255 : [200, 60, 20][i % 4])),
};
const job = { title: 'Square', drawing: packDrawing(drawing) };
const side = 8 + 2 * SHOWN_MARGIN;
const frames = {
  width: side,
  height: side,
  rgba: Uint8Array.from({ length: FILM.frames * side * side * 4 }, (_, i) => (i % 4 === 3 ? 255 : i % 251)),
};

test('a film has a seed, a grown body, a wound and a healed one, with room around the picture', async () => {
  const rule = readRule('weights/eevee.safetensors');
  const maker = new FilmMaker(rule, drawnTarget(job));
  const { width, height, rgba } = await maker.make(rule);
  await maker.dispose();
  expect([width, height, rgba.length]).toEqual([side, side, FILM.frames * side * side * 4]);
  const living = (frame: number): number =>
    rgba
      .subarray(frame * side * side * 4, (frame + 1) * side * side * 4)
      .filter((value, i) => i % 4 === 3 && value > 25).length;
  expect(living(0)).toBe(1);
  expect(living(FILM.growthFrames - 1)).toBeGreaterThan(20);
  expect(living(FILM.growthFrames)).toBeLessThan(living(FILM.growthFrames - 1));
  expect(living(FILM.frames - 1)).toBeGreaterThan(living(FILM.growthFrames));
});

describe('what is taken home', () => {
  test('is a GIF that repeats, with every frame', () => {
    const gif = Buffer.from(growthGif(frames));
    expect(gif.subarray(0, 6).toString('latin1')).toBe('GIF89a');
    expect(gif.includes(Buffer.from('NETSCAPE2.0'))).toBe(true);
    // A graphic control extension stands before each frame.
    const controls = gif.toString('latin1').split('\x21\xf9\x04').length - 1;
    expect(controls).toBeGreaterThanOrEqual(FILM.frames);
    expect([gif.readUInt16LE(6) % side, gif.readUInt16LE(8) % side]).toEqual([0, 0]);
  });

  test('is a card with the drawing at the left and the grown body at the right', () => {
    const { width, height, data } = decode(cardPng(drawing, frames, SHOWN_MARGIN));
    const pixel = (x: number, y: number): number[] => [
      ...data.slice((y * width + x) * 4, (y * width + x) * 4 + 3),
    ];
    const scale = height / side;
    expect(pixel(Math.floor(height / 2), Math.floor(height / 2))).toEqual([200, 60, 20]);
    expect(pixel(1, 1)).toEqual([247, 245, 240]);
    const first = (FILM.growthFrames - 1) * side * side * 4;
    expect(pixel(width - height, 0)).toEqual([...frames.rgba.slice(first, first + 3)]);
    expect(Number.isInteger(scale)).toBe(true);
  });
});
