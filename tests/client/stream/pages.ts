/** Pages and updates for the client's tests. */
import {
  encodeUpdate,
  FRAME_HEADER_BYTES,
  type Frame,
  KEYFRAME,
  type PageUpdate,
  writeFrameHeader,
} from '../../../shared/frame.ts';
import { PAGE_BYTES } from '../../../shared/geometry.ts';
import { encodeKeyframe, encodePage } from '../../../shared/pageCodec.ts';

export const empty: Uint8Array = new Uint8Array(PAGE_BYTES);

/** A page in which one cell has one colour. */
export function picture(cell: number, value: number): Uint8Array {
  const pixels = new Uint8Array(PAGE_BYTES);
  pixels.fill(value, cell * 4, cell * 4 + 4);
  return pixels;
}

interface Place {
  readonly level?: number;
  readonly px?: number;
  readonly py?: number;
}

export function delta(
  place: Place,
  version: number,
  base: number,
  from: Uint8Array,
  to: Uint8Array,
): PageUpdate {
  const payload = encodePage(from.slice(), to, 0) ?? new Uint8Array(0);
  return { level: 0, px: 0, py: 0, ...place, version, base, epsilon: 0, payload };
}

export const key = (place: Place, version: number, pixels: Uint8Array): PageUpdate => ({
  level: 0,
  px: 0,
  py: 0,
  ...place,
  version,
  base: KEYFRAME,
  epsilon: 0,
  payload: pixels.every((value) => value === 0) ? new Uint8Array(0) : encodeKeyframe(pixels),
});

/** @returns the bytes of a frame, in a buffer of their own */
export function wire({ frame, step, updates }: Frame): Uint8Array<ArrayBuffer> {
  const parts = updates.map(encodeUpdate);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, FRAME_HEADER_BYTES));
  writeFrameHeader(new DataView(bytes.buffer), 0, frame, step, updates.length);
  let at = FRAME_HEADER_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
