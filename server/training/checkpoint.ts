/** Training snapshots on disk: Node's own serialisation, compressed. Read only files that this program wrote. */
import { readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { writeWhole } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import type { Snapshot } from './snapshot.ts';

/** Version of `Snapshot`: other states on disk that hold one name it, so that none is read as another version. */
export const SNAPSHOT_FORMAT = 7;
const MAGIC = `regrow-checkpoint-${SNAPSHOT_FORMAT}`;

export const writeCheckpoint = (file: string, snapshot: Snapshot): void => writeState(file, MAGIC, snapshot);

/** @throws RuleError that names the file */
export const readCheckpoint = (file: string): Snapshot => readState(file, MAGIC);

/** @param magic - names kind and version of the state; a file with another one is refused */
export function writeState(file: string, magic: string, snapshot: unknown): void {
  const bytes = serialize({ magic, snapshot });
  // With a checksum: otherwise a flipped bit in a pool would be trained on.
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  writeWhole(file, zstdCompressSync(bytes, { params }));
}

/** @throws RuleError that names the file */
export function readState<T>(file: string, magic: string): T {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new RuleError(
      code === 'ENOENT' ? `${file}: no checkpoint is there` : `${file} cannot be read: ${message}`,
    );
  }
  const content = unpacked(bytes) as { readonly magic?: unknown; readonly snapshot: T } | null;
  if (content?.magic === magic) return content.snapshot;
  throw new RuleError(`${file} is not a checkpoint, or not a whole one`);
}

/** @returns null when the bytes are damaged, or are not what `writeState` wrote */
function unpacked(bytes: Uint8Array): unknown {
  try {
    return deserialize(zstdDecompressSync(bytes));
  } catch (error) {
    // `ZSTD_error_…` and `Z_BUF_ERROR` of zlib; V8 gives its errors no code.
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z') || message.startsWith('Unable to deserialize')) return null;
    throw error;
  }
}
