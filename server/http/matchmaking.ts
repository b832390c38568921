/**
 * `POST /matchmake/joinOrCreate/world` and `/join/world`: the Colyseus SDK reserves a seat here.
 *
 * It replaces Colyseus' own route, which answers every path of the server, echoes any Origin, reads a megabyte of
 * options and creates a second world when the first is full. Here there is one world, made at start, and both methods
 * join it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ErrorCode, matchMaker, ServerError } from '@colyseus/core';
import { ROOM_NAME } from '../../shared/protocol.ts';
import type { Addresses } from './addresses.ts';
import { replyJson } from './replies.ts';

const JOINING = new Set(['/matchmake/joinOrCreate/world', '/matchmake/join/world']);
/** The SDK sends `{}`. */
const MAX_BODY = 1_024;

export async function matchmake(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  addresses: Addresses,
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
  if (!(await discardBody(request)))
    return refuse(413, ErrorCode.MATCHMAKE_UNHANDLED, `the options have more than ${MAX_BODY} bytes`);
  const giveBack = addresses.admitSeat(addresses.of(request));
  if (giveBack === null)
    return refuse(429, ErrorCode.MATCHMAKE_UNHANDLED, 'too many connections from this address');
  try {
    const seat = await matchMaker.controller.invokeMethod('join', ROOM_NAME, {});
    addresses.assignSeat(seat.sessionId, giveBack);
    replyJson(response, 200, seat);
  } catch (error) {
    giveBack();
    if (!(error instanceof ServerError)) throw error;
    refuse(503, ErrorCode.MATCHMAKE_INVALID_CRITERIA, 'the world is full or stopping');
  }
}

/** Reads the options to their end and drops them: a world takes none. @returns false when they are too long */
async function discardBody(request: IncomingMessage): Promise<boolean> {
  let length = 0;
  // The connection must stay open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > MAX_BODY) return false;
  }
  return true;
}
