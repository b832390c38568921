/**
 * `POST /matchmake/joinOrCreate/world` and `/join/world`: the Colyseus SDK reserves a seat here.
 *
 * It replaces Colyseus' own route, which answers every path of the server, echoes any Origin, reads a megabyte of
 * options and creates a second world when the first is full. Here there is one world, made at start, and both methods
 * join it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ErrorCode, ServerError } from '@colyseus/core';
import type { JoinOptions } from '../../shared/protocol.ts';
import { NoAnswerError } from '../world/messages.ts';
import type { Addresses } from './addresses.ts';
import { replyJson } from './replies.ts';

const JOINING = new Set(['/matchmake/joinOrCreate/world', '/matchmake/join/world']);
/** The SDK sends `{}` or a guest's token, which has 66 characters. */
const MAX_BODY = 1_024;

/** Who may join, and what the room learns of them with their seat. */
export interface Doorkeeper {
  /**
   * @param token - as the client sent it, of any type
   * @throws NoAnswerError when nobody can say
   */
  admit(token: unknown, address: string): Admission | Promise<Admission>;
}

export type Admission =
  | ({ readonly ok: true } & object)
  | {
      readonly ok: false;
      readonly status: number;
      /** For the player to read. */
      readonly reason: string;
      readonly retrySeconds?: number;
    };

/** Where seats come from. */
export interface Seats {
  /**
   * @param options - what the door said of the guest
   * @returns what the SDK reads
   * @throws ServerError when the world is full or stopping
   */
  reserve(options: object): Promise<{ readonly sessionId: string }>;
  /**
   * Called with a socket's request for its seat.
   *
   * @param note - the part of the path that the reservation called `processId`
   * @returns false: there is no such seat in this process
   */
  claim(note: string, sessionId: string): boolean;
  /** Frees a seat that nobody has taken. */
  giveUp(sessionId: string): void;
}

export async function matchmake(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  addresses: Addresses,
  doorkeeper: Doorkeeper,
  seats: Seats,
): Promise<void> {
  const refuse = (status: number, code: number, error: string): void =>
    replyJson(response, status, { code, error });
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    return refuse(405, ErrorCode.MATCHMAKE_NO_HANDLER, `${request.method} is not allowed here`);
  }
  if (!JOINING.has(path)) {
    // The body is discarded, so that the connection can be used again.
    request.resume();
    return refuse(
      404,
      ErrorCode.MATCHMAKE_NO_HANDLER,
      'there is only one world, and clients can only join it',
    );
  }
  const body = await readBody(request);
  if (body === null)
    return refuse(413, ErrorCode.MATCHMAKE_UNHANDLED, `the options have more than ${MAX_BODY} bytes`);
  const address = addresses.of(request);
  let admitted: Admission;
  try {
    admitted = await doorkeeper.admit(tokenIn(body), address);
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    return refuse(503, ErrorCode.MATCHMAKE_UNHANDLED, error.message);
  }
  if (!admitted.ok) {
    const { status, reason, retrySeconds } = admitted;
    if (retrySeconds !== undefined) response.setHeader('Retry-After', String(Math.ceil(retrySeconds)));
    return refuse(status, status, reason);
  }
  if (addresses.isFull(address))
    return refuse(429, ErrorCode.MATCHMAKE_UNHANDLED, 'too many connections from this address');
  const { ok: _, ...seatOptions } = admitted;
  try {
    const seat = await seats.reserve(seatOptions);
    addresses.holdSeat(address, seat.sessionId, () => seats.giveUp(seat.sessionId));
    replyJson(response, 200, seat);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    refuse(503, ErrorCode.MATCHMAKE_INVALID_CRITERIA, 'the world is full or stopping');
  }
}

/** @returns null when it is too long */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  // The connection must stay open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > MAX_BODY) return null;
  }
  return Buffer.concat(chunks);
}

/** The token in the options. Options that cannot be read are as none: whoever sends them is a new guest. */
function tokenIn(body: Buffer): unknown {
  try {
    return (JSON.parse(body.toString()) as JoinOptions | null)?.token;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
