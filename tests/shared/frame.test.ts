import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeFrame,
  encodeUpdate,
  FRAME_HEADER_BYTES,
  FrameError,
  type PageUpdate,
  writeFrameHeader,
} from '../../shared/frame.ts';

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const update: fc.Arbitrary<PageUpdate> = fc.record({
  level: uint(8),
  px: uint(16),
  py: uint(16),
  version: uint(32),
  base: uint(32),
  epsilon: uint(8),
  payload: fc.uint8Array({ maxLength: 50 }),
});

function encodeFrame(frame: number, step: number, updates: readonly PageUpdate[]): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(new DataView(header.buffer), 0, frame, step, updates.length);
  return new Uint8Array(Buffer.concat([header, ...updates.map(encodeUpdate)]));
}

test('a frame is decoded as it was encoded, at any address', () => {
  fc.assert(
    fc.property(
      uint(32),
      uint(32),
      fc.array(update, { maxLength: 8 }),
      uint(3),
      (frame, step, updates, at) => {
        const bytes = encodeFrame(frame, step, updates);
        const moved = new Uint8Array(bytes.length + at);
        moved.set(bytes, at);
        expect(decodeFrame(moved.subarray(at))).toEqual({ frame, step, updates });
      },
    ),
    { numRuns: 200, seed: 1 },
  );
});

test('a frame that is cut short anywhere, or has a byte too many, is refused', () => {
  const bytes = encodeFrame(3, 9, [
    { level: 0, px: 1, py: 2, version: 3, base: 2, epsilon: 2, payload: Uint8Array.of(1, 2, 3) },
    { level: 0, px: 1, py: 3, version: 3, base: 0, epsilon: 0, payload: new Uint8Array(0) },
  ]);
  for (let length = 0; length < bytes.length; length++)
    expect(() => decodeFrame(bytes.subarray(0, length))).toThrow(FrameError);
  expect(() => decodeFrame(Uint8Array.of(...bytes, 0))).toThrow(FrameError);
});

test('random bytes are decoded or refused with a FrameError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      // A small count: a random one would almost always fail at the first update.
      if (bytes.length > 9) bytes[9] = 0;
      try {
        decodeFrame(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { numRuns: 2_000, seed: 2 },
  );
});
