/** How much a guest may have growing, and how much may be planted from one address within an hour. */
import type { Doer } from './messages.ts';

export interface PlantLimitsOptions {
  /** Bodies of one guest, alive or waiting. */
  readonly plantsPerGuest: number;
  /** Plantings from one address within an hour of world time. */
  readonly plantsPerAddress: number;
}

const HOUR_SECONDS = 3_600;
/** Addresses that are remembered; of more, the one that planted longest ago is forgotten. */
export const MAX_ADDRESSES = 4_096;

export class PlantLimits {
  readonly #options: PlantLimitsOptions;
  /** Address → world times of its plantings within the last hour, oldest first; the last to plant comes last. */
  readonly #planted = new Map<string, number[]>();

  constructor(options: PlantLimitsOptions) {
    this.#options = options;
  }

  /**
   * @param growing - bodies that the guest has
   * @param now - world time
   * @returns why a guest may not plant, and what they can do; null: they may
   */
  fault({ address }: Doer, growing: number, now: number): string | null {
    const { plantsPerGuest, plantsPerAddress } = this.#options;
    if (growing >= plantsPerGuest)
      return `You have ${growing} ${growing === 1 ? 'body' : 'bodies'} growing, and more are not allowed: remove one first.`;
    const times = this.#within(address, now);
    if (times.length < plantsPerAddress) return null;
    const minutes = Math.ceil((times[times.length - plantsPerAddress] + HOUR_SECONDS - now) / 60);
    return `Your address has planted ${times.length} within an hour, and more are not allowed: wait ${Math.max(1, minutes)} min.`;
  }

  /** Counts a planting that was done. */
  planted({ address }: Doer, now: number): void {
    if (!Number.isFinite(this.#options.plantsPerAddress)) return;
    const times = this.#within(address, now);
    this.#planted.delete(address);
    this.#planted.set(address, [...times, now]);
    if (this.#planted.size <= MAX_ADDRESSES) return;
    const [longestAgo] = this.#planted.keys();
    this.#planted.delete(longestAgo);
  }

  #within(address: string, now: number): number[] {
    return (this.#planted.get(address) ?? []).filter((at) => now - at < HOUR_SECONDS);
  }
}
