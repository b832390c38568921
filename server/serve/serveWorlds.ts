/** `--worlds a,b`: each world in a process of its own, and relays beside them that serve them all at the one port. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isWorldName, titleOf } from '../../shared/worldNames.ts';
import { argvWith, type Config } from '../config.ts';
import { folderFault } from '../links/folder.ts';
import { RelayProcesses } from '../links/relayProcesses.ts';
import { WorldProcesses } from '../links/worldProcesses.ts';
import type { Log } from '../log/log.ts';
import { defaultMaxPages, defaultThreads, type Machine } from '../machine.ts';
import { urlAt } from './server.ts';

/** Every system that bounds a socket's path has this folder, and its path is short. */
const PLAIN_FOLDER = '/tmp';

export interface WorldsOptions {
  readonly config: Config;
  /** The command line that worlds and relays read, but for what concerns one of them. */
  readonly argv: readonly string[];
  /** What a world's process runs. */
  readonly entry: URL;
  readonly machine: Machine;
  readonly log: Log;
}

/** To be made by who holds the data directory. */
export class ServedWorlds {
  /** Where worlds and relays meet: only this user may enter it. */
  readonly #folder: string;
  readonly #host: string;
  readonly #worlds: WorldProcesses;
  readonly #relays: RelayProcesses;
  #isStopping = false;

  constructor({ config, argv, entry, machine, log: to }: WorldsOptions) {
    const { worlds: names, relays, host } = config;
    const meet = makeMeetingFolder(config.dataDir, names);
    this.#folder = meet;
    const log = (line: string): void => to.warn(line);
    this.#host = host;
    this.#worlds = new WorldProcesses({
      ...{ names, entry, log },
      argvOf: (name) => argvWith(argv, { ...settingsOf(name, config, machine), meet }),
    });
    this.#relays = new RelayProcesses({
      // Nobody else serves clients.
      count: Math.max(1, relays),
      entry: new URL('./relay.ts', import.meta.url),
      transport: null,
      argv: argvWith(argv, { role: 'relay', worlds: 'none', 'relay-of': names.join(','), meet }),
      log,
    });
  }

  /**
   * Resolves when clients can come: each world is ready, has failed once, or is later than the first by 10 s.
   *
   * @returns where browsers of this machine find the lobby
   * @throws Error when no world is ready, or all are told to stop before
   */
  async start(): Promise<string> {
    await this.#worlds.start();
    if (this.#isStopping) throw new Error('the server is stopping');
    // Relays that find their worlds let nobody in before.
    return urlAt(this.#host, await this.#relays.start());
  }

  /** Saves and ends all worlds, then the relays. @param progress - called with each world that has ended */
  async stop(progress: (text: string) => void): Promise<void> {
    this.#isStopping = true;
    await this.#worlds.stop(progress);
    await this.#relays.stop();
    this.#clear();
  }

  /** Ends at once what is left. */
  kill(): void {
    this.#worlds.kill();
    this.#clear();
  }

  #clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What the operator may miss: worlds in the data directory that `--worlds` does not name. */
export function unservedNotes({ dataDir, worlds }: Pick<Config, 'dataDir' | 'worlds'>): string[] {
  const isWorld = (...at: readonly string[]): boolean => existsSync(join(dataDir, ...at, 'world.regrow'));
  const notes: string[] = [];
  if (isWorld())
    notes.push(
      `the world in ${dataDir} is not served: those of --worlds are in folders of their names. To have it among them, stop the server and move its files to ${join(dataDir, worlds[0])}`,
    );
  const others = readdirSync(dataDir).filter(
    (name) => isWorldName(name) && !worlds.includes(name) && isWorld(name),
  );
  if (others.length > 0)
    notes.push(
      `not served, because --worlds does not name them: ${others.sort().join(', ')}. A world is renamed with its folder in ${dataDir}`,
    );
  return notes;
}

/**
 * Makes an empty folder for sockets. The temporary folder has it, because a socket's path is short and data directories
 * may be on disks without sockets. Its name is that of the data directory's last one, so what a killed server has left is
 * taken over, not added to.
 */
export function makeMeetingFolder(dataDir: string, worlds: readonly string[]): string {
  const name = `regrow-${createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16)}`;
  const isRoomy = (parent: string): boolean =>
    worlds.every((world) => folderFault(join(parent, name), world) === null);
  // The one of macOS takes half of what a socket's path may have, and TMPDIR may say anything.
  const parent = isRoomy(tmpdir()) || !existsSync(PLAIN_FOLDER) ? tmpdir() : PLAIN_FOLDER;
  const folder = join(parent, name);
  try {
    const before = lstatSync(folder, { throwIfNoEntry: false });
    // Anybody may write to a temporary folder: another user's is left alone.
    if (before?.isDirectory() && before.uid === process.getuid?.()) rmSync(folder, { recursive: true });
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  } catch {
    return mkdtempSync(join(parent, 'regrow-'));
  }
}

/** What the machine gives by default is shared out; what the operator has set holds for each world. */
function settingsOf(
  name: string,
  { worlds, dataDir, threads, maxPages, randomSeed }: Config,
  machine: Machine,
): Record<string, string> {
  const share = (value: number, standard: number): string =>
    String(value === standard ? Math.max(1, Math.floor(value / worlds.length)) : value);
  return {
    role: 'world',
    world: name,
    title: titleOf(name),
    worlds: 'none',
    'data-dir': join(dataDir, name),
    threads: share(threads, defaultThreads(machine)),
    'max-pages': share(maxPages, defaultMaxPages(machine)),
    // So that gardens differ, and a world's does not depend on which others there are.
    'random-seed': String(seedOf(name, randomSeed)),
  };
}

/** FNV-1a over the name, from the setting. */
function seedOf(name: string, randomSeed: number): number {
  let hash = (0x811c9dc5 ^ randomSeed) >>> 0;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
