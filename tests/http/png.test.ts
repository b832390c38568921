import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { encodePng } from '../../server/http/png.ts';
import { seededRandom } from '../engines/fixtures.ts';

/** Opaque or transparent, so that premultiplication changes nothing. */
function randomPixels(width: number, height: number): Uint8Array {
  const random = seededRandom(width * 1_000 + height);
  const pixels = new Uint8Array(width * height * 4);
  for (let i = 0; i < pixels.length; i += 4)
    if (random() < 0.5) pixels.set([random() * 256, random() * 256, random() * 256, 255], i);
  return pixels;
}

test.each([
  [1, 1],
  [3, 127],
  [5, 128],
  [7, 129],
  [2, 384],
  [300, 257],
])(
  'a picture of %i x %i pixels is read as it was, however many pieces it is written in',
  async (width, height) => {
    const pixels = randomPixels(width, height);
    const png = decode(await encodePng(pixels, width, height), { checkCrc: true });
    expect([png.width, png.height, png.channels, png.depth]).toEqual([width, height, 4, 8]);
    expect(Buffer.compare(png.data as Uint8Array, pixels)).toBe(0);
  },
);

test('pictures that are made at the same time do not mix', async () => {
  const sizes = [
    [64, 300],
    [65, 301],
    [66, 302],
  ] as const;
  const pictures = await Promise.all(
    sizes.map(async ([width, height]) => decode(await encodePng(randomPixels(width, height), width, height))),
  );
  for (const [i, [width, height]] of sizes.entries())
    expect(Buffer.compare(pictures[i].data as Uint8Array, randomPixels(width, height))).toBe(0);
});
