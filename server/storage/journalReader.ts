/**
 * Reads the journal's segments in order, in bounded memory. What follows the last sound record of the last segment is a
 * torn tail: a group that was being written when the process or the machine stopped. It ends the reading and is
 * reported. Anything unsound elsewhere is damage, and reading it would make another world: the reader throws.
 *
 * Damage in the last segment before its end cannot be told from a torn tail, and ends the reading as well.
 *
 * Segments after a gap end the reading, too: records before them were dropped when the disk failed, and nothing is
 * acknowledged between the gap and the next save, which would be the one that is read from. So no acknowledged entry is
 * lost.
 */
import { dirname, join } from 'node:path';
import { DISK, type Disk, type DiskFile, readAt } from '../files/disk.ts';
import {
  checksumOf,
  decodePreamble,
  FRAME_BYTES,
  JournalError,
  JournalVersionError,
  MAX_PREAMBLE_BYTES,
  MAX_RECORD_BYTES,
  type Preamble,
  segmentName,
  segmentsAmong,
} from './segment.ts';

/** A file is read in pieces of this size, or of one record where that is longer. */
const CHUNK_BYTES = 2 ** 20;

export interface JournalEntry {
  /** Number and facts of the segment that the record is in. */
  readonly seq: number;
  readonly facts: unknown;
  /** Where it begins in the segment. */
  readonly at: number;
  readonly record: Uint8Array;
}

/** A segment is damaged or missing. */
export class JournalDamageError extends JournalError {
  override name = 'JournalDamageError';
  readonly seq: number;
  /** Where the sound part of the segment ends; 0: it has none. */
  readonly at: number;

  constructor(message: string, seq: number, at: number) {
    super(message);
    this.seq = seq;
    this.at = at;
  }
}

interface Tail {
  readonly path: string;
  /** Where it begins; 0: not even the preamble is whole. */
  readonly at: number;
  readonly bytes: number;
}

export class JournalReader {
  /** Lines for the operator. */
  readonly notes: string[] = [];
  readonly #folder: string;
  readonly #disk: Disk;
  #tail: Tail | null = null;
  #leftOut: readonly number[] = [];
  #nextSeq: number;

  /** @param fromSeq - the first segment that is read; what is before it does not matter */
  constructor(folder: string, fromSeq: number, disk = DISK) {
    this.#folder = folder;
    this.#disk = disk;
    this.#nextSeq = fromSeq;
  }

  /** After `entries` and `cutTail`: the number that the next segment must have. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** After `entries`: bytes of the torn tail; null: there is none. */
  get tornBytes(): number | null {
    return this.#tail === null ? null : this.#tail.bytes;
  }

  /** After `entries`: the numbers of the segments after a gap. */
  get leftOut(): readonly number[] {
    return this.#leftOut;
  }

  /**
   * Every sound record from the first segment on, up to a gap.
   *
   * @throws JournalDamageError at the first one that is unsound or missing; all that were yielded before are as they
   * were appended
   * @throws JournalVersionError, and errors of the disk
   */
  async *entries(): AsyncGenerator<JournalEntry> {
    const first = this.#nextSeq;
    const seqs = segmentsAmong(await this.#disk.list(this.#folder)).filter((seq) => seq >= first);
    for (const [i, seq] of seqs.entries()) {
      const isMissing = seq !== first + i;
      if (seq !== first && (await this.#isAfterGap(seq, isMissing))) return this.#leaveOut(seqs.slice(i));
      if (isMissing)
        throw new JournalDamageError(
          `${this.#pathOf(first + i)} is missing: ${segmentName(seq)} is there`,
          first + i,
          0,
        );
      yield* this.#segment(seq, seqs.at(i + 1));
    }
  }

  /**
   * After `entries`: removes the torn tail and sets aside the segments after a gap, so that a further segment may follow.
   * A segment without a whole preamble is deleted.
   */
  async cutTail(): Promise<void> {
    // The last segment first: after a crash in between, no segment may follow a missing one.
    for (const seq of this.#leftOut.toReversed()) {
      const path = this.#pathOf(seq);
      await this.#disk.rename(path, `${path}.after-gap-${new Date().toISOString().replaceAll(':', '-')}`);
      await this.#disk.syncFolder(this.#folder);
    }
    this.#leftOut = [];
    if (this.#tail === null) return;
    const { path, at } = this.#tail;
    if (at === 0) {
      await this.#disk.remove(path);
      await this.#disk.syncFolder(dirname(path));
    } else {
      const file = await this.#disk.open(path, 'change');
      try {
        await file.truncate(at);
        await file.datasync();
      } finally {
        await file.close();
      }
    }
    this.#tail = null;
  }

  async *#segment(seq: number, next: number | undefined): AsyncGenerator<JournalEntry> {
    const path = this.#pathOf(seq);
    const file = await this.#disk.open(path, 'read');
    try {
      const view = new View(file);
      const preamble = await readPreamble(view, path, seq);
      if (preamble === 'torn') {
        if (!(await this.#mayBeTorn(next)))
          throw new JournalDamageError(`${path}: its preamble is cut off`, seq, 0);
        return this.#tear(path, 0, await file.size(), 0);
      }
      this.#nextSeq = seq + 1;
      yield* this.#records(view, path, preamble, await file.size(), next);
    } finally {
      await file.close();
    }
  }

  async *#records(
    view: View,
    path: string,
    { seq, facts, crc, bytes }: Preamble,
    size: number,
    next: number | undefined,
  ): AsyncGenerator<JournalEntry> {
    let at = bytes;
    for (let index = 0; at < size; index++) {
      const record = await readRecord(view, at, crc, index);
      if (typeof record === 'string') {
        if (!(await this.#mayBeTorn(next)))
          throw new JournalDamageError(`${path}, byte ${at}: record ${index + 1} ${record}`, seq, at);
        return this.#tear(path, at, size, index);
      }
      yield { seq, facts, at, record };
      at += FRAME_BYTES + record.length;
    }
  }

  /** Whether the segment before `next` is the last one, or the disk failed before that segment was whole. */
  async #mayBeTorn(next: number | undefined): Promise<boolean> {
    return next === undefined || this.#isAfterGap(next);
  }

  /** @param ifTorn - the answer when a crash has torn the preamble, which says it */
  async #isAfterGap(seq: number, ifTorn = false): Promise<boolean> {
    const file = await this.#disk.open(this.#pathOf(seq), 'read');
    try {
      const preamble = await readPreamble(new View(file), this.#pathOf(seq), seq);
      return preamble === 'torn' ? ifTorn : preamble.isAfterGap;
    } finally {
      await file.close();
    }
  }

  /** @throws JournalDamageError when a save was written after the gap */
  async #leaveOut(seqs: readonly number[]): Promise<void> {
    const [first] = seqs;
    // The journal has a gap until a save is written: only then does a segment follow as usual.
    for (const seq of seqs)
      if (!(await this.#isAfterGap(seq, true)))
        throw new JournalDamageError(
          `${this.#pathOf(seq)} follows a save that is not there: records before ${segmentName(first)} were dropped when the disk failed`,
          first,
          0,
        );
    this.#leftOut = seqs;
    this.notes.push(
      `records before ${this.#pathOf(first)} were dropped when the disk failed, and no save followed: what came after, ${seqs.map(segmentName).join(', ')}, was not acknowledged and is set aside`,
    );
  }

  #pathOf(seq: number): string {
    return join(this.#folder, segmentName(seq));
  }

  #tear(path: string, at: number, size: number, records: number): void {
    this.#tail = { path, at, bytes: size - at };
    this.notes.push(`cut off ${size - at} bytes after record ${records} of ${path}`);
  }
}

async function readPreamble(view: View, path: string, seq: number): Promise<Preamble | 'torn'> {
  try {
    return decodePreamble(await view.at(0, MAX_PREAMBLE_BYTES), seq);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    error.message = `${path}: ${error.message}`;
    throw error instanceof JournalVersionError ? error : new JournalDamageError(error.message, seq, 0);
  }
}

/** @returns the record, or what is wrong with it */
async function readRecord(view: View, at: number, crc: number, index: number): Promise<Uint8Array | string> {
  const frame = await view.at(at, FRAME_BYTES);
  if (frame.length < FRAME_BYTES) return 'is cut off in its length';
  const length = frame.readUInt32LE(0);
  if (length > MAX_RECORD_BYTES) return `says that it has ${length} bytes`;
  const record = await view.at(at + FRAME_BYTES, length);
  if (record.length < length) return 'is cut off';
  return checksumOf(record, crc, index) === frame.readUInt32LE(4) ? record : 'has a wrong checksum';
}

/** Bytes of a file, read in chunks. A chunk is not written to again, so what was handed out stays as it is. */
class View {
  readonly #file: DiskFile;
  #chunk: Buffer = Buffer.alloc(0);
  /** Where the chunk begins in the file. */
  #start = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** @returns the bytes at a position; fewer at the end of the file */
  async at(position: number, bytes: number): Promise<Buffer> {
    let from = position - this.#start;
    if (from < 0 || from + bytes > this.#chunk.length) {
      this.#chunk = await readAt(this.#file, position, Math.max(bytes, CHUNK_BYTES));
      this.#start = position;
      from = 0;
    }
    return this.#chunk.subarray(from, from + bytes);
  }
}
