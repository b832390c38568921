/**
 * Wrong tokens in the audit log: one row per address and hour, with a count, so that a guesser cannot fill the log or
 * keep the disk busy. Counts wait here until `flush` writes them together; while the registry cannot be written, they go
 * on waiting.
 */
import type { Actor, Registry } from '../rules/registry.ts';

const HOUR_MS = 60 * 60_000;
/** Wrong tokens of further addresses share one row per hour. */
export const MAX_FAILED_ADDRESSES = 256;
const OTHERS = 'other addresses';

interface Failed {
  readonly address: string;
  readonly hour: number;
  /** Time of the first wrong token, ISO 8601. */
  readonly at: string;
  count: number;
  /** As far as it is in the log. */
  written: number;
  /** Row of the audit log; null: none yet. */
  row: number | null;
}

export class FailedLogins {
  readonly #failed = new Map<string, Failed>();

  /** @param address - an IPv4 address, or a /64 of IPv6 @param nowMs - the wall clock */
  note(address: string, nowMs: number): void {
    const hour = Math.floor(nowMs / HOUR_MS);
    const named = `${hour} ${address}`;
    const isFull = !this.#failed.has(named) && this.#failed.size >= MAX_FAILED_ADDRESSES;
    const key = isFull ? `${hour} ${OTHERS}` : named;
    const known = this.#failed.get(key);
    if (known !== undefined) known.count++;
    else {
      const at = new Date(nowMs).toISOString();
      const who = isFull ? OTHERS : address;
      this.#failed.set(key, { address: who, hour, at, count: 1, written: 0, row: null });
    }
  }

  /** Writes what has been counted since the last call. @throws RegistryError; then it is all still to be written */
  flush({ file, audit }: Pick<Registry, 'file' | 'audit'>, nowMs: number): void {
    const changed = [...this.#failed.values()].filter(({ count, written }) => count !== written);
    const rows =
      changed.length === 0
        ? []
        : file.change(() =>
            changed.map(({ address, at, count, row }) => {
              const actor: Actor = { who: 'somebody', address };
              if (row === null) return audit.note(actor, 'login refused', '', 'wrong token', at, count);
              audit.recount(row, count);
              return row;
            }),
          );
    changed.forEach((failed, i) => {
      failed.row = rows[i];
      failed.written = failed.count;
    });
    this.#forget(nowMs);
  }

  /** Forgets what is written of hours that are over. */
  #forget(nowMs: number): void {
    const hour = Math.floor(nowMs / HOUR_MS);
    for (const [key, failed] of this.#failed)
      if (failed.hour !== hour && failed.count === failed.written) this.#failed.delete(key);
  }
}
