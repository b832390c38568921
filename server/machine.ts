/**
 * What this machine, or the container around the server, lets it use: the defaults of `--threads`, `--relays`,
 * `--tuner-threads` and `--max-pages`, and what a start says about limits. Must not know what the settings are used for.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { posix } from 'node:path';

export interface Machine {
  /** Processors that the quota of a cgroup and the affinity of the process leave, at least 1. */
  readonly processors: number;
  readonly processorsInAll: number;
  /** The least of the machine's memory, the cgroup's limit and the address space. */
  readonly memoryBytes: number;
  readonly memoryInAllBytes: number;
  /** The limit of `ulimit -v`; null: none. */
  readonly addressBytes: number | null;
  /** V8 runs WebAssembly SIMD only on processors with SSE4.1 (x64) or NEON (arm64). */
  readonly hasSimd: boolean;
}

/** One page of cells in an engine, with what is published of it. */
const PAGE_BYTES = 400_000;
/** Server and tuner with no page at all; 205 MB were measured with a default world of 256 pages. */
const BASE_BYTES = 256 * 1_048_576;
/** Pages of a world that grew into all of its memory would leave nothing to saves and to players. */
const PAGES_SHARE = 0.8;
const MAX_DEFAULT_PAGES = 8192;
/** Relays take a quarter of the processors, and there are none below this many, or with less memory. */
const MIN_RELAYED_PROCESSORS = 4;
const MIN_RELAYED_BYTES = 2e9;
const MAX_DEFAULT_RELAYS = 8;
/** A default world of 1024 x 1024 cells fits into it. */
const MIN_DEFAULT_PAGES = 256;

/**
 * V8 reserves 8 GB of addresses for each WebAssembly memory, of Node's own and of ours, and less where it must: below
 * this, whatever comes first takes all, and a later thread ends the process. 111 GB were measured with one thread.
 */
const MIN_ADDRESS_BYTES = 128e9;

// (func (result v128) (v128.const 0)), exported by nobody.
const SIMD_SAMPLE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11,
]);

function compilesSimd(): boolean {
  try {
    new WebAssembly.Module(SIMD_SAMPLE);
    return true;
  } catch {
    return false;
  }
}

/** The soft limit of the address space. @param limits - `/proc/self/limits`; null: the system has none */
export function addressLimitOf(limits: string | null): number | null {
  const [, soft] = /^Max address space\s+(\d+|unlimited)/m.exec(limits ?? '') ?? [];
  return soft === undefined || soft === 'unlimited' ? null : Number(soft);
}

/** @returns null when the file cannot be read: not Linux, or not mounted */
function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** A folder and those above it, up to the root. */
function* upwards(path: string): Generator<string> {
  for (let at = path; ; at = posix.dirname(at)) {
    yield at;
    if (at === '/' || at === '.') return;
  }
}

export interface CgroupLimits {
  /** Processors, not always whole; Infinity: no quota. */
  readonly processors: number;
  /** Infinity: no limit. */
  readonly memoryBytes: number;
}

/**
 * The tightest limits of the process's cgroups and of those above them, of version 1 or 2. Node's own figures leave out
 * quotas of version 1 where each controller is mounted alone, and limits of a cgroup above.
 *
 * @param read - the text of a file under /proc or /sys, or null
 */
export function cgroupLimits(read: (path: string) => string | null = readSystemFile): CgroupLimits {
  let processors = Number.POSITIVE_INFINITY;
  let memoryBytes = Number.POSITIVE_INFINITY;
  const takeQuota = (quota: string, period: string): void => {
    // "max" and -1: none.
    if (Number(quota) > 0 && Number(period) > 0)
      processors = Math.min(processors, Number(quota) / Number(period));
  };
  const takeMemory = (text: string | null): void => {
    const bytes = Number.parseInt(text ?? '', 10);
    if (bytes > 0) memoryBytes = Math.min(memoryBytes, bytes);
  };
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    // In a container the path may be the host's; then only the root of the mount is there.
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const isOf = (name: string): boolean => controllers.split(',').includes(name);
    for (const at of upwards(path)) {
      const folder = (name: string): string => posix.join('/sys/fs/cgroup', name, at);
      if (controllers === '') {
        const [quota = '', period = ''] = (read(posix.join(folder(''), 'cpu.max')) ?? '').trim().split(' ');
        takeQuota(quota, period);
        takeMemory(read(posix.join(folder(''), 'memory.max')));
      }
      if (isOf('cpu')) {
        const quota = read(posix.join(folder(controllers), 'cpu.cfs_quota_us'));
        takeQuota(quota ?? '', read(posix.join(folder(controllers), 'cpu.cfs_period_us')) ?? '');
      }
      if (isOf('memory')) takeMemory(read(posix.join(folder(controllers), 'memory.limit_in_bytes')));
    }
  }
  return { processors, memoryBytes };
}

export function readMachine(): Machine {
  const memoryInAllBytes = totalmem();
  // 0: not known. Without a limit cgroups answer with a number beyond any memory.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const cgroup = cgroupLimits();
  const available = availableParallelism();
  return {
    // A part of a processor counts as none.
    processors: Math.max(1, Math.floor(Math.min(available, cgroup.processors))),
    processorsInAll: cpus().length || available,
    memoryBytes: Math.min(memoryInAllBytes, constrained, cgroup.memoryBytes),
    memoryInAllBytes,
    addressBytes: addressLimitOf(readSystemFile('/proc/self/limits')),
    hasSimd: compilesSimd(),
  };
}

/** The default of `--threads`: one processor is left to sockets. */
export const defaultThreads = ({ processors }: Machine): number => Math.max(1, Math.min(32, processors - 1));

/**
 * The default of `--relays`: none on a small machine, where they would take the world's processors. A relay with few
 * viewers has 65 MB of its own.
 */
export const defaultRelays = ({ processors, memoryBytes }: Machine): number =>
  processors < MIN_RELAYED_PROCESSORS || memoryBytes < MIN_RELAYED_BYTES
    ? 0
    : Math.min(MAX_DEFAULT_RELAYS, Math.max(2, Math.floor(processors / 4)));

/** The default of `--tuner-threads`. */
export const defaultTunerThreads = ({ processors }: Machine): number => Math.min(4, processors);

/** The default of `--max-pages`: as many as fit into the memory, 256 to 8,192. */
export function defaultMaxPages(machine: Machine): number {
  const bytes = (machine.memoryBytes - BASE_BYTES) * PAGES_SHARE;
  return Math.max(MIN_DEFAULT_PAGES, Math.min(MAX_DEFAULT_PAGES, Math.floor(bytes / PAGE_BYTES)));
}

/** @returns a sentence for each reason why the server cannot run here: a start with them would end in V8's abort */
export function faultsOf(machine: Machine): string[] {
  const faults: string[] = [];
  if (!machine.hasSimd)
    faults.push(
      'this processor runs no WebAssembly SIMD: Regrow needs SSE4.1 (x64, since 2008) or NEON (arm64)',
    );
  if (machine.addressBytes !== null && machine.addressBytes < MIN_ADDRESS_BYTES)
    faults.push(
      `the address space is limited to ${sizeOf(machine.addressBytes)} (ulimit -v): V8 reserves far more than it uses; remove this limit, and limit memory by a cgroup`,
    );
  return faults;
}

/** @returns the limits that are tighter than the machine, and what follows from them, for the operator; '': none are */
export function limitsNote(
  machine: Machine,
  { threads, maxPages }: { readonly threads: number; readonly maxPages: number },
): string {
  const limits: string[] = [];
  if (machine.processors < machine.processorsInAll)
    limits.push(`${machine.processors} of ${machine.processorsInAll} processors (--threads ${threads})`);
  if (machine.memoryBytes < machine.memoryInAllBytes)
    limits.push(
      `${sizeOf(machine.memoryBytes)} of ${sizeOf(machine.memoryInAllBytes)} memory (--max-pages ${maxPages})`,
    );
  return limits.length === 0 ? '' : `limits of this machine: ${limits.join(', ')}`;
}

const sizeOf = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
