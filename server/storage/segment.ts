/**
 * The bytes of a segment of the journal, `journal-00000001.log` and so on.
 * ```
 * segment  := preamble record*
 * preamble := magic{8} u32 version  u32 headerBytes  header{headerBytes}  u32 crc32(all before it)
 * record   := u32 length  u32 checksum  payload{length}
 * checksum := crc32(u32 index, u32 length, payload), begun with the preamble's crc32 instead of 0
 * ```
 * Little-endian. The header is JSON: `seq`, the segment's number; `id`, random; `isAfterGap`; `facts`, the caller's.
 * `index` counts the segment's records from 0. So a record of another file in the same place on disk, of an earlier
 * file of the same number, or in another order has the wrong checksum.
 */
import { crc32 } from 'node:zlib';

const MAGIC = 'REGROW J';
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 8;
const CRC_BYTES = 4;
export const FRAME_BYTES = 8;
/** Largest payload of a record. */
export const MAX_RECORD_BYTES = 16 * 2 ** 20;
/** Largest preamble: facts are a few names and numbers. */
export const MAX_PREAMBLE_BYTES = 64 * 2 ** 10;

/** Index and length of a record, before its checksum is taken. */
const PLACE = Buffer.alloc(8);

/** The journal cannot be read or written as it must be; the message is for the operator. */
export class JournalError extends Error {
  override name = 'JournalError';
}

/** A newer version of the program has written the segment. */
export class JournalVersionError extends JournalError {
  override name = 'JournalVersionError';
}

export interface Preamble {
  readonly seq: number;
  /** Records before this segment were dropped. */
  readonly isAfterGap: boolean;
  /** Which kernel steps the world, and whatever else holds for all records of the segment. */
  readonly facts: unknown;
  /** What the checksum of each record begins with. */
  readonly crc: number;
  /** Length of the whole preamble: the first record begins there. */
  readonly bytes: number;
}

export const segmentName = (seq: number): string => `journal-${String(seq).padStart(8, '0')}.log`;

/** @returns the numbers of the segments among a folder's names, ascending */
export function segmentsAmong(names: readonly string[]): number[] {
  return names
    .flatMap((name) => {
      const seq = Number(/^journal-(\d+)\.log$/.exec(name)?.[1]);
      return segmentName(seq) === name ? [seq] : [];
    })
    .sort((a, b) => a - b);
}

/** @throws RangeError when the facts are too long */
export function encodePreamble(
  seq: number,
  isAfterGap: boolean,
  facts: unknown,
): { bytes: Uint8Array; crc: number } {
  const json = Buffer.from(JSON.stringify({ seq, id: crypto.randomUUID(), isAfterGap, facts }));
  const end = PREFIX_BYTES + json.length;
  if (end + CRC_BYTES > MAX_PREAMBLE_BYTES)
    throw new RangeError(`a preamble of ${end + CRC_BYTES} bytes; at most ${MAX_PREAMBLE_BYTES} are written`);
  const bytes = Buffer.alloc(end + CRC_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(VERSION, MAGIC.length);
  bytes.writeUInt32LE(json.length, MAGIC.length + 4);
  json.copy(bytes, PREFIX_BYTES);
  const crc = crc32(bytes.subarray(0, end));
  bytes.writeUInt32LE(crc, end);
  return { bytes, crc };
}

/**
 * @param start - the first MAX_PREAMBLE_BYTES of a segment, or all of a shorter one
 * @returns 'torn' when the bytes can be what is left of a preamble that was being written when the power failed. A
 * record is written only when the preamble is on disk, so nothing may follow a torn one.
 * @throws JournalError, JournalVersionError
 */
export function decodePreamble(start: Buffer, seq: number): Preamble | 'torn' {
  const isWhole = start.length < MAX_PREAMBLE_BYTES;
  // A disk block that was not written before the file's length was is read as zeros.
  if (isWhole && start.subarray(0, MAGIC.length).every((byte) => byte === 0)) return 'torn';
  const magic = start.toString('latin1', 0, MAGIC.length);
  if (!MAGIC.startsWith(magic)) throw new JournalError(`it does not begin with ${MAGIC}`);
  if (start.length < PREFIX_BYTES) return 'torn';
  const version = start.readUInt32LE(MAGIC.length);
  if (version > VERSION)
    throw new JournalVersionError(`it has version ${version}; this program reads up to version ${VERSION}`);
  const end = PREFIX_BYTES + start.readUInt32LE(MAGIC.length + 4);
  if (end + CRC_BYTES > start.length && isWhole) return 'torn';
  if (end + CRC_BYTES > start.length) throw new JournalError('its header is too long');
  const crc = crc32(start.subarray(0, end));
  if (crc !== start.readUInt32LE(end)) {
    if (end + CRC_BYTES === start.length) return 'torn';
    throw new JournalError('the checksum of its header does not match');
  }
  const header = JSON.parse(start.toString('utf8', PREFIX_BYTES, end)) as Preamble;
  if (header.seq !== seq) throw new JournalError(`it says that it is segment ${header.seq}`);
  return { seq, isAfterGap: header.isAfterGap, facts: header.facts, crc, bytes: end + CRC_BYTES };
}

/**
 * @param crc - of the segment's preamble
 * @returns what stands before the payload
 */
export function encodeFrame(payload: Uint8Array, crc: number, index: number): Uint8Array {
  const frame = Buffer.allocUnsafe(FRAME_BYTES);
  frame.writeUInt32LE(payload.length, 0);
  frame.writeUInt32LE(checksumOf(payload, crc, index), 4);
  return frame;
}

export function checksumOf(payload: Uint8Array, crc: number, index: number): number {
  PLACE.writeUInt32LE(index, 0);
  PLACE.writeUInt32LE(payload.length, 4);
  return crc32(payload, crc32(PLACE, crc));
}
