/**
 * What this machine, or the container around the server, lets it use: the defaults of `--threads`, `--tuner-threads` and
 * `--max-pages`, and what a start says about limits. Must not know what the settings are used for.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

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

function limitsText(): string | null {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return null; // not Linux
  }
}

export function readMachine(): Machine {
  const memoryInAllBytes = totalmem();
  // 0: not known. Without a limit cgroups answer with a number beyond any memory.
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return {
    // Counts quotas of cgroups; a part of a processor counts as none, but one is always there.
    processors: availableParallelism(),
    processorsInAll: cpus().length || availableParallelism(),
    memoryBytes: Math.min(memoryInAllBytes, constrained),
    memoryInAllBytes,
    addressBytes: addressLimitOf(limitsText()),
    hasSimd: compilesSimd(),
  };
}

/** The default of `--threads`: one processor is left to sockets. */
export const defaultThreads = ({ processors }: Machine): number => Math.max(1, Math.min(32, processors - 1));

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
