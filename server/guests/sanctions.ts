/**
 * Sanctions: mutes and bans of guests and of addresses, until a time or until an admin lifts them.
 *
 * On disk a sanction ends at a date of the wall clock, because it outlives the process. In this process it ends when its
 * time has passed on a monotonic clock, so setting the wall clock lifts none and makes none longer. One that was entered
 * while the wall clock was wrong is off by that error after the next start.
 */
import { randomBytes } from 'node:crypto';
import type { Sanction, SanctionKind } from '../../shared/adminPeople.ts';
import { networkOf } from '../address.ts';
import { Groups } from '../groups.ts';

export type { Sanction, SanctionKind } from '../../shared/adminPeople.ts';

export const MAX_SANCTIONS = 1_000;

export interface NewSanction {
  readonly kind: SanctionKind;
  /** Empty: everybody from the address. */
  readonly guest: string;
  /** Empty: the guest alone. With a guest: also those who come from the address and are not settled. */
  readonly address: string;
  /** What the guest was called. */
  readonly name: string;
  /** Infinity: until an admin lifts it. */
  readonly minutes: number;
  readonly reason: string;
  /** Name of the admin. */
  readonly who: string;
}

/** There are `MAX_SANCTIONS` already. */
export class TooManySanctionsError extends Error {
  override name = 'TooManySanctionsError';
}

interface Held {
  readonly sanction: Sanction;
  /** On a monotonic clock; Infinity: until an admin lifts it. */
  readonly endsMs: number;
}

export class Sanctions {
  readonly #wasSettled: (guest: string, atMs: number) => boolean;
  readonly #byId = new Map<string, Held>();
  /** Ids, by guest and by address; a sanction of both is in both. */
  readonly #ofGuest = new Groups<string, string>();
  readonly #ofAddress = new Groups<string, string>();

  /** @param wasSettled - whether a guest was no newcomer at a time, milliseconds since 1970. Default: all are newcomers */
  constructor(wasSettled: (guest: string, atMs: number) => boolean = () => false) {
    this.#wasSettled = wasSettled;
  }

  /** Without expired ones, oldest first. */
  get all(): readonly Sanction[] {
    this.#expire();
    return Array.from(this.#byId.values(), ({ sanction }) => sanction);
  }

  /** Takes over what is on disk at a start; what this process holds already stays. */
  load(sanctions: readonly Sanction[]): void {
    for (const sanction of sanctions) {
      if (this.#byId.has(sanction.id)) continue;
      const leftMs =
        sanction.until === '' ? Number.POSITIVE_INFINITY : Date.parse(sanction.until) - Date.now();
      if (leftMs > 0) this.#hold({ sanction, endsMs: performance.now() + leftMs });
    }
  }

  /**
   * Replaces an earlier one of the same kind, guest and address.
   *
   * @returns it as it is kept on disk
   * @throws TooManySanctionsError
   */
  add({ minutes, ...what }: NewSanction): Sanction {
    this.#expire();
    for (const { sanction } of this.#byId.values())
      if (sanction.kind === what.kind && sanction.guest === what.guest && sanction.address === what.address)
        this.lift(sanction.id);
    if (this.#byId.size >= MAX_SANCTIONS)
      throw new TooManySanctionsError(
        `${MAX_SANCTIONS} mutes and bans are already in force: lift some first`,
      );
    const forMs = minutes * 60_000;
    const now = Date.now();
    const sanction: Sanction = {
      id: randomBytes(9).toString('base64url'),
      ...what,
      since: new Date(now).toISOString(),
      until: forMs === Number.POSITIVE_INFINITY ? '' : new Date(now + forMs).toISOString(),
    };
    this.#hold({ sanction, endsMs: performance.now() + forMs });
    return sanction;
  }

  /** @returns what was lifted; null: no such sanction is in force */
  lift(id: string): Sanction | null {
    this.#expire();
    const held = this.#byId.get(id);
    if (held === undefined) return null;
    this.#drop(held.sanction);
    return held.sanction;
  }

  /** The one of this kind that ends last, of those that concern a guest who comes from an address. */
  find(kind: SanctionKind, guest: string, address: string): Sanction | null {
    if (this.#byId.size === 0) return null;
    this.#expire();
    const own = this.#ofGuest.of(guest);
    const theirs = [address, networkOf(address)].flatMap((key) => [...this.#ofAddress.of(key)]);
    let last: Held | null = null;
    for (const id of [...own, ...theirs]) {
      const held = this.#byId.get(id)!;
      if (held.sanction.kind !== kind || !this.#concerns(held.sanction, guest, address)) continue;
      if (last === null || held.endsMs > last.endsMs) last = held;
    }
    return last?.sanction ?? null;
  }

  /** Whether any sanction names this guest. */
  names(guest: string): boolean {
    this.#expire();
    return this.#ofGuest.has(guest);
  }

  /** Whether nobody at all may join from this address. */
  bansAddress(address: string): boolean {
    return this.find('ban', '', address)?.guest === '';
  }

  /** Seconds until it ends; Infinity: until it is lifted; 0: it has ended. */
  secondsLeft(id: string): number {
    const held = this.#byId.get(id);
    return held === undefined ? 0 : Math.max(0, (held.endsMs - performance.now()) / 1_000);
  }

  /**
   * A sanction of a guest that has an address, too, concerns all there who were not settled when it began: it may be the
   * same person with a new token, or with one of many that they had gathered. Who was settled is somebody else.
   */
  #concerns(sanction: Sanction, guest: string, address: string): boolean {
    if (sanction.guest !== '' && sanction.guest === guest) return true;
    if (sanction.address !== address && sanction.address !== networkOf(address)) return false;
    if (sanction.guest === '') return true;
    return guest !== '' && !this.#wasSettled(guest, Date.parse(sanction.since));
  }

  #hold(held: Held): void {
    const { id, guest, address } = held.sanction;
    this.#byId.set(id, held);
    if (guest !== '') this.#ofGuest.add(guest, id);
    if (address !== '') this.#ofAddress.add(address, id);
  }

  #drop({ id, guest, address }: Sanction): void {
    this.#byId.delete(id);
    this.#ofGuest.delete(guest, id);
    this.#ofAddress.delete(address, id);
  }

  #expire(): void {
    const now = performance.now();
    for (const { sanction, endsMs } of this.#byId.values()) if (endsMs <= now) this.#drop(sanction);
  }
}
