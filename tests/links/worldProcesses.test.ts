/** Processes of worlds, with scripts in the place of worlds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WorldProcesses } from '../../server/links/worldProcesses.ts';

/** Does what its name says, and lives on. */
const WORLD = `
  const does = process.argv[2];
  if (does === 'ready') process.send('ready');
  if (does === 'ends') process.exit(3);
  setInterval(() => {}, 1_000);
`;

let folder: string;
let worlds: WorldProcesses | undefined;
const { execPath } = process;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-processes-'));
});
afterEach(async () => {
  process.execPath = execPath;
  await worlds?.stop(() => {});
  rmSync(folder, { recursive: true });
});

/** @param names - what each world does, and their names */
function worldsOf(names: readonly string[]): { readonly worlds: WorldProcesses; readonly lines: string[] } {
  const entry = join(folder, 'world.cjs');
  writeFileSync(entry, WORLD);
  const lines: string[] = [];
  worlds = new WorldProcesses({
    ...{ names, entry: pathToFileURL(entry), othersMs: 1 },
    argvOf: (name) => [name],
    log: (line) => lines.push(line),
  });
  return { worlds, lines };
}

test('a world that hangs at its start does not keep the others from being served', async () => {
  const { worlds } = worldsOf(['hangs', 'ready', 'ends']);
  await worlds.start();
  expect(worlds.pids.has('hangs')).toBe(true);
});

test('a start of worlds that all end is refused with how they did', async () => {
  const { worlds, lines } = worldsOf(['ends']);
  await expect(worlds.start()).rejects.toThrow('the world ends ended with code 3');
  expect(lines).toEqual(['the world ends ended with code 3; it is started again in 1 s']);
});

test('a world for which no process can be made is tried again, too', async () => {
  process.execPath = join(folder, 'no such program');
  const { worlds, lines } = worldsOf(['ready']);
  await expect(worlds.start()).rejects.toThrow('the world ready has no process: spawn');
  expect(lines).toEqual([expect.stringMatching(/ENOENT; it is started again in 1 s$/)]);
  expect(worlds.pids.size).toBe(0);
});
