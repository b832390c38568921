/**
 * What travels between the process of a world and its relays, as bytes.
 * ```
 * message := frame | letter
 * frame   := u8(1) u32 term  u32 serial  u16 part  u16 parts  f64 sentAt  u32 frame  f64 step
 *            varuint count  update{count}  bytes
 * update  := varint(key − last key)  varuint length  varint(version − 2·frame)  origin
 * origin  := varuint(0) for a keyframe | varuint(1 + zigzag(version − base))
 * letter  := u8(2) u32 term  u32 number  u16 part  u16 parts  bytes; a relay's term is 0
 * ```
 * Little-endian; a varint is a varuint of the zigzag of a whole number. `bytes` of a frame are those of its updates, one
 * after the other. A frame or letter that is longer than the transport allows travels in parts. Each part of a frame has
 * whole updates; the bytes of a letter's parts, put together, are one value of `v8.serialize`. Both ends run the same
 * version of Regrow, and trust each other.
 */
import { deserialize, serialize } from 'node:v8';
import { KEYFRAME } from '../../shared/frame.ts';
import type { PublishedFrame, PublishedUpdate } from '../stream/published.ts';

/** Goes up when an older end could no longer understand a newer one. */
export const WIRE_VERSION = 2;

const FRAME = 1;
const LETTER = 2;
/** Without the count of updates. */
const FRAME_HEAD_BYTES = 33;
const LETTER_HEAD_BYTES = 13;
/** Longest encoding of one update's numbers: four varuints of at most 2^53. */
const MAX_UPDATE_HEAD_BYTES = 32;
const MAX_PARTS = 0xffff;
const MAX_UINT32 = 0xffff_ffff;
/** Smallest limit of a transport: one update with everything before it. */
export const MIN_MESSAGE_BYTES = 64 * 1024;

/** The bytes do not follow the grammar. */
export class WireError extends Error {
  override name = 'WireError';
}

/** Where a frame comes from. */
export interface FrameOrigin {
  /** Goes up with each process that owns the world. */
  readonly term: number;
  /** Counts the frames that were sent in this term, from 1. */
  readonly serial: number;
  /** The sender's wall clock, ms since 1970. */
  readonly sentAtMs: number;
}

export interface FramePart extends FrameOrigin {
  readonly type: 'frame';
  /** 0-based, below `parts`. */
  readonly part: number;
  readonly parts: number;
  /** The updates of this part; `bytes` is a view of the message. */
  readonly frame: PublishedFrame;
}

export interface LetterPart {
  readonly type: 'letter';
  readonly term: number;
  readonly number: number;
  readonly part: number;
  readonly parts: number;
  readonly bytes: Buffer;
}

/**
 * @param maxBytes - of one message, at least MIN_MESSAGE_BYTES
 * @throws RangeError when one update does not fit into a message
 */
export function encodeFrame(frame: PublishedFrame, origin: FrameOrigin, maxBytes: number): Buffer[] {
  const groups = groupsOf(frame.updates, maxBytes);
  return groups.map((updates, part) => encodePart(frame, updates, origin, part, groups.length));
}

/** The updates of each part. A frame without updates has one part. */
function groupsOf(updates: readonly PublishedUpdate[], maxBytes: number): PublishedUpdate[][] {
  const groups: PublishedUpdate[][] = [[]];
  const head = FRAME_HEAD_BYTES + MAX_UPDATE_HEAD_BYTES;
  let bytes = head;
  for (const update of updates) {
    const size = MAX_UPDATE_HEAD_BYTES + update.length;
    if (bytes + size > maxBytes) {
      if (head + size > maxBytes)
        throw new RangeError(`an update of ${update.length} bytes does not fit into ${maxBytes}`);
      groups.push([]);
      bytes = head;
    }
    bytes += size;
    groups.at(-1)!.push(update);
  }
  if (groups.length > MAX_PARTS) throw new RangeError(`a frame of ${groups.length} parts`);
  return groups;
}

function encodePart(
  { frame, step, bytes: source }: PublishedFrame,
  updates: readonly PublishedUpdate[],
  { term, serial, sentAtMs }: FrameOrigin,
  part: number,
  parts: number,
): Buffer {
  let payload = 0;
  for (const { length } of updates) payload += length;
  const message = Buffer.allocUnsafe(
    FRAME_HEAD_BYTES + (1 + updates.length) * MAX_UPDATE_HEAD_BYTES + payload,
  );
  message[0] = FRAME;
  message.writeUInt32LE(term, 1);
  message.writeUInt32LE(serial, 5);
  message.writeUInt16LE(part, 9);
  message.writeUInt16LE(parts, 11);
  message.writeDoubleLE(sentAtMs, 13);
  message.writeUInt32LE(frame, 21);
  message.writeDoubleLE(step, 25);
  let at = putVaruint(message, FRAME_HEAD_BYTES, updates.length);
  let last = 0;
  for (const { key, version, base, length } of updates) {
    at = putVaruint(message, at, zigzag(key - last));
    at = putVaruint(message, at, length);
    at = putVaruint(message, at, zigzag(version - 2 * frame));
    at = putVaruint(message, at, base === KEYFRAME ? 0 : 1 + zigzag(version - base));
    last = key;
  }
  // Updates that lie together in the source are copied at once.
  for (let i = 0; i < updates.length; ) {
    const from = updates[i].offset;
    let to = from + updates[i].length;
    for (i++; i < updates.length && updates[i].offset === to; i++) to += updates[i].length;
    message.set(source.subarray(from, to), at);
    at += to - from;
  }
  return message.subarray(0, at);
}

/**
 * @param value - what `v8.serialize` takes
 * @param term - of the world's owner who writes; 0: a relay writes
 */
export function encodeLetter(value: unknown, number: number, maxBytes: number, term = 0): Buffer[] {
  const bytes = serialize(value);
  const room = maxBytes - LETTER_HEAD_BYTES;
  const parts = Math.max(1, Math.ceil(bytes.length / room));
  if (parts > MAX_PARTS) throw new RangeError(`a letter of ${bytes.length} bytes has too many parts`);
  return Array.from({ length: parts }, (_, part) => {
    const head = Buffer.alloc(LETTER_HEAD_BYTES);
    head[0] = LETTER;
    head.writeUInt32LE(term, 1);
    head.writeUInt32LE(number >>> 0, 5);
    head.writeUInt16LE(part, 9);
    head.writeUInt16LE(parts, 11);
    return Buffer.concat([head, bytes.subarray(part * room, (part + 1) * room)]);
  });
}

/** @throws WireError; what is returned are views of `message` */
export function decodeMessage(message: Buffer): FramePart | LetterPart {
  switch (message[0]) {
    case FRAME:
      return decodeFramePart(message);
    case LETTER: {
      if (message.length < LETTER_HEAD_BYTES) throw new WireError('a letter without a head');
      const [part, parts] = partsOf(message, 9);
      const bytes = message.subarray(LETTER_HEAD_BYTES);
      const [term, number] = [message.readUInt32LE(1), message.readUInt32LE(5)];
      return { type: 'letter', term, number, part, parts, bytes };
    }
    default:
      throw new WireError(`a message of the unknown kind ${message[0]}`);
  }
}

function decodeFramePart(message: Buffer): FramePart {
  if (message.length <= FRAME_HEAD_BYTES) throw new WireError('a frame without a head');
  const [part, parts] = partsOf(message, 9);
  const frame = message.readUInt32LE(21);
  const reader = new Varuints(message, FRAME_HEAD_BYTES);
  const count = reader.next();
  // Each takes at least four bytes: a wrong count must not become a long loop.
  if (count * 4 > message.length) throw new WireError(`${count} updates in ${message.length} bytes`);
  const updates: PublishedUpdate[] = [];
  let key = 0;
  let offset = 0;
  for (let i = 0; i < count; i++) {
    key += unzigzag(reader.next());
    const length = reader.next();
    const version = 2 * frame + unzigzag(reader.next());
    const origin = reader.next();
    const base = origin === 0 ? KEYFRAME : version - unzigzag(origin - 1);
    for (const number of [key, version, base])
      if (!(number >= 0 && number <= MAX_UINT32)) throw new WireError(`update ${i} has the number ${number}`);
    updates.push({ key, version, base, offset, length });
    offset += length;
  }
  const bytes = message.subarray(reader.at) as Uint8Array<ArrayBuffer>;
  if (bytes.length !== offset)
    throw new WireError(`the updates have ${bytes.length} bytes, expected ${offset}`);
  return {
    type: 'frame',
    term: message.readUInt32LE(1),
    serial: message.readUInt32LE(5),
    part,
    parts,
    sentAtMs: message.readDoubleLE(13),
    frame: { type: 'frame', frame, step: message.readDoubleLE(25), updates, bytes },
  };
}

function partsOf(message: Buffer, at: number): [part: number, parts: number] {
  const part = message.readUInt16LE(at);
  const parts = message.readUInt16LE(at + 2);
  if (part >= parts) throw new WireError(`part ${part} of ${parts}`);
  return [part, parts];
}

/** One frame of its parts, in order. */
export function joinFrame(parts: readonly FramePart[]): PublishedFrame {
  const [{ frame }] = parts;
  if (parts.length === 1) return frame;
  const updates: PublishedUpdate[] = [];
  let before = 0;
  for (const { frame: one } of parts) {
    for (const update of one.updates) updates.push({ ...update, offset: before + update.offset });
    before += one.bytes.length;
  }
  const bytes = new Uint8Array(before);
  let at = 0;
  for (const { frame: one } of parts) {
    bytes.set(one.bytes, at);
    at += one.bytes.length;
  }
  return { ...frame, updates, bytes };
}

/** Letters of which a part is missing yet; of more, the oldest is given up. */
const MAX_OPEN_LETTERS = 32;

/** Puts letters together. The parts of one come in order; those of others may come between them. */
export class Letters {
  readonly #open = new Map<number, { readonly parts: Buffer[]; bytes: number }>();
  readonly #maxBytes: number;

  /** @param maxBytes - of a letter; a longer one is dropped */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @param part - its bytes are copied when more are to come
   * @returns the letter, when this was its last part
   * @throws Error when it is no value of `v8.serialize`
   */
  take({ number, part, parts, bytes }: LetterPart): { readonly value: unknown } | null {
    if (parts === 1) return { value: deserialize(bytes) };
    if (part === 0) this.#begin(number);
    const letter = this.#open.get(number);
    if (letter === undefined) return null;
    letter.bytes += bytes.length;
    // A part was lost: so is the letter.
    if (part !== letter.parts.length || letter.bytes > this.#maxBytes) {
      this.#open.delete(number);
      return null;
    }
    letter.parts.push(Buffer.from(bytes));
    if (letter.parts.length < parts) return null;
    this.#open.delete(number);
    return { value: deserialize(Buffer.concat(letter.parts)) };
  }

  #begin(number: number): void {
    this.#open.delete(number);
    this.#open.set(number, { parts: [], bytes: 0 });
    if (this.#open.size > MAX_OPEN_LETTERS) this.#open.delete(this.#open.keys().next().value!);
  }
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/** @returns where the next byte goes */
function putVaruint(bytes: Buffer, at: number, value: number): number {
  let to = at;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[to++] = (rest % 0x80) | 0x80;
  bytes[to++] = rest;
  return to;
}

class Varuints {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      if (this.at >= this.#bytes.length) throw new WireError('the message ends inside a number');
      const byte = this.#bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new WireError('a number is too large');
      if (byte < 0x80) return value;
    }
  }
}
