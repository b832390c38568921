/** The other players: names, hues, and cursors that glide to where they were last seen. Pure; the clock is passed in. */
import type { PlayerState, PlayersMessage } from '../../shared/protocol.ts';

export interface Player {
  readonly id: string;
  name: string;
  hue: number;
  /** Where the cursor is drawn, in cells; null when it is not over the world. */
  shown: { x: number; y: number } | null;
  /** Where the cursor is, in cells. */
  target: { x: number; y: number } | null;
}

/** Time constant of the glide; messages come at most ten times per second. */
const GLIDE_MS = 70;

export class Players {
  readonly #players = new Map<string, Player>();
  #you = '';
  #glidedAt = 0;

  /** All players except you. */
  get others(): Iterable<Player> {
    return [...this.#players.values()].filter((player) => player.id !== this.#you);
  }

  get size(): number {
    return this.#players.size;
  }

  become(id: string): void {
    this.#you = id;
  }

  isYou(id: string): boolean {
    return id === this.#you;
  }

  hue(id: string): number {
    return this.#players.get(id)?.hue ?? 160;
  }

  apply(message: PlayersMessage): void {
    if (message.full) this.#players.clear();
    for (const state of message.players) this.#see(state);
    for (const id of message.left) this.#players.delete(id);
  }

  /**
   * Moves the drawn cursors towards their targets.
   *
   * @param isStill - whether they jump there, for players who want no motion
   * @returns whether any has not arrived yet
   */
  glide(now: number, isStill: boolean): boolean {
    const share = isStill ? 1 : 1 - Math.exp(-Math.min(200, now - this.#glidedAt) / GLIDE_MS);
    this.#glidedAt = now;
    let moving = false;
    for (const { id, shown, target } of this.#players.values()) {
      if (shown === null || target === null || id === this.#you) continue;
      shown.x += (target.x - shown.x) * share;
      shown.y += (target.y - shown.y) * share;
      if (Math.abs(target.x - shown.x) + Math.abs(target.y - shown.y) > 0.05) moving = true;
    }
    return moving;
  }

  #see(state: PlayerState): void {
    const target = state.cursor === null ? null : { x: state.cursor[0], y: state.cursor[1] };
    const known = this.#players.get(state.id);
    if (known === undefined) {
      const shown = target === null ? null : { ...target };
      this.#players.set(state.id, { id: state.id, name: state.name, hue: state.hue, shown, target });
      return;
    }
    known.name = state.name;
    known.hue = state.hue;
    if (target === null || known.shown === null) known.shown = target === null ? null : { ...target };
    known.target = target;
  }
}
