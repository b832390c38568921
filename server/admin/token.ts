/**
 * The admin's token: from the settings, else from `admin-token` in the data directory. That file is made at the first
 * start, readable by its owner only.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TOKEN_BYTES = 24;
/** A shorter one can be guessed. */
export const MIN_TOKEN = 16;

export interface AdminToken {
  /** In constant time for any input. */
  matches(offered: string): boolean;
  /** What the operator should read at start. The token itself appears only when it has just been made. */
  readonly notes: readonly string[];
}

/** @throws Error when the file cannot be made or read, or holds no token */
export function adminToken(dataDir: string, configured: string): AdminToken {
  if (configured !== '') return tokenOf(configured, []);
  const path = join(dataDir, 'admin-token');
  const made = randomBytes(TOKEN_BYTES).toString('base64url');
  try {
    mkdirSync(dataDir, { recursive: true });
    // Never overwrites an existing file.
    writeFileSync(path, `${made}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return tokenOf(made, [`admin token: ${made} (made now, kept in ${path}; the page is /admin)`]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new Error(`the admin token cannot be kept: ${(error as Error).message}`, { cause: error });
  }
  const kept = readFileSync(path, 'utf8').trim();
  if (kept.length < MIN_TOKEN)
    throw new Error(
      `${path} does not hold a token of at least ${MIN_TOKEN} characters: remove it, or set one`,
    );
  const notes: string[] = [];
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    chmodSync(path, 0o600);
    notes.push(`${path} could be read by others; now it cannot: consider a new token`);
  }
  return tokenOf(kept, notes);
}

function tokenOf(token: string, notes: readonly string[]): AdminToken {
  const wanted = hash(token);
  return { matches: (offered) => timingSafeEqual(hash(offered), wanted), notes };
}

/** `timingSafeEqual` needs equal lengths, which hashes have. */
const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
