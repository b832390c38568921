/**
 * A session's events as they come, one JSON object a line, so that a process that is killed loses what the operating
 * system had not taken yet and no more. The first line says which session it is; when the record is on disk, the
 * journal goes.
 */
import { appendFile, mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkEvent, Draft, type SessionEvent } from './draft.ts';
import { FactError, Facts } from './facts.ts';
import { SESSION_FORMAT, type SessionRecord, sessionId } from './record.ts';

const SUFFIX = '.open.jsonl';
/** Lines that wait for a disk that does not keep up; beyond it they are dropped, and said so. */
const MAX_WAITING = 10_000;
/** A session's worth of wounds is 30 MB at most; what comes after is not written down before its end. */
export const MAX_JOURNAL_BYTES = 64 * 2 ** 20;

export class Journal {
  readonly #path: string;
  readonly #folder: string;
  readonly #log: (line: string) => void;
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #hasFailed = false;
  #isGone = false;
  #writing: Promise<void> | null = null;

  /** @param log - told what could not be written, in words for the operator */
  constructor(folder: string, beganAt: string, log: (line: string) => void) {
    this.#folder = folder;
    this.#path = join(folder, `${sessionId(beganAt)}${SUFFIX}`);
    this.#log = log;
    this.#put({ format: SESSION_FORMAT, beganAt });
  }

  write(event: SessionEvent): void {
    this.#put(event);
  }

  #put(line: object): void {
    if (this.#isGone) return;
    if (this.#waiting.length >= MAX_WAITING || this.#bytes > MAX_JOURNAL_BYTES) this.#dropped++;
    else this.#waiting.push(`${JSON.stringify(line)}\n`);
    this.#writing ??= this.#drain();
  }

  /** Its record is on disk. */
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
        // Told once: a full disk is full at every line.
        if (!this.#hasFailed) this.#log(`the session's journal: ${(error as Error).message}`);
        this.#hasFailed = true;
      }
      if (this.#dropped > 0)
        this.#log(`the session's journal lacks ${this.#dropped} lines: too many, or the disk is too slow`);
      this.#dropped = 0;
    }
    // With no wait since the last look, or a line written meanwhile would lie there.
    this.#writing = null;
  }
}

export interface Recovered {
  readonly records: readonly SessionRecord[];
  /** For the operator. */
  readonly notes: readonly string[];
  /** Their records are on disk. */
  remove(): Promise<void>;
}

/** What processes that were killed have left; a file that is none of ours is set aside. */
export async function recover(folder: string): Promise<Recovered> {
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
      const { draft, lost } = readJournal(await readFile(path, 'utf8'), basename(name, SUFFIX));
      records.push(draft.finish('crash', endedAt));
      if (lost > 0) notes.push(`${path}: ${lost} lines could not be read`);
      paths.push(path);
    } catch (error) {
      if (!(error instanceof FactError)) throw error;
      await rename(path, `${path}.corrupt`);
      notes.push(`${path} is no journal of a session (${error.message}); it is set aside as ${name}.corrupt`);
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
 * @returns `lost`: lines in its middle that are none; the last one may be torn, that is how processes die
 * @throws FactError when it is not the journal of that session
 */
export function readJournal(text: string, id: string): { readonly draft: Draft; readonly lost: number } {
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
  } catch {
    throw new FactError('a line is not JSON');
  }
}
