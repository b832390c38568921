/** The table `guests` of the registry's file: what is kept of guests over a restart. */
import { RegistryError, RegistryFile } from '../rules/registryFile.ts';

export interface GuestRow {
  readonly id: string;
  /** The chosen name; empty: none. */
  readonly name: string;
  /** Where they were last. */
  readonly address: string;
  /** When they were last here, ISO 8601. */
  readonly seen: string;
  readonly strokes: number;
  readonly plantings: number;
  /** Cells that were left when they were last here. */
  readonly energy: number;
}

/** What keeps guests over a restart. */
export interface GuestKeep {
  /** Those seen last come last. @throws RegistryError */
  load(): GuestRow[];
  /** Enters some and removes others, all or none. @throws RegistryError; it may be called again */
  keep(rows: readonly GuestRow[], gone: readonly string[]): void;
  close(): void;
}

/** Longest wait on the main thread while another program writes. */
const MAX_BUSY_MS = 20;

export class GuestTable implements GuestKeep {
  readonly #folder: string;
  #file: RegistryFile | null = null;

  /** @param folder - the data directory */
  constructor(folder: string) {
    this.#folder = folder;
  }

  load(): GuestRow[] {
    return this.#opened()
      .all<GuestRow>('SELECT * FROM guests ORDER BY seen, id')
      .map((row) => ({ ...row }));
  }

  keep(rows: readonly GuestRow[], gone: readonly string[]): void {
    const file = this.#opened();
    try {
      file.change(() => {
        for (const { id, name, address, seen, strokes, plantings, energy } of rows)
          file.write(
            `INSERT OR REPLACE INTO guests (id, name, address, seen, strokes, plantings, energy)
             VALUES (?, ?, ?, ?, ?, ?, ?)`,
            ...[id, name, address, seen, strokes, plantings, energy],
          );
        for (const id of gone) file.write('DELETE FROM guests WHERE id = ?', id);
      });
    } catch (error) {
      // The open file may stay unusable when the disk is well again.
      if (error instanceof RegistryError && error.fault !== 'locked') this.close();
      throw error;
    }
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  /** A connection of its own, because the loss of some seconds is no harm here, and a wait for the disk is. */
  #opened(): RegistryFile {
    if (this.#file === null) {
      this.#file = new RegistryFile(this.#folder, MAX_BUSY_MS);
      this.#file.relax();
    }
    return this.#file;
  }
}
