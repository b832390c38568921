import { getMessageBytes, Protocol } from '@colyseus/core';
import { Room } from '@colyseus/sdk';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMsgpack, MsgpackError } from '../../server/rooms/msgpack.ts';
import { HOSTILE_PAYLOADS } from './hostilePayloads.ts';

const value = fc.oneof(
  fc.double({ noNaN: true }).filter((number) => !Object.is(number, -0)),
  fc.integer(),
  fc.string({ maxLength: 40 }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 40 }),
);
const key = fc.string({ minLength: 1, maxLength: 10 }).filter((name) => name !== '__proto__');
const message = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: true });
/** Packs as Colyseus does on the server: plain maps. */
const pack = (value: unknown): Uint8Array =>
  new Uint8Array(getMessageBytes.raw(Protocol.ROOM_DATA, 1, value).subarray(2));
/** Packs as Colyseus' SDK does in a client: keys once, then values. */
const { packr } = new Room('test') as unknown as { packr: { pack(value: unknown): Uint8Array } };
const sdkPack = (value: unknown): Uint8Array => new Uint8Array(packr.pack(value));

describe('MessagePack', () => {
  test.each([
    ['records, as the SDK writes them', sdkPack],
    ['maps', pack],
  ])('reads %s', (_name, write) => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(JSON.stringify(decodeMsgpack(write(sent)))).toBe(JSON.stringify(sent));
      }),
      { numRuns: 300, seed: 6 },
    );
  });

  test('random bytes and every truncation are read or refused with a MsgpackError', () => {
    const survives = (bytes: Uint8Array): void => {
      try {
        decodeMsgpack(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MsgpackError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), survives), { numRuns: 5_000, seed: 7 });
    const whole = sdkPack({ id: 1, points: [1.5, 300, -70_000], species: 'eevee' });
    for (let length = 0; length < whole.length; length++)
      expect(() => decodeMsgpack(whole.subarray(0, length))).toThrow(MsgpackError);
  });

  test.each(HOSTILE_PAYLOADS)('%s is refused', (_name, bytes) => {
    expect(() => decodeMsgpack(Uint8Array.from(bytes))).toThrow(MsgpackError);
  });

  test("cannot reach an object's prototype", () => {
    const fields = decodeMsgpack(pack(JSON.parse('{"__proto__":{"x":1}}')));
    expect(Object.getPrototypeOf(fields)).toBeNull();
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});
