/** The table `audit` of the registry's file: who did what to whom, from where, and when. Rows are only added. */
import type { Actor, AuditEntry } from './records.ts';
import type { RegistryFile } from './registryFile.ts';

export class AuditLog {
  readonly #file: RegistryFile;

  constructor(file: RegistryFile) {
    this.#file = file;
  }

  /**
   * Call it within the `change` that it tells of, so that the file has both or neither.
   *
   * @param at - when it was done, ISO 8601
   * @throws RegistryError
   */
  note(actor: Actor, action: string, subject: string, detail: string, at = new Date().toISOString()): void {
    this.#file.change(() => {
      this.#file.write(
        'INSERT INTO audit (at, who, address, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)',
        at,
        actor.who,
        actor.address,
        action,
        subject,
        detail,
      );
    });
  }

  /** Newest first. @param before - only entries with a smaller id @throws RegistryError */
  entries(most: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    return this.#file
      .all<AuditEntry>('SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?', before, most)
      .map((row) => ({ ...row }));
  }
}
