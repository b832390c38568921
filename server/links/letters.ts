/** Everything besides frames that passes between the process of a world and its relays, in `wire.ts`'s letters. */
import type { PlayersMessage } from '../../shared/protocol.ts';
import type { Admitted, Refusal } from '../guests/guests.ts';
import type { ForwardedReply, ForwardedRequest } from '../http/forwarding.ts';
import type { Portrait } from '../lobby/portrait.ts';
import type { AnsweredRequest } from '../metrics/visitorMetrics.ts';
import type { Counts } from '../tally.ts';
import type { ToWorld, WorldLink, WorldReady } from '../world/messages.ts';
import type { CommonMessage } from './linkBase.ts';

/** What the world says to everybody who looks at it, but its frames. */
export type News = Exclude<CommonMessage, { readonly type: 'frame' | 'answer' | 'refused' }>;
export type Answer = Extract<CommonMessage, { readonly type: 'answer' | 'refused' }>;

/** What a relay asks the process of the world, besides the world itself. */
export type Call =
  /** Somebody asks for a seat. Answer: Admitted | Refusal */
  | { readonly kind: 'admit'; readonly token: unknown; readonly address: string }
  /** Answer: ForwardedReply */
  | { readonly kind: 'http'; readonly request: ForwardedRequest }
  /** Answer: Portrait. `known`: hash of the picture that the relay has; null: none */
  | { readonly kind: 'portrait'; readonly known: string | null };

export interface CallAnswers {
  admit: Admitted | Refusal;
  http: ForwardedReply;
  portrait: Portrait;
}

export type FromRelay =
  /** First, and again whenever the way to the world may have lost something. */
  | { readonly type: 'hello'; readonly wire: number }
  /** All pages that the relay watches, every 2 s. A relay that is silent for 6 s watches nothing. */
  | { readonly type: 'watching'; readonly keys: readonly number[] }
  /** What the relay has counted since the last of these; every 2 s. */
  | {
      readonly type: 'counts';
      readonly counts: Counts;
      readonly connections: number;
      readonly answered: readonly AnsweredRequest[];
    }
  | Exclude<ToWorld, { readonly type: 'stop' }>
  | { readonly type: 'call'; readonly request: number; readonly call: Call }
  /** A client has acknowledged the JOIN. `visit` is its session's id. */
  | {
      readonly type: 'open';
      readonly visit: string;
      readonly guest: string;
      readonly isNew: boolean;
      readonly address: string;
    }
  /** A client's message, checked. */
  | {
      readonly type: 'said';
      readonly visit: string;
      readonly kind: number;
      readonly payload: Uint8Array;
    }
  | { readonly type: 'misbehaved'; readonly visit: string; readonly code: number; readonly reason: string }
  | { readonly type: 'closed'; readonly visit: string }
  /** All visits that are open at the relay, after it was welcomed again: letters about them may have been lost. */
  | { readonly type: 'visits'; readonly open: readonly string[] }
  /** The relay ends. */
  | { readonly type: 'bye' };

/** What a relay needs to know before it serves anybody. */
export interface Welcome {
  readonly type: 'welcome';
  /** The relay's visits and what it watches are remembered. */
  readonly isKnown: boolean;
  readonly term: number;
  /** What people read in the place of the world's name. */
  readonly title: string;
  /** The number of the last frame that was sent. */
  readonly serial: number;
  readonly ready: WorldReady;
  readonly framesPerSecond: number;
  readonly maxPlayers: number;
  readonly stats: WorldLink['stats'];
  readonly trouble: string | null;
  readonly wilted: readonly (readonly [label: string, count: number])[];
  readonly players: PlayersMessage;
  /** Signs seats. */
  readonly seatKey: Uint8Array;
}

export type ToRelay =
  | Welcome
  /** The world does not know the relay, or no longer: say hello, and begin anew. */
  | { readonly type: 'stranger' }
  /** Every second: the last frame that was sent. */
  | { readonly type: 'pulse'; readonly term: number; readonly serial: number; readonly isStopping: boolean }
  | News
  | Answer
  | { readonly type: 'post'; readonly visit: string; readonly bytes: Uint8Array }
  | { readonly type: 'close'; readonly visit: string; readonly code: number; readonly reason: string }
  | { readonly type: 'all'; readonly bytes: Uint8Array; readonly isForViewers: boolean }
  | { readonly type: 'closeAll'; readonly code: number; readonly reason: string }
  | { readonly type: 'players'; readonly message: PlayersMessage }
  /** The world has ended; another process may own it later. */
  | { readonly type: 'ended'; readonly reason: string }
  /** The relay cannot serve this world. */
  | { readonly type: 'unfit'; readonly reason: string };
