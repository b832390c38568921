/** Addresses that may not join, until a time or until an admin lifts the ban. */
import { BlockList, isIP } from 'node:net';
import type { BanRecord as Ban } from '../rules/registry.ts';

export const MAX_BANS = 1_000;
/** A household has a /64 of IPv6 addresses: a ban of one address would be useless. */
const IPV6_PREFIX = 64;

export class Bans {
  readonly #bans = new Map<string, Ban>();
  #list = new BlockList();

  /** Without expired bans. */
  get all(): readonly Ban[] {
    const now = new Date().toISOString();
    for (const { address, until } of this.#bans.values())
      if (until !== '' && until <= now) this.#bans.delete(address);
    return [...this.#bans.values()];
  }

  set(bans: readonly Ban[]): void {
    this.#bans.clear();
    for (const ban of bans) this.#bans.set(ban.address, ban);
    this.#build();
  }

  has(address: string): boolean {
    if (this.#bans.size === 0) return false;
    const before = this.#bans.size;
    if (this.all.length !== before) this.#build();
    const family = isIP(address);
    if (family === 0) return this.#bans.has(address);
    return this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  #build(): void {
    this.#list = new BlockList();
    for (const { address } of this.#bans.values()) {
      const family = isIP(address);
      if (family === 4) this.#list.addAddress(address, 'ipv4');
      else if (family === 6) this.#list.addSubnet(address, IPV6_PREFIX, 'ipv6');
    }
  }
}
