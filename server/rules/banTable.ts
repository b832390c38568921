/** The table `bans` of the registry's file: which addresses may not join, and until when. */
import type { Actor, BanRecord } from './records.ts';
import type { Registry } from './registry.ts';

export class BanTable {
  readonly #registry: Pick<Registry, 'file' | 'audit'>;

  constructor(registry: Pick<Registry, 'file' | 'audit'>) {
    this.#registry = registry;
  }

  /**
   * Replaces an earlier ban of the address.
   *
   * @param name - of the player, for the audit log
   * @param at - when it was done, ISO 8601
   * @throws RegistryError
   */
  enter({ address, until, reason }: BanRecord, actor: Actor, name: string, at?: string): void {
    const { file, audit } = this.#registry;
    file.change(() => {
      file.write(
        'INSERT OR REPLACE INTO bans (address, until, reason) VALUES (?, ?, ?)',
        address,
        until,
        reason,
      );
      const detail = `${address} until ${until || 'it is taken back'} ${reason}`.trim();
      audit.note(actor, 'ban', name, detail, at);
    });
  }

  /** @param at - when it was done, ISO 8601 @throws RegistryError */
  lift(address: string, actor: Actor, at?: string): void {
    const { file, audit } = this.#registry;
    file.change(() => {
      file.write('DELETE FROM bans WHERE address = ?', address);
      audit.note(actor, 'unban', address, '', at);
    });
  }

  /** Without expired bans. @throws RegistryError */
  all(): BanRecord[] {
    return this.#registry.file
      .all<BanRecord>("SELECT * FROM bans WHERE until = '' OR until > ?", new Date().toISOString())
      .map((row) => ({ ...row }));
  }
}
