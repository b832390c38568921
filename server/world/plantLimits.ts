/**
 * How much a guest, an address and a network may have growing, how much they may plant within an hour, and what is left
 * to newcomers when the world is crowded.
 */
import { MAX_ADDRESSES_OF_NETWORK, networkOf } from '../address.ts';
import type { Doer } from './messages.ts';

export interface PlantLimitsOptions {
  /** Bodies of one guest, alive or waiting. */
  readonly plantsPerGuest: number;
  /** Bodies from one address, alive or waiting; and plantings from there within an hour of world time. */
  readonly plantsPerAddress: number;
}

/** Bodies that are alive or wait. */
export interface Growing {
  readonly ofGuest: number;
  readonly ofAddress: number;
  /** 0 for an IPv4 address. */
  readonly ofNetwork: number;
  /** Share of the world's cells that the boxes of all players' grown bodies have together. */
  readonly share: number;
}

const HOUR_SECONDS = 3_600;
/** Addresses and networks that are remembered; of more, the one that planted longest ago is forgotten. */
export const MAX_ADDRESSES = 4_096;
/**
 * From this share on, the rest of the world is for those who have nearly nothing. Shipped bodies that are planted wherever
 * there is room come to 0.87 to 1.0.
 */
export const CROWDED_SHARE = 0.5;
/** Bodies that a guest and their address may have in a crowded world. */
export const MAX_IN_CROWD = 2;

export class PlantLimits {
  readonly #options: PlantLimitsOptions;
  /** Address or network → world times of its plantings within the last hour, oldest first; the last to plant comes last. */
  readonly #planted = new Map<string, number[]>();

  constructor(options: PlantLimitsOptions) {
    this.#options = options;
  }

  /**
   * @param growing - without the body that is to be planted
   * @param now - world time
   * @returns why a guest may not plant, and what they can do; null: they may
   */
  fault({ address }: Doer, growing: Growing, now: number): string | null {
    const { plantsPerGuest, plantsPerAddress } = this.#options;
    const { ofGuest, ofAddress, ofNetwork, share } = growing;
    if (ofGuest >= plantsPerGuest)
      return `You have ${bodies(ofGuest)} growing, and more are not allowed: remove one first.`;
    const network = networkOf(address);
    const ofAll = plantsPerAddress * MAX_ADDRESSES_OF_NETWORK;
    if (ofAddress >= plantsPerAddress) return tooMany('address', ofAddress);
    if (network !== '' && ofNetwork >= ofAll) return tooMany('network', ofNetwork);
    if (share >= CROWDED_SHARE && Math.max(ofGuest, ofAddress) >= MAX_IN_CROWD)
      return `The world is crowded: at the moment, only who has fewer than ${MAX_IN_CROWD} bodies may plant.`;
    return (
      this.#hourFault('address', address, plantsPerAddress, now) ??
      this.#hourFault('network', network, ofAll, now)
    );
  }

  #hourFault(kind: 'address' | 'network', party: string, most: number, now: number): string | null {
    const times = party === '' ? [] : this.#within(party, now);
    if (times.length < most) return null;
    const minutes = Math.ceil((times[times.length - most] + HOUR_SECONDS - now) / 60);
    return `Your ${kind} has planted ${times.length} within an hour, and more are not allowed: wait ${Math.max(1, minutes)} min.`;
  }

  /** Counts a planting that was done. */
  planted({ address }: Doer, now: number): void {
    if (!Number.isFinite(this.#options.plantsPerAddress)) return;
    for (const party of [address, networkOf(address)]) {
      if (party === '') continue;
      const times = this.#within(party, now);
      this.#planted.delete(party);
      this.#planted.set(party, [...times, now]);
    }
    for (const longestAgo of this.#planted.keys()) {
      if (this.#planted.size <= MAX_ADDRESSES) return;
      this.#planted.delete(longestAgo);
    }
  }

  #within(party: string, now: number): number[] {
    return (this.#planted.get(party) ?? []).filter((at) => now - at < HOUR_SECONDS);
  }
}

const bodies = (count: number): string => `${count} ${count === 1 ? 'body' : 'bodies'}`;

const tooMany = (kind: 'address' | 'network', count: number): string =>
  `From your ${kind}, ${bodies(count)} ${count === 1 ? 'is' : 'are'} growing, and more are not allowed: one of them must be removed first.`;
