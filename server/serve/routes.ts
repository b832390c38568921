/** Which part of the server answers a request that may be answered: that of a world, the lobby, or a file of the client. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../admin/gate.ts';
import type { Addresses } from '../http/addresses.ts';
import type { Api } from '../http/api.ts';
import type { Assets } from '../http/assets.ts';
import type { Hosts } from '../http/hosts.ts';
import { type Doorkeeper, matchmake, type Seats } from '../http/matchmaking.ts';
import { redirect, replyJson, replyText } from '../http/replies.ts';
import { STATUS_PATHS, type Status } from '../http/status.ts';
import { mayBeWorld, type WorldPath, wayHome, withSlash, worldPathOf } from '../http/worldPaths.ts';
import type { AnsweredRequest } from '../metrics/visitorMetrics.ts';
import type { WorldRoom } from '../rooms/worldRoom.ts';
import type { Tally } from '../tally.ts';

/** What programs ask for is refused in JSON. */
export const PROGRAM_PATHS =
  /^\/(?:api|matchmake|admin\/api)(?:\/|$)|^\/(?:healthz|livez|readyz|version|metrics)$/;
const NURSERY_PATHS = /^\/api\/nursery(\/|$)/;
const API_PATHS = /^\/(api|matchmake)(\/|$)/;
/** Pages of a world, which the lobby has none of. */
const WORLD_PAGES = /^\/(?:index\.html|admin(?:\/.*)?)$/;

/** A world whose clients' sockets are in this process. */
export interface ServedWorld {
  readonly room: WorldRoom;
  readonly api: Api;
  readonly status: Status;
  readonly metrics: MetricsDoor;
  readonly tally: Tally;
  readonly door: Door;
  readonly seats: Seats;
  /** Answers `/admin/api`; null: there are no such routes. */
  readonly admin: RequestDoor | null;
  /** Answers `/api/nursery`; null: there is none. */
  readonly nursery: RequestDoor | null;
}

/** Who may join. */
export interface Door extends Doorkeeper {
  /** Also asked when a socket comes: the address may have been banned since. */
  bansAddress(address: string): boolean;
  /** A socket comes for a seat: that is a join, whatever comes of it. @returns why it is refused; null: it is not */
  comes(address: string): { readonly reason: string } | null;
}

/** Answers `/metrics`. */
export interface MetricsDoor {
  /** Counts a request that was answered. */
  readonly answered: (request: AnsweredRequest) => void;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Answers requests of one kind, perhaps in another process. */
export interface RequestDoor {
  handle(request: IncomingMessage, response: ServerResponse, url: URL, caller: Caller): Promise<void>;
}

/** What a server with several worlds answers for all of them. */
export interface LobbyDoor {
  /** Names of worlds that are there or were lately. */
  readonly names: readonly string[];
  /** Those that can be joined. */
  readonly worlds: Iterable<ServedWorld>;
  /** @returns null: it has not been reached yet; undefined: there is no such world */
  find(name: string): ServedWorld | null | undefined;
  /** Counts a request that was answered. */
  readonly answered: (request: AnsweredRequest) => void;
  /** @param address - of the client @returns null: it is not the lobby's */
  answer(request: IncomingMessage, response: ServerResponse, url: URL, address: string): Promise<void> | null;
}

/** What stands behind the one port. */
export type Worlds =
  | { readonly kind: 'one'; readonly name: string; readonly world: ServedWorld }
  | { readonly kind: 'several'; readonly lobby: LobbyDoor };

/** What a request is for. */
export interface Aim {
  /** null: none that can be asked. */
  readonly world: ServedWorld | null;
  /** null: the address names no world. */
  readonly path: WorldPath | null;
  /** Path and query within the world or the lobby. */
  readonly local: string;
}

/** @param url - path and query, without what a proxy may have left in */
export function aimOf(worlds: Worlds, url: string): Aim {
  if (worlds.kind === 'one') return { world: worlds.world, path: null, local: url };
  const path = worldPathOf(url);
  if (path === null) return { world: null, path, local: url };
  return { world: worlds.lobby.find(path.name) ?? null, path, local: path.rest ?? '/' };
}

export const worldsOf = (worlds: Worlds): Iterable<ServedWorld> =>
  worlds.kind === 'one' ? [worlds.world] : worlds.lobby.worlds;

export interface RouterOptions {
  readonly worlds: Worlds;
  readonly addresses: Addresses;
  readonly hosts: Hosts;
  readonly assets: Assets;
}

export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** @param url - that of `aim.local` */
  async route(request: IncomingMessage, response: ServerResponse, url: URL, aim: Aim): Promise<void> {
    const { worlds } = this.#options;
    if (worlds.kind === 'one') {
      const path = worldPathOf(aim.local);
      if (path === null) return this.#world(request, response, url, worlds.world, '');
      return this.#onlyWorld(request, response, url, path, worlds.name);
    }
    const { lobby } = worlds;
    if (aim.path === null) return this.#lobby(request, response, url, lobby);
    if (aim.world !== null && aim.path.rest !== null)
      return this.#world(request, response, url, aim.world, '/w');
    this.#nobody(request, response, url, aim.path, lobby.find(aim.path.name) !== undefined);
  }

  /** The world cannot be asked. @param isKnown - it only has not been reached yet */
  #nobody(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    path: WorldPath,
    isKnown: boolean,
  ): void {
    const { assets } = this.#options;
    if (PROGRAM_PATHS.test(url.pathname)) {
      const name = mayBeWorld(path) ? ` ${path.name}` : '';
      if (isKnown) refuse(request, response, 503, `the world${name} has not been reached yet`);
      else refuse(request, response, 404, `there is no world${name}`);
      return;
    }
    if (refuseOtherMethods(request, response)) return;
    if (path.rest === null && mayBeWorld(path)) redirect(response, withSlash(path));
    else if (path.rest === null && path.name === '') redirect(response, '../');
    // The page is there before its world is, and tries to join until it can.
    else if (isKnown) assets.handle(request, response, url.pathname, '/w');
    else if (path.rest !== null && url.pathname === '/') assets.page(request, response, '/w/lobby.html', 404);
    else replyText(response, 404, 'not found\n');
  }

  /** The only world's pages are at the root, also for those who come by its name. */
  #onlyWorld(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    { name }: WorldPath,
    only: string,
  ): void {
    if (refuseOtherMethods(request, response)) return;
    if (name !== only) replyText(response, 404, 'there is no such world here\n');
    else redirect(response, wayHome(url.pathname) + url.search, 307);
  }

  async #lobby(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    lobby: LobbyDoor,
  ): Promise<void> {
    const { assets, addresses } = this.#options;
    if (url.pathname.startsWith('/matchmake/'))
      return refuse(request, response, 404, 'there are several worlds here now: reload the page');
    if (refuseOtherMethods(request, response)) return;
    const answer = lobby.answer(request, response, url, addresses.of(request));
    if (answer !== null) return answer;
    const isPage = url.pathname === '/' || url.pathname === '/lobby.html';
    const [only, ...others] = lobby.names;
    if ((isPage || WORLD_PAGES.test(url.pathname)) && only !== undefined && others.length === 0) {
      const page = isPage ? '/' : url.pathname;
      const up = '../'.repeat(url.pathname.split('/').length - 2);
      return redirect(response, `${up}w/${only}${page}${url.search}`, 307);
    }
    if (isPage) return assets.page(request, response, '/lobby.html', 200);
    if (PROGRAM_PATHS.test(url.pathname))
      return refuse(request, response, 404, 'this server has several worlds: name one, as in /w/NAME/');
    if (WORLD_PAGES.test(url.pathname))
      return replyText(response, 404, 'each world has its own, as in /w/NAME/admin/\n');
    assets.handle(request, response, url.pathname);
  }

  /** @param below - of the client's files: '/w' where the page's address is two levels deeper */
  async #world(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    { api, status, metrics, door, seats, admin, nursery }: ServedWorld,
    below: '' | '/w',
  ): Promise<void> {
    const { addresses, hosts, assets } = this.#options;
    if (url.pathname.startsWith('/matchmake/'))
      return matchmake(request, response, url.pathname, addresses, door, seats);
    if (url.pathname.startsWith('/admin/api/')) {
      if (admin === null) return replyJson(response, 404, { error: 'this server has no admin' });
      return admin.handle(request, response, url, {
        address: addresses.of(request),
        isSecure: hosts.isSecure(request),
      });
    }
    if (NURSERY_PATHS.test(url.pathname)) {
      if (nursery === null) return replyJson(response, 404, { error: 'this world grows no drawings' });
      return nursery.handle(request, response, url, {
        address: addresses.of(request),
        isSecure: hosts.isSecure(request),
      });
    }
    if (refuseOtherMethods(request, response)) return;
    if (STATUS_PATHS.has(url.pathname)) return status.answer(url.pathname, response);
    if (url.pathname === '/metrics') return metrics.handle(request, response);
    if (API_PATHS.test(url.pathname)) return api.handle(url, request, response, addresses.of(request));
    return assets.handle(request, response, url.pathname, below);
  }
}

/** @returns true when the request has been refused because it is neither GET nor HEAD */
function refuseOtherMethods(request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  response.setHeader('Allow', 'GET, HEAD');
  replyJson(response, 405, { error: `${request.method} is not allowed here` });
  return true;
}

/** For programs. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, error: string): void {
  // The body is discarded, so that the connection can be used again.
  request.resume();
  // Colyseus' client looks for a code beside the text.
  replyJson(response, status, { code: status, error });
}
