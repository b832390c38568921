/**
 * Every message between server and client. Control messages are msgpack (Colyseus); pixels travel as binary frames
 * (`frame.ts`), in messages of type `frame`.
 */
import type { NurseryMode } from './drawing/submission.ts';

export type { SubmitMessage, SubmittedMessage } from './drawing/submission.ts';
export type { LearnedMessage, LearnedRule } from './learned.ts';
export type { DrawingsMessage, OwnDrawing, WithdrawMessage } from './nursery.ts';

export const ROOM_NAME = 'world';
/** Goes up when an old client can no longer understand the server. */
export const PROTOCOL_VERSION = 5;

/** Message types. All are below 128, so Colyseus' header takes two bytes. */
export const ServerMessageType = {
  hello: 1,
  frame: 2,
  players: 3,
  strokeResult: 4,
  stats: 5,
  inspection: 6,
  pong: 7,
  species: 8,
  notice: 9,
  learned: 10,
  room: 11,
  named: 12,
  budget: 13,
  seeds: 15,
  submitted: 16,
  drawings: 17,
  pace: 18,
} as const;

export const ClientMessageType = {
  viewport: 32,
  ack: 33,
  keyframes: 34,
  stroke: 35,
  cursor: 36,
  name: 37,
  inspect: 38,
  ping: 39,
  room: 40,
  report: 41,
  remove: 42,
  presence: 43,
  submit: 44,
  withdraw: 45,
} as const;

/** Our own WebSocket close codes; 4000–4999 are free for applications. */
export const CloseCode = {
  /** The message does not follow the protocol, or holds a value that our client never sends. */
  badMessage: 4400,
  tooFrequent: 4429,
  tooLarge: 4413,
  /** The client never acknowledged its JOIN, or frames. */
  unresponsive: 4408,
  /** An admin has removed the player. */
  removed: 4403,
  /** The guest may not be here at the moment; the reason says which limit was met. */
  refused: 4409,
  worldStopped: 4503,
} as const;

export type Tool = 'ablate' | 'noise' | 'truncate' | 'plant';
export const TOOLS: readonly Tool[] = ['ablate', 'noise', 'truncate', 'plant'];

export interface Species {
  /** Also the name of its rule. */
  readonly name: string;
  /** What people call it. Absent: its name. */
  readonly title?: string;
  /** Who has drawn it. Absent: nobody of this world. */
  readonly maker?: string;
  /** Top left corner of the mature form's box, relative to the seed; cells. */
  readonly x: number;
  readonly y: number;
  /** Size of the mature form's box; cells. */
  readonly width: number;
  readonly height: number;
  /** The mature form as a data URL: a PNG, not premultiplied. */
  readonly thumbnail: string;
}

// --- server → client ---

export interface HelloMessage {
  readonly protocol: number;
  /** The `PlayerState.id` of the player who reads this. */
  readonly you: string;
  /** To be kept, and sent with the next join. Absent: the one that the client sent is good. */
  readonly token?: string;
  readonly name: string;
  /** Whether they have chosen it; else the server has given it. */
  readonly isNameChosen: boolean;
  readonly width: number;
  readonly height: number;
  /** Where to look first, in cells: a grown organism near the middle of the garden. */
  readonly start: { readonly x: number; readonly y: number };
  readonly engine: string;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  readonly species: readonly Species[];
  readonly budget: Budget;
  /** Whether drawings can be submitted. Absent: `off`. */
  readonly nursery?: NurseryMode;
}

/** `cells` may still be hurt; `perSecond` more are added every second, up to `capacity`. */
export interface Budget {
  readonly cells: number;
  readonly capacity: number;
  readonly perSecond: number;
  /** Whose energy it is that allows no more: the guest's own, or that which all guests of the address share. */
  readonly limit: 'guest' | 'address';
}

/** Sent when the budget has changed by something else than a stroke of this client. */
export interface BudgetMessage {
  readonly budget: Budget;
}

/** Answers `name`. */
export interface NamedMessage {
  /** What the others see from now on. */
  readonly name: string;
  /** False: it is the one that the server has given. */
  readonly isChosen: boolean;
  /** Why it is not the one that was asked for, for the player to read. Absent: it is, perhaps cleaned. */
  readonly reason?: string;
}

/** What a client sends with its wish to join. */
export interface JoinOptions {
  /** The token that an earlier `hello` brought. */
  readonly token?: string;
}

export interface PlayerState {
  readonly id: string;
  readonly name: string;
  /** The cursor's hue: 0..359. */
  readonly hue: number;
  /** Cells; null until the pointer has been over the world. */
  readonly cursor: readonly [x: number, y: number] | null;
}

/** A stroke that was applied; other players see it as a ghost that fades. */
export interface SeenStroke {
  readonly player: string;
  readonly tool: Tool;
  readonly radius: number;
  /** x0, y0, x1, y1, …; cells */
  readonly points: readonly number[];
}

/** Sent at most 10 times per second: what changed since the last one. `full`, after joining: everybody. */
export interface PlayersMessage {
  readonly full: boolean;
  readonly players: readonly PlayerState[];
  readonly left: readonly string[];
  readonly strokes: readonly SeenStroke[];
}

export interface StrokeResultMessage {
  /** The number that the client gave the stroke. */
  readonly id: number;
  readonly ok: boolean;
  /** Why the stroke was refused, for the player to read. */
  readonly reason?: string;
  /** The step at which it was applied. */
  readonly step?: number;
  readonly budget: Budget;
}

/** The steps have fallen behind, and the world sheds load: nothing can be planted, and energy comes more slowly. */
export interface Load {
  /** What energy is multiplied with: 1, 1/2 or 1/4. */
  readonly energyScale: number;
  readonly stepsPerSecond: number;
  /** Steps per second that are set. */
  readonly wanted: number;
}

/** Sent once per second. */
export interface StatsMessage {
  readonly players: number;
  readonly step: number;
  readonly stepsPerSecond: number;
  readonly organisms: number;
  readonly livingCells: number;
  /** Why the world cannot be saved at the moment: strokes are refused until it can. Absent when it can be saved. */
  readonly trouble?: string;
  /** Absent when the world keeps up. */
  readonly load?: Load;
  /** An admin has paused the world. Absent: it runs. */
  readonly isPaused?: true;
}

/**
 * Why an organism has no body, or is losing it. `wilting`: it was sick, dissolves and grows again from its seed. `died`:
 * its seed waits, and grows again. `removed` (by its planter or an admin), `withering` (nobody has visited it for long):
 * it dissolves and is gone.
 */
export type Absence = 'wilting' | 'died' | 'removed' | 'withering';

/** Answers `inspect`, then twice per second until the client asks about something else or stops. */
export interface InspectionMessage {
  /** null when no organism lives there, or it is gone. */
  readonly organism: null | {
    readonly id: number;
    readonly species: string;
    /** Seed position. */
    readonly x: number;
    readonly y: number;
    /** Steps since its seed was planted last: for the first time, or after it died or wilted. */
    readonly age: number;
    /** The same in seconds of world time. */
    readonly ageSeconds: number;
    /** Seconds of world time since its seed was planted first. */
    readonly sinceSeconds: number;
    /** 0..1, now. */
    readonly health: number;
    readonly cells: number;
    /** Name of the player who planted it; empty when the garden did. */
    readonly planter: string;
    /** The player who reads this planted it, and may remove it. */
    readonly isYours: boolean;
    /** Health 0..1, oldest first, one sample every `historySeconds`; at most 240 (a minute at 4 Hz). */
    readonly history: readonly number[];
    readonly historySeconds: number;
    /** Label of the rule that it lives by: "pikachu v4". */
    readonly rule: string;
    /** Swaps of its rule (the new rule's label), wiltings (the reason) and deaths; oldest first, at most 4. */
    readonly marks: readonly { readonly agoSeconds: number; readonly label: string }[];
    /** null: it has its body. */
    readonly absence: Absence | null;
    /** It is whole, still, and not computed until something touches it. */
    readonly isAsleep: boolean;
    /** Seconds until its seed grows again, 0 or more; null: its seed does not wait. */
    readonly waitSeconds: number | null;
    /**
     * In the last day before it withers, and some minutes after a visit in it: how long nobody had visited it, and how
     * long that may be. null: at any other time.
     */
    readonly lonely: { readonly seconds: number; readonly ofSeconds: number } | null;
  };
}

/** How often this client should acknowledge, and how often it gets frames. */
export interface PaceMessage {
  /** Between two acknowledgements; before the first message: `ACK_EVERY_MS`. */
  readonly ackMs: number;
  /** It gets one of so many frames; before the first message: 1. More: the server is busy, and the guest only watches. */
  readonly frames: number;
}

/** The seeds that wait in the client's view, when they or the view change; at most 128. Replaces the ones before. */
export interface SeedsMessage {
  readonly seeds: readonly {
    /** The organism's. */
    readonly id: number;
    readonly x: number;
    readonly y: number;
    /** Until it grows; 0: its cell is not free yet. */
    readonly seconds: number;
  }[];
}

/** Answers `room`. */
export interface RoomResultMessage {
  readonly species: string;
  /** The cell in question. */
  readonly at: readonly [x: number, y: number];
  /** Why a seed cannot be planted there, for the player to read; null when it can. */
  readonly reason: string | null;
}

export interface PongMessage {
  readonly time: number;
}

/** A rule came into force after the `hello`. The list replaces the one before. */
export interface SpeciesMessage {
  readonly species: readonly Species[];
}

/** A line to read: who swapped which rule, what became of it, or that a body wilts. */
export interface NoticeMessage {
  readonly text: string;
}

// --- client → server ---

/** What the client looks at, in cells; replaces the viewport before. */
export interface ViewportMessage {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** 0..topLevel(world). At level 0 a pixel is a cell; at each higher level it averages 2 x 2 of the level below. */
  readonly level: number;
}

/** The client has decoded this frame and all before it; the server opens the window. */
export interface AckMessage {
  readonly frame: number;
}

/** Pages whose base version the client does not hold, as row-major page indexes of one level. */
export interface KeyframesMessage {
  readonly level: number;
  readonly pages: readonly number[];
}

export interface StrokeMessage {
  readonly id: number;
  readonly tool: Tool;
  readonly radius: number;
  /**
   * x0, y0, x1, y1, …; cells. For `truncate` the first point picks the organism, and `radius` is the disc about its
   * centre that stays. For `plant` the first point is the seed's cell.
   */
  readonly points: readonly number[];
  /** For `plant` only. */
  readonly species?: string;
}

/** Why a visitor reports something. */
export type ReportReason = 'offensive' | 'impersonation' | 'vandalism' | 'in the way' | 'other';
export const REPORT_REASONS: Readonly<Record<ReportMessage['about'], readonly ReportReason[]>> = {
  body: ['offensive', 'in the way', 'other'],
  name: ['offensive', 'impersonation', 'vandalism', 'other'],
};

/** Reports a body or a player's name to the moderators. Answered by a notice. */
export type ReportMessage =
  | { readonly about: 'body'; readonly organism: number; readonly reason: ReportReason }
  /** `player` is a `PlayerState.id`. */
  | { readonly about: 'name'; readonly player: string; readonly reason: ReportReason };

/** null when the pointer has left the world. */
export interface CursorMessage {
  readonly at: readonly [x: number, y: number] | null;
}

export interface NameMessage {
  readonly name: string;
}

/** Asks about the organism at a cell; null stops the answers. */
export interface InspectMessage {
  readonly at: readonly [x: number, y: number] | null;
}

/** Asks whether a seed may be planted at a cell. The server answers one question at a time, and always the newest. */
export interface RoomMessage {
  readonly species: string;
  /** Whole numbers; the cell may lie outside the world. */
  readonly at: readonly [x: number, y: number];
}

/** Removes a body that this player has planted. It dissolves, or a notice says why not. */
export interface RemoveMessage {
  /** Id of the organism. */
  readonly organism: number;
}

/**
 * Sent when the page is hidden or its world is covered, and when it is seen again. A hidden page is sent nothing that only
 * a viewer needs.
 */
export interface PresenceMessage {
  readonly isHidden: boolean;
}

export interface PingMessage {
  readonly time: number;
}
