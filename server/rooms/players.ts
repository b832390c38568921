/** The players' names, cursors and strokes, sent to everybody at most ten times per second. */
import {
  type PlayerState,
  type PlayersMessage,
  type SeenStroke,
  ServerMessageType,
} from '../../shared/protocol.ts';
import { encodeMessage } from './connection.ts';

/** At ten messages per second a moving cursor still looks like one movement. */
export const PLAYERS_TICK_MS = 100;
/** Players and strokes in one message, so that a crowd costs a bounded number of bytes; the others come in the next. */
const MAX_PER_MESSAGE = 64;
/** Strokes only make ghosts that fade, so when more than this wait, the oldest are dropped. */
const MAX_STROKES = 2 * MAX_PER_MESSAGE;

export interface Listener {
  postEncoded(bytes: Uint8Array): boolean;
}

interface Present {
  readonly listener: Listener;
  state: PlayerState;
  /** The player is new or missed a message: their next message has all players. */
  behind: boolean;
}

export class Players {
  readonly #present = new Map<string, Present>();
  readonly #changed = new Set<string>();
  #left: string[] = [];
  #strokes: SeenStroke[] = [];

  get count(): number {
    return this.#present.size;
  }

  join(state: PlayerState, listener: Listener): void {
    this.#present.set(state.id, { listener, state, behind: true });
    this.#changed.add(state.id);
  }

  leave(id: string): void {
    if (!this.#present.delete(id)) return;
    this.#changed.delete(id);
    this.#left.push(id);
  }

  change(id: string, change: Partial<Pick<PlayerState, 'name' | 'cursor'>>): void {
    const present = this.#present.get(id);
    if (present === undefined) return;
    present.state = { ...present.state, ...change };
    this.#changed.add(id);
  }

  stroke(stroke: SeenStroke): void {
    this.#strokes.push(stroke);
    if (this.#strokes.length > MAX_STROKES) this.#strokes.shift();
  }

  /** Sends all listeners the changes, encoded once. One that cannot be reached gets the whole list later. */
  tick(): void {
    const strokes = this.#strokes.splice(0, MAX_PER_MESSAGE);
    const changes = this.#changes(strokes);
    let whole: Buffer | null = null;
    for (const present of this.#present.values()) {
      if (present.behind) {
        whole ??= this.#whole(strokes);
        present.behind = !present.listener.postEncoded(whole);
      } else if (changes !== null) {
        present.behind = !present.listener.postEncoded(changes);
      }
    }
  }

  #changes(strokes: readonly SeenStroke[]): Buffer | null {
    if (this.#changed.size === 0 && this.#left.length === 0 && strokes.length === 0) return null;
    const players: PlayerState[] = [];
    for (const id of this.#changed) {
      if (players.length === MAX_PER_MESSAGE) break;
      this.#changed.delete(id);
      players.push(this.#present.get(id)!.state);
    }
    const left = this.#left;
    this.#left = [];
    return encodePlayers({ full: false, players, left, strokes });
  }

  #whole(strokes: readonly SeenStroke[]): Buffer {
    const players = Array.from(this.#present.values(), ({ state }) => state);
    return encodePlayers({ full: true, players, left: [], strokes });
  }
}

const encodePlayers = (message: PlayersMessage): Buffer => encodeMessage(ServerMessageType.players, message);
