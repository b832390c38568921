/** What the visits of a world share, and what each of them is made of. */
import type { ReportedBy } from '../../shared/adminPeople.ts';
import type { NurseryMode } from '../../shared/drawing/submission.ts';
import type { LearnedMessage, OwnDrawing, ReportMessage, SubmittedMessage } from '../../shared/protocol.ts';
import type { Guests } from '../guests/guests.ts';
import type { Log } from '../log/log.ts';
import type { Tally } from '../tally.ts';
import type { WorldLink } from '../world/messages.ts';
import type { ServerMessageNumber } from './connection.ts';
import type { FairQuestions } from './fairQuestions.ts';
import type { PendingStrokes } from './pendingStrokes.ts';
import type { Players } from './players.ts';
import type { Seeds } from './seeds.ts';

/** The part of a connection that a visit uses. */
export interface Outlet {
  readonly id: string;
  /** The client hears of players from here; false: where its socket is. */
  readonly hearsPlayers: boolean;
  post(type: ServerMessageNumber, message: object): boolean;
  postEncoded(bytes: Uint8Array): boolean;
  close(code: number, reason: string): void;
}

/** Keeps count of visits and their strokes. */
export interface Attendance {
  join(visit: string, address: string): void;
  leave(visit: string): void;
  /** Counts a stroke that was applied or refused. */
  stroke(isApplied: boolean): void;
}

/** Where drawings are grown, as visits see it. */
export interface VisitedNursery {
  readonly mode: NurseryMode;
  /** @param message - as it came from the guest */
  submit(message: unknown, by: { guest: string; name: string; address: string }): Promise<SubmittedMessage>;
  /** Takes a drawing back, if it is this guest's and has not grown. Never rejects. */
  withdraw(drawing: number, guest: string): Promise<void>;
  /** A guest's drawings, newest first. */
  own(guest: string): readonly OwnDrawing[];
}

/** What all visits of a world share. */
export interface Surroundings {
  readonly guests: Guests;
  readonly attendance: Attendance;
  /** What the world has learned, for a new visit; null: nothing. Sent when it is ready; nothing waits for it. */
  readonly learned: () => Promise<LearnedMessage | null>;
  /** Takes a report. Answer: what to tell who sent it. */
  readonly report: (message: ReportMessage, by: ReportedBy) => Promise<string>;
  /** null: there is none. */
  readonly nursery: VisitedNursery | null;
  readonly tally: Tally;
  readonly log: Log;
  /** A guest has another name: all their visits shall show it. */
  readonly renamed: (guest: string) => void;
  /** The visit of this outlet has ended. */
  readonly left: (outlet: Outlet) => void;
  readonly world: WorldLink;
  /** Asks the world what a player wants to know. */
  readonly questions: FairQuestions;
  readonly strokesPending: PendingStrokes;
  readonly players: Players;
  readonly seeds: Seeds;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  /** A monotonic clock, in ms. */
  readonly now: () => number;
}

/** Whose visit it is. */
export interface Visitor {
  /** Id of the guest. */
  readonly id: string;
  /** They have no token yet. */
  readonly isNew: boolean;
  readonly address: string;
}
