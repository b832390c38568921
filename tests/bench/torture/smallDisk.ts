/** A file system of a few megabytes that can be filled: a tmpfs, which only root may mount. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SIZE_MIB = 24;

export class SmallDisk {
  readonly folder: string;
  readonly #filler: string;

  /** @throws Error when it cannot be mounted */
  constructor(folder: string) {
    this.folder = folder;
    this.#filler = join(folder, 'filler');
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', folder], { stdio: 'pipe' });
    // Before whoever made the folder removes it.
    process.prependOnceListener('exit', this.dispose);
  }

  /** Until not a byte is free. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (let bytes = 2 ** 20; bytes >= 1; ) {
        try {
          writeSync(file, Buffer.alloc(bytes, 1));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          bytes /= 2;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  readonly dispose = (): void => {
    process.off('exit', this.dispose);
    execFileSync('umount', ['-l', this.folder]);
  };
}
