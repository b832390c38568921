/** Processes of relays, with scripts in the place of relays. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RelayProcesses } from '../../server/links/relayProcesses.ts';
import { WELL_MS } from '../../server/links/watch.ts';
import { until } from '../serverProcess.ts';

/** Listens until it is told to end. */
const RELAY = `
  require('node:net').createServer().listen(0, '127.0.0.1', () => process.send('well'));
  process.on('message', (message) => message === 'end' && process.exit(0));
`;

const LIMIT_MS = 30_000;

let folder: string;
let relays: RelayProcesses | undefined;
const lines: string[] = [];
const { execPath } = process;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-relays-'));
  lines.length = 0;
  writeFileSync(join(folder, 'relay.cjs'), RELAY);
  begin();
});
afterEach(async () => {
  vi.useRealTimers();
  process.execPath = execPath;
  await relays?.stop();
  rmSync(folder, { recursive: true });
});

function begin(): void {
  relays = new RelayProcesses({
    ...{ count: 1, entry: pathToFileURL(join(folder, 'relay.cjs')), transport: null, argv: [] },
    log: (line) => lines.push(line),
  });
}

test('a relay that hangs is killed, and another takes its place', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await relays!.stop();
  begin();
  await relays!.start();
  const [first] = relays!.pids;
  const replaced = async (): Promise<true | undefined> => {
    // What it has said once may come after it listens.
    vi.advanceTimersByTime(WELL_MS);
    return relays!.pids.length === 1 && relays!.pids[0] !== first ? true : undefined;
  };
  await until('another relay runs', replaced, 10_000);
  expect(lines.slice(0, 2)).toEqual([
    'a relay hangs: it has not said for 30 s that it is well',
    expect.stringMatching(/^a relay ended with SIGKILL; another is started in/),
  ]);
});

test('a start for which no process can be made is refused at once, with the reason', async () => {
  process.execPath = join(folder, 'no such program');
  await expect(relays!.start()).rejects.toThrow(/^a relay ended with spawn .*ENOENT before it listened$/);
  expect(relays!.pids).toEqual([]);
});

test('a relay that is killed while no process can be made is replaced when one can', async () => {
  await relays!.start();
  const [first] = relays!.pids;
  process.execPath = join(folder, 'no such program');
  process.kill(first, 'SIGKILL');
  const failed = async (): Promise<true | undefined> =>
    lines.some((line) => line.includes('ENOENT')) ? true : undefined;
  await until('a start fails', failed, LIMIT_MS);
  process.execPath = execPath;
  const replaced = async (): Promise<true | undefined> =>
    relays!.pids.length === 1 && relays!.pids[0] !== first ? true : undefined;
  await until('another relay runs', replaced, LIMIT_MS);
});
