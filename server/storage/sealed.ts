/**
 * A file that is read back exactly as it was written, or not at all.
 * ```
 * file := magic{8} u32 version  u32 headerBytes  header{headerBytes}  body  sha256{32}
 * ```
 * Little-endian; the header is JSON; the hash covers everything before it. A file is written under another name, which
 * no other write has, flushed to disk and renamed: a crash leaves the old file or the new one, and a failed write only
 * the old one.
 */
import { createHash, randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { DISK, type Disk, type DiskFile, readAt, writeAll } from '../files/disk.ts';

const MAGIC_BYTES = 8;
const PREFIX_BYTES = MAGIC_BYTES + 8;
const HASH_BYTES = 32;

/** The file is truncated, changed, or of another kind. */
export class SealError extends Error {
  override name = 'SealError';
}

export interface Sealed {
  readonly version: number;
  readonly header: unknown;
  /** A view of the file's bytes. */
  readonly body: Uint8Array;
}

/**
 * @param magic - 8 ASCII characters
 * @param body - written piece by piece, so that it need not exist at once
 * @param keep - called when the new file is complete, before it replaces the old one
 * @returns the file's bytes
 */
export async function writeSealed(
  path: string,
  magic: string,
  version: number,
  header: unknown,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  keep: () => Promise<void> = async () => {},
  files: Disk = DISK,
): Promise<number> {
  const aside = `${path}.${randomUUID()}.tmp`;
  const file = await files.open(aside, 'new');
  try {
    let bytes: number;
    try {
      bytes = await writeBody(file, magic, version, header, body);
      await file.datasync();
    } finally {
      await file.close();
    }
    await keep();
    await files.rename(aside, path);
    await files.syncFolder(dirname(path));
    return bytes;
  } catch (error) {
    // A full disk must not stay fuller than before. After the rename, nothing has that name.
    await files.remove(aside).catch(() => {});
    throw error;
  }
}

async function writeBody(
  file: DiskFile,
  magic: string,
  version: number,
  header: unknown,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const hash = createHash('sha256');
  let written = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    await writeAll(file, [bytes], written);
    written += bytes.length;
  };
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(magic, 'latin1');
  prefix.writeUInt32LE(version, MAGIC_BYTES);
  prefix.writeUInt32LE(json.length, MAGIC_BYTES + 4);
  await write(prefix);
  await write(json);
  for await (const piece of body) await write(piece);
  await writeAll(file, [hash.digest()], written);
  return written + HASH_BYTES;
}

/**
 * Reads only the file's beginning, so that its size does not matter. The version is not checked against the checksum.
 *
 * @throws SealError for a file of another kind
 */
export async function sealedVersion(path: string, magic: string, files: Disk = DISK): Promise<number> {
  const file = await files.open(path, 'read');
  try {
    const prefix = await readAt(file, 0, PREFIX_BYTES);
    if (prefix.length < PREFIX_BYTES) throw new SealError(`${prefix.length} bytes are too few`);
    if (prefix.toString('latin1', 0, MAGIC_BYTES) !== magic)
      throw new SealError(`it does not begin with ${magic}`);
    return prefix.readUInt32LE(MAGIC_BYTES);
  } finally {
    await file.close();
  }
}

/** @throws SealError when the bytes are not exactly a file of this kind */
export function openSealed(bytes: Uint8Array, magic: string): Sealed {
  if (bytes.length < PREFIX_BYTES + HASH_BYTES) throw new SealError(`${bytes.length} bytes are too few`);
  if (Buffer.from(bytes.subarray(0, MAGIC_BYTES)).toString('latin1') !== magic)
    throw new SealError(`it does not begin with ${magic}`);
  const end = bytes.length - HASH_BYTES;
  const hash = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (!hash.equals(bytes.subarray(end))) throw new SealError('its checksum does not match');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = PREFIX_BYTES + view.getUint32(MAGIC_BYTES + 4, true);
  if (body > end) throw new SealError('its header is longer than the file');
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(bytes.subarray(PREFIX_BYTES, body)).toString());
  } catch {
    throw new SealError('its header is not JSON');
  }
  return { version: view.getUint32(MAGIC_BYTES, true), header, body: bytes.subarray(body, end) };
}
