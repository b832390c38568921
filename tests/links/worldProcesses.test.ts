/** Processes of worlds, with scripts in the place of worlds. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WELL_MS } from '../../server/links/watch.ts';
import { WorldProcesses } from '../../server/links/worldProcesses.ts';
import { until } from '../serverProcess.ts';

/** Does what its name says, and lives on. */
const WORLD = `
  const does = process.argv[2];
  // Whoever has sent the signal sees by the file that it was said.
  process.on('SIGUSR2', () => process.send('well', () => require('node:fs').writeFileSync(process.argv[3] + '/said', '')));
  if (does === 'ready' || does === 'silent') process.send('ready');
  if (does === 'ends') process.exit(3);
  setInterval(() => {}, 1_000);
`;

const LIMIT_MS = 30_000;

let folder: string;
let worlds: WorldProcesses | undefined;
const { execPath } = process;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-processes-'));
});
afterEach(async () => {
  vi.useRealTimers();
  process.execPath = execPath;
  await worlds?.stop(() => {});
  rmSync(folder, { recursive: true });
});

/** @param names - what each world does, and their names @param othersMs - how long they are waited for when one is ready */
function worldsOf(
  names: readonly string[],
  othersMs = 1,
): { readonly worlds: WorldProcesses; readonly lines: string[] } {
  const entry = join(folder, 'world.cjs');
  writeFileSync(entry, WORLD);
  const lines: string[] = [];
  worlds = new WorldProcesses({
    ...{ names, entry: pathToFileURL(entry), othersMs },
    argvOf: (name) => [name, folder],
    log: (line) => lines.push(line),
  });
  return { worlds, lines };
}

test('a world that hangs at its start does not keep the others from being served', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { worlds, lines } = worldsOf(['hangs', 'ready', 'ends']);
  await worlds.start();
  expect(worlds.pids.has('hangs')).toBe(true);
  // It may restore for minutes.
  vi.advanceTimersByTime(100 * WELL_MS);
  expect(lines.join()).not.toContain('the world hangs hangs');
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

test('a world that hangs is killed, and started again; one that says that it is well is not', {
  timeout: 3 * LIMIT_MS,
}, async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { worlds, lines } = worldsOf(['silent', 'ready'], LIMIT_MS);
  await worlds.start();
  const { silent, ready } = Object.fromEntries(worlds.pids);
  const said = join(folder, 'said');
  for (let round = 0; round < 3; round++) {
    vi.advanceTimersByTime(11 * WELL_MS);
    process.kill(ready, 'SIGUSR2');
    await until('that it is well', async () => (existsSync(said) ? true : undefined), LIMIT_MS);
    rmSync(said);
    for (let turns = 0; turns < 10; turns++) await turn();
  }
  await until('its end', async () => (lines.length === 2 ? true : undefined), LIMIT_MS);
  expect(lines).toEqual([
    'the world silent hangs: it has not said for 60 s that it is well',
    expect.stringMatching(/^the world silent ended with SIGKILL; it is started again in/),
  ]);
  await until('another', async () => worlds.pids.get('silent'), LIMIT_MS);
  expect(worlds.pids.get('silent')).not.toBe(silent);
  expect(worlds.pids.get('ready')).toBe(ready);
});
