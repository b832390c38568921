/** What a lost connection means to a person, and how long to wait before the next try. Pure. */
import { CloseCode } from '../../shared/protocol.ts';

export interface Loss {
  readonly text: string;
  /** ms until the next attempt; Infinity: none will be made. */
  readonly retryMs: number;
}

const FIRST_MS = 500;
const MAX_MS = 10_000;
/** A client that was shown the door waits, whatever the attempt. */
const PENALTY_MS = 5_000;
/** Long enough to be felt; who is banned is told so when it tries again. */
const REMOVED_MS = 30_000;

/** Doubles from half a second to ten, ±25 %, so that a thousand pages do not come back in one instant. */
export function retryDelayMs(attempt: number, random: number): number {
  const base = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.75 + random * 0.5));
}

/** Why there was no seat: the server's own words if it said any, else that it did not answer. */
export function explainRefusal(error: unknown): { readonly text: string; readonly leastMs: number } {
  const { code, message: said } = error as { readonly code?: unknown; readonly message?: unknown };
  // An HTTP status; without one, nobody answered.
  const isAnswer = typeof code === 'number' && code >= 400 && typeof said === 'string' && said !== '';
  if (!isAnswer) return { text: 'The world cannot be reached.', leastMs: 0 };
  return { text: `${said[0].toUpperCase()}${said.slice(1)}.`, leastMs: PENALTY_MS };
}

export function explainClose(code: number): { readonly text: string; readonly leastMs: number } {
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
      return { text: 'An admin has shown you out.', leastMs: REMOVED_MS };
    case CloseCode.worldStopped:
      return { text: 'The world is being restarted.', leastMs: 1_500 };
    default:
      return { text: 'The connection is lost.', leastMs: 0 };
  }
}
