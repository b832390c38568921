/** Starts a real server process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepForms, lendForms } from './matureForms.ts';
import { kill, withFile } from './started.ts';

const root = join(import.meta.dirname, '..');
export interface RunningServer {
  readonly url: string;
  readonly pid: number;
  /** Everything that it has printed. */
  readonly output: () => string;
  /** Sends SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
}

/** A server process that has not said its URL yet; a spare may never do so. */
export interface StartingServer {
  readonly ready: Promise<RunningServer>;
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
}

/** Starts `server/main.ts` on a free port with its own data directory, and waits for its URL. */
export async function startServer(
  flags: readonly string[],
  dataDir?: string,
  limitMs?: number,
): Promise<RunningServer> {
  return launchServer(flags, dataDir, limitMs).ready;
}

/** Starts it as `startServer` does, and waits for nothing. */
export function launchServer(flags: readonly string[], dataDir?: string, limitMs = 60_000): StartingServer {
  const directory = dataDir ?? mkdtempSync(join(tmpdir(), 'regrow-'));
  // Several worlds have a folder each.
  const isOneWorld = !flags.includes('--worlds');
  if (isOneWorld) lendForms(directory);
  // The same processes on every machine: a flag wins over the variable.
  const env = { REGROW_RELAYS: '0', ...process.env };
  const args = ['server/main.ts', '--port', '0', '--host', '127.0.0.1', '--data-dir', directory, ...flags];
  const child = withFile(
    spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let output = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const found = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`no URL within ${limitMs / 1000} s; it printed:\n${output}`));
    }, limitMs);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const url = /https?:\/\/[^\s/]+/.exec(output);
      if (!url) return;
      clearTimeout(timer);
      resolve(url[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`server ended with ${code}; it printed:\n${output}`));
    });
  });
  const ready = found.then((url): RunningServer => {
    if (isOneWorld) keepForms(directory);
    return {
      url,
      pid: child.pid!,
      output: () => output,
      async stop() {
        child.kill('SIGTERM');
        const code = await exited;
        if (dataDir === undefined) rmSync(directory, { recursive: true, force: true });
        return code;
      },
      kill: () => kill(child),
    };
  });
  return { ready, kill: () => kill(child) };
}

/** Processes that a process has started, as Linux lists them, whose command line has all of these. */
export function childrenOf(pid: number, ...parts: readonly string[]): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return (children === '' ? [] : children.split(/\s+/).map(Number)).filter((child) => {
    const line = readFileSync(`/proc/${child}/cmdline`, 'utf8');
    return parts.every((part) => line.includes(part));
  });
}

/** Polls until the answer is not undefined. @throws Error that names `what` when the time is over */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs: number,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
