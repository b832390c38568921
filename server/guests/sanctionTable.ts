/** The table `sanctions` of the registry's file. */
import { addressKey } from '../address.ts';
import type { Actor } from '../rules/records.ts';
import type { Registry } from '../rules/registry.ts';
import { RegistryError } from '../rules/registryFile.ts';
import type { Sanction } from './sanctions.ts';

const COLUMNS = 'id, kind, guest, address, name, since, until, reason, who';

export class SanctionTable {
  readonly #registry: Pick<Registry, 'file' | 'audit'>;

  constructor(registry: Pick<Registry, 'file' | 'audit'>) {
    this.#registry = registry;
  }

  /**
   * Enters it and its note in the audit log; an earlier one of the same kind, guest and address is replaced.
   *
   * @param at - when it was done, ISO 8601
   * @throws RegistryError
   */
  enter(sanction: Sanction, actor: Actor, at?: string): void {
    const { file, audit } = this.#registry;
    const { id, kind, guest, address, name, since, until, reason, who } = sanction;
    file.change(() => {
      file.write('DELETE FROM sanctions WHERE kind = ? AND guest = ? AND address = ?', kind, guest, address);
      file.write(
        `INSERT OR REPLACE INTO sanctions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[id, kind, guest, address, name, since, until, reason, who],
      );
      audit.note(actor, kind, name || address, detailOf(sanction), at);
    });
  }

  /** @param at - when it was done, ISO 8601 @throws RegistryError */
  lift(sanction: Sanction, actor: Actor, at?: string): void {
    const { file, audit } = this.#registry;
    const { id, kind, name, address } = sanction;
    file.change(() => {
      file.write('DELETE FROM sanctions WHERE id = ?', id);
      audit.note(actor, `un${kind}`, name || address, detailOf(sanction), at);
    });
  }

  /**
   * Without expired ones, which are removed. Bans by earlier versions, which knew only addresses, become sanctions.
   *
   * @throws RegistryError
   */
  load(): Sanction[] {
    const { file } = this.#registry;
    const now = new Date().toISOString();
    const old = file.all<{ address: string; until: string; reason: string }>('SELECT * FROM bans');
    const bans = old.map(({ address, until, reason }): Sanction => {
      const whom = { guest: '', address: addressKey(address) || address, name: '' };
      return { id: `ban of ${address}`, kind: 'ban', ...whom, since: now, until, reason, who: '' };
    });
    const kept = file
      .all<Sanction>(`SELECT ${COLUMNS} FROM sanctions ORDER BY since, id`)
      .map((row) => ({ ...row }));
    const all = [...bans, ...kept];
    const inForce = all.filter(({ until }) => until === '' || until > now);
    if (bans.length > 0 || inForce.length < all.length) this.#tidy(bans, now);
    return inForce;
  }

  #tidy(bans: readonly Sanction[], now: string): void {
    const { file } = this.#registry;
    try {
      file.change(() => {
        for (const { id, address, since, until, reason } of bans)
          file.write(
            `INSERT OR IGNORE INTO sanctions (${COLUMNS}) VALUES (?, 'ban', '', ?, '', ?, ?, ?, '')`,
            ...[id, address, since, until, reason],
          );
        file.write('DELETE FROM bans');
        file.write("DELETE FROM sanctions WHERE until <> '' AND until <= ?", now);
      });
    } catch (error) {
      // A read-only registry can be used: the next start tidies up.
      if (!(error instanceof RegistryError)) throw error;
    }
  }
}

/** For the audit log. */
export function detailOf({ guest, address, until, reason }: Sanction): string {
  const whom = [guest && `guest ${guest}`, address && `address ${address}`].filter(Boolean).join(' and ');
  return `${whom} until ${until || 'it is lifted'} ${reason}`.trim();
}
