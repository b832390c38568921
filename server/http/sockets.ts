/**
 * Every connection of the port: how many there may be, how long each may take, and how one ends. A connection beyond a
 * limit is not cut off at once: its first request is answered with the reason.
 */
import {
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { addressKey } from '../address.ts';
import { Groups } from '../groups.ts';
import { reasonOfStatus, type Tally } from '../tally.ts';
import type { Addresses } from './addresses.ts';

/** A connection that is refused is closed after this, whether it has asked for something or not. */
const REFUSED_MS = 2_000;
/** Refused connections that may wait for their answer at the same time; others are closed without a word. */
const MAX_REFUSED = 64;
const MAX_REFUSED_PER_ADDRESS = 4;
/** A connection that has its last answer is closed after this, if the other end does not close it first. */
const LINGER_MS = 1_000;
/** Connections of one address that wait for a further request; the one that waits longest is closed first. */
const MAX_IDLE_PER_ADDRESS = 64;
/** Requests of a connection that wait for their answers. Browsers and proxies send one after the other. */
const MAX_UNANSWERED = 32;
/** A client takes its answer at this rate at least, after a grace. */
const MIN_BYTES_PER_SECOND = 4_096;
const GRACE_MS = 30_000;
const MAX_TAKE_MS = 60_000;
const SWEEP_MS = 1_000;
const LOG_EVERY_MS = 60_000;
/** Descriptors for all that is not a connection: saves, the journal, the registry, threads. */
const RESERVED_DESCRIPTORS = 256;

/** Why a connection is refused. */
export interface Refused {
  readonly status: 429 | 503;
  readonly text: string;
}

export interface SocketLimits {
  /** All connections together. */
  readonly maxSockets: number;
  readonly addresses: Addresses;
  readonly tally: Tally;
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
}

/**
 * How many connections there may be: twice as many as players, and never so many that files could not be opened any
 * more.
 *
 * @param descriptors - that the process may have; Infinity: there is no limit
 */
export function maxSocketsFor(maxPlayers: number, descriptors: number): number {
  const reserved = Math.min(RESERVED_DESCRIPTORS, Math.floor(descriptors / 2));
  return Math.min(2 * maxPlayers + 1_024, descriptors - reserved);
}

/** How many descriptors this process may have; Infinity where the system has no such limit. */
export function descriptorLimit(): number {
  // `userLimits` is missing on Windows. Names of peers are not looked up for it.
  Object.assign(process.report, { excludeNetwork: true });
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}

export class Sockets {
  readonly #limits: SocketLimits;
  readonly #all = new Set<Socket>();
  readonly #addresses = new WeakMap<Socket, string>();
  /** Connections that wait for a further request, the longest wait first. */
  readonly #idle = new Set<Socket>();
  /** By address. */
  readonly #idleOf = new Groups<string, Socket>();
  /** Requests of a connection that are not answered yet. */
  readonly #busy = new WeakMap<Socket, Set<ServerResponse>>();
  readonly #refused = new Map<Socket, Refused>();
  readonly #ending = new WeakSet<Duplex>();
  /** Answers that are written and not taken yet: by when they must be. */
  readonly #untaken = new Map<ServerResponse, number>();
  readonly #answering = new Set<ServerResponse>();
  readonly #sweep: NodeJS.Timeout;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(http: HttpServer, limits: SocketLimits) {
    this.#limits = limits;
    http.on('connection', (socket) => this.#accept(socket));
    http.on('clientError', (error, socket) =>
      this.#clientError(error as NodeJS.ErrnoException, socket as Socket),
    );
    http.on('connect', (_request, socket) =>
      this.refuse(socket, 405, 'CONNECT is not allowed here', ['Allow: GET, HEAD']),
    );
    this.#sweep = setInterval(() => this.#closeSlow(), SWEEP_MS).unref();
    http.once('close', () => clearInterval(this.#sweep));
  }

  /** How many connections there are. */
  get count(): number {
    return this.#all.size;
  }

  /** The descriptor limit is met all the same, or the system fails: said once a minute. */
  acceptFailed(error: Error): void {
    const now = performance.now();
    if (now - this.#loggedMs < LOG_EVERY_MS) return;
    this.#loggedMs = now;
    this.#limits.log(`a connection could not be accepted: ${error.message}`);
  }

  /** Called with each request. @returns why it is refused; null: it is answered */
  begin(request: IncomingMessage, response: ServerResponse): Refused | null {
    const { socket } = request;
    const refused = this.wake(socket);
    const busy = this.#busy.get(socket) ?? new Set();
    this.#busy.set(socket, busy.add(response));
    // Thousands fit into one read, and Node makes a request of each before it waits for the client.
    if (busy.size > MAX_UNANSWERED) socket.destroy();
    this.#answering.add(response);
    response.once('finish', () => {
      // The rest of a body that nobody wants is read to its end, but not for long.
      if (request.complete) return;
      request.resume();
      setTimeout(() => {
        if (!request.complete) socket.destroy();
      }, LINGER_MS).unref();
    });
    response.once('close', () => {
      this.#answering.delete(response);
      this.#untaken.delete(response);
      busy.delete(response);
      if (busy.size === 0) this.#rest(socket);
    });
    return refused;
  }

  /** Counts a connection that has waited for its next request, or for a handshake. @returns why it is refused */
  wake(socket: Socket): Refused | null {
    const refused = this.#refused.get(socket);
    if (refused !== undefined) return refused;
    this.#forgetIdle(socket);
    return this.#limits.addresses.admitSocket(socket) ? null : OF_ADDRESS;
  }

  /** Answers a connection that has no `ServerResponse`, and closes it. */
  refuse(socket: Duplex, status: number, text: string, headers: readonly string[] = []): void {
    if (this.#ending.has(socket)) return;
    this.#ending.add(socket);
    socket.on('error', () => socket.destroy());
    const body = Buffer.from(`${text}\n`);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...headers,
      'Content-Type: text/plain; charset=utf-8',
      `Content-Length: ${body.length}`,
      'Connection: close',
    ];
    socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
    this.#linger(socket);
  }

  #accept(socket: Socket): void {
    const { addresses, maxSockets } = this.#limits;
    this.#all.add(socket);
    this.#addresses.set(socket, addressKey(socket.remoteAddress ?? ''));
    socket.once('close', () => {
      this.#forget(socket);
      addresses.releaseSocket(socket);
    });
    if (this.#all.size > maxSockets) {
      const [longestIdle] = this.#idle;
      if (longestIdle === undefined) {
        this.#refuseAll(socket, OF_ALL);
        return;
      }
      this.#forget(longestIdle);
      longestIdle.destroy();
    }
    if (!addresses.admitSocket(socket)) this.#refuseAll(socket, OF_ADDRESS);
  }

  /** What a connection asks for in its short life is answered with the reason. */
  #refuseAll(socket: Socket, refused: Refused): void {
    // It takes none of the others' places.
    this.#all.delete(socket);
    this.#limits.tally.refuse('connection', refused === OF_ALL ? 'limit' : 'address_limit');
    const address = this.#addressOf(socket);
    let fromThere = 0;
    for (const one of this.#refused.keys()) if (this.#addressOf(one) === address) fromThere++;
    if (this.#refused.size >= MAX_REFUSED || fromThere >= MAX_REFUSED_PER_ADDRESS) {
      socket.destroy();
      return;
    }
    this.#refused.set(socket, refused);
    const timer = setTimeout(() => socket.destroy(), REFUSED_MS).unref();
    socket.once('close', () => {
      clearTimeout(timer);
      this.#refused.delete(socket);
    });
  }

  /** A malformed or late request affects only its sender. */
  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const isAnswered = [...(this.#busy.get(socket) ?? [])].some(({ headersSent }) => headersSent);
    // In the middle of an answer, a second one would be taken for part of it.
    if (isAnswered || !socket.writable) socket.destroy();
    else {
      const [status, text] = meaningOf(error.code ?? '');
      this.#limits.tally.refuse('connection', reasonOfStatus(status));
      this.refuse(socket, status, text);
    }
  }

  #rest(socket: Socket): void {
    if (socket.destroyed || !this.#all.has(socket) || this.#refused.has(socket)) return;
    this.#limits.addresses.releaseSocket(socket);
    this.#idle.add(socket);
    const address = this.#addressOf(socket);
    this.#idleOf.add(address, socket);
    const idle = this.#idleOf.of(address);
    const [longestIdle] = idle;
    if (idle.size <= MAX_IDLE_PER_ADDRESS || this.#limits.addresses.areBehindProxy) return;
    this.#forget(longestIdle);
    longestIdle.destroy();
  }

  /** As it was when the connection came: a closed socket no longer tells. */
  #addressOf(socket: Socket): string {
    return this.#addresses.get(socket) ?? '';
  }

  #forget(socket: Socket): void {
    this.#all.delete(socket);
    this.#forgetIdle(socket);
  }

  #forgetIdle(socket: Socket): void {
    if (!this.#idle.delete(socket)) return;
    this.#idleOf.delete(this.#addressOf(socket), socket);
  }

  /** Reads and drops what still comes, so that the last answer arrives before the end. */
  #linger(socket: Duplex): void {
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once('end', () => socket.destroy());
    socket.once('close', () => clearTimeout(timer));
  }

  #closeSlow(): void {
    const now = performance.now();
    for (const response of this.#answering) {
      if (!response.writableEnded || response.writableFinished) continue;
      const until = this.#untaken.get(response);
      if (until === undefined) {
        const takeMs = GRACE_MS + (response.writableLength / MIN_BYTES_PER_SECOND) * 1_000;
        this.#untaken.set(response, now + Math.min(takeMs, MAX_TAKE_MS));
      } else if (now > until) {
        response.destroy();
      }
    }
  }
}

const OF_ADDRESS: Refused = { status: 429, text: 'too many connections from this address' };
const OF_ALL: Refused = { status: 503, text: 'the server has all the connections that it can have' };

/** Node's and llhttp's codes, as an answer. */
function meaningOf(code: string): [status: number, text: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'the request took too long'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'the headers of a request have at most 8,192 bytes'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'the chunk extensions are too long'];
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return [505, 'only HTTP/1.1 is spoken here'];
    default:
      return [400, 'that is not a request of HTTP/1.1'];
  }
}
