/**
 * Rows of the registry about acts that are done at once: a kick does not wait for a disk. While the registry cannot be
 * written, rows wait here in the order of their acts, and the operator's log has each of them.
 */
import type { Registry } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';

const RETRY_MS = 2_000;
/** Further rows are only in the log. */
export const MAX_WAITING_ROWS = 1_000;

export interface Row {
  /** For the log: who did what to whom. */
  readonly text: string;
  /** May be called again after a failure, which has changed nothing. */
  enter(registry: Registry): void;
}

export interface WaitingRowsOptions {
  /** Asks the registry. @throws RegistryError when that is not possible now */
  ask<T>(question: (registry: Registry) => T): Promise<T>;
  /** Gets what the operator should read. */
  log(text: string): void;
}

export class WaitingRows {
  readonly #options: WaitingRowsOptions;
  readonly #rows: Row[] = [];
  #writing: Promise<string | null> | null = null;
  #retry: NodeJS.Timeout | undefined;
  /** Rows that were waiting when the registry failed. */
  #failed = 0;
  #isDisposed = false;

  constructor(options: WaitingRowsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#rows.length;
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#retry);
    if (this.#rows.length > 0)
      this.#options.log(`registry: rows never written, and in this log only: ${this.#rows.length}`);
  }

  /** @returns null: it is written; else why it is not written yet */
  async write(row: Row): Promise<string | null> {
    if (this.#rows.length >= MAX_WAITING_ROWS) {
      const fault = `${MAX_WAITING_ROWS} rows wait already`;
      this.#options.log(`registry: never written: ${row.text}: ${fault}`);
      return fault;
    }
    this.#rows.push(row);
    // A write that is under way writes this row, too.
    const fault = await this.#write();
    if (fault === null || !this.#rows.includes(row)) return null;
    this.#failed++;
    this.#options.log(`registry: not written yet: ${row.text}: ${fault}`);
    return fault;
  }

  async #write(): Promise<string | null> {
    // Without a row, `#drain` would end before it is noted that it runs.
    if (this.#rows.length === 0) return null;
    this.#writing ??= this.#drain();
    return this.#writing;
  }

  async #drain(): Promise<string | null> {
    clearTimeout(this.#retry);
    try {
      while (this.#rows.length > 0) {
        const [row] = this.#rows;
        await this.#options.ask((registry) => row.enter(registry));
        this.#rows.shift();
      }
    } catch (error) {
      if (!(error instanceof RegistryError)) {
        this.#rows.shift();
        throw error;
      }
      if (!this.#isDisposed) this.#retry = setTimeout(() => void this.#write(), RETRY_MS).unref();
      return error.message;
    } finally {
      // In the same turn as the last look at the rows: one that comes later begins a write of its own.
      this.#writing = null;
    }
    if (this.#failed > 0) this.#options.log(`registry: rows written after a wait: ${this.#failed}`);
    this.#failed = 0;
    return null;
  }
}
