/** What Linux says a process uses: `/proc/<pid>`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 2 ** 20;

export interface ProcessStat {
  readonly parent: number;
  /** User and system time of all its threads since it began, in ticks. */
  readonly ticks: number;
}

/**
 * @param text - of `/proc/<pid>/stat`; its second field, the name in brackets, may hold blanks and brackets
 * @throws RangeError when it is not of that form
 */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  if (![parent, user, system].every(Number.isInteger))
    throw new RangeError(`not a stat: ${text.slice(0, 80)}`);
  return { parent, ticks: user + system };
}

/** @throws Error on a system without `/proc` */
export function ticksPerSecond(): number {
  if (!existsSync('/proc/self/stat')) throw new Error('the soak reads /proc: it runs on Linux only');
  return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
}

export interface Use {
  /** User and system time so far. */
  readonly ticks: number;
  /** The same of the processes that it has started and that still run. */
  readonly childTicks: number;
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** @returns null when the process is gone */
export function useOf(pid: number): Use | null {
  try {
    const { ticks } = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const [, rss] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    return { ticks, childTicks: childTicks(pid), rssMiB: Number(rss) / 1_024, descriptors };
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** User and system time of a process so far, in ticks; null: it is gone. */
export function ticksOf(pid: number): number | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).ticks;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** Ticks in which any core of the machine was busy since it started. */
export const machineTicks = (): number => parseMachineStat(readFileSync('/proc/stat', 'utf8'));

/**
 * @param text - of `/proc/stat`: its first line counts user, nice, system, idle, iowait, irq, softirq and steal
 * @throws RangeError when it is not of that form
 */
export function parseMachineStat(text: string): number {
  const [name, ...counts] = text.slice(0, text.indexOf('\n')).trim().split(/\s+/);
  const [user, nice, system, , , irq, softirq] = counts.map(Number);
  const busy = user + nice + system + irq + softirq;
  if (name !== 'cpu' || !Number.isInteger(busy)) throw new RangeError(`not a stat: ${text.slice(0, 80)}`);
  return busy;
}

/**
 * How long all threads of a process have been ready to run while no core had time for them, seconds: what other
 * processes of the machine took from it, and its own threads from each other.
 *
 * @returns null when the process is gone
 */
export function waitedSeconds(pid: number): number | null {
  try {
    let waitedNs = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        waitedNs += parseRunDelay(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'));
      } catch (error) {
        // The thread ended between the listing and the look.
        if (!isGone(error)) throw error;
      }
    }
    return waitedNs / 1e9;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/**
 * @param text - of `/proc/<pid>/task/<thread>/schedstat`: nanoseconds run, nanoseconds waited, turns
 * @throws RangeError when it is not of that form
 */
export function parseRunDelay(text: string): number {
  const waited = /^\d+ (\d+) \d+\s*$/.exec(text)?.[1];
  if (waited === undefined) throw new RangeError(`not a schedstat: ${text.slice(0, 80)}`);
  return Number(waited);
}

function childTicks(pid: number): number {
  let sum = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { parent, ticks } = parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (parent === pid) sum += ticks;
    } catch (error) {
      // It ended between the listing and the look.
      if (!isGone(error)) throw error;
    }
  }
  return sum;
}

/** MiB of all files below. */
export function folderMiB(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += statSync(join(entry.parentPath, entry.name)).size;
    } catch (error) {
      // A temporary file that has its final name by now.
      if (!isGone(error)) throw error;
    }
  }
  return bytes / MIB;
}

const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');
