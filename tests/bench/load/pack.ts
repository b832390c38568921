/** MessagePack of numbers, texts, truths, null, and lists and objects of them: what a client's messages hold. */

const MAX_SHORT = 15;
const MAX_TEXT_BYTES = 65_535;

/** @throws RangeError when a text or an object is longer than a client's messages need */
export function pack(value: unknown): Buffer {
  if (value === null) return Buffer.of(0xc0);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    if (text.length > MAX_TEXT_BYTES) throw new RangeError(`a text of ${text.length} bytes`);
    const head = text.length > 255 ? [0xda, text.length >> 8, text.length & 0xff] : [0xd9, text.length];
    return Buffer.concat([Buffer.of(...head), text]);
  }
  if (Array.isArray(value)) {
    const head = Buffer.of(0xdc, value.length >> 8, value.length & 0xff);
    return Buffer.concat([head, ...value.map(pack)]);
  }
  const entries = Object.entries(value as object);
  if (entries.length > MAX_SHORT) throw new RangeError(`an object of ${entries.length} fields`);
  return Buffer.concat([
    Buffer.of(0x80 + entries.length),
    ...entries.flatMap(([key, one]) => [pack(key), pack(one)]),
  ]);
}
