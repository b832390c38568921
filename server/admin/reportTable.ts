/** The table `reports` of the registry's file. */
import type { Report } from '../../shared/adminPeople.ts';
import type { Registry } from '../rules/registry.ts';

const COLUMNS =
  'id, at, about, reason, text, by_guest, by_name, by_address, guest, name, organism, species, x, y, handled, handled_by, outcome';
const PLACES = COLUMNS.replaceAll(/\w+/g, '?');

interface Row {
  readonly id: number;
  readonly at: string;
  readonly about: Report['about'];
  readonly reason: string;
  readonly by_guest: string;
  readonly by_name: string;
  readonly by_address: string;
  readonly guest: string;
  readonly name: string;
  readonly organism: number | null;
  readonly species: string;
  readonly x: number | null;
  readonly y: number | null;
  readonly handled: string;
  readonly handled_by: string;
  readonly outcome: string;
}

export class ReportTable {
  readonly #registry: Pick<Registry, 'file'>;

  constructor(registry: Pick<Registry, 'file'>) {
    this.#registry = registry;
  }

  /**
   * Enters reports, each in the place of an earlier state of it, and removes others.
   *
   * @throws RegistryError; then nothing has changed
   */
  keep(reports: readonly Report[], gone: readonly number[]): void {
    const { file } = this.#registry;
    file.change(() => {
      for (const { id, at, about, reason, by, guest, name, organism, species, x, y, handled } of reports)
        file.write(
          `INSERT OR REPLACE INTO reports (${COLUMNS}) VALUES (${PLACES})`,
          ...[id, at, about, reason, '', by.guest, by.name, by.address, guest, name, organism, species, x, y],
          ...[handled?.at ?? '', handled?.who ?? '', handled?.outcome ?? ''],
        );
      for (const id of gone) file.write('DELETE FROM reports WHERE id = ?', id);
    });
  }

  /** Oldest first. @throws RegistryError */
  all(): Report[] {
    return this.#registry.file
      .all<Row>(`SELECT ${COLUMNS} FROM reports ORDER BY id`)
      .map(({ by_guest, by_name, by_address, handled, handled_by, outcome, ...row }) => ({
        ...{ id: row.id, at: row.at, about: row.about, reason: row.reason as Report['reason'] },
        by: { guest: by_guest, name: by_name, address: by_address },
        ...{ guest: row.guest, name: row.name, organism: row.organism, species: row.species },
        ...{ x: row.x, y: row.y },
        handled: handled === '' ? null : { at: handled, who: handled_by, outcome },
      }));
  }
}
