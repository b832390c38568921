/** Messages that almost follow the protocol: valid ones that are changed, cut, mixed up or replaced by noise. Pure. */
import { ClientMessageType } from '../../../shared/protocol.ts';
import { HOSTILE_PAYLOADS } from '../../rooms/hostilePayloads.ts';
import { pack } from '../load/pack.ts';

const ROOM_DATA = 13;
const MAX_NOISE_BYTES = 200;
/** One in so many is longer than the server reads. */
const LONG_SHARE = 0.01;
const LONG_BYTES = 20_000;

/** A message of each type, as an honest client sends it. */
const VALID: readonly (readonly [number, object])[] = [
  [ClientMessageType.viewport, { x: 0, y: 0, width: 100, height: 100, level: 0 }],
  [ClientMessageType.ack, { frame: 1 }],
  [ClientMessageType.keyframes, { level: 0, pages: [0, 1, 2] }],
  [ClientMessageType.stroke, { id: 1, tool: 'noise', radius: 2, points: [10, 10, 12, 12] }],
  [ClientMessageType.stroke, { id: 2, tool: 'plant', radius: 1, points: [10, 10], species: 'mew' }],
  [ClientMessageType.cursor, { at: [5, 5] }],
  [ClientMessageType.name, { name: 'fuzz' }],
  [ClientMessageType.inspect, { at: [100, 100] }],
  [ClientMessageType.room, { species: 'mew', at: [100, 100] }],
  [ClientMessageType.ping, { time: 1 }],
];

const ODD_VALUES: readonly unknown[] = [
  null,
  '',
  'x'.repeat(255),
  '__proto__',
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e308,
  -1e308,
  [],
  [[]],
  {},
  Array(300).fill(1e9),
];

/** @param draw - 0..1. @returns one WebSocket message */
export function mutation(draw: () => number): Buffer {
  const whole = (below: number): number => Math.floor(draw() * below);
  const pick = <T>(from: readonly T[]): T => from[whole(from.length)];
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => whole(256)));
  if (draw() < LONG_SHARE)
    return Buffer.concat([Buffer.of(ROOM_DATA, ClientMessageType.stroke), noise(LONG_BYTES)]);
  const [type, message] = pick(VALID);
  const valid = Buffer.concat([Buffer.of(ROOM_DATA, type), pack(message)]);
  switch (whole(8)) {
    // A field has another value, or another type.
    case 0: {
      const name = pick(Object.keys(message));
      return Buffer.concat([Buffer.of(ROOM_DATA, type), pack({ ...message, [name]: pick(ODD_VALUES) })]);
    }
    // A field is missing.
    case 1: {
      const gone = pick(Object.keys(message));
      const rest = Object.fromEntries(Object.entries(message).filter(([name]) => name !== gone));
      return Buffer.concat([Buffer.of(ROOM_DATA, type), pack(rest)]);
    }
    case 2:
      return valid.subarray(0, whole(valid.length));
    // Some bits are turned.
    case 3:
      for (let n = 1 + whole(4); n > 0; n--) valid[whole(valid.length)] ^= 1 << whole(8);
      return valid;
    // The payload of another message.
    case 4:
      return Buffer.concat([Buffer.of(ROOM_DATA, type), pack(pick(VALID)[1])]);
    case 5:
      return Buffer.concat([Buffer.of(whole(256), whole(256)), noise(whole(MAX_NOISE_BYTES))]);
    case 6:
      return Buffer.concat([Buffer.of(ROOM_DATA, type), Buffer.from(pick(HOSTILE_PAYLOADS)[1])]);
    // Valid: the connection lives on, and later mutations meet a player who has acted.
    default:
      return valid;
  }
}
