/** Training snapshots on disk: Node's own serialisation, compressed. Read only files that this program wrote. */
import { readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { writeWhole } from '../rules/load.ts';
import { RuleError } from '../rules/rule.ts';
import type { Snapshot } from './train.ts';

const MAGIC = 'regrow-checkpoint-6';

export function writeCheckpoint(file: string, snapshot: Snapshot): void {
  const bytes = serialize({ magic: MAGIC, snapshot });
  // With a checksum: otherwise a flipped bit in a pool would be trained on.
  const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 };
  writeWhole(file, zstdCompressSync(bytes, { params }));
}

/** @throws RuleError that names the file */
export function readCheckpoint(file: string): Snapshot {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new RuleError(`${file}: no checkpoint is there`);
  }
  try {
    const { magic, snapshot } = deserialize(zstdDecompressSync(bytes));
    if (magic === MAGIC) return snapshot;
  } catch {
    // Reported below: training cannot go on from it, whatever is wrong.
  }
  throw new RuleError(`${file} is not a checkpoint, or not a whole one`);
}
