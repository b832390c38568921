/** A small file system in memory that can be full or read-only. Only root on Linux can mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Tmpfs extends Disposable {
  readonly path: string;
  /** Takes all bytes that are free. */
  fill(): void;
  /** Undoes `fill`. */
  free(): void;
}

/** @param options - as in `mount -o`: 'size=64k,ro' */
export function mountTmpfs(options: string): Tmpfs {
  const path = mkdtempSync(join(tmpdir(), 'regrow-tmpfs-'));
  const fillers: string[] = [];
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  return {
    path,
    fill() {
      for (;;) {
        const filler = join(path, `filler-${fillers.length}`);
        fillers.push(filler);
        try {
          writeFileSync(filler, Buffer.alloc(4096));
        } catch {
          return;
        }
      }
    },
    free() {
      for (const filler of fillers.splice(0)) rmSync(filler, { force: true });
    },
    [Symbol.dispose]() {
      execFileSync('umount', [path]);
      rmdirSync(path);
    },
  };
}

export const whereTmpfsMounts = ((): boolean => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    mountTmpfs('size=64k')[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
})();
