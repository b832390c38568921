/**
 * What players did, one JSON object a line, appended: `strokes.jsonl`. Rules are later trained on it, so a
 * line says where it hit whom. At 64 MB the file becomes `strokes.1.jsonl`, the older one `strokes.2.jsonl`.
 */
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tool } from '../../shared/protocol.ts';

export interface StrokeRecord {
  /** The step before which it was applied. */
  readonly step: number;
  /** Session id. */
  readonly player: string;
  readonly tool: Tool;
  readonly radius: number;
  /** x0, y0, x1, y1, … cells */
  readonly points: readonly number[];
  /** Who was hit (or planted), and where their seeds lie. */
  readonly organisms: readonly {
    readonly id: number;
    readonly species: string;
    readonly x: number;
    readonly y: number;
  }[];
}

export const MAX_LOG_BYTES = 64 * 2 ** 20;
const KEPT = 2;
/** Lines that wait for a disk that does not keep up; beyond it they are dropped, and said so. */
const MAX_WAITING = 10_000;

export class StrokeLog {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #complain: (message: string) => void;
  #waiting: string[] = [];
  #dropped = 0;
  #bytes = -1;
  #writing: Promise<void> | null = null;

  /** @param complain - told once for every failed write, in words for the operator */
  constructor(folder: string, complain: (message: string) => void, maxBytes = MAX_LOG_BYTES) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#complain = complain;
  }

  write(record: StrokeRecord): void {
    if (this.#waiting.length >= MAX_WAITING) this.#dropped++;
    else this.#waiting.push(`${JSON.stringify(record)}\n`);
    this.#writing ??= this.#drain();
  }

  /** Resolves when all that was written is with the operating system. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.join('');
      const count = this.#waiting.length;
      this.#waiting = [];
      try {
        await this.#append(lines);
      } catch (error) {
        this.#complain(`${count} strokes could not be logged: ${(error as Error).message}`);
      }
      if (this.#dropped > 0) this.#complain(`${this.#dropped} strokes were not logged: the disk is too slow`);
      this.#dropped = 0;
    }
    // With no wait since the last look, or a line written meanwhile would lie there.
    this.#writing = null;
  }

  async #append(lines: string): Promise<void> {
    const path = this.#path(0);
    if (this.#bytes < 0) {
      await mkdir(this.#folder, { recursive: true });
      this.#bytes = await stat(path).then(
        ({ size }) => size,
        () => 0,
      );
    }
    if (this.#bytes >= this.#maxBytes) await this.#rotate();
    await appendFile(path, lines);
    this.#bytes += Buffer.byteLength(lines);
  }

  async #rotate(): Promise<void> {
    for (let n = KEPT; n >= 1; n--) {
      await rename(this.#path(n - 1), this.#path(n)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    this.#bytes = 0;
  }

  #path(n: number): string {
    return join(this.#folder, n === 0 ? 'strokes.jsonl' : `strokes.${n}.jsonl`);
  }
}
