/** What a server with several worlds does with folders. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeMeetingFolder, unservedNotes } from '../server/serve/serveWorlds.ts';

let dataDir: string;
let made: string[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'regrow-data-'));
  made = [dataDir];
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

function save(world: string): void {
  mkdirSync(join(dataDir, world), { recursive: true });
  writeFileSync(join(dataDir, world, 'world.regrow'), '');
}

function meet(worlds: readonly string[] = ['meadow']): string {
  const folder = makeMeetingFolder(dataDir, worlds);
  made.push(folder);
  return folder;
}

describe('the operator is told of worlds that are not served', () => {
  test('of those that --worlds does not name, and of no other folder', () => {
    for (const world of ['meadow', 'reef', 'attic']) save(world);
    mkdirSync(join(dataDir, 'backups'));
    expect(unservedNotes({ dataDir, worlds: ['meadow', 'cellar'] })).toEqual([
      `not served, because --worlds does not name them: attic, reef. A world is renamed with its folder in ${dataDir}`,
    ]);
    expect(unservedNotes({ dataDir, worlds: ['meadow', 'reef', 'attic'] })).toEqual([]);
  });

  test('of the one that a server with one world has left', () => {
    save('');
    expect(unservedNotes({ dataDir, worlds: ['meadow'] })).toEqual([
      expect.stringContaining(`move its files to ${join(dataDir, 'meadow')}`),
    ]);
  });
});

describe.skipIf(process.platform === 'win32')('the folder where worlds and relays meet', () => {
  test('is empty, and only this user’s', () => {
    const folder = meet();
    writeFileSync(join(folder, 'meadow.sock'), 'of a killed server');
    expect(meet()).toBe(folder);
    expect(existsSync(join(folder, 'meadow.sock'))).toBe(false);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('is a new one where somebody else has put something in its place', () => {
    const folder = meet();
    rmSync(folder, { recursive: true });
    symlinkSync(dataDir, folder);
    expect(meet()).not.toBe(folder);
    rmSync(folder);
  });

  test('is in /tmp where the temporary folder’s path leaves no room for a socket', () => {
    const long = join(dataDir, 'l'.repeat(100));
    mkdirSync(long);
    vi.stubEnv('TMPDIR', long);
    expect(dirname(meet())).toBe('/tmp');
    vi.stubEnv('TMPDIR', dataDir);
    expect(dirname(meet())).toBe(dataDir);
  });
});
