/**
 * Requests that another process answers. A relay packs one up with its body; the process of the world answers it by the
 * same code as a request of its own, over a connection within the process.
 */
import {
  createServer,
  type Server as HttpServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { partyOf } from '../address.ts';

/** A rule, and room for its form. */
const MAX_BODY_BYTES = MAX_RULE_BYTES + 64 * 1024;
/**
 * The first bytes of each body are not counted: no request but one with a rule has more, so an admin can always log in.
 */
const UNCOUNTED_BYTES = 8 * 1024;
/** Bodies of an address that a relay has read for a world, and the world has not answered: four rules. */
const MAX_HELD_BYTES_PER_ADDRESS = 4 * 1024 * 1024;
/** All addresses together may hold this much: when 48 MB wait on the way to a world, everybody on it is cut off. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const ANSWER_MS = 9_000;
/** Headers from one connection to the next; the body is whole, so its length is known. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'content-length',
]);

/** Who asks, as whoever forwards a request knows it. */
export interface ForwardedCaller {
  readonly address: string;
  /** The client speaks TLS with what stands before the relay. */
  readonly isSecure: boolean;
}

export interface ForwardedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly caller: ForwardedCaller;
}

export interface ForwardedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
}

/** A body that is not taken. */
export class BodyRefusal extends Error {
  override name = 'BodyRefusal';
  /** 413: it is too long; 429: this address sends too much; 503: everybody together does. */
  readonly status: 413 | 429 | 503;

  constructor(status: 413 | 429 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

/** Bodies that a relay holds for one world: anybody may send them, and who may ask is known at the world. */
export class HeldBodies {
  /** By address or network. */
  readonly #held = new Map<string, number>();
  #all = 0;

  /** Bytes that are counted. */
  get bytes(): number {
    return this.#all;
  }

  /** Counts the bytes. @throws BodyRefusal when there is no room for them; then none is counted */
  hold(address: string, bytes: number): void {
    const party = partyOf(address);
    const held = (this.#held.get(party) ?? 0) + bytes;
    if (held > MAX_HELD_BYTES_PER_ADDRESS)
      throw new BodyRefusal(429, 'this address sends too much at once: try again in a moment');
    if (this.#all + bytes > MAX_HELD_BYTES)
      throw new BodyRefusal(503, 'too much is sent at once: try again in a moment');
    if (held > 0) this.#held.set(party, held);
    this.#all += bytes;
  }

  letGo(address: string, bytes: number): void {
    const party = partyOf(address);
    const held = (this.#held.get(party) ?? 0) - bytes;
    if (held > 0) this.#held.set(party, held);
    else this.#held.delete(party);
    this.#all -= bytes;
  }
}

/**
 * Calls `ask` with the request, packed up with its body. Room for the body is held from before it is read until `ask` has
 * ended.
 *
 * @throws BodyRefusal; what `ask` throws
 */
export async function forwardRequest<T>(
  request: IncomingMessage,
  path: string,
  caller: ForwardedCaller,
  bodies: HeldBodies,
  ask: (packed: ForwardedRequest) => Promise<T>,
): Promise<T> {
  const length = lengthOf(request);
  if (length > MAX_BODY_BYTES) throw new BodyRefusal(413, 'the request is too long');
  const counted = Math.max(0, length - UNCOUNTED_BYTES);
  bodies.hold(caller.address, counted);
  try {
    const body = await bodyOf(request, MAX_BODY_BYTES);
    if (body === null) throw new BodyRefusal(413, 'the request is too long');
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers))
      if (value !== undefined && !OF_CONNECTION.has(name)) headers[name] = String(value);
    return await ask({ method: request.method ?? 'GET', path, headers, body, caller });
  } finally {
    bodies.letGo(caller.address, counted);
  }
}

/** Bytes of a body that comes; of one in chunks, what it may have. */
function lengthOf({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return MAX_BODY_BYTES;
  return Number(headers['content-length'] ?? 0);
}

export function sendReply(response: ServerResponse, { status, headers, body }: ForwardedReply): void {
  response.writeHead(status, { ...(headers as OutgoingHttpHeaders), 'Content-Length': body.length });
  response.end(body);
}

export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  caller: ForwardedCaller,
) => Promise<void>;

export class Forwarding {
  readonly #http: HttpServer;
  readonly #callers = new WeakMap<object, ForwardedCaller>();

  /** @param answer - as it answers requests of this process */
  constructor(answer: Answer) {
    this.#http = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://regrow');
      const caller = this.#callers.get(request.socket);
      if (caller === undefined) throw new Error('a request that nobody forwarded');
      answer(request, response, url, caller).catch((error: Error) => {
        response.destroy(error);
      });
    });
  }

  /** @throws Error when it is not answered in time */
  answer({ method, path, headers, body, caller }: ForwardedRequest): Promise<ForwardedReply> {
    const [here, there] = duplexPair();
    this.#callers.set(there, caller);
    this.#http.emit('connection', there);
    return new Promise((resolve, reject) => {
      const asked = httpRequest(
        {
          method,
          path,
          headers: { host: 'regrow', ...headers, 'content-length': body.length },
          createConnection: () => here as Duplex,
          signal: AbortSignal.timeout(ANSWER_MS),
        },
        (reply) => {
          bodyOf(reply, MAX_REPLY_BYTES).then((whole) => {
            if (whole === null) throw new Error(`the answer has more than ${MAX_REPLY_BYTES} bytes`);
            resolve({ status: reply.statusCode!, headers: headersOf(reply), body: whole });
          }, reject);
        },
      );
      asked.once('error', reject);
      asked.end(body);
    });
  }
}

function headersOf({ headers }: IncomingMessage): Record<string, string | readonly string[]> {
  const kept: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !OF_CONNECTION.has(name)) kept[name] = value;
  return kept;
}

/** @returns null when there are more than `most` bytes */
async function bodyOf(message: IncomingMessage, most: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > most) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
