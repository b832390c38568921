/** How long honest strokes wait for their answers. Pure. */
import type { LoadClient } from '../load/client.ts';
import type { StrokeWatch } from '../soak/page.ts';
import { quantile } from './figures.ts';

/** A stroke that is never answered counts as having waited this long. */
export const MAX_WAIT_MS = 10_000;
/** A stroke that has waited this long when a window ends counts in it, with the time so far. */
const MIN_OPEN_MS = 1_000;

export interface Waits {
  readonly count: number;
  /** Those whose connection ended first, or that were not answered within 10 s; they count as 10 s. */
  readonly lost: number;
  /** null: no stroke */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

export class StrokeWaits implements StrokeWatch {
  /** By connection: when its strokes without an answer were sent. */
  readonly #open = new Map<LoadClient, Map<number, number>>();
  #waits: number[] = [];
  #lost = 0;

  sent(client: LoadClient, stroke: number, nowMs: number): void {
    const open = this.#open.get(client) ?? new Map<number, number>();
    this.#open.set(client, open.set(stroke, nowMs));
  }

  answered(client: LoadClient, stroke: number, nowMs: number): void {
    const sentMs = this.#open.get(client)?.get(stroke);
    if (sentMs === undefined) return;
    this.#waits.push(nowMs - sentMs);
    this.#open.get(client)!.delete(stroke);
  }

  cut(client: LoadClient): void {
    for (let n = this.#open.get(client)?.size ?? 0; n > 0; n--) this.#lose();
    this.#open.delete(client);
  }

  /** Ends a window and begins the next. A stroke counts in the window in which its wait ended. */
  take(nowMs: number): Waits {
    for (const open of this.#open.values())
      for (const [stroke, sentMs] of open) {
        const soFarMs = nowMs - sentMs;
        if (soFarMs < MIN_OPEN_MS) continue;
        open.delete(stroke);
        if (soFarMs >= MAX_WAIT_MS) this.#lose();
        else this.#waits.push(soFarMs);
      }
    const sorted = this.#waits.sort((a, b) => a - b);
    const waits: Waits = {
      count: sorted.length,
      lost: this.#lost,
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      maxMs: sorted.at(-1) ?? null,
    };
    this.#waits = [];
    this.#lost = 0;
    return waits;
  }

  #lose(): void {
    this.#waits.push(MAX_WAIT_MS);
    this.#lost++;
  }
}
