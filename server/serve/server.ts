/**
 * The one port: the client's files, `/api`, `/healthz` and its like, `/metrics`, matchmaking and WebSockets. Colyseus is attached to this HTTP
 * server, so it sees a WebSocket only after every check here.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { matchMaker } from '@colyseus/core';
import { type TransportOptions, WebSocketTransport } from '@colyseus/ws-transport';
import { WebSocketServer } from 'ws';
import { MAX_CLIENT_MESSAGE_BYTES } from '../../shared/limits.ts';
import { CloseCode } from '../../shared/protocol.ts';
import type { Addresses, Proxies } from '../http/addresses.ts';
import type { Assets } from '../http/assets.ts';
import type { Hosts } from '../http/hosts.ts';
import { redirect, replyJson, replyText, setSecurityHeaders } from '../http/replies.ts';
import { requestIdOf, watchRequest } from '../http/requestWatch.ts';
import { Sockets } from '../http/sockets.ts';
import type { Log } from '../log/log.ts';
import { reasonOfStatus, type Tally } from '../tally.ts';
import { aimOf, PROGRAM_PATHS, Router, type ServedWorld, type Worlds, worldsOf } from './routes.ts';

/** When the world stops, clients are told why and disconnected after this. */
const MAX_GOODBYE_MS = 1_500;
/** Colyseus' own shutdown has no deadline. */
const MAX_SHUTDOWN_MS = 4_000;
/** WebSocket pings: a peer whose network is gone is noticed within 15 s. */
const PING_MS = 5_000;

/** Longer than the 60 s that most balancers keep a connection: who closes it first must not be this server. */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 8_192;
/** Who meets the limit of connections is told to come back after this. */
const RETRY_SECONDS = 5;
/** RFC 6455's registry: the server is overloaded, or its limits are met. */
const TRY_AGAIN_LATER = 1_013;
const NO_DESCRIPTORS = new Set(['EMFILE', 'ENFILE']);

/** Only pages of this server ask for these. */
const OWN_PAGES_ONLY = /^\/(?:matchmake|admin\/api)\//;
const SOCKET_PATH = /^\/([A-Za-z0-9_-]{1,64})\/([A-Za-z0-9_-]{1,64})$/;
const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface ServerOptions {
  /** Address to listen at. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly worlds: Worlds;
  /** Counts what is not of any one world. */
  readonly tally: Tally;
  readonly log: Log;
  readonly proxies: Proxies;
  readonly addresses: Addresses;
  readonly hosts: Hosts;
  readonly assets: Assets;
  /** A connection that has not sent the head of a request within this, ms, is closed; at most 10,000. */
  readonly headMs: number;
  /** All connections together. */
  readonly maxSockets: number;
}

interface UpgradeRefusal {
  readonly status: number;
  readonly text: string;
  /** Players may meet this: the page shows the text. */
  readonly isShown?: boolean;
}

export interface Server {
  readonly url: string;
  /** TCP connections. */
  readonly connections: number;
  /** Tells every client that the world has stopped; takes at most 5.5 s. */
  close(): Promise<void>;
}

/** Resolves when the port accepts connections. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { worlds, addresses, hosts, assets, headMs, maxSockets, tally, proxies, log } = options;
  const router = new Router({ worlds, addresses, hosts, assets });
  const http = createHttpServer(
    {
      // A peer that opens a connection and sends nothing, or sends slowly, is disconnected.
      headersTimeout: headMs,
      requestTimeout: 10_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: headMs / 4,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Other upgrades (h2c) are ignored: the request is answered as if it had not asked for one.
      shouldUpgradeCallback: isWebSocket,
    },
    (request, response) => {
      // What a connection had sent before it was closed is parsed to its end all the same.
      if (request.socket.destroyed) return;
      answer(request, response).catch((error: NodeJS.ErrnoException) => {
        // Whoever cut their own request off wants no answer, and their error is not ours.
        if (response.headersSent || request.errored !== null) response.destroy();
        else if (NO_DESCRIPTORS.has(error.code ?? '')) {
          response.setHeader('Retry-After', '1');
          replyJson(response, 503, { error: 'the server has no file descriptor left for this' });
        } else {
          log.error(`http: ${request.method} failed`, { error, request: requestIdOf(response) });
          replyJson(response, 500, { error: 'the server failed' });
        }
      });
    },
  );
  http.maxHeadersCount = 64;
  const sockets = new Sockets(http, { maxSockets, addresses, tally, log: (line) => log.warn(line) });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = sockets.begin(request, response);
    setSecurityHeaders(response, hosts.isSecure(request));
    // Node loses what follows a request whose upgrade is ignored.
    if (request.headers.upgrade !== undefined) response.setHeader('Connection', 'close');
    const unknown = hosts.refusal(request);
    const withSlash = hosts.withSlash(request.url ?? '');
    const aim = aimOf(worlds, hosts.localUrl(request.url ?? ''));
    request.url = aim.local;
    const url = urlOf(request);
    watchRequest(request, response, proxies.requestId(request), url?.pathname ?? '', (answered) => {
      if (aim.world !== null) aim.world.metrics.answered(answered);
      else if (worlds.kind === 'several') worlds.lobby.answered(answered);
      const { route, status } = answered;
      if (route === 'matchmake' && status >= 400)
        (aim.world?.tally ?? tally).refuse('join', reasonOfStatus(status));
      const { id, method, path, seconds } = answered;
      const facts = { request: id, address: addresses.of(request), route, ms: Math.round(seconds * 1_000) };
      log.debug(`${method} ${path}: ${status}`, facts);
    });
    const refuse = (status: number, error: string): void => {
      // Colyseus' client looks for a code beside the text.
      if (url !== null && PROGRAM_PATHS.test(url.pathname))
        replyJson(response, status, { code: status, error });
      else replyText(response, status, `${error}\n`);
    };
    if (refused !== null) {
      response.setHeader('Connection', 'close');
      response.setHeader('Retry-After', String(RETRY_SECONDS));
      return refuse(refused.status, refused.text);
    }
    if ((request.headersDistinct.host?.length ?? 0) > 1) {
      response.setHeader('Connection', 'close');
      return refuse(400, 'a request names one host');
    }
    if (unknown !== null) return refuse(421, unknown);
    if (url === null) return refuse(400, 'that is not a path');
    if (withSlash !== null) return redirect(response, withSlash);
    if (OWN_PAGES_ONLY.test(url.pathname) && !hosts.isOwnOrigin(request))
      return refuse(403, 'another site may not ask for this');
    return router.route(request, response, url, aim);
  }

  const turnedAway = new WebSocketServer({ noServer: true, maxPayload: MAX_CLIENT_MESSAGE_BYTES });

  /** False for an upgrade that has been answered already: its sender has no seat in the world, or may not take it. */
  function mayUpgrade(request: IncomingMessage): boolean {
    const { socket } = request;
    const aim = aimOf(worlds, hosts.localUrl(request.url ?? ''));
    request.url = aim.local;
    const refused = refusal(request, aim.world);
    if (refused === null) return true;
    const { status, text, isShown = false } = refused;
    (aim.world?.tally ?? tally).refuse('handshake', reasonOfStatus(status));
    if (!isShown) {
      sockets.refuse(socket, status, text, status === 426 ? ['Upgrade: websocket'] : []);
      return false;
    }
    // A page does not learn the status of a refused handshake, but it learns why a WebSocket was closed.
    socket.on('error', () => socket.destroy());
    turnedAway.handleUpgrade(request, socket, Buffer.alloc(0), (client) => {
      client.on('error', () => {});
      client.close(TRY_AGAIN_LATER, text);
      setTimeout(() => client.terminate(), MAX_GOODBYE_MS).unref();
    });
    return false;
  }

  function refusal(request: IncomingMessage, world: ServedWorld | null): UpgradeRefusal | null {
    if (!isWebSocket(request)) return { status: 426, text: 'only WebSocket is spoken besides HTTP/1.1' };
    const url = urlOf(request);
    if (url === null) return { status: 400, text: 'that is not a path' };
    const unknown = hosts.refusal(request);
    if (unknown !== null) return { status: 421, text: unknown };
    if (!hosts.isOwnOrigin(request)) return { status: 403, text: 'another site may not join' };
    const refused = sockets.wake(request.socket);
    if (refused !== null) return { ...refused, isShown: true };
    const sessionId = url.searchParams.get('sessionId') ?? '';
    const [, note = '', roomId] = SOCKET_PATH.exec(url.pathname) ?? [];
    if (world === null || roomId !== world.room.roomId || !SESSION_ID.test(sessionId))
      return { status: 404, text: 'there is no such room' };
    const { door, seats } = world;
    if (!seats.claim(note, sessionId))
      return { status: 410, text: 'that seat is taken, or was reserved for too long' };
    if (door.bansAddress(addresses.of(request)))
      return { status: 403, text: 'an admin has banned your address from this world', isShown: true };
    const early = door.comes(addresses.of(request));
    if (early !== null) return { status: 429, text: early.reason, isShown: true };
    if (!addresses.admitUpgrade(request))
      return { status: 429, text: 'too many connections from this address', isShown: true };
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
  transport.attachToServer(http, { filter: mayUpgrade });

  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    // Without a host Node listens on both families, or on IPv4 alone where there is no IPv6.
    http.listen(options.port, options.host === '::' ? undefined : options.host, () => {
      http.off('error', reject);
      resolve();
    });
  });
  // Without a listener, a failed accept would end the process.
  http.on('error', (error) => sockets.acceptFailed(error));
  void assets.compress();
  const { port } = http.address() as AddressInfo;

  let closing: Promise<void> | null = null;
  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeIdleConnections();
    for (const { room } of worldsOf(worlds)) room.closeAll(CloseCode.worldStopped, 'the world has stopped');
    turnedAway.close();
    // Meanwhile, each connection terminates a socket that does not answer.
    await within(MAX_SHUTDOWN_MS, matchMaker.gracefullyShutdown());
    transport.shutdown();
    http.closeAllConnections();
    await within(MAX_GOODBYE_MS, closed);
  }

  return {
    get connections() {
      return sockets.count;
    },
    url: urlAt(options.host, port),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Where a browser of this machine finds a server. */
export function urlAt(host: string, port: number): string {
  const name = ['0.0.0.0', '::', ''].includes(host) ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}/`;
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

const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket';

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, deadline]);
  clearTimeout(timer);
}
