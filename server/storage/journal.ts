/**
 * The journal: records in the order of `append`, in segments (`segment.ts`). The calling thread does not wait: a
 * record is kept in memory until it is on disk. Records that come while a group is being written form the next group,
 * so there is at most one write and one fdatasync at a time, however many records come.
 *
 * What survives a crash at any point:
 * - A segment's name and preamble are on disk before its first record is written. A segment without a whole preamble
 *   holds nothing.
 * - A segment is created only when every record of the one before is on disk, also under durability 'os'. So none
 *   between two is missing, and only the last one can be torn.
 * - Records of a group that was not finished may be there, in part or whole, behind all finished groups.
 * - A segment is created under its own name: a half-made one does no harm. `open` makes sure that no file has the name.
 *
 * When the disk fails, the journal tries again after a pause, and records wait in memory. When they are too many, or
 * under 'os' the end of a segment cannot be synced, it is broken: it drops what waits, and only `rotate` makes it good
 * again. That segment is marked as coming after a gap, so that nobody replays it as a continuation of the one before.
 */
import { join } from 'node:path';
import { DISK, type Disk, diskReason } from '../files/disk.ts';
import { Progress } from './progress.ts';
import { JournalError, MAX_RECORD_BYTES, segmentName, segmentsAmong } from './segment.ts';
import { GROUP_BYTES, SegmentWriter } from './segmentWriter.ts';

/** Largest number of bytes that wait for the disk: almost an hour of 64 records of 300 bytes per second. */
export const MAX_WAITING_BYTES = 64 * 2 ** 20;
const MIN_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5000;

/** 'flush': on disk, so that power loss takes nothing; 'os': written, so that the end of the process takes nothing. */
export type Durability = 'flush' | 'os';

export interface JournalOptions {
  /** Must exist; nothing else may write its segments. */
  readonly folder: string;
  /** Number of the first segment, larger than any that the folder has. */
  readonly seq: number;
  /** JSON, for the first preamble. */
  readonly facts: unknown;
  readonly durability: Durability;
  /** Records before it are lost. Default: none are. */
  readonly isAfterGap?: boolean;
  /** Gets a line when trouble begins, changes or ends. */
  readonly log: (line: string) => void;
  readonly disk?: Disk;
  readonly maxWaitingBytes?: number;
}

export class Journal {
  /** Called when `trouble` changes. */
  onTrouble: (reason: string | null) => void = () => {};
  // Written since `open`: bytes (with each record's length and checksum), records, and groups.
  flushedBytes = 0;
  records = 0;
  flushes = 0;

  readonly #options: Required<JournalOptions>;
  #seq = 0;
  /** The segment that is being written, then those that follow it. Empty: the journal is broken. */
  #segments: SegmentWriter[] = [];
  /** The segment whose file may be open. */
  #current: SegmentWriter | null = null;
  #waitingBytes = 0;
  /** Counts segments and records together, in their order. */
  readonly #progress = new Progress();
  /** Segments and records up to this count of `#progress` are written without waiting for more. */
  #wanted = 0;
  #trouble: string | null = null;
  #pumping: Promise<void> | null = null;
  #pauseMs = MIN_PAUSE_MS;
  #endPause: () => void = () => {};
  #isClosed = false;

  /** @throws JournalError when the folder has this segment or a later one */
  static async open(options: JournalOptions): Promise<Journal> {
    const all = { disk: DISK, maxWaitingBytes: MAX_WAITING_BYTES, isAfterGap: false, ...options };
    const last = segmentsAmong(await all.disk.list(options.folder)).at(-1) ?? 0;
    if (last >= options.seq)
      throw new JournalError(
        `${options.folder} has ${segmentName(last)}: segment ${options.seq} cannot begin`,
      );
    return new Journal(all);
  }

  private constructor(options: Required<JournalOptions>) {
    this.#options = options;
    this.#begin(options.seq, options.facts, options.isAfterGap);
  }

  /** Why records cannot be written; null: they can. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** While true, records are dropped; `rotate` ends it. */
  get isBroken(): boolean {
    return this.#segments.length === 0;
  }

  /** The number that `rotate` gives next. */
  get nextSeq(): number {
    return this.#seq + 1;
  }

  /** Bytes of records that are not written yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * @param record - the journal's own from now on; at most MAX_RECORD_BYTES
   * @param flush - false: nobody waits for this record. It is written with the next record that has `flush`, at
   * `flushed`, `rotate` or `close`, or when GROUP_BYTES wait
   */
  append(record: Uint8Array, { flush = true }: { flush?: boolean } = {}): void {
    if (this.#isClosed) throw new Error('the journal is closed');
    if (record.length > MAX_RECORD_BYTES)
      throw new RangeError(`a record of ${record.length} bytes; at most ${MAX_RECORD_BYTES} can be written`);
    if (this.isBroken) return;
    this.#waitingBytes += this.#segments.at(-1)!.append(record);
    this.#progress.begin();
    if (this.#waitingBytes > this.#options.maxWaitingBytes)
      this.#break(`${this.#waitingBytes} bytes waited; ${this.#trouble ?? 'the disk is too slow'}`);
    else if (flush || this.#waitingBytes >= GROUP_BYTES) this.#want();
  }

  /**
   * Resolves when every segment begun and every record appended so far is on disk, or written for durability 'os'.
   *
   * @throws JournalError when one of them was dropped, and while the journal is broken
   */
  async flushed(): Promise<void> {
    if (this.isBroken) throw new JournalError(`the journal is broken: ${this.#trouble}`);
    this.#want();
    return this.#progress.wait();
  }

  /** @returns the number of the segment that all further records go to */
  rotate(facts: unknown): number {
    if (this.#isClosed) throw new Error('the journal is closed');
    this.#begin(this.#seq + 1, facts, this.isBroken);
    return this.#seq;
  }

  /** Drops the records that wait, because the next do not follow from them. Breaks the journal until `rotate`. */
  drop(reason: string): void {
    if (!this.isBroken) this.#break(reason);
  }

  /**
   * Deletes segments with smaller numbers, the oldest first, but none that is still being written.
   *
   * @throws Error of the disk
   */
  async removeBefore(seq: number): Promise<void> {
    const { folder, disk } = this.#options;
    const end = Math.min(seq, this.#segments[0]?.seq ?? this.#seq);
    for (const old of segmentsAmong(await disk.list(folder)))
      if (old < end) await disk.remove(join(folder, segmentName(old)));
  }

  /**
   * Brings everything to the disk, under durability 'os', too. A disk in trouble gets one more attempt.
   * @throws JournalError when something could not be written
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endPause();
    // What could not be written is reported when the file is closed.
    await this.flushed().catch(() => {});
    await this.#pumping;
    const last = this.#segments.at(0);
    await last?.finish().catch((error: unknown) => this.#break(diskReason(error)));
    await this.#current?.abandon();
    if (this.isBroken) throw new JournalError(`not everything was written: ${this.#trouble}`);
  }

  #begin(seq: number, facts: unknown, isAfterGap: boolean): void {
    const { folder, disk, durability } = this.#options;
    const place = { disk, path: join(folder, segmentName(seq)), seq };
    this.#segments.push(new SegmentWriter({ ...place, isAfterGap, facts, syncs: durability === 'flush' }));
    this.#seq = seq;
    this.#progress.begin();
    this.#want();
  }

  #want(): void {
    this.#wanted = this.#progress.begun;
    // Records appended in the same turn of the event loop are written in one group.
    this.#pumping ??= Promise.resolve().then(() => this.#pump());
  }

  async #pump(): Promise<void> {
    for (;;) {
      const segment = this.#segments.at(0) ?? null;
      if (this.#current !== segment) {
        await this.#current?.abandon();
        this.#current = segment;
      } else if (segment === null || this.#progress.done >= this.#wanted) {
        this.#pumping = null;
        return;
      } else {
        await this.#write(segment).catch((error: unknown) => this.#fail(segment, error));
      }
    }
  }

  /** One thing at a time: the segment's preamble, a group of its records, or its end. */
  async #write(segment: SegmentWriter): Promise<void> {
    const { isThere, isIdle } = segment;
    if (isIdle) await segment.finish();
    else await segment.open();
    const { records, bytes } = isThere && !isIdle ? await segment.writeGroup() : { records: 0, bytes: 0 };
    // The segment was dropped during the write.
    if (segment !== this.#segments[0]) return;
    if (isIdle) this.#segments.shift();
    this.records += records;
    this.flushedBytes += bytes;
    this.flushes += records > 0 ? 1 : 0;
    this.#waitingBytes -= bytes;
    this.#progress.finish(records + (isThere ? 0 : 1));
    // A preamble may fit on a disk that has no room for records.
    if (records === 0 && !segment.isIdle) return;
    this.#pauseMs = MIN_PAUSE_MS;
    this.#setTrouble(null);
  }

  async #fail(segment: SegmentWriter, error: unknown): Promise<void> {
    // Errors of a disk have a code; any other is a bug.
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
    await segment.abandon();
    if (segment !== this.#segments[0]) return;
    const reason = `${segmentName(segment.seq)}: ${diskReason(error)}`;
    if (this.#isClosed || segment.mayHaveLost) return this.#break(reason);
    this.#setTrouble(reason);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#endPause = resolve;
    const timer = setTimeout(resolve, this.#pauseMs);
    await promise;
    clearTimeout(timer);
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  /** Drops everything that waits. */
  #break(reason: string): void {
    this.#segments = [];
    this.#waitingBytes = 0;
    this.#progress.drop(new JournalError(`the journal is broken: ${reason}`));
    // Closes the file.
    this.#want();
    this.#setTrouble(reason);
  }

  #setTrouble(reason: string | null): void {
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    const { log } = this.#options;
    log(reason === null ? 'the journal is written again' : `the journal is not written: ${reason}`);
    this.onTrouble(reason);
  }
}
