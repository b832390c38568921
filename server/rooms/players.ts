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

interface Hearer {
  readonly listener: Listener;
  /** The listener is new or missed a message: their next message has all players. */
  behind: boolean;
}

export class Players {
  readonly #mirrors = new Set<(message: PlayersMessage) => void>();
  readonly #present = new Map<string, PlayerState>();
  readonly #hearers = new Map<string, Hearer>();
  readonly #changed = new Set<string>();
  #left: string[] = [];
  #strokes: SeenStroke[] = [];

  get count(): number {
    return this.#present.size;
  }

  /** @param listener - null: who listens for this player does so in another process */
  join(state: PlayerState, listener: Listener | null): void {
    this.#present.set(state.id, state);
    this.#changed.add(state.id);
    if (listener !== null) this.listen(state.id, listener);
  }

  leave(id: string): void {
    this.#hearers.delete(id);
    if (!this.#present.delete(id)) return;
    this.#changed.delete(id);
    this.#left.push(id);
  }

  change(id: string, change: Partial<Pick<PlayerState, 'name' | 'cursor'>>): void {
    const state = this.#present.get(id);
    if (state === undefined) return;
    this.#present.set(id, { ...state, ...change });
    this.#changed.add(id);
  }

  stroke(stroke: SeenStroke): void {
    this.#strokes.push(stroke);
    if (this.#strokes.length > MAX_STROKES) this.#strokes.shift();
  }

  /** Tells a listener of all players, until `ignore`. @param id - of the player who listens */
  listen(id: string, listener: Listener): void {
    this.#hearers.set(id, { listener, behind: true });
  }

  ignore(id: string): void {
    this.#hearers.delete(id);
  }

  /**
   * Tells another process of changes: what everybody here is told.
   *
   * @returns a function that ends it
   */
  tell(mirror: (message: PlayersMessage) => void): () => void {
    this.#mirrors.add(mirror);
    return () => this.#mirrors.delete(mirror);
  }

  /** Takes over what another process tells of its players. */
  mirror({ full, players, left, strokes }: PlayersMessage): void {
    const named = new Set(players.map(({ id }) => id));
    const gone = full ? [...this.#present.keys()].filter((id) => !named.has(id)) : left;
    for (const id of gone) {
      if (!this.#present.delete(id)) continue;
      this.#changed.delete(id);
      this.#left.push(id);
    }
    for (const state of players) {
      this.#present.set(state.id, state);
      this.#changed.add(state.id);
    }
    for (const stroke of strokes) this.stroke(stroke);
  }

  /** Sends all listeners the changes, encoded once. One that cannot be reached gets the whole list later. */
  tick(): void {
    const strokes = this.#strokes.splice(0, MAX_PER_MESSAGE);
    const changes = this.#changes(strokes);
    if (changes !== null) for (const tell of this.#mirrors) tell(changes);
    const encoded = changes === null || this.#hearers.size === 0 ? null : encodePlayers(changes);
    let whole: Buffer | null = null;
    for (const hearer of this.#hearers.values()) {
      if (hearer.behind) {
        whole ??= encodePlayers(this.everybody(strokes));
        hearer.behind = !hearer.listener.postEncoded(whole);
      } else if (encoded !== null) {
        hearer.behind = !hearer.listener.postEncoded(encoded);
      }
    }
  }

  #changes(strokes: readonly SeenStroke[]): PlayersMessage | null {
    if (this.#changed.size === 0 && this.#left.length === 0 && strokes.length === 0) return null;
    const players: PlayerState[] = [];
    for (const id of this.#changed) {
      if (players.length === MAX_PER_MESSAGE) break;
      this.#changed.delete(id);
      players.push(this.#present.get(id)!);
    }
    const left = this.#left;
    this.#left = [];
    return { full: false, players, left, strokes };
  }

  everybody(strokes: readonly SeenStroke[] = []): PlayersMessage {
    return { full: true, players: [...this.#present.values()], left: [], strokes };
  }
}

const encodePlayers = (message: PlayersMessage): Buffer => encodeMessage(ServerMessageType.players, message);
