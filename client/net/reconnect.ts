/** What players are told about a lost connection, and how long to wait before the next attempt. Pure. */
import { CloseCode } from '../../shared/protocol.ts';
import { capitalised } from '../../shared/room.ts';

export interface Loss {
  readonly text: string;
  /** Time until the next attempt; Infinity when there will be none. */
  readonly retryMs: number;
}

const FIRST_MS = 500;
const MAX_MS = 10_000;
/** Shortest wait of a client that the server has refused. */
const PENALTY_MS = 5_000;
/** Shortest wait of a player whom an admin has removed. One who is banned reads that at the next attempt. */
const REMOVED_MS = 30_000;

/**
 * Doubles from 0.5 s to 10 s, ±25 %, so that a thousand clients do not come back at the same instant.
 *
 * @param random - 0..1
 */
export function retryDelayMs(attempt: number, random: number): number {
  const base = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.75 + random * 0.5));
}

/** Says why there was no seat: in the server's words, or that it did not answer. */
export function explainRefusal(error: unknown): { readonly text: string; readonly leastMs: number } {
  const { code, message: said } = error as { readonly code?: unknown; readonly message?: unknown };
  // `code` is an HTTP status, if the server answered at all.
  const isAnswer = typeof code === 'number' && code >= 400 && typeof said === 'string' && said !== '';
  if (!isAnswer) return { text: 'The world cannot be reached.', leastMs: 0 };
  return { text: `${capitalised(said)}.`, leastMs: PENALTY_MS };
}

/** @param reason - the server's words */
export function explainClose(code: number, reason = ''): { readonly text: string; readonly leastMs: number } {
  switch (code) {
    case CloseCode.badMessage:
      return { text: 'The server did not understand this page.', leastMs: PENALTY_MS };
    case CloseCode.tooFrequent:
      return { text: 'This page sent too much at once.', leastMs: PENALTY_MS };
    case CloseCode.tooLarge:
      return { text: 'This page sent too large a message.', leastMs: PENALTY_MS };
    case CloseCode.unresponsive:
      return { text: 'This page could not keep up with the world.', leastMs: 0 };
    case CloseCode.removed:
      return { text: 'An admin has removed you from this world.', leastMs: REMOVED_MS };
    case CloseCode.refused:
      return {
        text: reason === '' ? 'You may not join at the moment.' : `${capitalised(reason)}.`,
        leastMs: PENALTY_MS,
      };
    case CloseCode.worldStopped:
      return { text: 'The world has stopped and may be starting again.', leastMs: 1_500 };
    default:
      return { text: 'The connection was lost.', leastMs: 0 };
  }
}
