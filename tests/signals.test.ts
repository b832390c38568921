/** Real signals to a real server under a real npm: whoever gets them, the world is saved once and nothing is left. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { until } from './serverProcess.ts';

const root = join(import.meta.dirname, '..');
const LIMIT_MS = 60_000;
const { start } = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts;
const BUILD = 'node server/build.ts engine client';

/** A package with this one's `npm start`, but for the build: tests beside this one read what it writes. */
let folder: string;
beforeAll(() => {
  expect(start.startsWith(`${BUILD} && `)).toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'regrow-signals-'));
  const scripts = { start: start.replace(BUILD, 'node --version') };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'regrow', type: 'module', scripts }));
  for (const name of ['server', 'weights', 'node_modules']) symlinkSync(join(root, name), join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The environment of a shell: without what the npm that runs this test has set. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));

let group: ChildProcess | null = null;
afterEach(() => {
  try {
    if (group?.pid !== undefined) process.kill(-group.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
});

interface Started {
  /** Of the first process: npm, or `unshare` around it. */
  readonly pid: number;
  readonly port: number;
  /** Everything that was printed. */
  readonly output: () => string;
  /** The first process's exit code. */
  readonly exited: Promise<number | null>;
}

async function startGroup(command: string, args: readonly string[]): Promise<Started> {
  const port = await freePort();
  const flags = [
    '--port',
    `${port}`,
    '--host',
    '127.0.0.1',
    '--size',
    '128',
    '--garden',
    '1',
    '--engine',
    'wasm',
  ];
  // A process group of its own, like a shell's job.
  const child = spawn(command, [...args, ...flags], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  group = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  // `exit`, not `close`: an orphan holds the pipes open, and is found below.
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await until(
    'the URL',
    async () => {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}:\n${output}`);
      return output.includes('Regrow is at') || undefined;
    },
    LIMIT_MS,
  );
  return { pid: child.pid!, port, output: () => output, exited };
}

/** What every way to stop must leave behind. */
async function expectSavedOnce({ port, output }: Started): Promise<void> {
  await until('the end of the output', async () => output().includes('world saved') || undefined, LIMIT_MS);
  expect(output().split('world saved')).toHaveLength(2);
  expect(output()).not.toContain('ended at once');
  // Where npm was ended by a signal of its own, the server may still be on its way out.
  await until('no server', async () => serverOn(port).length === 0 || undefined, LIMIT_MS);
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
      .once('error', reject)
      .listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

/** Ids of servers that were started with this port. */
function serverOn(port: number): number[] {
  return globSync('/proc/[0-9]*/cmdline').flatMap((file) => {
    try {
      const args = readFileSync(file, 'utf8').split('\0');
      const isServer =
        args.slice(1, 3).includes('server/main.ts') && args[args.indexOf('--port') + 1] === `${port}`;
      return isServer ? [Number(file.split('/')[2])] : [];
    } catch (error) {
      // The process has ended meanwhile.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

type Way = readonly [name: string, send: (started: Started) => Promise<void>];
const WAYS: readonly Way[] = [
  ['TERM to npm', async ({ pid }) => void process.kill(pid, 'SIGTERM')],
  ['INT to npm', async ({ pid }) => void process.kill(pid, 'SIGINT')],
  ['TERM to the server', async ({ port }) => void process.kill(serverOn(port)[0], 'SIGTERM')],
  ['Ctrl-C', async ({ pid }) => void process.kill(-pid, 'SIGINT')],
  ['TERM to the group', async ({ pid }) => void process.kill(-pid, 'SIGTERM')],
  [
    'Ctrl-C twice within 0.5 s',
    async ({ pid }) => {
      process.kill(-pid, 'SIGINT');
      await sleep(100);
      // All of the group may have ended already.
      if (isGroupAlive(pid)) process.kill(-pid, 'SIGINT');
    },
  ],
];

function isGroupAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

for (const shell of ['/bin/dash', '/bin/bash'])
  test.skipIf(!existsSync(shell) || process.platform !== 'linux')(
    `under npm with ${shell}, every signal saves the world once, and the next start goes on with it`,
    { timeout: WAYS.length * LIMIT_MS },
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'regrow-'));
      for (const [i, [name, send]] of WAYS.entries()) {
        const started = await startGroup('npm', [
          'start',
          '--script-shell',
          shell,
          '--',
          '--data-dir',
          dataDir,
        ]);
        const note = i === 0 ? 'planted' : 'world restored';
        // Notes are printed after the URL.
        await until(
          `"${note}" before ${name}`,
          async () => started.output().includes(note) || undefined,
          LIMIT_MS,
        );
        await send(started);
        // A second signal that comes when the server has ended already ends npm itself, by that signal.
        expect(name.includes('twice') ? [0, null] : [0], name).toContain(await started.exited);
        await expectSavedOnce(started);
      }
      rmSync(dataDir, { recursive: true });
    },
  );

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const hasNamespaces = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

for (const [name, command] of [
  ['npm start', ['npm', 'start', '--']],
  ['node server/main.ts', ['node', 'server/main.ts']],
] as const)
  test.skipIf(!hasNamespaces)(
    `${name} as the first process of a container saves the world on TERM`,
    {
      timeout: LIMIT_MS,
    },
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'regrow-'));
      const started = await startGroup('unshare', [...UNSHARE, ...command, '--data-dir', dataDir]);
      const first = readFileSync(`/proc/${started.pid}/task/${started.pid}/children`, 'utf8');
      process.kill(Number(first), 'SIGTERM');
      expect(await started.exited).toBe(0);
      await expectSavedOnce(started);
      rmSync(dataDir, { recursive: true });
    },
  );
