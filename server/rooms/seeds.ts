/** Seeds that wait, as each client is told of those in its view. */
import type { Rect } from '../../shared/geometry.ts';
import type { SeedsMessage } from '../../shared/protocol.ts';
import type { WaitingSeed } from '../world/absences.ts';

/** With more seeds in one view, those nearest its middle are told. */
export const MAX_TOLD_SEEDS = 128;

export class Seeds {
  /** Goes up with every list of the world. */
  version = 0;
  #seeds: readonly WaitingSeed[] = [];
  #heardMs = 0;

  /** @param nowMs - monotonic */
  hear(seeds: readonly WaitingSeed[], nowMs: number): void {
    this.#seeds = seeds;
    this.#heardMs = nowMs;
    this.version++;
  }

  /** @param view - cells; null: not known yet */
  in(view: Rect | null, nowMs: number): SeedsMessage['seeds'] {
    if (view === null) return [];
    const found = this.#seeds.filter(
      ({ x, y }) => x >= view.x && y >= view.y && x < view.x + view.width && y < view.y + view.height,
    );
    const away = ({ x, y }: WaitingSeed): number =>
      Math.hypot(x - view.x - view.width / 2, y - view.y - view.height / 2);
    if (found.length > MAX_TOLD_SEEDS) found.sort((a, b) => away(a) - away(b));
    const passed = (nowMs - this.#heardMs) / 1_000;
    return found
      .slice(0, MAX_TOLD_SEEDS)
      .map(({ id, x, y, seconds }) => ({ id, x, y, seconds: Math.max(0, seconds - passed) }));
  }
}
