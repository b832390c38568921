/** The nursery's folders: one for each drawing that is learned, one for what is kept of each species. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RuleError } from '../../rules/rule.ts';
import { fileOf, type LearnResult, readResult } from '../job.ts';

export class JobFolders {
  readonly #folder: string;
  readonly #log: (text: string) => void;

  /** @param log - gets what the operator should read */
  constructor(dataDir: string, log: (text: string) => void) {
    this.#folder = join(dataDir, 'nursery');
    this.#log = log;
  }

  /** The folder of a drawing that is learned. */
  jobOf(id: number): string {
    return join(this.#folder, 'jobs', String(id));
  }

  /** Film and card of a species. */
  keptOf(id: number): string {
    return join(this.#folder, 'kept', String(id));
  }

  hasFilm(id: number): boolean {
    return existsSync(fileOf(this.keptOf(id), 'film'));
  }

  /** @returns null: it is not learned yet, or what was learned is lost and is learned again */
  resultOf(id: number): LearnResult | null {
    const folder = this.jobOf(id);
    const result = readOr(() => readResult(folder));
    const isWhole = result?.outcome === 'refused' || existsSync(fileOf(folder, 'rule'));
    return isWhole ? result : null;
  }

  /** The drawing has become a species. */
  keep(id: number): void {
    const kept = this.keptOf(id);
    try {
      mkdirSync(kept, { recursive: true });
      for (const file of ['film', 'card'] as const)
        renameSync(fileOf(this.jobOf(id), file), fileOf(kept, file));
    } catch (error) {
      // A picture is worth no failure.
      this.#log(`the film of drawing ${id} is lost: ${(error as Error).message}`);
    }
  }

  /** It is not learned any more. */
  drop(id: number): void {
    try {
      rmSync(this.jobOf(id), { recursive: true, force: true });
    } catch (error) {
      this.#log(`the folder of drawing ${id} cannot be removed: ${(error as Error).message}`);
    }
  }

  /** What is left of drawings that are neither learned nor species any more is removed. */
  dropOrphans(learning: readonly number[], species: readonly number[]): void {
    for (const [folder, ids] of [
      ['jobs', learning],
      ['kept', species],
    ] as const) {
      const path = join(this.#folder, folder);
      mkdirSync(path, { recursive: true });
      const known = ids.map(String);
      for (const name of readdirSync(path))
        if (!known.includes(name)) rmSync(join(path, name), { recursive: true, force: true });
    }
  }
}

/** A file that is damaged counts as none: it is made again. */
function readOr<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    return null;
  }
}
