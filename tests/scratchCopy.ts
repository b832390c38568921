/** A copy of the repository that a test or benchmark may edit. */
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const FOLDERS = ['client', 'server', 'shared', 'tests', 'weights'];
const SKIPPED = join('tests', 'browser', 'screenshots');

export interface ScratchCopy {
  /** An absolute path. */
  readonly path: string;
  /** Deletes the copy. */
  dispose(): void;
}

/** Copies sources, kernels, rules and tests into a new folder; packages are linked, so they must not be changed. */
export function scratchCopy(): ScratchCopy {
  const path = mkdtempSync(join(tmpdir(), 'regrow-copy-'));
  const dispose = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  try {
    const files = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isFile());
    for (const entry of [...FOLDERS, ...files.map(({ name }) => name)])
      cpSync(join(root, entry), join(path, entry), {
        recursive: true,
        filter: (source) => relative(root, source) !== SKIPPED,
      });
    symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
  } catch (error) {
    dispose();
    throw error;
  }
  return { path, dispose };
}
