/**
 * The one port: pages, `/api`, `/healthz`, matchmaking and WebSockets. Colyseus is attached to it, not the
 * other way round: it sees a WebSocket only after everything here has let it pass.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { matchMaker } from '@colyseus/core';
import { type TransportOptions, WebSocketTransport } from '@colyseus/ws-transport';
import { MAX_CLIENT_MESSAGE_BYTES } from '../shared/limits.ts';
import { CloseCode, ROOM_NAME } from '../shared/protocol.ts';
import type { Admin } from './admin/admin.ts';
import type { Config } from './config.ts';
import { Addresses } from './http/addresses.ts';
import { Api } from './http/api.ts';
import { isOwnOrigin, matchmake } from './http/matchmaking.ts';
import { servePages } from './http/pages.ts';
import { replyJson, setSecurityHeaders } from './http/replies.ts';
import { wiltLine } from './rooms/wiltNotice.ts';
import { SEAT_SECONDS, type WorldRoom, worldRoomOf } from './rooms/worldRoom.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { WorldLink } from './world/messages.ts';

const BUILT_CLIENT = join(import.meta.dirname, '../build/client');
/** Clients are told, and cut off after this. */
const GOODBYE_MS = 1_500;
/** Colyseus' own shutdown has no deadline. */
const SHUTDOWN_MS = 4_000;
/** WebSocket pings: a peer whose network is gone is noticed within 15 s. */
const PING_MS = 5_000;

const CONTROL_PATHS = /^\/(api|matchmake)(\/|$)|^\/healthz$/;
const SOCKET_PATH = /^\/[A-Za-z0-9_-]{1,64}\/([A-Za-z0-9_-]{1,64})$/;
const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface ServerParts {
  /** What an admin may do, and the swaps of rules; without one, nothing. */
  readonly admin?: Admin | null;
  /** Told who is here and what they do. */
  readonly sessions?: Sessions | null;
  /** Folder of the built client. */
  readonly pages?: string;
}

export async function createServer(
  world: WorldLink,
  config: Config,
  { admin = null, sessions = null, pages = BUILT_CLIENT }: ServerParts = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const { perAddress, trustForwarded } = config;

  const room = await makeRoom({
    ...config,
    world,
    attendance: {
      join: (id) => sessions?.join(id, addresses.ofSession(id)),
      leave: (id) => sessions?.leave(id),
      stroke: (isApplied) => sessions?.stroke(isApplied),
    },
    learned: async () => (await admin?.learned.message()) ?? null,
  });
  const api = new Api(world, () => room.players);
  world.onFrame = (frame) => {
    api.heard();
    room.publish(frame);
  };
  world.onStats = (stats) => {
    api.heard(stats);
    room.publishStats({ ...stats, players: room.players });
  };

  world.onSpecies = (species) => room.publishSpecies(species);
  world.onWilted = (bodies) => {
    for (const body of bodies) console.error(wiltLine(body));
    room.tellWilted(bodies);
  };

  const addresses = new Addresses({ perAddress, trustForwarded, seatMs: SEAT_SECONDS * 1_000 });
  admin?.attend({
    announce: (text) => room.announce(text),
    get guests() {
      return room.guests.map((guest) => ({ ...guest, address: addresses.ofSession(guest.id) }));
    },
    kick: (id, reason) => room.kick(id, reason),
    mute: (id, isMuted) => room.mute(id, isMuted),
  });
  const servePage = servePages(pages);
  const http = createHttpServer(
    {
      // A peer that opens a connection and says nothing, or says it slowly, is cut off.
      headersTimeout: 8_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      route(request, response).catch((error) => {
        console.error('http:', error);
        if (!response.headersSent) replyJson(response, 500, { error: 'the server failed' });
        else response.destroy();
      });
    },
  );
  http.maxHeadersCount = 64;
  http.on('connection', (socket) => {
    if (!addresses.admitSocket(socket)) socket.destroy();
  });
  // A malformed request is its sender's trouble alone.
  http.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
    const url = urlOf(request);
    if (url === null) return replyJson(response, 400, { error: 'that is no path' });
    if (url.pathname.startsWith('/matchmake/')) {
      if (admin?.bans.has(addresses.of(request)))
        return replyJson(response, 403, { code: 403, error: 'this address has been banned for a while' });
      return matchmake(request, response, url.pathname, addresses);
    }
    if (url.pathname.startsWith('/admin/api/')) {
      if (admin === null) return replyJson(response, 404, { error: 'there is no admin here' });
      return admin.handle(request, response, url, addresses.of(request));
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return replyJson(response, 405, { error: `${request.method} is not possible here` });
    }
    if (CONTROL_PATHS.test(url.pathname)) return api.handle(url, response);
    return servePage(request, response);
  }

  /** A WebSocket is opened only by who has a seat in the world; all others get plain HTTP. */
  function refusal(request: IncomingMessage): string | null {
    const url = urlOf(request);
    if (url === null) return '400 Bad Request';
    if (!isOwnOrigin(request)) return '403 Forbidden';
    const sessionId = url.searchParams.get('sessionId') ?? '';
    if (SOCKET_PATH.exec(url.pathname)?.[1] !== room.roomId || !SESSION_ID.test(sessionId))
      return '404 Not Found';
    // Own keys only: `_reservedSeats` is a plain object, and "constructor" is no seat.
    if (!Object.hasOwn(room.seats, sessionId) || !room.hasReservedSeat(sessionId)) return '410 Gone';
    if (admin?.bans.has(addresses.of(request))) return '403 Forbidden';
    if (!addresses.admitUpgrade(request)) return '429 Too Many Requests';
    return null;
  }

  // `closeTimeout` is not in the types of `ws` yet.
  const socketOptions = {
    noServer: true,
    // Up to twice as long a message is read, so that its sender learns our code and not only 1009.
    maxPayload: 2 * MAX_CLIENT_MESSAGE_BYTES,
    maxFragments: 16,
    maxBufferedChunks: 256,
    closeTimeout: GOODBYE_MS,
    pingInterval: PING_MS,
    pingMaxRetries: 2,
  };
  const transport = new QuietTransport(socketOptions, (request) => {
    addresses.takeSeat(urlOf(request)?.searchParams.get('sessionId') ?? '', request);
  });
  transport.attachToServer(http, {
    filter: (request) => {
      const refused = refusal(request);
      if (refused === null) return true;
      refuseUpgrade(request.socket, refused);
      return false;
    },
  });

  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(config.port, config.host, () => {
      http.off('error', reject);
      resolve();
    });
  });
  const { port } = http.address() as AddressInfo;
  const host = ['0.0.0.0', '::', ''].includes(config.host) ? 'localhost' : config.host;

  let closing: Promise<void> | null = null;
  async function close(): Promise<void> {
    world.onFrame = () => {};
    world.onStats = () => {};
    world.onSpecies = () => {};
    world.onWilted = () => {};
    admin?.dispose();
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeIdleConnections();
    room.closeAll(CloseCode.worldStopped, 'the world has stopped');
    // Sockets that do not answer are terminated by their connection meanwhile.
    await within(SHUTDOWN_MS, matchMaker.gracefullyShutdown());
    transport.shutdown();
    http.closeAllConnections();
    await within(GOODBYE_MS, closed);
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** What a stranger's socket does wrong closes it; Colyseus would also let him fill the log with stacks. */
class QuietTransport extends WebSocketTransport {
  /** @param opened - called when a handshake is complete */
  constructor(options: TransportOptions, opened: (request: IncomingMessage) => void) {
    super(options);
    this.wss.on('connection', (socket, request) => {
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      opened(request);
    });
  }
}

/** Colyseus' matchmaker is one a process; the world is made now, and clients can only join it. */
async function makeRoom(host: Parameters<typeof worldRoomOf>[0]): Promise<WorldRoom> {
  matchMaker.controller.exposedMethods = ['join'];
  matchMaker.setHealthChecksEnabled(false);
  await matchMaker.setup();
  matchMaker.defineRoomType(ROOM_NAME, worldRoomOf(host));
  await matchMaker.accept();
  const { roomId } = await matchMaker.createRoom(ROOM_NAME, {});
  return matchMaker.getLocalRoomById(roomId) as WorldRoom;
}

function urlOf(request: IncomingMessage): URL | null {
  // A path alone: `//host/…` and absolute forms would be read as another host's.
  if (!request.url?.startsWith('/') || request.url.startsWith('//')) return null;
  return URL.parse(request.url, 'http://regrow');
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, deadline]);
  clearTimeout(timer);
}
