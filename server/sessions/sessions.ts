/**
 * Sessions. One begins with the first player who joins. It ends 30 s after the last has left (`emptyMs`), when an admin
 * ends it, or with the server. After an admin's end, the next stroke or join begins the next one. Its events are
 * kept in an open record as they come, and become the session's record at its end.
 */
import { existsSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { PastSession, RunningSession, SessionEnd } from '../../shared/adminApi.ts';
import { Turns } from '../turns.ts';
import type { WorldLink } from '../world/messages.ts';
import type { WoundEvent } from '../world/woundWatch.ts';
import { type Counts, Draft } from './draft.ts';
import { OpenRecord, openRecordName, recoverOpenRecords } from './openRecord.ts';
import { readSessionHead, type SessionRecord, sessionId, writeSession } from './record.ts';

/** Largest number of records kept, and of their bytes together; the oldest are removed first. */
export const MAX_KEPT_RECORDS = 100;
const MAX_KEPT_BYTES = 256 * 2 ** 20;
/** Least time between two counts in the open record. */
const COUNTS_MS = 1_000;
const RECORD = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.json$/;

export interface SessionsOptions {
  readonly world: Pick<WorldLink, 'ask' | 'onWounds'>;
  readonly dataDir: string;
  /** From the last player's leaving to the end of the session. */
  readonly emptyMs: number;
  /** Gets what the operator should read. */
  readonly log: (message: string) => void;
}

interface Running {
  readonly draft: Draft;
  readonly open: OpenRecord;
  /** When it began, on a monotonic clock: a session's length is measured, only its beginning is a date. */
  readonly beganMs: number;
  /** Address → the most players at once from that address in this session. */
  readonly mostOf: Map<string, number>;
}

export class Sessions {
  /** A session has begun: the tuner pauses. */
  onBegin: () => void = () => {};
  /** A session has ended, and its record is on disk. */
  onEnd: (record: SessionRecord) => void = () => {};
  /** Records that this start made of the open records of killed processes; `onEnd` is not called for them. */
  readonly recovered: SessionRecord[] = [];
  readonly folder: string;
  readonly #options: SessionsOptions;
  /** Id of the player's connection → address. */
  readonly #present = new Map<string, string>();
  readonly #presentFrom = new Map<string, number>();
  #current: Running | null = null;
  /** Sessions that have ended, while the world has not yet reported the end of their wounds. */
  readonly #endings = new Set<Running>();
  /** Sessions end one after another. */
  readonly #turns = new Turns();
  #emptyTimer: NodeJS.Timeout | undefined;
  #countsTimer: NodeJS.Timeout | undefined;
  #lastBeganMs = 0;
  #isClosed = false;
  readonly #heads = new Map<string, PastSession>();

  private constructor(options: SessionsOptions) {
    this.#options = options;
    this.folder = join(options.dataDir, 'sessions');
    options.world.onWounds = (events) => this.#hear(events);
  }

  /** Makes records of the open records that killed processes left, and waits for the first player. */
  static async open(options: SessionsOptions): Promise<Sessions> {
    const sessions = new Sessions(options);
    try {
      const { records, notes, remove } = await recoverOpenRecords(sessions.folder);
      for (const note of notes) options.log(note);
      for (const record of records) {
        // The process may have been killed just after writing the record.
        if (existsSync(sessions.#path(record.id))) continue;
        await writeSession(sessions.#path(record.id), record);
        sessions.recovered.push(record);
        options.log(`session ${record.id} ended with the process; wounds kept: ${record.wounds.length}`);
      }
      await remove();
      if (records.length > 0) await sessions.#prune();
    } catch (error) {
      // A failing disk does not stop the server; the next start tries the open records again.
      options.log(`sessions: ${(error as Error).message}`);
    }
    return sessions;
  }

  get isRunning(): boolean {
    return this.#current !== null;
  }

  get running(): RunningSession | null {
    return this.#current === null ? null : { ...this.#current.draft.figures, atOnce: this.#present.size };
  }

  // --- events ---

  /** @param address - counted, never written down */
  join(id: string, address: string): void {
    if (this.#present.has(id)) return;
    this.#present.set(id, address);
    this.#presentFrom.set(address, (this.#presentFrom.get(address) ?? 0) + 1);
    clearTimeout(this.#emptyTimer);
    if (this.#current === null) this.#begin();
    else this.#countHeads();
  }

  leave(id: string): void {
    const address = this.#present.get(id);
    if (address === undefined) return;
    this.#present.delete(id);
    const left = this.#presentFrom.get(address)! - 1;
    if (left > 0) this.#presentFrom.set(address, left);
    else this.#presentFrom.delete(address);
    this.#waitIfEmpty();
  }

  /** A player's stroke was applied or refused. */
  stroke(isApplied: boolean): void {
    if (this.#current === null && isApplied) this.#begin();
    if (this.#current === null) return;
    const { draft } = this.#current;
    const { strokes, refusedStrokes } = draft.counts;
    this.#count(isApplied ? { strokes: strokes + 1 } : { refusedStrokes: refusedStrokes + 1 });
  }

  #hear(events: readonly WoundEvent[]): void {
    for (const event of events) {
      if (event.type === 'open' && this.#endings.size === 0 && this.#current === null) this.#begin();
      for (const running of [...this.#endings, ...(this.#current === null ? [] : [this.#current])]) {
        const isIts = running.draft.apply(event);
        if (isIts) running.open.write(event);
        // A wound that opens before the world's last report belongs to the session that ends.
        if (isIts || event.type === 'open') break;
      }
    }
  }

  #begin(): void {
    if (this.#isClosed) return;
    const beganAt = this.#freeTime();
    const { log } = this.#options;
    this.#current = {
      draft: new Draft(beganAt),
      open: new OpenRecord(this.folder, beganAt, log),
      beganMs: performance.now(),
      mostOf: new Map(),
    };
    this.#countHeads();
    this.#waitIfEmpty();
    this.onBegin();
  }

  /** The wall clock's time, or the next millisecond that names no other session: the clock may have been set back. */
  #freeTime(): string {
    let ms = Date.now();
    const isTaken = (): boolean => {
      const id = sessionId(new Date(ms).toISOString());
      // The files of the session before may not be on disk yet.
      return (
        ms === this.#lastBeganMs ||
        existsSync(this.#path(id)) ||
        existsSync(join(this.folder, openRecordName(id)))
      );
    };
    while (isTaken()) ms++;
    this.#lastBeganMs = ms;
    return new Date(ms).toISOString();
  }

  #countHeads(): void {
    const { draft, mostOf } = this.#current!;
    let { players, mostAtOnce } = draft.counts;
    for (const [address, here] of this.#presentFrom) {
      const most = mostOf.get(address) ?? 0;
      if (here <= most) continue;
      mostOf.set(address, here);
      players += here - most;
    }
    mostAtOnce = Math.max(mostAtOnce, this.#present.size);
    this.#count({ players, mostAtOnce });
  }

  /** Changes counts of the session; they are in the open record within a second. */
  #count(change: Partial<Counts>): void {
    const { draft, open } = this.#current!;
    draft.apply({ type: 'counts', ...draft.counts, ...change });
    this.#countsTimer ??= setTimeout(() => {
      this.#countsTimer = undefined;
      open.write({ type: 'counts', ...draft.counts });
    }, COUNTS_MS).unref();
  }

  #waitIfEmpty(): void {
    if (this.#current === null || this.#present.size > 0) return;
    clearTimeout(this.#emptyTimer);
    this.#emptyTimer = setTimeout(() => void this.end('empty'), this.#options.emptyMs).unref();
  }

  // --- the end ---

  /** @returns the record; null: no session was running, or the record could not be written (the operator is told) */
  async end(endedBy: 'empty' | 'admin'): Promise<SessionRecord | null> {
    const running = this.#take();
    if (running === null) return null;
    this.#endings.add(running);
    return this.#turns.take(async () => {
      try {
        await this.#options.world.ask({ kind: 'endWounds' });
      } catch (error) {
        this.#options.log(`sessions: wounds are closed as they were last seen: ${(error as Error).message}`);
      } finally {
        this.#endings.delete(running);
      }
      return this.#keep(running, endedBy);
    });
  }

  /** Ends the session with the server. Call it when the world has stopped and has reported the end of its wounds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = this.#take();
    await this.#turns.take(async () => {
      if (running !== null) await this.#keep(running, 'shutdown');
    });
  }

  #take(): Running | null {
    const running = this.#current;
    this.#current = null;
    clearTimeout(this.#emptyTimer);
    clearTimeout(this.#countsTimer);
    this.#countsTimer = undefined;
    return running;
  }

  async #keep({ draft, open, beganMs }: Running, endedBy: SessionEnd): Promise<SessionRecord | null> {
    const endedMs = Date.parse(draft.beganAt) + Math.round(performance.now() - beganMs);
    const record = draft.finish(endedBy, new Date(endedMs).toISOString());
    const path = this.#path(record.id);
    try {
      await writeSession(path, record);
      await open.remove();
    } catch (error) {
      // The open record stays: the next start makes a record of it.
      this.#options.log(
        `the session's record could not be written, and stays open: ${path}: ${(error as Error).message}`,
      );
      return null;
    }
    await this.#prune().catch((error: Error) => this.#options.log(`sessions: ${error.message}`));
    this.onEnd(record);
    return record;
  }

  // --- earlier sessions ---

  /** Newest first; a record that cannot be read has its fault instead. */
  async past(most: number): Promise<PastSession[]> {
    const names = (await this.#names()).slice(-most).reverse();
    return Promise.all(names.map((name) => this.#head(name)));
  }

  /** The newest session in which a body was hurt; null: there is none. */
  async lastThatHurt(): Promise<string | null> {
    for (const head of await this.past(MAX_KEPT_RECORDS))
      if (!('fault' in head) && head.damage.some(({ wounds }) => wounds > 0)) return head.id;
    return null;
  }

  async #head(name: string): Promise<PastSession> {
    const known = this.#heads.get(name);
    if (known !== undefined) return known;
    const head = await readSessionHead(join(this.folder, name)).catch((error: Error) => {
      return { id: name.slice(0, -'.json'.length), fault: error.message };
    });
    this.#heads.set(name, head);
    return head;
  }

  /** Oldest first. */
  async #names(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => RECORD.test(name)).sort();
  }

  /** Removes sessions that hurt no body first, then the oldest. */
  async #prune(): Promise<void> {
    const files = await Promise.all(
      (await this.#names()).map(async (name) => {
        const head = await this.#head(name);
        const isEmpty = !('fault' in head) && head.damage.every(({ wounds }) => wounds === 0);
        return { name, isEmpty, size: (await stat(join(this.folder, name))).size };
      }),
    );
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    let left = files.length;
    const byWorth = [...files.filter(({ isEmpty }) => isEmpty), ...files.filter(({ isEmpty }) => !isEmpty)];
    for (const { name, size } of byWorth) {
      if (left <= MAX_KEPT_RECORDS && (bytes <= MAX_KEPT_BYTES || left === 1)) break;
      await unlink(join(this.folder, name));
      this.#heads.delete(name);
      bytes -= size;
      left--;
    }
    if (left < files.length)
      this.#options.log(
        `sessions: ${files.length - left} old records removed; ${MAX_KEPT_RECORDS} are kept, of ${MAX_KEPT_BYTES / 2 ** 20} MB at most`,
      );
  }

  #path(id: string): string {
    return join(this.folder, `${id}.json`);
  }
}
