/**
 * Sheds load: a world whose steps fall behind first refuses plantings, then gives less energy, until it keeps up again.
 * Judged once per second. Steps under 80 % of the setting for 10 s go one stage further, steps over 90 % for 10 s one
 * stage back. Pure.
 */
import type { Load } from '../../shared/protocol.ts';

const BEHIND = 0.8;
const WELL = 0.9;
const STAGE_MS = 10_000;
/** Steps per second from which each look sees a step. */
const MIN_JUDGED = 1;
/** A longer time between two looks was the machine's sleep, and says nothing. */
const MAX_GAP_MS = 5_000;
/** What each stage sheds; null: nothing. */
const STAGES: readonly (number | null)[] = [null, 1, 1 / 2, 1 / 4];

export class LoadWatch {
  #stage = 0;
  /** The setting of the last look. */
  #wanted = 0;
  #lastMs: number;
  /** Since when the steps are behind (true) or well (false) without a break; null: neither. */
  #since: { readonly isBehind: boolean; readonly ms: number } | null = null;
  #stepsPerSecond = 0;

  /** @param nowMs - monotonic */
  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  /**
   * @param nowMs - monotonic
   * @param stepsPerSecond - since the last look
   * @param wanted - steps per second that are set; 0: the world is paused
   */
  look(nowMs: number, stepsPerSecond: number, wanted: number): void {
    const gapMs = nowMs - this.#lastMs;
    const fromMs = this.#lastMs;
    this.#lastMs = nowMs;
    this.#stepsPerSecond = stepsPerSecond;
    const isSame = wanted === this.#wanted;
    this.#wanted = wanted;
    // A paused world keeps up with everything, and one whose steps are seconds apart: most looks see none.
    const isSlow = wanted < MIN_JUDGED;
    if (isSlow) this.#stage = 0;
    if (isSlow || !isSame || gapMs > MAX_GAP_MS) {
      this.#since = null;
      return;
    }
    const share = stepsPerSecond / wanted;
    if (share >= BEHIND && share <= WELL) {
      this.#since = null;
      return;
    }
    const isBehind = share < BEHIND;
    if (this.#since?.isBehind !== isBehind) this.#since = { isBehind, ms: fromMs };
    if (nowMs - this.#since.ms < STAGE_MS) return;
    this.#since = { isBehind, ms: nowMs };
    this.#stage = Math.min(Math.max(this.#stage + (isBehind ? 1 : -1), 0), STAGES.length - 1);
  }

  /** What is shed now; null: nothing, the world keeps up. */
  get load(): Load | null {
    const energyScale = STAGES[this.#stage];
    if (energyScale === null) return null;
    return { energyScale, stepsPerSecond: this.#stepsPerSecond, wanted: this.#wanted };
  }
}
