/** The server that is killed: `server/main.ts` as a process of its own, and what an admin asks of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const ADMIN_TOKEN = 'the token of the torture benchmark';
const MAX_START_MS = 60_000;
const MAX_STOP_MS = 30_000;
const MAX_ANSWER_MS = 10_000;

export class TortureServer {
  /** With a slash at the end; empty until it is ready. */
  url = '';
  /** From spawn to ready; null: it was not. */
  readyMs: number | null = null;
  readonly #child: ChildProcess;
  /** Resolves when it has ended and all that it printed is read. */
  readonly ended: Promise<unknown>;
  #printed = '';
  #cookie = '';

  /** @param preload - a module's URL, loaded before the server; null: none */
  constructor(flags: readonly string[], preload: string | null) {
    const startMs = performance.now();
    const args = [
      ...(preload === null ? [] : ['--import', preload]),
      'server/main.ts',
      ...['--port', '0', '--host', '127.0.0.1'],
      ...flags,
    ];
    // Its settings are the defaults, whatever this shell has set.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('REGROW_'));
    this.#child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(inherited), REGROW_ADMIN_TOKEN: ADMIN_TOKEN, REGROW_LOG: 'text' },
      // A group of its own: Ctrl+C reaches this process alone, which ends the server.
      detached: true,
    });
    this.ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#printed += text;
        const found = /^Regrow is at (\S+)/m.exec(this.#printed)?.[1];
        if (found === undefined || this.readyMs !== null) return;
        this.readyMs = performance.now() - startMs;
        this.url = new URL('/', found).href;
      });
    // Before whoever made its folder removes it.
    process.prependOnceListener('exit', this.kill);
    void this.ended.then(() => process.off('exit', this.kill));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Null: it runs, or a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get printed(): string {
    return this.#printed;
  }

  /** Resolves when it is ready, or has ended. @throws Error when it does neither within a minute */
  async start(): Promise<void> {
    const deadlineMs = performance.now() + MAX_START_MS;
    while (this.readyMs === null && this.isRunning) {
      if (performance.now() > deadlineMs)
        throw new Error(`the server did not start; it printed:\n${this.#printed}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  readonly kill = (): void => {
    if (this.isRunning) this.#child.kill('SIGKILL');
  };

  /** @returns the exit code; null: it had to be killed */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const force = setTimeout(this.kill, MAX_STOP_MS);
    await this.ended;
    clearTimeout(force);
    return this.exitCode;
  }

  async logIn(): Promise<void> {
    const response = await this.#fetch('admin/api/login', { token: ADMIN_TOKEN });
    this.#cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
  }

  /**
   * @param body - JSON, or a file's bytes; undefined: none
   * @throws Error when it refuses or does not answer
   */
  async ask<T>(path: string, body?: object | Uint8Array, method = body ? 'POST' : 'GET'): Promise<T> {
    return (await (await this.#fetch(path, body, method)).json()) as T;
  }

  async #fetch(path: string, body?: object | Uint8Array, method = 'POST'): Promise<Response> {
    const isFile = body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(MAX_ANSWER_MS),
      headers: {
        Cookie: this.#cookie,
        ...(body && { 'Content-Type': isFile ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body && { body: isFile ? Buffer.from(body) : JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}
