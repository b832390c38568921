/**
 * Guests: people without an account, as the server knows them over reloads and restarts. A guest may be here several
 * times at once: each tab is a *visit*. This file decides who may come, and who may do what.
 */
import type { GuestSummary } from '../../shared/adminPeople.ts';
import { BUDGET_CELLS_PER_SECOND } from '../../shared/limits.ts';
import type { Budget } from '../../shared/protocol.ts';
import { MAX_ADDRESSES_OF_NETWORK, networkOf } from '../address.ts';
import { Allowances } from '../allowances.ts';
import { Groups } from '../groups.ts';
import { type Deed, Deeds } from './deeds.ts';
import { EnergyStore } from './energy.ts';
import { Guest, type GuestsAround } from './guest.ts';
import { GuestBook } from './guestBook.ts';
import type { GuestKeep } from './guestTable.ts';
import { type Sanction, type SanctionKind, Sanctions } from './sanctions.ts';
import { type GuestTokens, isGuestId, madeMs } from './token.ts';
import { banWords, durationOf, muteWords } from './words.ts';

/** Tabs of one guest. */
export const MAX_VISITS = 8;
/** An address has twice its number of guests as new ones at once, and that number in this time. */
const NEWCOMERS_SECONDS = 600;
/** Joins that an address has per guest at once, and the time in which they are refilled. */
const JOINS_PER_GUEST = 8;
const JOINS_SECONDS = 64;
/** An address may ask for as many seats at once as joins; this many more per guest and second. */
const SEATS_PER_SECOND = 2;
/** What a visit that is closed for what it sent costs its address. */
const JOINS_LOST = 8;
/** With fewer other settled guests at an address in the last day, a sanction holds it: those who are not settled share it. */
const MAX_OTHERS = 4;
/**
 * A guest is settled who came first this long ago and has done so much since: nobody is, with a token that was only
 * gathered.
 */
const SETTLED_MS = 3_600_000;
const SETTLED_DEEDS = 10;
const DAY_MS = 86_400_000;

export interface GuestsOptions {
  readonly tokens: GuestTokens;
  /** null: guests live in memory only. */
  readonly keep: GuestKeep | null;
  /** Guests who may be here at once from one address. */
  readonly guestsPerAddress: number;
  /** How many guests' energy an address has. */
  readonly energyPerAddress: number;
  /** Gets what the operator should read. */
  readonly log: (line: string) => void;
}

export interface Refusal {
  readonly ok: false;
  /** 403: banned; 429: too many. */
  readonly status: 403 | 429;
  /** For the player to read; lower case, without a full stop. */
  readonly reason: string;
  /** When another try may succeed; absent: nobody knows. */
  readonly retrySeconds?: number;
}

export type Admitted = {
  readonly ok: true;
  /** Id of the guest. */
  readonly guest: string;
  /** They had no token, or one that this server did not make. */
  readonly isNew: boolean;
};

export type Entered = { readonly ok: true; readonly guest: Guest };

export class Guests {
  readonly sanctions = new Sanctions((id, atMs) => this.#wasSettled(id, atMs));
  readonly deeds = new Deeds();
  readonly energy: EnergyStore;
  /** Names that no guest may take, beside the built-in ones. */
  reservedNames: () => readonly string[] = () => [];
  /** Ids of those whose bodies live: they are not forgotten. */
  planters: () => Promise<ReadonlySet<string>> = async () => new Set();
  readonly #options: GuestsOptions;
  readonly #around: GuestsAround;
  readonly #book: GuestBook;
  /** Address → the guests who are here from it. */
  readonly #here = new Groups<string, Guest>();
  readonly #joins: Allowances;
  readonly #newcomers: Allowances;
  readonly #seats: Allowances;
  #hasWarned = false;

  /** @throws RegistryError when what was kept cannot be read */
  constructor(options: GuestsOptions) {
    this.#options = options;
    const now = (): number => performance.now();
    const per = (joins: number, seconds: number): Allowances =>
      new Allowances({ most: joins, perSecond: joins / seconds, now });
    this.#joins = per(JOINS_PER_GUEST * options.guestsPerAddress, JOINS_SECONDS);
    this.#newcomers = per(2 * options.guestsPerAddress, 2 * NEWCOMERS_SECONDS);
    this.#seats = per(JOINS_PER_GUEST * options.guestsPerAddress, JOINS_PER_GUEST / SEATS_PER_SECOND);
    this.energy = new EnergyStore({ perAddress: options.energyPerAddress, now });
    this.#around = {
      energy: this.energy,
      reservedNames: () => this.reservedNames(),
      now,
      changed: (guest) => this.#book.change(guest),
    };
    this.#book = new GuestBook({
      keep: options.keep,
      isPinned: (id) => this.sanctions.names(id),
      planters: () => this.planters(),
      log: options.log,
    });
    this.#book.restore(this.#kept());
  }

  #kept(): Guest[] {
    const nowMs = Date.now();
    const rows = this.#options.keep?.load().filter(({ id, seen }) => isGuestId(id) && Date.parse(seen) >= 0);
    return (rows ?? []).map((row) => {
      const awaySeconds = Math.max(0, nowMs - Date.parse(row.seen)) / 1_000;
      const energy = row.energy + awaySeconds * BUDGET_CELLS_PER_SECOND;
      return new Guest(row.id, this.#around, { ...row, energy });
    });
  }

  /** Keeps what is to be kept. */
  close(): void {
    this.#book.close();
  }

  // --- who comes and goes ---

  /**
   * Whether somebody may join. Nothing is remembered of them until they `enter`.
   *
   * @param token - as the client sent it
   */
  admit(token: unknown, address: string): Admitted | Refusal {
    const known = this.#options.tokens.idOf(token);
    const guest = known ?? this.#options.tokens.newId(Date.now());
    const refusal = this.#refusal(guest, address);
    if (refusal !== null) return refusal;
    const isNew = known === null;
    const early = this.#early(address, isNew);
    if (early !== null) return early;
    const seatMs = this.#seats.take(address, 1);
    return seatMs > 0 ? wait('joins', seatMs) : { ok: true, guest, isNew };
  }

  /** Whether those of an address have joined so often that the next must wait. */
  #early(address: string, isNew: boolean): Refusal | null {
    const joinMs = this.#joins.msUntil(address, 1);
    if (joinMs > 0) return wait('joins', joinMs);
    const newcomerMs = isNew ? this.#newcomers.msUntil(address, 1) : 0;
    return newcomerMs > 0 ? wait('new guests', newcomerMs) : null;
  }

  /** Somebody who has a seat opens a socket: that is a join, whatever comes of it. @returns why it is refused; null: not */
  comes(address: string): Refusal | null {
    const joinMs = this.#joins.take(address, 1);
    return joinMs > 0 ? wait('joins', joinMs) : null;
  }

  /**
   * A visit begins. It may be refused though it was admitted, because others came first. Only now is a newcomer counted:
   * who asks for seats and does not come uses up nobody's.
   *
   * @param id - as `admit` gave it
   * @param isNew - as well
   */
  enter(id: string, address: string, isNew: boolean): Entered | Refusal {
    const refusal = this.#refusal(id, address);
    if (refusal !== null) return refusal;
    const newcomerMs = isNew ? this.#newcomers.take(address, 1) : 0;
    if (newcomerMs > 0) return wait('new guests', newcomerMs);
    const guest = this.#book.find(id) ?? new Guest(id, this.#around);
    if (guest.visits === 0) guest.giveUpReservedName();
    guest.arrive(address, Date.now());
    this.#book.arrive(guest);
    this.#here.add(address, guest);
    return { ok: true, guest };
  }

  /** A visit that has entered ends. */
  leave(guest: Guest, address: string): void {
    guest.depart(address, Date.now());
    if (!guest.isAt(address)) this.#here.delete(address, guest);
    this.#book.depart(guest);
  }

  /** The token for the client to keep. */
  tokenOf(id: string): string {
    return this.#options.tokens.of(id);
  }

  #refusal(id: string, address: string): Refusal | null {
    const ban = this.sanctions.find('ban', id, address);
    if (ban !== null) {
      const seconds = this.sanctions.secondsLeft(ban.id);
      const retry = Number.isFinite(seconds) ? { retrySeconds: Math.ceil(seconds) } : {};
      return { ok: false, status: 403, reason: banWords(ban, id, seconds), ...retry };
    }
    const guest = this.#book.find(id);
    if ((guest?.visits ?? 0) >= MAX_VISITS)
      return { ok: false, status: 429, reason: `you have this world open in ${MAX_VISITS} tabs already` };
    const { guestsPerAddress } = this.#options;
    const here = this.#here.of(address);
    if (guest !== undefined && here.has(guest)) return null;
    const refuse = (most: number, what: string): Refusal => {
      const reason = `${most} guests from your ${what} are here already, and more are not allowed`;
      return { ok: false, status: 429, reason };
    };
    if (here.size >= guestsPerAddress) {
      this.#warn(address);
      return refuse(guestsPerAddress, 'address');
    }
    const network = networkOf(address);
    const most = guestsPerAddress * MAX_ADDRESSES_OF_NETWORK;
    return network !== '' && this.#countIn(network) >= most ? refuse(most, 'network') : null;
  }

  #countIn(network: string): number {
    let count = 0;
    for (const [address, here] of this.#here) if (networkOf(address) === network) count += here.size;
    return count;
  }

  /** Behind a proxy, all guests come from one address unless its header is trusted: the operator should know. */
  #warn(address: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { guestsPerAddress, log } = this.#options;
    log(
      `guests: ${guestsPerAddress} from ${address} are here, and others are refused (--guests-per-address); if that is a proxy, start with --trust-proxy 1`,
    );
  }

  /** A visit from this address was closed for what it sent. Those who come straight back must wait the longer. */
  misbehaved(address: string): void {
    this.#joins.charge(address, JOINS_LOST);
  }

  // --- what they do ---

  /** Pays for a stroke. @returns why that is not possible, for the guest to read; null: it is paid */
  spend({ energy }: Guest, address: string, cells: number): string | null {
    return this.energy.spend(energy, address, cells);
  }

  /** Gives back what a refused stroke had cost. */
  giveBack({ energy }: Guest, address: string, cells: number): void {
    this.energy.giveBack(energy, address, cells);
  }

  budgetOf({ energy }: Guest, address: string): Budget {
    return this.energy.budget(energy, address);
  }

  /** Remembers what the world has applied. */
  did(guest: Guest, deed: Deed): void {
    guest.count(deed.tool === 'plant');
    this.deeds.add(deed);
  }

  // --- for those who keep order ---

  /** Why a guest has no tools, for them to read; null: they have. */
  muteOf(guest: Guest, address: string): string | null {
    const mute = this.sanctions.find('mute', guest.id, address);
    return mute === null ? null : muteWords(mute, guest.id, this.sanctions.secondsLeft(mute.id));
  }

  /** Those who are here, then those who left last. */
  lately(most: number): GuestSummary[] {
    const here = Array.from(this.#book.here);
    return [...here, ...this.#book.left(Math.max(0, most - here.length))].slice(0, most).map(summary);
  }

  /** null: nobody with this id is known. */
  find(id: string): GuestSummary | null {
    const guest = this.#book.find(id);
    return guest === undefined ? null : summary(guest);
  }

  /**
   * Mutes or bans a guest. All at their address who are not settled share it if fewer than `MAX_OTHERS` settled ones were
   * there in the last day: a guest who takes another token does not shake it off, and a school is not punished for one.
   *
   * @param minutes - Infinity: until an admin lifts it
   * @returns null: nobody with this id is known
   * @throws TooManySanctionsError
   */
  sanctionGuest(
    kind: SanctionKind,
    id: string,
    { minutes, reason, who }: { readonly minutes: number; readonly reason: string; readonly who: string },
  ): Sanction | null {
    const guest = this.#book.find(id);
    if (guest === undefined) return null;
    const address = this.#othersAt(guest) < MAX_OTHERS ? guest.address : '';
    this.#book.change(guest);
    return this.sanctions.add({ kind, guest: id, address, name: guest.name, minutes, reason, who });
  }

  /** What they have done since a moment counts as well: who is muted or banned does nothing where that holds. */
  #wasSettled(id: string, atMs: number): boolean {
    const guest = this.#book.find(id);
    if (guest === undefined || atMs - madeMs(id) < SETTLED_MS) return false;
    return guest.strokes + guest.plantings >= SETTLED_DEEDS;
  }

  #othersAt({ id, address }: Guest): number {
    const now = Date.now();
    return this.#book.count(
      (guest) =>
        guest.address === address &&
        guest.id !== id &&
        this.#wasSettled(guest.id, now) &&
        (guest.visits > 0 || guest.seenMs > now - DAY_MS),
    );
  }

  /** Ids of those who are here. */
  get ids(): string[] {
    return Array.from(this.#book.here, ({ id }) => id);
  }

  /** How many guests are remembered. */
  get size(): number {
    return this.#book.size;
  }
}

function wait(what: string, ms: number): Refusal {
  const retrySeconds = Math.ceil(ms / 1_000);
  const reason = `too many ${what} from your address: wait ${durationOf(retrySeconds)}`;
  return { ok: false, status: 429, reason, retrySeconds };
}

const summary = ({ id, name, address, visits, seenMs, strokes, plantings }: Guest): GuestSummary => ({
  id,
  name,
  address,
  visits,
  since: new Date(madeMs(id)).toISOString(),
  seen: new Date(seenMs).toISOString(),
  strokes,
  plantings,
});
