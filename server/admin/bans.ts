/**
 * Addresses that may not join, until a time or until an admin lifts the ban.
 *
 * In the registry a ban ends at a date of the wall clock, because it outlives the process. In this process it ends when
 * its time has passed on a monotonic clock, so setting the wall clock lifts no ban and makes none longer. A ban
 * that was entered while the wall clock was wrong is off by that error after the next start.
 */
import { BlockList, isIP } from 'node:net';
import type { BanRecord as Ban } from '../rules/registry.ts';

export const MAX_BANS = 1_000;
/** A household has a /64 of IPv6 addresses: a ban of one address would be useless. */
const IPV6_PREFIX = 64;

interface Held {
  readonly ban: Ban;
  /** On a monotonic clock; Infinity: until an admin lifts it. */
  readonly endsMs: number;
}

export class Bans {
  readonly #bans = new Map<string, Held>();
  #list = new BlockList();

  /** Without expired bans. */
  get all(): readonly Ban[] {
    this.#expire();
    return [...this.#bans.values()].map(({ ban }) => ban);
  }

  /** Takes over the registry's bans at a start; what this process holds already stays. */
  load(bans: readonly Ban[]): void {
    for (const ban of bans) {
      if (this.#bans.has(ban.address)) continue;
      const leftMs = ban.until === '' ? Number.POSITIVE_INFINITY : Date.parse(ban.until) - Date.now();
      this.#bans.set(ban.address, { ban, endsMs: performance.now() + leftMs });
    }
    this.#build();
  }

  /** Replaces an earlier ban of the address. @returns the ban as the registry keeps it */
  add(address: string, minutes: number, reason: string): Ban {
    const forMs = minutes * 60_000;
    const ban = { address, until: new Date(Date.now() + forMs).toISOString(), reason };
    this.#bans.set(address, { ban, endsMs: performance.now() + forMs });
    this.#build();
    return ban;
  }

  /** @returns false when the address is not banned */
  lift(address: string): boolean {
    this.#expire();
    const wasBanned = this.#bans.delete(address);
    this.#build();
    return wasBanned;
  }

  has(address: string): boolean {
    if (this.#bans.size === 0) return false;
    this.#expire();
    const family = isIP(address);
    if (family === 0) return this.#bans.has(address);
    return this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  #expire(): void {
    const nowMs = performance.now();
    const before = this.#bans.size;
    for (const [address, { endsMs }] of this.#bans) if (endsMs <= nowMs) this.#bans.delete(address);
    if (this.#bans.size !== before) this.#build();
  }

  #build(): void {
    this.#list = new BlockList();
    for (const address of this.#bans.keys()) {
      const family = isIP(address);
      if (family === 4) this.#list.addAddress(address, 'ipv4');
      else if (family === 6) this.#list.addSubnet(address, IPV6_PREFIX, 'ipv6');
    }
  }
}
