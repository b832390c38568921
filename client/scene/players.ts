/** The others: names, hues and cursors that glide from where they were seen last. Pure but for the clock. */
import type { PlayerState, PlayersMessage } from '../../shared/protocol.ts';

export interface Player {
  readonly id: string;
  name: string;
  hue: number;
  /** Cells, as drawn; null: not over the world. */
  shown: { x: number; y: number } | null;
  target: { x: number; y: number } | null;
}

/** Time constant of the glide; messages come at most ten times a second. */
const GLIDE_MS = 70;

export class Players {
  readonly #players = new Map<string, Player>();
  #you = '';
  #glidedAt = 0;

  /** Everyone but you. */
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

  /** Moves cursors towards where they are; true while any is still on its way. */
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
