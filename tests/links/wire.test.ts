import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeMessage,
  encodeFrame,
  encodeLetter,
  type FramePart,
  joinFrame,
  type LetterPart,
  Letters,
  MIN_MESSAGE_BYTES,
  WireError,
} from '../../server/links/wire.ts';
import type { PublishedFrame, PublishedUpdate } from '../../server/stream/published.ts';

const SEED = 20261129;
const check = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>): void =>
  fc.assert(property, { seed: SEED, numRuns: 300 });

const uint32 = fc.nat(0xffff_ffff);
const update = fc.record({
  key: fc.nat(2 ** 25 - 1),
  version: fc.integer({ min: 1, max: 0xffff_ffff }),
  isKeyframe: fc.boolean(),
  base: fc.integer({ min: 1, max: 0xffff_ffff }),
  bytes: fc.uint8Array({ maxLength: 40 }),
});
/** Updates of any numbers, some of them apart in the frame's bytes. */
const frame: fc.Arbitrary<PublishedFrame> = fc
  .record({
    frame: fc.nat(0x7fff_ffff),
    step: fc.nat(Number.MAX_SAFE_INTEGER),
    updates: fc.array(update, { maxLength: 30 }),
    gap: fc.nat(3),
  })
  .map(({ frame, step, updates, gap }) => {
    const all: PublishedUpdate[] = [];
    const bytes: number[] = [];
    for (const { key, version, isKeyframe, base, bytes: own } of updates) {
      bytes.push(...new Array(gap).fill(0xee));
      all.push({ key, version, base: isKeyframe ? 0 : base, offset: bytes.length, length: own.length });
      bytes.push(...own);
    }
    return { type: 'frame', frame, step, updates: all, bytes: Uint8Array.from(bytes) };
  });
const origin = fc.record({ term: uint32, serial: uint32, sentAtMs: fc.double({ noNaN: true }) });

const contentsOf = ({ frame, step, updates, bytes }: PublishedFrame): unknown => ({
  frame,
  step,
  updates: updates.map(({ key, version, base, offset, length }) => ({
    ...{ key, version, base },
    bytes: Buffer.from(bytes).toString('hex', offset, offset + length),
  })),
});
const partsOf = (messages: readonly Buffer[]): FramePart[] =>
  messages.map((message) => decodeMessage(message) as FramePart);

describe('a frame on the wire', () => {
  test('arrives as it was sent', () => {
    check(
      fc.property(frame, origin, (sent, from) => {
        const parts = partsOf(encodeFrame(sent, from, MIN_MESSAGE_BYTES));
        expect(parts).toMatchObject([{ type: 'frame', part: 0, parts: 1, ...from }]);
        expect(contentsOf(joinFrame(parts))).toEqual(contentsOf(sent));
      }),
    );
  });

  test('that is longer than a message travels in parts, each with whole updates', () => {
    const updates: PublishedUpdate[] = [];
    const bytes = new Uint8Array(400_000).map((_, i) => i % 253);
    for (let offset = 0; offset < bytes.length; offset += 10_000)
      updates.push({ key: offset, version: offset + 2, base: offset + 1, offset, length: 10_000 });
    const sent: PublishedFrame = { type: 'frame', frame: 9, step: 20, updates, bytes };
    const messages = encodeFrame(sent, { term: 1, serial: 2, sentAtMs: 3 }, MIN_MESSAGE_BYTES);
    expect(messages.length).toBeGreaterThan(5);
    for (const { length } of messages) expect(length).toBeLessThanOrEqual(MIN_MESSAGE_BYTES);
    const parts = partsOf(messages);
    expect(parts.map(({ part }) => part)).toEqual([...messages.keys()]);
    expect(contentsOf(joinFrame(parts))).toEqual(contentsOf(sent));
  });

  test('with an update that fits into no message is an error', () => {
    const updates = [{ key: 1, version: 2, base: 0, offset: 0, length: MIN_MESSAGE_BYTES }];
    const sent: PublishedFrame = {
      ...{ type: 'frame', frame: 1, step: 1, updates },
      bytes: new Uint8Array(MIN_MESSAGE_BYTES),
    };
    expect(() => encodeFrame(sent, { term: 1, serial: 1, sentAtMs: 0 }, MIN_MESSAGE_BYTES)).toThrow(
      RangeError,
    );
  });

  test('costs a few bytes per update: keys of neighbours and versions of one frame are close', () => {
    const updates = Array.from({ length: 100 }, (_, i) => ({
      ...{ key: 5_000 + 2 * i, version: 2_000, base: 1_998, offset: 50 * i, length: 50 },
    }));
    const sent: PublishedFrame = {
      ...{ type: 'frame', frame: 1_000, step: 1, updates },
      bytes: new Uint8Array(5_000),
    };
    const [message] = encodeFrame(sent, { term: 1, serial: 1, sentAtMs: 0 }, MIN_MESSAGE_BYTES);
    expect(message.length - 5_000).toBeLessThan(34 + 100 * 4 + 4);
  });
});

describe('a letter on the wire', () => {
  test('arrives as it was sent, in as many parts as it takes', () => {
    const letters = new Letters(10_000_000);
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record({ bytes: fc.uint8Array({ maxLength: 200_000, size: 'max' }), none: fc.constant(undefined) }),
    );
    let number = 0;
    fc.assert(
      fc.property(value, (sent) => {
        const messages = encodeLetter(sent, ++number, MIN_MESSAGE_BYTES);
        const read = messages.map((message) => letters.take(decodeMessage(message) as LetterPart));
        expect(read.slice(0, -1).every((one) => one === null)).toBe(true);
        const { value: got } = read.at(-1)!;
        if (sent !== null && typeof sent === 'object' && 'none' in sent) {
          const { bytes } = got as { bytes: Uint8Array };
          expect(Buffer.compare(bytes, sent.bytes as Uint8Array)).toBe(0);
        } else {
          expect(got).toEqual(sent);
        }
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  test('of which a part is lost does not arrive, and the next one does', () => {
    const letters = new Letters(10_000_000);
    const send = (value: unknown, number: number, lost: number): unknown[] =>
      encodeLetter(value, number, MIN_MESSAGE_BYTES)
        .filter((_, part) => part !== lost)
        .map((message) => letters.take(decodeMessage(message) as LetterPart)?.value ?? null);
    const long = 'x'.repeat(200_000);
    for (const lost of [0, 1, 3]) expect(send(long, 1, lost).every((one) => one === null)).toBe(true);
    expect(send(long, 2, -1).at(-1)).toBe(long);
  });

  test('arrives also when parts of others come between its own', () => {
    const letters = new Letters(10_000_000);
    const [one, two] = ['x', 'y'].map((letter, number) =>
      encodeLetter(letter.repeat(150_000), number, MIN_MESSAGE_BYTES),
    );
    const read: unknown[] = [];
    for (const [i, part] of one.entries())
      for (const message of [part, two[i]]) {
        const letter = letters.take(decodeMessage(message) as LetterPart);
        if (letter !== null) read.push(letter.value);
      }
    expect(read).toEqual(['x'.repeat(150_000), 'y'.repeat(150_000)]);
  });

  test('that is longer than any that is taken is dropped', () => {
    const letters = new Letters(100_000);
    const read = encodeLetter('x'.repeat(200_000), 1, MIN_MESSAGE_BYTES).map((message) =>
      letters.take(decodeMessage(message) as LetterPart),
    );
    expect(read.every((one) => one === null)).toBe(true);
  });
});

describe('bytes that are no message', () => {
  test('are refused with a WireError, whatever they are', () => {
    const broken = fc.tuple(fc.constantFrom(0, 1, 1, 1, 2), fc.uint8Array({ maxLength: 120 }));
    check(
      fc.property(broken, ([kind, rest]) => {
        try {
          decodeMessage(Buffer.from([kind, ...rest]));
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
  });

  test('a frame that is cut, or has bytes left over, is refused', () => {
    check(
      fc.property(frame, fc.nat(), (sent, cut) => {
        const [message] = encodeFrame(sent, { term: 1, serial: 1, sentAtMs: 0 }, MIN_MESSAGE_BYTES);
        expect(() => decodeMessage(message.subarray(0, cut % message.length))).toThrow(WireError);
        expect(() => decodeMessage(Buffer.concat([message, Buffer.alloc(1)]))).toThrow(WireError);
      }),
    );
  });
});
