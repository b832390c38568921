/**
 * Writes one segment of the journal, group by group. A failed or short write leaves nothing between two groups: the
 * file is opened again and cut back to the end of the last finished group. A group whose fdatasync failed counts as
 * lost and is written again, because the operating system may have dropped its bytes, and reports that only once.
 */
import { dirname } from 'node:path';
import { type Disk, type DiskFile, writeAll } from '../files/disk.ts';
import { encodeFrame, encodePreamble, FRAME_BYTES } from './segment.ts';

/** A group ends with the record that reaches this size: a nearly full disk gets on in small pieces. */
export const GROUP_BYTES = 2 ** 20;

export interface SegmentOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly seq: number;
  readonly isAfterGap: boolean;
  readonly facts: unknown;
  /** Each group is on disk before `writeGroup` resolves; false: each group is with the operating system. */
  readonly syncs: boolean;
}

/** What a group has brought to the disk. */
export interface Written {
  readonly records: number;
  /** Including each record's length and checksum. */
  readonly bytes: number;
}

/** Calls of its asynchronous methods must not overlap. */
export class SegmentWriter {
  readonly seq: number;
  readonly #options: SegmentOptions;
  readonly #preamble: Uint8Array;
  readonly #crc: number;
  #count = 0;
  /** Each record that is not on disk: length and checksum, then payload. */
  #waiting: Uint8Array[] = [];
  /** End of the last finished group. 0: not even the preamble is on disk. */
  #end = 0;
  #file: DiskFile | null = null;
  #mayHaveLost = false;

  constructor(options: SegmentOptions) {
    this.seq = options.seq;
    this.#options = options;
    const { bytes, crc } = encodePreamble(options.seq, options.isAfterGap, options.facts);
    this.#preamble = bytes;
    this.#crc = crc;
  }

  /** The preamble is on disk. */
  get isThere(): boolean {
    return this.#end > 0;
  }

  /** Everything appended so far is written. */
  get isIdle(): boolean {
    return this.isThere && this.#waiting.length === 0;
  }

  /** Its only fdatasync failed, when the records were no longer in memory. */
  get mayHaveLost(): boolean {
    return this.#mayHaveLost;
  }

  /** @returns how many bytes wait for it */
  append(record: Uint8Array): number {
    this.#waiting.push(encodeFrame(record, this.#crc, this.#count++), record);
    return FRAME_BYTES + record.length;
  }

  /** Makes the file, with its preamble on disk, or opens it again after a failure. */
  async open(): Promise<void> {
    if (this.#file !== null) return;
    const { disk, path } = this.#options;
    this.#file = await disk.open(path, this.isThere ? 'change' : 'create');
    if (this.isThere) return this.#file.truncate(this.#end);
    await writeAll(this.#file, [this.#preamble], 0);
    await this.#file.datasync();
    await disk.syncFolder(dirname(path));
    this.#end = this.#preamble.length;
  }

  /** Writes the next records that wait; the file must be open. After a failure only `abandon` and `open` may follow. */
  async writeGroup(): Promise<Written> {
    const file = this.#file!;
    let pieces = 0;
    let bytes = 0;
    while (pieces < this.#waiting.length && bytes < GROUP_BYTES)
      bytes += this.#waiting[pieces++].length + this.#waiting[pieces++].length;
    await writeAll(file, this.#waiting.slice(0, pieces), this.#end);
    if (this.#options.syncs) await file.datasync();
    this.#end += bytes;
    this.#waiting.splice(0, pieces);
    return { records: pieces / 2, bytes };
  }

  /** Closes the file with everything written on disk, whatever `syncs` says. */
  async finish(): Promise<void> {
    await this.open();
    if (!this.#options.syncs) {
      this.#mayHaveLost = true;
      await this.#file!.datasync();
      this.#mayHaveLost = false;
    }
    await this.abandon();
  }

  /** Closes the file as it is. */
  async abandon(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    // Finished groups are on disk already, and a descriptor is gone even when closing it fails.
    await file?.close().catch(() => {});
  }
}
