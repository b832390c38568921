/**
 * A way between worlds and relays of one machine that are started by themselves: a folder in which each world listens at
 * a socket of its name. Who may write to the folder may be a world, and who may read it may be a relay.
 */
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { isWorldName } from '../../shared/worldNames.ts';
import { MAX_MESSAGE_BYTES, Pipe, PipeHub } from './pipe.ts';
import { RelayHandlers, type RelayTransport } from './transport.ts';

const ENDING = '.sock';
/** A world that is not there is tried again after this. */
const DIAL_MS = 250;
const IS_WINDOWS = process.platform === 'win32';
/** What the system has room for in a socket's address. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Windows keeps sockets elsewhere: there the file in the folder only says that there is one. */
const socketOf = (file: string): string => (IS_WINDOWS ? `\\\\?\\pipe\\${resolve(file)}` : file);

/** @returns why a world cannot listen in a folder, whatever is in it; null: it can */
export function folderFault(folder: string, world: string): string | null {
  const path = join(folder, world + ENDING);
  const bytes = Buffer.byteLength(path);
  if (IS_WINDOWS || bytes <= MAX_PATH_BYTES) return null;
  return `the path of a socket has at most ${MAX_PATH_BYTES} bytes, and ${path} has ${bytes}: meet in a folder with a shorter one`;
}

/** @throws Error */
function fileOf(folder: string, world: string): string {
  const fault = folderFault(folder, world);
  if (fault !== null) throw new Error(fault);
  return join(folder, world + ENDING);
}

/** Names of the worlds that have listened in the folder; of those that were killed, too. */
export function worldsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(ENDING))
      .map((file) => file.slice(0, -ENDING.length))
      .filter(isWorldName)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The world's end. */
export class FolderHub extends PipeHub {
  readonly #server: Server;
  readonly #file: string;

  private constructor(server: Server, file: string) {
    super();
    this.#server = server;
    this.#file = file;
    let relays = 0;
    server.on('connection', (socket) => this.add(`relay ${++relays}`, socket));
    // Without a listener, a failed accept would end the process.
    server.on('error', () => {});
  }

  /** @throws Error when another process is that world, or the folder cannot be used */
  static async listen({ folder, world }: { folder: string; world: string }): Promise<FolderHub> {
    const file = fileOf(folder, world);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (await isAnswered(file)) throw new Error(`another process is the world ${world} in ${folder}`);
    // What a killed world has left.
    rmSync(file, { force: true });
    const server = createServer();
    server.listen(socketOf(file));
    await once(server, 'listening');
    if (IS_WINDOWS) writeFileSync(file, '');
    return new FolderHub(server, file);
  }

  override async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await super.close();
    await closed;
    rmSync(this.#file, { force: true });
  }
}

async function isAnswered(file: string): Promise<boolean> {
  const socket = createConnection(socketOf(file));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A relay's end. It dials until there is a world, and again when one has ended. */
export class FolderRelay extends RelayHandlers implements RelayTransport {
  readonly maxBytes = MAX_MESSAGE_BYTES;
  readonly #file: string;
  #socket: Socket | null = null;
  #pipe: Pipe | null = null;
  #wait: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @throws Error when no world of that name can be in the folder */
  constructor({ folder, world }: { folder: string; world: string }) {
    super();
    this.#file = fileOf(folder, world);
    this.#dial();
  }

  /** What is sent while there is no world is dropped. */
  send(letter: readonly Uint8Array[]): void {
    for (const part of letter) this.#pipe?.send(part, false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#wait);
    if (this.#pipe === null) this.#socket?.destroy();
    else await this.#pipe.close();
  }

  #dial(): void {
    const socket = createConnection(socketOf(this.#file));
    this.#socket = socket;
    socket.once('error', () => {
      if (this.#pipe === null) this.#dialAgain();
    });
    socket.once('connect', () => {
      this.#pipe = new Pipe(
        socket,
        (message) => this.onMessage(message),
        (reason) => {
          this.#pipe = null;
          if (this.#isClosed) return;
          this.onDown(reason);
          this.#dialAgain();
        },
      );
      this.onUp();
    });
  }

  #dialAgain(): void {
    if (!this.#isClosed) this.#wait = setTimeout(() => this.#dial(), DIAL_MS);
  }
}
