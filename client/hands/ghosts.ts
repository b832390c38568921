/**
 * Outlines of strokes: the player's own until the server's pixels come, and other players' as traces that fade. Pure;
 * `scene/overlay.ts` draws them.
 */
import type { Tool } from '../../shared/protocol.ts';

export interface Ghost {
  readonly tool: Tool;
  readonly radius: number;
  /** x0, y0, x1, y1, …; cells */
  readonly points: readonly number[];
  /** Hue of the player who drew the stroke; null for the player's own. */
  readonly hue: number | null;
  readonly bornAt: number;
  /** Number of an own stroke that was sent; else null. */
  readonly id: number | null;
  /** When the server answered; null until then. */
  settledAt: number | null;
  isRefused: boolean;
}

/** A ghost stays this long after the answer: the server's pixels come a frame or two later. */
const HOLD_MS = 120;
const FADE_MS = 260;
const REFUSED_FADE_MS = 700;
const OTHERS_FADE_MS = 900;
/** A ghost that is never answered fades after this time. */
const FORGET_MS = 2_000;

export class Ghosts {
  readonly #ghosts: Ghost[] = [];

  get list(): readonly Ghost[] {
    return this.#ghosts;
  }

  own(id: number, tool: Tool, radius: number, points: readonly number[], now: number): void {
    this.#ghosts.push({
      tool,
      radius,
      points,
      hue: null,
      bornAt: now,
      id,
      settledAt: null,
      isRefused: false,
    });
  }

  /** Adds a stroke that the client has refused, so it was not sent. */
  refused(tool: Tool, radius: number, points: readonly number[], now: number): void {
    const ghost = { tool, radius, points, hue: null, bornAt: now, id: null, settledAt: now };
    this.#ghosts.push({ ...ghost, isRefused: true });
  }

  other(hue: number, tool: Tool, radius: number, points: readonly number[], now: number): void {
    const ghost = { tool, radius, points, hue, bornAt: now, id: null, settledAt: now };
    this.#ghosts.push({ ...ghost, isRefused: false });
  }

  settle(id: number, ok: boolean, now: number): void {
    const ghost = this.#ghosts.find((g) => g.id === id);
    if (ghost === undefined) return;
    ghost.settledAt = now;
    ghost.isRefused = !ok;
  }

  /** @returns 1 for a ghost at its full strength, 0 for one that is gone */
  opacity(ghost: Ghost, now: number): number {
    if (ghost.hue !== null) return fade(now - ghost.bornAt, OTHERS_FADE_MS);
    if (ghost.isRefused) return fade(now - (ghost.settledAt ?? ghost.bornAt), REFUSED_FADE_MS);
    const from = ghost.settledAt === null ? ghost.bornAt + FORGET_MS : ghost.settledAt + HOLD_MS;
    return fade(now - from, FADE_MS);
  }

  /** Forgets the ghosts that are gone. */
  sweep(now: number): void {
    for (let i = this.#ghosts.length - 1; i >= 0; i--)
      if (this.opacity(this.#ghosts[i], now) <= 0) this.#ghosts.splice(i, 1);
  }

  clear(): void {
    this.#ghosts.length = 0;
  }
}

const fade = (elapsed: number, over: number): number => Math.min(1, Math.max(0, 1 - elapsed / over));
