/** A relay's way to one of several worlds: it looks for the world, serves it when it is there, and begins anew when the way ends. */
import { setTimeout as pause } from 'node:timers/promises';
import { linkRelay, type RelayLink } from '../links/relayLink.ts';
import type { RelayTransport } from '../links/transport.ts';
import type { LobbyPlace, Reached } from '../lobby/lobby.ts';
import { PortraitCopy } from '../lobby/portrait.ts';
import { closeRoom } from '../rooms/worldRoom.ts';
import type { RelayedWorld } from './relayedWorld.ts';
import type { ServedWorld } from './routes.ts';

/** A world that cannot be served is tried again after this. */
const RETRY_MS = 10_000;

export interface PlaceOptions {
  readonly name: string;
  readonly connect: () => Promise<RelayTransport>;
  readonly serve: (link: RelayLink) => Promise<RelayedWorld>;
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
  /** Takes what concerns the way to the world only. */
  readonly logWay: (line: string) => void;
}

export class RelayedPlace implements LobbyPlace<ServedWorld> {
  reached: Reached<ServedWorld> | null = null;
  /** Resolves when the world has been reached for the first time. */
  readonly firstReached: Promise<void>;
  #isReached: () => void = () => {};
  readonly #options: PlaceOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #link: RelayLink | null = null;
  /** Why it could not be served last; said once. */
  #fault = '';

  constructor(options: PlaceOptions) {
    this.#options = options;
    this.firstReached = new Promise((resolve) => {
      this.#isReached = resolve;
    });
    this.#ended = this.#run();
  }

  get isUp(): boolean {
    return this.#link?.isUp ?? false;
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.#ended;
  }

  async #run(): Promise<void> {
    const { name, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#serve(signal);
      } catch (error) {
        const { message } = error as Error;
        if (!signal.aborted && message !== this.#fault) log(`the world ${name} cannot be served: ${message}`);
        this.#fault = message;
      }
      await pause(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Resolves when nobody wants the place any more. @throws Error when the way to the world has ended for good */
  async #serve(signal: AbortSignal): Promise<void> {
    const { name, connect, serve, logWay } = this.#options;
    const transport = await connect();
    if (signal.aborted) return transport.close();
    const link = await linkRelay({ transport, log: (line) => logWay(`${name}: ${line}`) }, signal);
    const ended = new Promise<void>((resolve, reject) => {
      link.onDeath = reject;
      signal.addEventListener('abort', () => resolve());
    });
    // It is waited for below, when the room is there.
    ended.catch(() => {});
    let world: RelayedWorld | null = null;
    try {
      world = await serve(link);
      this.#fault = '';
      this.#link = link;
      this.reached = reachedOver(link, world);
      this.#isReached();
      await ended;
    } finally {
      this.#link = null;
      this.reached = null;
      world?.stop();
      if (world !== null) await closeRoom(world.room, 'the world has stopped');
      await link.stop();
    }
  }
}

function reachedOver(link: RelayLink, served: RelayedWorld): Reached<ServedWorld> {
  const ask = (known: string | null) => link.call({ kind: 'portrait', known });
  return {
    served,
    status: served.status,
    world: link,
    portrait: new PortraitCopy(ask, () => performance.now()),
    get title() {
      return link.welcome.title;
    },
    get isStopping() {
      return link.isStopping;
    },
    get players() {
      return served.players;
    },
    async metrics() {
      const caller = { address: '', isSecure: false };
      const request = { method: 'GET', path: '/metrics', headers: {}, body: new Uint8Array(), caller };
      const { body } = await link.call({ kind: 'http', request });
      return Buffer.from(body).toString();
    },
  };
}
