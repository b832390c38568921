/** A real PostgreSQL of its own for a test file, with its files in a temporary folder and fsync on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Postgres } from '../../server/store/postgres.ts';
import { withFile } from '../started.ts';

/** Debian keeps its programs there. */
const DEBIAN = '/usr/lib/postgresql';
const isRequired = (process.env.REGROW_REQUIRE_POSTGRES ?? '') !== '';

function findFolder(): string | null {
  const folders = existsSync(DEBIAN)
    ? readdirSync(DEBIAN)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(DEBIAN, version, 'bin'))
    : [];
  const onPath = (process.env.PATH ?? '').split(':');
  return [...folders, ...onPath].find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

const BIN = findFolder();
const WHY = 'initdb is not here: install postgresql-15';
if (isRequired && BIN === null) throw new Error(WHY);
/** Why there is no PostgreSQL to test with; null: there is one. */
export const noPostgres: string | null = BIN === null ? WHY : null;

/** PostgreSQL refuses to run as root. */
function otherUser(): { readonly uid: number; readonly gid: number } | null {
  if (userInfo().uid !== 0) return null;
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres']).stdout.toString());
  return { uid: idOf('-u'), gid: idOf('-g') };
}

export class Cluster {
  /** Of an empty database. */
  readonly url: string;
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  #databases = 0;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.url = `postgres://regrow@127.0.0.1:${port}/postgres`;
  }

  static async start(): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-postgres-'));
    const user = otherUser();
    if (user !== null) chownSync(folder, user.uid, user.gid);
    const settings = ['-U', 'regrow', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C'];
    const made = spawnSync(join(BIN!, 'initdb'), ['-D', folder, ...settings], {
      cwd: folder,
      ...user,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const cluster = new Cluster(folder, await freePort());
    try {
      await cluster.run();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** @returns the URL of a further database, empty, too */
  async addDatabase(): Promise<string> {
    const name = `other${++this.#databases}`;
    const database = new Postgres(this.url, 'regrow test');
    await database.ask(`create database ${name}`);
    database.close();
    return this.url.replace(/postgres$/, name);
  }

  /** Starts it, also after a crash, at the same port. */
  async run(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      'unix_socket_directories=',
      'max_connections=40',
    ];
    const args = ['-D', this.#folder, ...settings.flatMap((one) => ['-c', one])];
    const place = { cwd: this.#folder, ...otherUser() };
    const child = withFile(spawn(join(BIN!, 'postgres'), args, { ...place, stdio: 'ignore' }));
    this.#process = child;
    for (let tries = 0; !(await answers(this.url)); tries++) {
      if (tries === 600 || child.exitCode !== null) throw new Error('postgres has not started');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends it as a power cut does: all connections break, and the next start recovers. */
  async crash(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGQUIT');
    await ended;
  }

  /** Ends it, and removes its files. */
  async stop(): Promise<void> {
    await this.crash();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** It listens before it can be asked. */
async function answers(url: string): Promise<boolean> {
  const database = new Postgres(url, 'regrow test');
  try {
    await database.ask('select 1');
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}
