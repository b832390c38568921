/**
 * Keeps the two newest saves: `world.regrow`, and the one before it, `world.regrow.1`. A corrupt save is renamed and
 * never deleted.
 */
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SealError } from './sealed.ts';

/** Writes a state to a file and reads it back. */
export interface SaveFormat<State> {
  /** @throws SealError when the file is corrupt */
  read(path: string): Promise<State>;
  /** @param keep - called before the new file replaces the old one */
  write(path: string, state: State, keep: () => Promise<void>): Promise<void>;
}

export interface Restored<State> {
  /** null: no save can be read. */
  readonly state: State | null;
  /** Lines for the operator. */
  readonly notes: readonly string[];
}

export class Saves<State> {
  readonly newest: string;
  readonly previous: string;
  readonly #folder: string;
  readonly #format: SaveFormat<State>;

  constructor(folder: string, format: SaveFormat<State>) {
    this.#folder = folder;
    this.#format = format;
    this.newest = join(folder, 'world.regrow');
    this.previous = join(folder, 'world.regrow.1');
  }

  /** Replaces the newest save, which becomes the previous one. Calls must not overlap. */
  async write(state: State): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await this.#format.write(this.newest, state, () => renameIfThere(this.newest, this.previous));
  }

  /**
   * Reads the newest save that can be read, and renames corrupt ones.
   *
   * @throws Error when a file cannot be read at all, or has a newer format: the operator must decide
   */
  async read(now = new Date()): Promise<Restored<State>> {
    const notes: string[] = [];
    for (const path of [this.newest, this.previous]) {
      try {
        const state = await this.#format.read(path);
        if (path === this.previous) notes.push(`using the save before it, ${path}`);
        return { state, notes };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        if (!(error instanceof SealError)) throw error;
        const aside = await freeName(`${this.newest}.corrupt-${now.toISOString().replaceAll(':', '-')}`);
        await rename(path, aside);
        notes.push(`${path} is corrupt (${error.message}); it is set aside as ${aside}`);
      }
    }
    return { state: null, notes };
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function freeName(wanted: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    const taken = await stat(name).then(
      () => true,
      () => false,
    );
    if (!taken) return name;
  }
}
