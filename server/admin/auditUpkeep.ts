/** Removes entries of the audit log that are too old: at the start, and every hour, in small pieces. */
import { setImmediate as turn } from 'node:timers/promises';
import { type Registry, SERVER } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';

const EVERY_MS = 60 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Rows removed in one commit: a few milliseconds of the main thread. */
const CHUNK = 500;

export interface AuditUpkeepOptions {
  /** Asks the registry. @throws RegistryError when that is not possible now */
  ask<T>(question: (registry: Registry) => T): Promise<T>;
  /** Entries are kept for so long; 0: for ever. */
  readonly days: number;
}

export class AuditUpkeep {
  readonly #options: AuditUpkeepOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(options: AuditUpkeepOptions) {
    this.#options = options;
    if (options.days === 0) return;
    this.#timer = setInterval(() => void this.#prune(), EVERY_MS).unref();
    void this.#prune();
  }

  dispose(): void {
    this.#isDisposed = true;
    clearInterval(this.#timer);
  }

  async #prune(): Promise<void> {
    const { ask, days } = this.#options;
    const before = new Date(Date.now() - days * DAY_MS).toISOString();
    let gone = 0;
    try {
      for (let more = true; more && !this.#isDisposed; ) {
        const removed = await ask((registry) => registry.audit.prune(before, CHUNK));
        gone += removed;
        more = removed === CHUNK;
        await turn();
      }
      if (gone > 0 && !this.#isDisposed)
        await ask((registry) =>
          registry.audit.note(SERVER, 'prune audit log', '', `${gone} entries older than ${days} days`),
        );
    } catch (error) {
      // The next hour tries again; the desk reports the registry's errors.
      if (!(error instanceof RegistryError)) throw error;
    }
  }
}
