/**
 * Mature forms for the new data directories of tests: growing those of the shipped rules is half of a server's start. The
 * first servers of a run grow them, and the others find them, as after a restart. Also Vitest's global setup.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Names the folder that one run of tests shares; without it every server grows its own. */
const VARIABLE = 'REGROW_TEST_FORMS';

export function setup(): void {
  process.env[VARIABLE] ??= mkdtempSync(join(tmpdir(), 'regrow-forms-'));
}

export function teardown(): void {
  rmSync(process.env[VARIABLE]!, { recursive: true, force: true });
}

const formsIn = (dataDir: string): string => join(dataDir, 'mature');

/** Puts what the run has grown into a data directory. */
export function lendForms(dataDir: string): void {
  const shared = process.env[VARIABLE];
  // Something that clears temporary folders may have taken it.
  if (shared !== undefined && existsSync(shared)) copyMissing(shared, formsIn(dataDir));
}

/** Takes what a server has grown in its data directory. */
export function keepForms(dataDir: string): void {
  const shared = process.env[VARIABLE];
  if (shared !== undefined && existsSync(formsIn(dataDir))) copyMissing(formsIn(dataDir), shared);
}

function copyMissing(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (!name.endsWith('.mature') || existsSync(join(to, name))) continue;
    mkdirSync(to, { recursive: true });
    // Another process may do the same.
    const fresh = join(to, `${name}.${process.pid}`);
    copyFileSync(join(from, name), fresh);
    renameSync(fresh, join(to, name));
  }
}
