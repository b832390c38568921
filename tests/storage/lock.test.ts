/** Locks between real processes and threads, on real file systems. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  FolderInUseError,
  FolderLockError,
  holderOf,
  LOCK_FILES,
  lockFolder,
} from '../../server/storage/lock.ts';
import { kill, withFile } from '../started.ts';
import { mountTmpfs, whereTmpfsMounts } from './tmpfs.ts';

const HOLDER = join(import.meta.dirname, 'lockHolder.ts');

let root: string;
/** Does not exist yet. */
let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'regrow-lock-'));
  folder = join(root, 'made', 'data');
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  rmSync(root, { recursive: true });
});

/** A process that has locked the folder or was refused, and its first line. */
async function startHolder(): Promise<{ child: ChildProcess; line: string }> {
  const child = withFile(spawn(process.execPath, [HOLDER, folder], { stdio: ['ignore', 'pipe', 'inherit'] }));
  children.push(child);
  const [line] = await once(child.stdout!, 'data');
  return { child, line: String(line).trim() };
}

/** What the call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

const holderPath = (): string => join(folder, LOCK_FILES.holder);

describe('a lock', () => {
  test('makes the folder, names its holder, and leaves no name when it is released', () => {
    vi.useFakeTimers({ now: new Date('2026-05-04T03:02:01Z'), toFake: ['Date'] });
    const lock = lockFolder(folder, 'the server');
    vi.useRealTimers();
    expect(JSON.parse(readFileSync(holderPath(), 'utf8'))).toEqual({
      pid: process.pid,
      host: hostname(),
      since: '2026-05-04T03:02:01.000Z',
      purpose: 'the server',
    });
    lock.release();
    lock.release();
    expect(existsSync(holderPath())).toBe(false);
    lockFolder(folder, 'the next one').release();
    expect(readdirSync(folder)).toEqual([LOCK_FILES.lock]);
  });

  test('of another process refuses this one, naming folder, process, host and time, and what to do', async () => {
    const { child, line } = await startHolder();
    expect(line).toBe('held');
    const error = thrownBy(() => lockFolder(folder, 'the server')) as FolderInUseError;
    expect(error).toBeInstanceOf(FolderInUseError);
    expect(error.holder).toMatchObject({ pid: child.pid, purpose: 'a test' });
    for (const fact of [folder, `process ${child.pid}`, hostname(), error.holder!.since, '--data-dir'])
      expect(error.message).toContain(fact);
    expect(readdirSync(folder).sort()).toEqual([LOCK_FILES.lock, LOCK_FILES.holder]);
  });

  test('of this process refuses another one until it is released', async () => {
    const lock = lockFolder(folder, 'the server');
    expect((await startHolder()).line).toContain(`FolderInUseError: ${folder} is in use by the server`);
    lock.release();
    expect((await startHolder()).line).toBe('held');
  });

  test('falls with a holder that is killed, and can be taken at once', async () => {
    for (let round = 0; round < 3; round++) {
      const { child, line } = await startHolder();
      expect(line).toBe('held');
      await kill(child);
      expect(existsSync(holderPath())).toBe(true);
      lockFolder(folder, 'the server').release();
    }
  });

  test('refuses a second locker in the same thread, and the first one keeps it', async () => {
    const lock = lockFolder(folder, 'the server');
    const error = thrownBy(() => lockFolder(folder, 'again')) as FolderInUseError;
    expect(error).toBeInstanceOf(FolderInUseError);
    expect(error.message).toContain(`process ${process.pid} (this one)`);
    expect((await startHolder()).line).toContain('FolderInUseError');
    lock.release();
  });

  test('refuses another thread of the same process, and falls with its thread', async () => {
    const lock = lockFolder(folder, 'the server');
    const refused = new Worker(HOLDER, { workerData: folder });
    expect((await once(refused, 'message'))[0]).toContain('FolderInUseError');
    expect((await startHolder()).line).toContain('FolderInUseError');
    lock.release();

    const holding = new Worker(HOLDER, { workerData: folder });
    expect((await once(holding, 'message'))[0]).toBe('held');
    expect(thrownBy(() => lockFolder(folder, 'the server'))).toBeInstanceOf(FolderInUseError);
    await holding.terminate();
    lockFolder(folder, 'the server').release();
    await refused.terminate();
  });

  test('is given to exactly one of several processes that ask at once', async () => {
    const lines = (await Promise.all(Array.from({ length: 4 }, startHolder))).map(({ line }) => line);
    expect(lines.filter((line) => line === 'held')).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('FolderInUseError'))).toHaveLength(3);
  });
});

describe('the name beside a lock', () => {
  test.each([
    [
      'of a process that has ended',
      JSON.stringify({ pid: 2 ** 30, host: hostname(), since: '', purpose: '' }),
    ],
    ['of a process that lives and has no lock', JSON.stringify({ pid: process.ppid, host: hostname() })],
    ['of another host', JSON.stringify({ pid: 1, host: 'elsewhere' })],
    ['that is cut off', '{"pid": 1'],
    ['that is empty', ''],
  ])('%s keeps nobody out', (_what, text) => {
    lockFolder(folder, 'the server').release();
    writeFileSync(holderPath(), text);
    lockFolder(folder, 'the server').release();
  });

  test.each([
    ['null', 'null'],
    ['cut off', '{"pid": 1'],
    ['that of a dead process', JSON.stringify({ pid: 2 ** 30, host: hostname(), since: '', purpose: '' })],
  ])('is not shown when it is %s', (_what, text) => {
    const lock = lockFolder(folder, 'the server');
    writeFileSync(holderPath(), text);
    const error = thrownBy(() => lockFolder(folder, 'again')) as FolderInUseError;
    expect(error).toBeInstanceOf(FolderInUseError);
    expect(error.holder).toBeNull();
    expect(error.message).toContain(`${folder} is in use by another process`);
    lock.release();
  });
});

describe('a folder that cannot be locked', () => {
  const errorOf = (path: string, lockFile?: Parameters<typeof lockFolder>[2]): FolderLockError => {
    const error = thrownBy(() => lockFolder(path, 'the server', lockFile)) as FolderLockError;
    expect(error).toBeInstanceOf(FolderLockError);
    expect(error.message).toContain(`cannot lock ${path}`);
    expect(error.message).toContain(error.code.replace('_', ' ').replace('SQLITE', 'SQLite'));
    return error;
  };

  test('because a file has its name is reported', () => {
    writeFileSync(join(root, 'file'), '');
    expect(errorOf(join(root, 'file')).code).toBe('EEXIST');
    expect(errorOf(join(root, 'file', 'data')).code).toBe('ENOTDIR');
  });

  test('because its lock file is something else is reported with that file', () => {
    lockFolder(folder, 'the server').release();
    const path = join(folder, LOCK_FILES.lock);
    writeFileSync(path, 'something else'.repeat(100));
    const error = errorOf(folder);
    expect(error.code).toBe('SQLITE_26');
    expect(error.message).toContain(path);
  });

  test('because its file system has no locks is reported and not taken for one in use', () => {
    const busy = (): DatabaseSync => {
      throw Object.assign(new Error('database is locked'), { errcode: 5 });
    };
    expect(errorOf(folder, busy).code).toBe('ENOLCK');
    expect(readdirSync(folder)).toEqual([]);
  });

  describe.skipIf(!whereTmpfsMounts)('on a file system of its own (root on Linux)', () => {
    test('is reported when that is read-only', () => {
      using disk = mountTmpfs('size=1m,ro');
      expect(errorOf(disk.path).code).toBe('EROFS');
      expect(errorOf(join(disk.path, 'a', 'b')).code).toBe('EROFS');
    });

    test('is reported when that has become read-only since its last use', () => {
      using disk = mountTmpfs('size=1m');
      lockFolder(disk.path, 'the server').release();
      execFileSync('mount', ['-o', 'remount,ro', disk.path]);
      expect(errorOf(disk.path).code).toBe('EROFS');
    });

    test('is reported when that is full, holds no lock and leaves no name', () => {
      using disk = mountTmpfs('size=64k');
      disk.fill();
      expect(errorOf(disk.path).code).toBe('ENOSPC');
      expect(readdirSync(disk.path)).not.toContain(LOCK_FILES.holder);
      disk.free();
      lockFolder(disk.path, 'the server').release();
    });

    test('is still named as in use when that is full', () => {
      using disk = mountTmpfs('size=64k');
      const lock = lockFolder(disk.path, 'the server');
      disk.fill();
      expect(thrownBy(() => lockFolder(disk.path, 'again'))).toBeInstanceOf(FolderInUseError);
      lock.release();
    });
  });
});

test('a lock that nothing refers to is not dropped by the garbage collector', () => {
  const script = `
    import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, '../../server/storage/lock.ts'))};
    lockFolder(${JSON.stringify(folder)}, 'forgotten');
    for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
    try { lockFolder(${JSON.stringify(folder)}, 'again'); } catch (error) { console.log(error.name); }`;
  const args = ['--expose-gc', '--input-type=module', '-e', script];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()).toBe('FolderInUseError');
});

test('who holds a folder can be asked without taking it, until the holder is killed', async () => {
  expect(holderOf(folder)).toBeNull();
  const { child } = await startHolder();
  const { pid } = JSON.parse(readFileSync(holderPath(), 'utf8'));
  expect(holderOf(folder)).toMatchObject({ pid, host: hostname() });
  writeFileSync(holderPath(), 'nonsense');
  expect(holderOf(folder)).toBe('unnamed');
  await kill(child);
  expect(holderOf(folder)).toBeNull();
});
