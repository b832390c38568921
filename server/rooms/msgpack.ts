/**
 * Decodes the MessagePack that the Colyseus SDK writes, and nothing else.
 *
 * Colyseus' own msgpackr trusts a stranger's array length (five bytes make it allocate hundreds of megabytes) and has
 * types that no message here has. This decoder refuses a length that the message cannot hold before it allocates.
 */

/** Messages are flat: an object of numbers, strings and lists of numbers. */
const MAX_DEPTH = 4;
const RECORD_TYPE = 0x72;
/** Keys of what clients send most: they are recognised by their bytes, and not decoded each time. */
const COMMON_KEYS = ['frame', 'x', 'y', 'width', 'height', 'level', 'at', 'time'].map((key) => ({
  key,
  bytes: Buffer.from(key),
}));

export class MsgpackError extends Error {
  override name = 'MsgpackError';
}

/** @throws MsgpackError */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.left > 0) throw new MsgpackError(`${reader.left} bytes after the message`);
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Records that this message has defined: their keys, by id; null: none yet. */
  #records: Map<number, readonly string[]> | null = null;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new MsgpackError('nested too deeply');
    const token = this.#bytes[this.#take(1)];
    if (token < 0x80) {
      const record = this.#records?.get(token);
      return record === undefined ? token : this.#fields(record, depth);
    }
    if (token >= 0xe0) return token - 0x100;
    if (token < 0x90) return this.#map(token & 0x0f, depth);
    if (token < 0xa0) return this.#array(token & 0x0f, depth);
    if (token < 0xc0) return this.#string(token & 0x1f);
    switch (token) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#view.getFloat32(this.#take(4));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8));
      case 0xcc:
        return this.#view.getUint8(this.#take(1));
      case 0xcd:
        return this.#view.getUint16(this.#take(2));
      case 0xce:
        return this.#view.getUint32(this.#take(4));
      case 0xcf:
        return Number(this.#view.getBigUint64(this.#take(8)));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return Number(this.#view.getBigInt64(this.#take(8)));
      case 0xd4:
        return this.#extension(depth);
      case 0xd9:
        return this.#string(this.#view.getUint8(this.#take(1)));
      case 0xda:
        return this.#string(this.#view.getUint16(this.#take(2)));
      case 0xdc:
        return this.#array(this.#view.getUint16(this.#take(2)), depth);
      case 0xde:
        return this.#map(this.#view.getUint16(this.#take(2)), depth);
      default:
        throw new MsgpackError(`type 0x${token.toString(16)} is not used in messages`);
    }
  }

  /** `d4 00 00`: undefined. `d4 72 id keys values…`: an object whose keys are named once. */
  #extension(depth: number): unknown {
    const type = this.#bytes[this.#take(1)];
    const id = this.#bytes[this.#take(1)];
    if (type === 0 && id === 0) return undefined;
    if (type !== RECORD_TYPE || id >= 0x80)
      throw new MsgpackError(`extension ${type} is not used in messages`);
    const keys = this.value(depth + 1);
    if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string'))
      throw new MsgpackError("a record's keys are not strings");
    this.#records ??= new Map();
    this.#records.set(id, keys);
    return this.#fields(keys, depth);
  }

  #fields(keys: readonly string[], depth: number): unknown {
    const fields = Object.create(null) as Record<string, unknown>;
    for (const key of keys) fields[key] = this.value(depth + 1);
    return fields;
  }

  #map(count: number, depth: number): unknown {
    this.#holds(count * 2);
    const fields = Object.create(null) as Record<string, unknown>;
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new MsgpackError('a key is not a string');
      fields[key] = this.value(depth + 1);
    }
    return fields;
  }

  #array(count: number, depth: number): unknown[] {
    this.#holds(count);
    const values: unknown[] = [];
    for (let i = 0; i < count; i++) values.push(this.value(depth + 1));
    return values;
  }

  #string(length: number): string {
    const at = this.#take(length);
    for (const { key, bytes } of COMMON_KEYS) if (this.#says(bytes, at, length)) return key;
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('utf8');
  }

  #says(text: Uint8Array, at: number, length: number): boolean {
    if (text.length !== length) return false;
    for (let i = 0; i < length; i++) if (text[i] !== this.#bytes[at + i]) return false;
    return true;
  }

  /** Refuses more values than bytes are left: each value takes at least one byte. */
  #holds(values: number): void {
    if (values > this.left) throw new MsgpackError(`${values} values in ${this.left} bytes`);
  }

  #take(bytes: number): number {
    this.#holds(bytes);
    const at = this.#at;
    this.#at += bytes;
    return at;
  }
}
