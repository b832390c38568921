/** A journal without a disk: entries are flushed when the test says so. */
import { decodeEntry } from '../../server/world/acts.ts';
import type { WorldJournal } from '../../server/world/recorder.ts';
import type { JournalEntry } from '../../server/world/replay.ts';

export class FakeJournal implements WorldJournal {
  trouble: string | null = null;
  isBroken = false;
  /** By segment, from 1. */
  readonly segments: JournalEntry[][] = [[]];
  /** False: `flush` must be called. */
  isQuick: boolean;
  #waiting: PromiseWithResolvers<void>[] = [];

  constructor(isQuick = true) {
    this.isQuick = isQuick;
  }

  /** For each entry: whether somebody waits for the disk. */
  readonly awaited: boolean[] = [];

  append(entry: Uint8Array, isAwaited: boolean): void {
    this.segments[this.segments.length - 1].push(decodeEntry(entry));
    this.awaited.push(isAwaited);
  }

  flushed(): Promise<void> {
    if (this.isQuick) return Promise.resolve();
    const waiting = Promise.withResolvers<void>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  rotate(): number {
    this.isBroken = false;
    this.segments.push([]);
    return this.segments.length;
  }

  get nextSegment(): number {
    return this.segments.length + 1;
  }

  flush(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  lose(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('lost'));
  }
}
