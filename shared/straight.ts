/**
 * From premultiplied to straight RGBA8, as PNG wants it: from the floats of cells, and from pixels. Both round to the nearest.
 * A rule may make a colour brighter than its alpha, which straight RGBA cannot show: it is clamped.
 */

const toByte = (value: number): number => Math.round(Math.min(Math.max(value, 0), 1) * 255);

/**
 * Turns one cell's premultiplied floats into straight RGBA8, as PNG wants it. All four bytes are 0 where alpha rounds
 * to 0.
 *
 * @param from - R, G, B and alpha at `at`, clamped to 0..1
 * @param into - four bytes at `to` are written
 */
export function straightRgba8(from: Float32Array, at: number, into: Uint8Array, to: number): void {
  const alpha = Math.min(from[at + 3], 1);
  const isVisible = toByte(alpha) > 0;
  for (let c = 0; c < 3; c++) into[to + c] = isVisible ? toByte(from[at + c] / alpha) : 0;
  into[to + 3] = isVisible ? toByte(alpha) : 0;
}

/**
 * Turns a row of premultiplied pixels into straight ones. Where alpha is 0, nothing is written.
 *
 * @param from - `width` pixels at `at`
 * @param into - `width` pixels at `to` are written; zeros before
 */
export function straightRow(from: Uint8Array, at: number, into: Uint8Array, to: number, width: number): void {
  for (let pixel = at, out = to; pixel < at + width * 4; pixel += 4, out += 4) {
    const alpha = from[pixel + 3];
    if (alpha === 0) continue;
    const half = alpha >> 1;
    into[out] = Math.min(255, ((from[pixel] * 255 + half) / alpha) | 0);
    into[out + 1] = Math.min(255, ((from[pixel + 1] * 255 + half) / alpha) | 0);
    into[out + 2] = Math.min(255, ((from[pixel + 2] * 255 + half) / alpha) | 0);
    into[out + 3] = alpha;
  }
}
