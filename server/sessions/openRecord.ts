/**
 * A session's open record: its events as they come, one JSON object per line. A killed process loses only what the
 * operating system had not taken yet. The first line names the session. The file is removed when the record is on disk.
 */
import { appendFile, mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkEvent, Draft, type SessionEvent } from './draft.ts';
import { FactError, Facts } from './facts.ts';
import { SESSION_FORMAT, type SessionRecord, sessionId } from './record.ts';

const SUFFIX = '.open.jsonl';
/** Largest number of lines that wait for a slow disk; further ones are dropped and reported. */
const MAX_WAITING = 10_000;
/** A session's wounds take at most 30 MB. Further events are not written. */
const MAX_OPEN_BYTES = 64 * 2 ** 20;

export const openRecordName = (id: string): string => `${id}${SUFFIX}`;

export class OpenRecord {
  readonly #path: string;
  readonly #folder: string;
  readonly #log: (message: string) => void;
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #hasFailed = false;
  #isGone = false;
  #writing: Promise<void> | null = null;

  /** @param log - gets what could not be written, for the operator */
  constructor(folder: string, beganAt: string, log: (message: string) => void) {
    this.#folder = folder;
    this.#path = join(folder, openRecordName(sessionId(beganAt)));
    this.#log = log;
    this.#put({ format: SESSION_FORMAT, beganAt });
  }

  write(event: SessionEvent): void {
    this.#put(event);
  }

  #put(line: object): void {
    if (this.#isGone) return;
    if (this.#waiting.length >= MAX_WAITING || this.#bytes > MAX_OPEN_BYTES) this.#dropped++;
    else this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#writing ??= this.#drain();
  }

  /** Removes the file; call it when the record is on disk. */
  async remove(): Promise<void> {
    this.#isGone = true;
    while (this.#writing) await this.#writing;
    await unlink(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.join('');
      this.#waiting = [];
      try {
        if (this.#bytes === 0) await mkdir(this.#folder, { recursive: true });
        await appendFile(this.#path, lines);
        this.#bytes += Buffer.byteLength(lines);
      } catch (error) {
        // Once: a full disk refuses every line.
        if (!this.#hasFailed)
          this.#log(`the session's open record ${this.#path}: ${(error as Error).message}`);
        this.#hasFailed = true;
      }
      if (this.#dropped > 0)
        this.#log(
          `the session's open record lacks ${this.#dropped} lines: too many, or the disk is too slow`,
        );
      this.#dropped = 0;
    }
    // No await may stand between the last look and this: a line that came in between would never be written.
    this.#writing = null;
  }
}

export interface Recovered {
  readonly records: readonly SessionRecord[];
  /** For the operator. */
  readonly notes: readonly string[];
  /** Call when the records are on disk. */
  remove(): Promise<void>;
}

/** Makes records of the sessions whose processes were killed. A file that is not an open record is set aside. */
export async function recoverOpenRecords(folder: string): Promise<Recovered> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const records: SessionRecord[] = [];
  const paths: string[] = [];
  const notes: string[] = [];
  for (const name of names.filter((one) => one.endsWith(SUFFIX)).sort()) {
    const path = join(folder, name);
    const endedAt = (await stat(path)).mtime.toISOString();
    try {
      const { draft, lost } = readOpenRecord(await readFile(path, 'utf8'), basename(name, SUFFIX));
      records.push(draft.finish('crash', endedAt));
      if (lost > 0) notes.push(`${path}: ${lost} lines could not be read`);
      paths.push(path);
    } catch (error) {
      if (!(error instanceof FactError)) throw error;
      await rename(path, `${path}.corrupt`);
      notes.push(
        `${path} is not a session's open record (${error.message}); it is set aside as ${name}.corrupt`,
      );
    }
  }
  return {
    records,
    notes,
    async remove() {
      for (const path of paths) await unlink(path);
    },
  };
}

/**
 * @param id - the session's, from the file's name
 * @returns `lost`: unreadable lines, without the last one, which a killed process may leave torn
 * @throws FactError when it is not of that session
 */
export function readOpenRecord(text: string, id: string): { readonly draft: Draft; readonly lost: number } {
  const [first, ...lines] = text.split('\n');
  const head = new Facts(parse(first), ['format', 'beganAt']);
  head.oneOf('format', [SESSION_FORMAT]);
  const draft = new Draft(head.time('beganAt'));
  if (draft.id !== id) throw new FactError(`beganAt is ${draft.beganAt}, which is not session ${id}`);
  let lost = 0;
  for (const [i, line] of lines.entries()) {
    if (line === '') continue;
    try {
      draft.apply(checkEvent(parse(line)));
    } catch (error) {
      if (!(error instanceof FactError)) throw error;
      if (i < lines.length - 1) lost++;
    }
  }
  return { draft, lost };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FactError('a line is not JSON');
  }
}
