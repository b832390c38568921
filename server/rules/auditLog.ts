/**
 * The table `audit` of the registry's file: who did what to whom, from where, and when. Rows are added, and removed when
 * they are too old; only the count of a row changes.
 */
import type { Actor, AuditEntry } from './records.ts';
import type { RegistryFile } from './registryFile.ts';

/** Rows that one call of `entries` looks at: the main thread routes frames. */
const MAX_SCANNED = 20_000;

export interface AuditQuery {
  readonly most: number;
  /** Only rows with a smaller id; default: the newest. */
  readonly before?: number;
  /** Only rows that have this text somewhere, in any case; empty: all. */
  readonly text?: string;
}

export class AuditLog {
  readonly #file: RegistryFile;

  constructor(file: RegistryFile) {
    this.#file = file;
  }

  /**
   * Call it within the `change` that it tells of, so that the file has both or neither.
   *
   * @param at - when it was done, ISO 8601
   * @param count - how often it was done
   * @returns the row's id
   * @throws RegistryError
   */
  note(
    actor: Actor,
    action: string,
    subject: string,
    detail: string,
    at = new Date().toISOString(),
    count = 1,
  ): number {
    return this.#file.change(() =>
      this.#file.write(
        'INSERT INTO audit (at, who, role, address, action, subject, detail, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        at,
        actor.who,
        actor.role ?? '',
        actor.address,
        action,
        subject,
        detail,
        count,
      ),
    );
  }

  /** Corrects how often the act of a row was done. @throws RegistryError */
  recount(id: number, count: number): void {
    this.#file.change(() => this.#file.write('UPDATE audit SET count = ? WHERE id = ?', count, id));
  }

  /** Newest first. @param before - only entries with a smaller id @throws RegistryError */
  entries(most: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    return this.find({ most, before }).entries;
  }

  /**
   * Newest first. It looks at 20,000 rows at most, so a rare text may need several calls.
   *
   * @returns `next`: `before` of the call that goes on; null: all rows were looked at
   * @throws RegistryError
   */
  find({ most, before = Number.MAX_SAFE_INTEGER, text = '' }: AuditQuery): {
    entries: AuditEntry[];
    next: number | null;
  } {
    const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
    const entries = this.#file
      .all<AuditEntry>(
        `SELECT * FROM (SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ${MAX_SCANNED})
         WHERE ? = '' OR (who || char(10) || role || char(10) || address || char(10) || action || char(10) ||
                          subject || char(10) || detail) LIKE ? ESCAPE '\\'
         LIMIT ?`,
        before,
        text,
        pattern,
        most,
      )
      .map((row) => ({ ...row }));
    const last = entries.length === most ? entries.at(-1)!.id : this.#lastScanned(before);
    const next = last !== null && this.#hasBelow(last) ? last : null;
    return { entries, next };
  }

  #lastScanned(before: number): number | null {
    return this.#file.one<{ last: number | null }>(
      `SELECT min(id) AS last FROM (SELECT id FROM audit WHERE id < ? ORDER BY id DESC LIMIT ${MAX_SCANNED})`,
      before,
    )!.last;
  }

  #hasBelow(id: number): boolean {
    return this.#file.one('SELECT 1 FROM audit WHERE id < ? LIMIT 1', id) !== undefined;
  }

  /** Oldest first. @param after - only entries with a larger id @throws RegistryError */
  after(after: number, most: number): AuditEntry[] {
    return this.#file
      .all<AuditEntry>('SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?', after, most)
      .map((row) => ({ ...row }));
  }

  /**
   * Removes rows from the old end.
   *
   * @param before - rows of acts before this go, ISO 8601
   * @param most - at most so many in one call
   * @returns how many are gone
   * @throws RegistryError
   */
  prune(before: string, most: number): number {
    const oldest = this.#file.all<{ id: number; at: string }>(
      'SELECT id, at FROM audit ORDER BY id LIMIT ?',
      most,
    );
    const gone = oldest.filter(({ at }) => at < before);
    if (gone.length === 0) return 0;
    this.#file.change(() => {
      for (const { id } of gone) this.#file.write('DELETE FROM audit WHERE id = ?', id);
    });
    return gone.length;
  }
}
