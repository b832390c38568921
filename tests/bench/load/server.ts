/** The server under test: `server/main.ts` as a process of its own, and what is asked of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LiveAnswer } from '../../../shared/adminApi.ts';
import type { Body } from '../soak/sizes.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Logs in as an owner. */
export const ADMIN_TOKEN = 'the token of the benchmarks';
const MAX_START_MS = 60_000;
/** The server gives itself 10 s. */
const MAX_STOP_MS = 15_000;
const MAX_ANSWER_MS = 10_000;
/** Lines in memory; a server under attack may print without end. */
const MAX_LINES = 10_000;
const MAX_KEPT_LINES = 20;
const MAX_COMPLAINTS = 500;

export interface ServerOptions {
  /** Of `server/main.ts`, beside port, host and data directory. */
  readonly flags: readonly string[];
  /** Copied into the server's own data directory before it starts; left out: a new world. */
  readonly from?: string;
  /** The repository that runs; left out: this one. */
  readonly root?: string;
  /** Default: 60 s. */
  readonly maxStartMs?: number;
}

export class BenchServer {
  /** Its own; deleted when it has ended. */
  readonly dataDir: string;
  /** With a slash at the end. */
  url = '';
  /** Lines on standard error since it was ready, the first of them. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #maxStartMs: number;
  readonly #lines: string[] = [];
  #cookie = '';

  constructor({ flags, from, root = ROOT, maxStartMs = MAX_START_MS }: ServerOptions) {
    this.#maxStartMs = maxStartMs;
    this.dataDir = mkdtempSync(join(tmpdir(), 'regrow-bench-'));
    if (from !== undefined) cpSync(from, this.dataDir, { recursive: true });
    const args = [
      '--max-semi-space-size=8',
      'server/main.ts',
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '--data-dir',
      this.dataDir,
      ...flags,
    ];
    // Its settings are the defaults, whatever this shell has set.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('REGROW_'));
    this.#child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(inherited), REGROW_ADMIN_TOKEN: ADMIN_TOKEN, REGROW_LOG: 'text' },
      // A group of its own: Ctrl+C reaches this process alone, which stops the server once.
      detached: true,
    });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        const lines = text.trimEnd().split('\n');
        this.#lines.push(...lines);
        if (this.#lines.length > MAX_LINES) this.#lines.splice(0, MAX_LINES / 2);
        if (stream === this.#child.stderr && this.url !== '')
          this.complaints.push(...lines.slice(0, MAX_COMPLAINTS - this.complaints.length));
      });
    process.once('exit', this.#clear);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Null: it runs, or a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Its last lines that match, counted by what the pattern's groups hold, with colons between them. */
  countSaid(pattern: RegExp): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const line of this.#lines) {
      const text = pattern.exec(line)?.slice(1).join(': ');
      if (text !== undefined) counts[text] = (counts[text] ?? 0) + 1;
    }
    return counts;
  }

  /** What it has printed since its start, the last lines; each once. */
  get said(): string[] {
    return [...new Set(this.#lines)].slice(-MAX_KEPT_LINES);
  }

  /** @throws Error with what it printed, when it does not start */
  async start(signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + this.#maxStartMs;
    for (;;) {
      const found = this.#lines.map((line) => /^Regrow is at (\S+)/.exec(line)?.[1]).find(Boolean);
      if (found !== undefined) {
        this.url = new URL('/', found).href;
        break;
      }
      signal.throwIfAborted();
      if (!this.isRunning || performance.now() > deadlineMs)
        throw new Error(`the server did not start; it printed:\n${this.#lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#lines.length = 0;
    const response = await this.#fetch('admin/api/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token: ADMIN_TOKEN }),
    });
    this.#cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
  }

  async organisms(): Promise<readonly Body[]> {
    const all: Body[] = [];
    for (let path: string | undefined = 'api/organisms?limit=5000'; path !== undefined; ) {
      const response = await this.#fetch(path);
      all.push(...((await response.json()) as Body[]));
      const next = /^<(\?.*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
      path = next === undefined ? undefined : `api/organisms${next}`;
    }
    return all;
  }

  async health(): Promise<{ readonly step: number; readonly stepsPerSecond: number }> {
    return (await (await this.#fetch('healthz')).json()) as { step: number; stepsPerSecond: number };
  }

  async live(): Promise<LiveAnswer> {
    const headers = { Cookie: this.#cookie };
    return (await (await this.#fetch('admin/api/live', { headers })).json()) as LiveAnswer;
  }

  /** @throws Error when it does not answer within 10 s, or refuses */
  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(this.url + path, { ...init, signal: AbortSignal.timeout(MAX_ANSWER_MS) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  /**
   * Resolves when it has ended, by force after 15 s, and its files are gone.
   *
   * @param keepIn - a folder that gets a copy of its data directory; left out: none
   */
  async stop(keepIn?: string): Promise<void> {
    if (this.isRunning) {
      this.#child.kill('SIGTERM');
      const force = setTimeout(() => this.#kill(), MAX_STOP_MS);
      await this.#exited;
      clearTimeout(force);
    }
    if (keepIn !== undefined) cpSync(this.dataDir, keepIn, { recursive: true });
    this.#clear();
    process.off('exit', this.#clear);
  }

  #kill(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      // The whole group has ended already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  readonly #clear = (): void => {
    // The tuner's process, too, if the server left it behind.
    this.#kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  };
}
