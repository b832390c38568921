import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  addressLimitOf,
  cgroupLimits,
  defaultMaxPages,
  defaultRelays,
  defaultThreads,
  defaultTunerThreads,
  faultsOf,
  limitsNote,
  type Machine,
  readMachine,
} from '../server/machine.ts';

const MB = 1_048_576;
const machine = (changes: Partial<Machine> = {}): Machine => ({
  processors: 8,
  processorsInAll: 8,
  memoryBytes: 16_000 * MB,
  memoryInAllBytes: 16_000 * MB,
  addressBytes: null,
  hasSimd: true,
  ...changes,
});

describe('defaults', () => {
  test('one processor of all is left to sockets, and at most 32 step the world', () => {
    for (const [processors, threads] of [
      [1, 1],
      [2, 1],
      [8, 7],
      [33, 32],
      [256, 32],
    ])
      expect(defaultThreads(machine({ processors }))).toBe(threads);
  });

  test('one relay per four processors serves clients, two to eight; none below four processors or 2 GB', () => {
    const relays = (processors: number, mb = 8_192): number =>
      defaultRelays(machine({ processors, memoryBytes: mb * MB }));
    expect([1, 3, 4, 8, 16, 64].map((processors) => relays(processors))).toEqual([0, 0, 2, 2, 4, 8]);
    expect(relays(64, 1_024)).toBe(0);
  });

  test('at most 4 threads tune', () => {
    expect([1, 4, 64].map((processors) => defaultTunerThreads(machine({ processors })))).toEqual([1, 4, 4]);
  });

  test('pages fill at most four fifths of what memory is beside the server, from 256 to 8,192', () => {
    const pages = (mb: number): number => defaultMaxPages(machine({ memoryBytes: mb * MB }));
    expect(pages(64)).toBe(256);
    expect(pages(512)).toBe(536);
    expect(pages(1_024)).toBe(1_610);
    expect(pages(64_000)).toBe(8_192);
    for (const mb of [512, 1_024, 2_048, 4_096])
      expect(256 * MB + pages(mb) * 400_000).toBeLessThan(mb * MB * 0.95);
  });
});

describe('cgroups', () => {
  const limits = (files: Record<string, string>) => cgroupLimits((path) => files[path] ?? null);
  const none = { processors: Number.POSITIVE_INFINITY, memoryBytes: Number.POSITIVE_INFINITY };

  test('of version 2: the tightest of a cgroup and those above it', () => {
    expect(
      limits({
        '/proc/self/cgroup': '0::/system.slice/regrow.service\n',
        '/sys/fs/cgroup/system.slice/regrow.service/cpu.max': '150000 100000\n',
        '/sys/fs/cgroup/system.slice/regrow.service/memory.max': 'max\n',
        '/sys/fs/cgroup/system.slice/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/system.slice/memory.max': '536870912\n',
      }),
    ).toEqual({ processors: 1.5, memoryBytes: 512 * MB });
  });

  test('of version 2 in a container: its root', () => {
    expect(
      limits({
        '/proc/self/cgroup': '0::/\n',
        '/sys/fs/cgroup/cpu.max': '200000 100000\n',
        '/sys/fs/cgroup/memory.max': '1073741824\n',
      }),
    ).toEqual({ processors: 2, memoryBytes: 1_024 * MB });
  });

  test('of version 1, with controllers together or alone, under the path or at the root of the mount', () => {
    expect(
      limits({
        '/proc/self/cgroup':
          '5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000\n',
        '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '268435456\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      }),
    ).toEqual({ processors: 3, memoryBytes: 256 * MB });
    expect(
      limits({
        '/proc/self/cgroup': '1:cpu:/a\n',
        '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000\n',
      }),
    ).toEqual({ ...none, processors: 0.5 });
  });

  test('without a quota, or without any file, nothing is limited', () => {
    expect(limits({})).toEqual(none);
    expect(limits({ '/proc/self/cgroup': 'nonsense\n3:cpu:relative\n' })).toEqual(none);
    expect(
      limits({
        '/proc/self/cgroup': '0::/\n1:cpu:/\n',
        '/sys/fs/cgroup/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/memory.max': 'max\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      }),
    ).toEqual(none);
  });
});

describe('limits', () => {
  test('that are tighter than the machine’s own are said with what follows from them', () => {
    const limited = machine({ processors: 2, memoryBytes: 512e6 });
    expect(limitsNote(limited, { threads: 1, maxPages: 536 })).toBe(
      'limits of this machine: 2 of 8 processors (--threads 1), 512 MB of 16.8 GB memory (--max-pages 536)',
    );
    expect(limitsNote(machine(), { threads: 7, maxPages: 8_192 })).toBe('');
  });

  test('a processor without SIMD and a limited address space are faults, each in a sentence', () => {
    expect(faultsOf(machine({ addressBytes: 1e12 }))).toEqual([]);
    expect(faultsOf(machine({ hasSimd: false, addressBytes: 6.1e9 }))).toEqual([
      'this processor runs no WebAssembly SIMD: Regrow needs SSE4.1 (x64, since 2008) or NEON (arm64)',
      'the address space is limited to 6.1 GB (ulimit -v): V8 reserves far more than it uses; remove this limit, and limit memory by a cgroup',
    ]);
  });

  test('the address space is read from the soft limit, where the system tells it', () => {
    const row = (soft: string): string =>
      `Limit                     Soft Limit           Hard Limit           Units     \nMax file locks            unlimited            unlimited            locks     \nMax address space         ${soft}           unlimited            bytes     \n`;
    expect(addressLimitOf(row('6144000000'))).toBe(6_144_000_000);
    expect(addressLimitOf(row('unlimited'))).toBeNull();
    expect(addressLimitOf('')).toBeNull();
    expect(addressLimitOf(null)).toBeNull();
  });

  test('this machine has at least one processor, some memory and SIMD', () => {
    const { processors, processorsInAll, memoryBytes, memoryInAllBytes, hasSimd } = readMachine();
    expect(processors).toBeGreaterThanOrEqual(1);
    expect(processorsInAll).toBeGreaterThanOrEqual(processors);
    expect(memoryBytes).toBeGreaterThan(100 * MB);
    expect(memoryInAllBytes).toBeGreaterThanOrEqual(memoryBytes);
    expect(hasSimd).toBe(true);
  });
});

/** Starts a server until it says its URL or ends. @returns all that it printed */
async function startUnder(before: string, node: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-machine-'));
  const main = join(import.meta.dirname, '../server/main.ts');
  const flags = '--port 0 --host 127.0.0.1 --tuner off --garden 1 --threads 2 --engine wasm --log text';
  const command = `${before} exec "${process.execPath}" ${node.join(' ')} "${main}" ${flags} --data-dir "${folder}"`;
  let said = '';
  try {
    await new Promise<void>((done) => {
      const child = execFile('/bin/sh', ['-c', command], () => done());
      const read = (part: string): void => {
        said += part;
        if (/ is at http/.test(said)) child.kill('SIGTERM');
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return said;
}

describe.skipIf(process.platform !== 'linux')('a server', () => {
  test('ends with a sentence, not with an abort, where the address space is limited to 6 GB', async () => {
    expect(await startUnder('ulimit -v 6000000;', [])).toBe(
      'the address space is limited to 6.1 GB (ulimit -v): V8 reserves far more than it uses; remove this limit, and limit memory by a cgroup\n',
    );
  });

  test.skipIf(process.arch !== 'x64')('starts on a processor without AVX2 and FMA', async () => {
    const said = await startUnder('', ['--no-enable-avx', '--no-enable-avx2', '--no-enable-fma3']);
    expect(said).toMatch(/^Regrow is at http/m);
  });

  test.skipIf(process.arch !== 'x64')('ends with a sentence on a processor without SSE4.1', async () => {
    const none = ['--no-enable-sse4-1', '--no-enable-avx', '--no-enable-avx2', '--no-enable-fma3'];
    expect(await startUnder('', none)).toBe(
      'this processor runs no WebAssembly SIMD: Regrow needs SSE4.1 (x64, since 2008) or NEON (arm64)\n',
    );
  });
});
