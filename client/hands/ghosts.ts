/**
 * Strokes shown before, or instead of, what they did: one's own until the server's pixels come, others' as
 * a trace that fades. Pure; `scene/overlay.ts` draws them.
 */
import type { Tool } from '../../shared/protocol.ts';

export interface Ghost {
  readonly tool: Tool;
  readonly radius: number;
  /** x0, y0, x1, y1, … cells */
  readonly points: readonly number[];
  /** Of the player who drew it; null: one's own. */
  readonly hue: number | null;
  readonly bornAt: number;
  /** Own strokes carry their number until they are settled. */
  readonly id: number | null;
  settledAt: number | null;
  isRefused: boolean;
}

/** The server's pixels follow its answer by a frame or two. */
const HOLD_MS = 120;
const FADE_MS = 260;
const REFUSED_FADE_MS = 700;
const OTHERS_FADE_MS = 900;
/** An answer that never comes must not leave a ghost behind. */
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

  /** One that was refused here, before it was sent. */
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

  /** 1 as drawn, 0 gone. */
  opacity(ghost: Ghost, now: number): number {
    if (ghost.hue !== null) return fade(now - ghost.bornAt, OTHERS_FADE_MS);
    if (ghost.isRefused) return fade(now - (ghost.settledAt ?? ghost.bornAt), REFUSED_FADE_MS);
    const from = ghost.settledAt === null ? ghost.bornAt + FORGET_MS : ghost.settledAt + HOLD_MS;
    return fade(now - from, FADE_MS);
  }

  /** Forgets those that are gone. */
  sweep(now: number): void {
    for (let i = this.#ghosts.length - 1; i >= 0; i--)
      if (this.opacity(this.#ghosts[i], now) <= 0) this.#ghosts.splice(i, 1);
  }

  clear(): void {
    this.#ghosts.length = 0;
  }
}

const fade = (elapsed: number, over: number): number => Math.min(1, Math.max(0, 1 - elapsed / over));
