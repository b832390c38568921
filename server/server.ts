/**
 * The one port: the client's files, `/api`, `/healthz`, matchmaking and WebSockets. Colyseus is attached to this HTTP
 * server, so it sees a WebSocket only after every check here.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { matchMaker } from '@colyseus/core';
import { type TransportOptions, WebSocketTransport } from '@colyseus/ws-transport';
import { MAX_CLIENT_MESSAGE_BYTES } from '../shared/limits.ts';
import { CloseCode } from '../shared/protocol.ts';
import type { Admin } from './admin/admin.ts';
import type { Guests } from './guests/guests.ts';
import type { Addresses } from './http/addresses.ts';
import type { Api } from './http/api.ts';
import { isOwnOrigin, matchmake } from './http/matchmaking.ts';
import { servePages } from './http/pages.ts';
import { replyJson, setSecurityHeaders } from './http/replies.ts';
import type { WorldRoom } from './rooms/worldRoom.ts';

/** When the world stops, clients are told why and disconnected after this. */
const MAX_GOODBYE_MS = 1_500;
/** Colyseus' own shutdown has no deadline. */
const MAX_SHUTDOWN_MS = 4_000;
/** WebSocket pings: a peer whose network is gone is noticed within 15 s. */
const PING_MS = 5_000;

const CONTROL_PATHS = /^\/(api|matchmake)(\/|$)|^\/healthz$/;
const SOCKET_PATH = /^\/[A-Za-z0-9_-]{1,64}\/([A-Za-z0-9_-]{1,64})$/;
const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface ServerOptions {
  /** Address to listen at. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly room: WorldRoom;
  readonly api: Api;
  readonly addresses: Addresses;
  /** Who may join. */
  readonly guests: Guests;
  /** Answers `/admin/api`; null: there are no such routes. */
  readonly admin: Admin | null;
  /** Folder of the built client. */
  readonly pages: string;
  /** A connection that has not sent the head of a request within this, ms, is closed; at most 10,000. */
  readonly headMs: number;
}

export interface Server {
  readonly url: string;
  /** Tells every client that the world has stopped; takes at most 5.5 s. */
  close(): Promise<void>;
}

/** Resolves when the port accepts connections. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { room, api, addresses, guests, admin, pages, headMs } = options;
  const servePage = servePages(pages);
  const http = createHttpServer(
    {
      // A peer that opens a connection and sends nothing, or sends slowly, is disconnected.
      headersTimeout: headMs,
      requestTimeout: 10_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: headMs / 4,
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
  // A malformed request affects only its sender.
  http.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
    const url = urlOf(request);
    if (url === null) return replyJson(response, 400, { error: 'that is not a path' });
    if (url.pathname.startsWith('/matchmake/')) {
      return matchmake(request, response, url.pathname, addresses, guests);
    }
    if (url.pathname.startsWith('/admin/api/')) {
      if (admin === null) return replyJson(response, 404, { error: 'this server has no admin' });
      return admin.handle(request, response, url, addresses.of(request));
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return replyJson(response, 405, { error: `${request.method} is not allowed here` });
    }
    if (CONTROL_PATHS.test(url.pathname)) return api.handle(url, response);
    return servePage(request, response);
  }

  /** The HTTP status that refuses a WebSocket; null: its sender has a seat in the world. */
  function refusal(request: IncomingMessage): string | null {
    const url = urlOf(request);
    if (url === null) return '400 Bad Request';
    if (!isOwnOrigin(request)) return '403 Forbidden';
    const sessionId = url.searchParams.get('sessionId') ?? '';
    if (SOCKET_PATH.exec(url.pathname)?.[1] !== room.roomId || !SESSION_ID.test(sessionId))
      return '404 Not Found';
    // Own keys only: `_reservedSeats` is a plain object, and "constructor" is not a seat.
    if (!Object.hasOwn(room.seats, sessionId) || !room.hasReservedSeat(sessionId)) return '410 Gone';
    if (guests.sanctions.bansAddress(addresses.of(request))) return '403 Forbidden';
    if (!addresses.admitUpgrade(request)) return '429 Too Many Requests';
    return null;
  }

  // `closeTimeout` is not in the types of `ws` yet.
  const socketOptions = {
    noServer: true,
    // A message up to twice too long is read, so that its sender gets our close code and not only 1009.
    maxPayload: 2 * MAX_CLIENT_MESSAGE_BYTES,
    maxFragments: 16,
    maxBufferedChunks: 256,
    closeTimeout: MAX_GOODBYE_MS,
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
    http.listen(options.port, options.host, () => {
      http.off('error', reject);
      resolve();
    });
  });
  const { port } = http.address() as AddressInfo;
  const host = ['0.0.0.0', '::', ''].includes(options.host) ? 'localhost' : options.host;

  let closing: Promise<void> | null = null;
  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeIdleConnections();
    room.closeAll(CloseCode.worldStopped, 'the world has stopped');
    // Meanwhile, each connection terminates a socket that does not answer.
    await within(MAX_SHUTDOWN_MS, matchMaker.gracefullyShutdown());
    transport.shutdown();
    http.closeAllConnections();
    await within(MAX_GOODBYE_MS, closed);
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Ignores sockets' errors, which close the socket anyway; Colyseus would let a stranger fill the log with stacks. */
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

function urlOf(request: IncomingMessage): URL | null {
  // Only a path: `//host/…` and absolute forms would name another host.
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
