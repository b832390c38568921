/**
 * The binary frame: which pages changed, and how.
 * ```
 * frame  := u32 frame  u32 step  u16 count  update{count}
 * update := u8 level  u16 px  u16 py  u32 version  u32 base  u8 epsilon  u32 length  payload{length}
 * ```
 * Little-endian. `base` is the version that a delta starts from; 0 means that the payload is a keyframe.
 * `pageCodec.ts` codes payloads. An update is encoded once, and every viewer of the page gets the same bytes.
 */

export const FRAME_HEADER_BYTES = 10;
const UPDATE_HEADER_BYTES = 18;
/** The `base` of a keyframe. Versions start at 1. */
export const KEYFRAME = 0;

export interface PageUpdate {
  readonly level: number;
  readonly px: number;
  readonly py: number;
  readonly version: number;
  readonly base: number;
  /** Largest difference from the true pixels, 0..255. */
  readonly epsilon: number;
  readonly payload: Uint8Array;
}

export interface Frame {
  readonly frame: number;
  readonly step: number;
  readonly updates: readonly PageUpdate[];
}

/** The bytes do not follow the grammar. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** @returns the update with its header, ready to be copied into any viewer's frame */
export function encodeUpdate(update: PageUpdate): Uint8Array {
  const bytes = new Uint8Array(UPDATE_HEADER_BYTES + update.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, update.level);
  view.setUint16(1, update.px, true);
  view.setUint16(3, update.py, true);
  view.setUint32(5, update.version, true);
  view.setUint32(9, update.base, true);
  view.setUint8(13, update.epsilon);
  view.setUint32(14, update.payload.length, true);
  bytes.set(update.payload, UPDATE_HEADER_BYTES);
  return bytes;
}

/** Writes a frame header at `offset`. The `count` updates come right after it. */
export function writeFrameHeader(
  view: DataView,
  offset: number,
  frame: number,
  step: number,
  count: number,
): void {
  view.setUint32(offset, frame, true);
  view.setUint32(offset + 4, step, true);
  view.setUint16(offset + 8, count, true);
}

/**
 * Reads a whole frame. Payloads are views of `bytes`, not copies.
 *
 * @throws FrameError when the frame is truncated or has bytes left over
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < FRAME_HEADER_BYTES)
    throw new FrameError(`a frame of ${bytes.length} bytes has no header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(8, true);
  const updates: PageUpdate[] = [];
  let at = FRAME_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    if (at + UPDATE_HEADER_BYTES > bytes.length) throw new FrameError(`update ${i} of ${count} is truncated`);
    const length = view.getUint32(at + 14, true);
    const payload = at + UPDATE_HEADER_BYTES;
    if (length > bytes.length - payload)
      throw new FrameError(`update ${i} claims ${length} bytes beyond the frame`);
    updates.push({
      level: view.getUint8(at),
      px: view.getUint16(at + 1, true),
      py: view.getUint16(at + 3, true),
      version: view.getUint32(at + 5, true),
      base: view.getUint32(at + 9, true),
      epsilon: view.getUint8(at + 13),
      payload: bytes.subarray(payload, payload + length),
    });
    at = payload + length;
  }
  if (at !== bytes.length) throw new FrameError(`${bytes.length - at} bytes after the last update`);
  return { frame: view.getUint32(0, true), step: view.getUint32(4, true), updates };
}
