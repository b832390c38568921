/** Owners and spares of one world, each a real process on a machine of its own: a data directory that no other has. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchServer, type RunningServer, type StartingServer, until } from '../serverProcess.ts';
import { Cluster } from './cluster.ts';

export const ADMIN_TOKEN = 'a token of sixteen or more';
/** Where many processes share two cores, an owner may be late by some seconds. */
export const LEASE_SECONDS = 6;
export const LIMIT_MS = 60_000;
/** A spare waits for the lease before it starts. */
const START_MS = 120_000;
export const SIDE = 256;
const SETTINGS = [
  ...['--size', String(SIDE), '--garden', '3', '--engine', 'wasm', '--tuner', 'off', '--threads', '1'],
  ...['--admin-token', ADMIN_TOKEN],
];

export class Machines {
  readonly folder = mkdtempSync(join(tmpdir(), 'regrow-machines-'));
  /** The data directory of the machine that was started last. */
  newest = '';
  /** Name of the world of the running test. */
  world = '';
  readonly cluster: Cluster;
  #worlds = 0;
  #count = 0;
  #started: StartingServer[] = [];

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Machines with a PostgreSQL of their own. */
  static async open(): Promise<Machines> {
    return new Machines(await Cluster.start());
  }

  /** Begins a world that has never been. */
  beginWorld(): void {
    this.world = `world${++this.#worlds}`;
  }

  /** Starts a process on a machine of its own, or in a data directory that is there. */
  run(flags: readonly string[], dataDir?: string): Promise<RunningServer> {
    this.newest = dataDir ?? join(this.folder, `machine${++this.#count}`);
    const starting = launchServer(flags, this.newest, START_MS);
    this.#started.push(starting);
    starting.ready.catch(() => {});
    return starting.ready;
  }

  /** Starts a process that keeps the world in its data directory. */
  runAlone(dataDir: string): Promise<RunningServer> {
    return this.run(SETTINGS, dataDir);
  }

  /** Starts a process that takes the world's lease, or waits for it. @param url - of the store */
  start(more: readonly string[] = [], url = this.cluster.url, dataDir?: string): Promise<RunningServer> {
    const store = ['--store', url, '--blobs', join(this.folder, 'blobs'), '--world', this.world];
    return this.run([...SETTINGS, ...store, '--lease-seconds', String(LEASE_SECONDS), ...more], dataDir);
  }

  /** Kills all that run, and all that wait. */
  async kill(): Promise<void> {
    const started = this.#started;
    this.#started = [];
    await Promise.all(started.map((one) => one.kill()));
  }

  async close(): Promise<void> {
    await this.cluster.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function organismsAt({
  url,
}: RunningServer): Promise<{ id: number; ageSteps: number; species: string }[]> {
  return (await fetch(`${url}/api/organisms`)).json() as never;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until a process has ended by itself. */
export const hasEnded = ({ pid }: RunningServer): Promise<true> =>
  until('the old owner has ended', async () => (isAlive(pid) ? undefined : true), LIMIT_MS);
