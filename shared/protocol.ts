/**
 * Everything that crosses the wire, once. Control messages are msgpack (Colyseus); cells travel in
 * binary frames (`frame.ts`), under the one type that carries bytes.
 */

export const ROOM_NAME = 'world';
/** Grows when an old client can no longer understand the server. */
export const PROTOCOL_VERSION = 4;

/** Message types. Below 128, so that Colyseus spends two bytes on the header. */
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
} as const;

/** WebSocket close codes of ours (4000–4999 are the application's). */
export const CloseCode = {
  /** Not of the protocol, or out of range in a way no honest client produces. */
  badMessage: 4400,
  tooFrequent: 4429,
  tooLarge: 4413,
  /** Never acknowledged what it was sent. */
  unresponsive: 4408,
  /** An admin has shown the player out. */
  removed: 4403,
  worldStopped: 4503,
} as const;

export type Tool = 'ablate' | 'noise' | 'truncate' | 'plant';
export const TOOLS: readonly Tool[] = ['ablate', 'noise', 'truncate', 'plant'];

export interface Species {
  /** Also the rule's name. */
  readonly name: string;
  /** The mature box's top left corner, seen from the seed; cells. */
  readonly x: number;
  readonly y: number;
  /** Size of the mature form, cells. */
  readonly width: number;
  readonly height: number;
  /** Mature form as a data URL (PNG, premultiplied undone), grown by the rule itself. */
  readonly thumbnail: string;
}

// --- server → client ---

export interface HelloMessage {
  readonly protocol: number;
  /** Your session id; players carry it. */
  readonly you: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Cells; where to look first (a grown organism near the middle of the garden). */
  readonly start: { readonly x: number; readonly y: number };
  readonly engine: string;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  readonly species: readonly Species[];
  readonly budget: Budget;
}

/** Cells that may still be hurt; it refills with `perSecond` up to `capacity`. */
export interface Budget {
  readonly cells: number;
  readonly capacity: number;
  readonly perSecond: number;
}

export interface PlayerState {
  readonly id: string;
  readonly name: string;
  /** 0..359, of the cursor. */
  readonly hue: number;
  /** Cells; null until the pointer has been over the world. */
  readonly cursor: readonly [x: number, y: number] | null;
}

/** Someone's stroke as it was applied, for others to see: a ghost that fades. */
export interface SeenStroke {
  readonly player: string;
  readonly tool: Tool;
  readonly radius: number;
  /** x0, y0, x1, y1, … cells */
  readonly points: readonly number[];
}

/** At most 10 a second, only what changed since the last one (`full` on joining). */
export interface PlayersMessage {
  readonly full: boolean;
  readonly players: readonly PlayerState[];
  readonly left: readonly string[];
  readonly strokes: readonly SeenStroke[];
}

export interface StrokeResultMessage {
  /** The client's own number for the stroke. */
  readonly id: number;
  readonly ok: boolean;
  /** Why it was refused, for the player to read. */
  readonly reason?: string;
  /** At which step it was applied. */
  readonly step?: number;
  readonly budget: Budget;
}

/** Once a second. */
export interface StatsMessage {
  readonly players: number;
  readonly step: number;
  readonly stepsPerSecond: number;
  readonly organisms: number;
  readonly livingCells: number;
}

/** Answers `inspect`, then again at 2 Hz while the client keeps that organism in view of the pointer. */
export interface InspectionMessage {
  /** null: nobody lives there, or it died. */
  readonly organism: null | {
    readonly id: number;
    readonly species: string;
    /** Seed position. */
    readonly x: number;
    readonly y: number;
    /** Steps since it was planted. */
    readonly age: number;
    /** Seconds since it was planted, of the world's own running time. */
    readonly ageSeconds: number;
    /** 0..1 now. */
    readonly health: number;
    readonly cells: number;
    /** Who planted it; empty for the garden's. */
    readonly planter: string;
    /** 0..1, oldest first, one sample every `historySeconds`; at most 240 (a minute at 4 Hz). */
    readonly history: readonly number[];
    readonly historySeconds: number;
    /** The rule it lives by: "pikachu v4". */
    readonly rule: string;
    /** When its rule was swapped, and for which, and when it wilted, and why; oldest first, at most 4. */
    readonly marks: readonly { readonly agoSeconds: number; readonly label: string }[];
    /** It dissolves, or waits for its seed's cell to be free: it grows again from its seed. */
    readonly isWilting: boolean;
  };
}

/** Answers `room`. */
export interface RoomResultMessage {
  readonly species: string;
  /** The cell that was asked about. */
  readonly at: readonly [x: number, y: number];
  /** Why a seed cannot be planted there, for the player to read; null: it can. */
  readonly reason: string | null;
}

export interface PongMessage {
  readonly time: number;
}

/** A rule was loaded or swapped while you watched. */
export interface SpeciesMessage {
  readonly species: readonly Species[];
}

/** Something that everybody should read: who swapped which rule, and what became of it. */
export interface NoticeMessage {
  readonly text: string;
}

/** A rule in force that was tuned on a session's wounds, and the figures behind it (`learned.ts`). */
export interface LearnedRule {
  readonly species: string;
  /** "pikachu v4" */
  readonly label: string;
  /** ISO 8601: when it came into force. */
  readonly since: string;
  /** Id of the session that it learned from: its beginning. */
  readonly session: string;
  /** No session in which somebody was hurt has ended since that one. */
  readonly isLastSession: boolean;
  readonly wounds: number;
  /** Median over wounds of that session that it was not tuned on: 0 not at all … 1 whole. */
  readonly recoveryBefore: number;
  readonly recoveryAfter: number;
  /** Median steps until healed; null: most did not heal. */
  readonly stepsBefore: number | null;
  readonly stepsAfter: number | null;
}

/** Once, after the hello: what the world has learned, newest first; the client knows what is new to its player. */
export interface LearnedMessage {
  readonly rules: readonly LearnedRule[];
}

// --- client → server ---

/** What the client looks at, in cells; replaces the last one. */
export interface ViewportMessage {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** 0..topLevel(world). 0 is one pixel a cell; each above holds the 2x2 averages of the one below. */
  readonly level: number;
}

/** "I have decoded frame n": opens the window. */
export interface AckMessage {
  readonly frame: number;
}

/** Pages of one level whose base version the client does not hold: row-major page indexes of that level. */
export interface KeyframesMessage {
  readonly level: number;
  readonly pages: readonly number[];
}

export interface StrokeMessage {
  readonly id: number;
  readonly tool: Tool;
  readonly radius: number;
  /** x0, y0, x1, y1, … cells. truncate: the point picks the organism, `radius` is what stays about its centre; plant: the seed. */
  readonly points: readonly number[];
  /** plant: which species. */
  readonly species?: string;
}

/** null: the pointer left. */
export interface CursorMessage {
  readonly at: readonly [x: number, y: number] | null;
}

export interface NameMessage {
  readonly name: string;
}

/** Ask about the organism at a cell, or (null) stop. */
export interface InspectMessage {
  readonly at: readonly [x: number, y: number] | null;
}

/** Whether a seed of a species may be planted at a cell; at most one answer at a time, of the newest question. */
export interface RoomMessage {
  readonly species: string;
  /** Whole numbers; the cell may lie outside the world. */
  readonly at: readonly [x: number, y: number];
}

export interface PingMessage {
  readonly time: number;
}
