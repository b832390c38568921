/**
 * Where saves lie and which one counts: `world.regrow`, and `world.regrow.1`, the one before it. A corrupt
 * save is set aside under a name of its own and never deleted.
 */
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SealError } from './sealed.ts';

/** How a state becomes a file. What is in it is its maker's to know. */
export interface SaveFormat<State> {
  /** @throws SealError when the file is corrupt */
  read(path: string): Promise<State>;
  /** @param keep - called before the new file replaces the old one */
  write(path: string, state: State, keep: () => Promise<void>): Promise<void>;
}

export interface Restored<State> {
  /** null: there is no save that can be read. */
  readonly state: State | null;
  /** For the operator. */
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

  /** Calls must not overlap. */
  async write(state: State): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await this.#format.write(this.newest, state, () => renameIfThere(this.newest, this.previous));
  }

  /**
   * The newest save that can be read; corrupt ones are set aside on the way.
   *
   * @throws when a file cannot be read at all, or is of a format from the future: an operator must look
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
