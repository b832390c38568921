/** What runs here: for `/version` and the metric `regrow_build_info`. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Version {
  /** As package.json has it. */
  readonly version: string;
  /** Hash of the Git commit, hex; empty: not known. */
  readonly commit: string;
  /** Node's: "24.21.0". */
  readonly node: string;
  /** Which engine steps the world, and how. */
  readonly engine: string;
}

const ROOT = join(import.meta.dirname, '../..');
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/** @param engine - its description */
export function readVersion(engine: string, root = ROOT): Version {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { version, commit: readCommit(root), node: process.versions.node, engine };
}

/**
 * The commit that is checked out, without running git, which may not be there. An image has no repository; its build
 * writes the commit into `build/commit`.
 *
 * @returns empty: not known
 */
export function readCommit(root: string): string {
  const written = read(join(root, 'build/commit'));
  if (COMMIT.test(written)) return written;
  // In a worktree `.git` is a file that names the folder.
  const [, elsewhere] = /^gitdir: (.+)$/.exec(read(join(root, '.git'))) ?? [];
  const folder = resolve(root, elsewhere ?? '.git');
  const common = resolve(folder, read(join(folder, 'commondir')) || '.');
  const head = read(join(folder, 'HEAD'));
  const [, ref] = /^ref: (refs\/[\w./-]+)$/.exec(head) ?? [];
  const commit = ref === undefined ? head : read(join(common, ref)) || packedRef(common, ref);
  return COMMIT.test(commit) ? commit : '';
}

function packedRef(folder: string, ref: string): string {
  const lines = read(join(folder, 'packed-refs')).split('\n');
  return lines.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0] ?? '';
}

/** @returns empty: it cannot be read */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
