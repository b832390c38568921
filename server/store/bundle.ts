/**
 * The files of a folder as one blob: whoever reads it has all of them as they were at one moment.
 * ```
 * bundle := u32 headerBytes  header{headerBytes}  bytes of each file
 * ```
 * Little-endian. The header is JSON: names and lengths, in the order of names.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../rules/load.ts';

/** Largest bundle. A checkpoint of training has about 1 MB, a job's wounds at most as much. */
export const MAX_BUNDLE_BYTES = 64 * 2 ** 20;
const NAME = /^[A-Za-z0-9][\w.-]{0,119}\.[a-z]{2,16}$/;

/** The bytes are not a bundle. */
export class BundleError extends Error {
  override name = 'BundleError';
}

/** @param names - files of the folder; those that are not there are left out @throws BundleError when it is too long */
export function bundle(folder: string, names: readonly string[]): Buffer {
  const files = [...names]
    .sort()
    .filter((name) => existsSync(join(folder, name)))
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
  const header = Buffer.from(JSON.stringify(files.map(({ name, bytes }) => [name, bytes.length])));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const all = Buffer.concat([length, header, ...files.map(({ bytes }) => bytes)]);
  if (all.length > MAX_BUNDLE_BYTES)
    throw new BundleError(
      `the files of ${folder} have ${all.length} bytes, at most ${MAX_BUNDLE_BYTES} are sent`,
    );
  return all;
}

/**
 * Writes the files into a folder, each whole or not at all.
 *
 * @param last - the name of the file that says that the others are there
 * @throws BundleError; nothing is written then
 */
export function unbundle(bytes: Uint8Array, folder: string, last = ''): void {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = filesIn(all);
  files.sort(([a], [b]) => Number(a === last) - Number(b === last));
  for (const [name, content] of files) writeWhole(join(folder, name), content);
}

function filesIn(all: Buffer): [name: string, bytes: Buffer][] {
  if (all.length < 4) throw new BundleError('a bundle is cut off');
  let at = 4 + all.readUInt32LE(0);
  if (at > all.length) throw new BundleError('the header of a bundle is cut off');
  let header: unknown;
  try {
    header = JSON.parse(all.toString('utf8', 4, at));
  } catch {
    throw new BundleError('the header of a bundle is not JSON');
  }
  if (!Array.isArray(header)) throw new BundleError('the header of a bundle is not a list');
  const files = header.map((entry: unknown): [string, Buffer] => {
    const [name, bytes] = Array.isArray(entry) ? (entry as unknown[]) : [];
    // A name that is a path could lead out of the folder.
    if (typeof name !== 'string' || !NAME.test(name))
      throw new BundleError(`a bundle has a file named ${name}`);
    if (!Number.isSafeInteger(bytes) || (bytes as number) < 0)
      throw new BundleError(`${name} of a bundle has no length`);
    const from = at;
    at += bytes as number;
    return [name, all.subarray(from, at)];
  });
  if (at !== all.length) throw new BundleError(`a bundle has ${all.length} bytes, expected ${at}`);
  return files;
}
