/**
 * What proxies in front say of a request, whose address it comes from, and how many sockets each address
 * has, and how many seats that nobody has taken yet.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { addressKey, MAX_ADDRESSES_OF_NETWORK, networkOf, partyOf, plainAddress } from '../address.ts';

export type ForwardedHeader = 'x-forwarded-for' | 'x-forwarded-host' | 'x-forwarded-proto';

/** What a proxy adds to a request. */
const FORWARDING_HEADERS = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'] as const;
/** A UUID, or what else proxies make: plain enough for any log. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/**
 * The only reader of what proxies say of a request: of its address, host and scheme alike, as many of them are believed
 * as the operator has named. Any client can send the same headers, so without a proxy none is believed.
 */
export class Proxies {
  /** How many proxies stand before the server, one behind the other. */
  readonly #hops: number;
  readonly #log: (line: string) => void;
  #isNoted = false;

  /** @param log - takes a line for the operator, at most once */
  constructor(hops: number, log: (line: string) => void) {
    this.#hops = hops;
    this.#log = log;
  }

  /** Sockets come from a proxy. */
  get areTrusted(): boolean {
    return this.#hops > 0;
  }

  /**
   * Each proxy appends its entry: the last is of the nearest one, and what stands before those of the trusted ones may
   * be anybody's. A proxy that replaces a header leaves fewer; then the first is meant.
   *
   * @returns empty: nothing is said, or nobody is believed
   */
  read({ headers }: IncomingMessage, name: ForwardedHeader): string {
    const said = headers[name];
    if (said === undefined) return '';
    if (this.#hops === 0) {
      if (name === 'x-forwarded-for') this.#note();
      return '';
    }
    const entries = String(said).split(',');
    return entries[Math.max(0, entries.length - this.#hops)].trim();
  }

  /** The id that the nearest proxy has given a request; null: none, not a plain one, or nobody is believed. */
  requestId({ headers }: IncomingMessage): string | null {
    const said = headers['x-request-id'];
    return this.areTrusted && typeof said === 'string' && REQUEST_ID.test(said) ? said : null;
  }

  /**
   * The whole address of a request's client; empty: it cannot be known, because a proxy that is not believed stands in
   * between.
   */
  clientOf(request: IncomingMessage): string {
    const { headers, socket } = request;
    const direct = plainAddress(socket.remoteAddress ?? '');
    if (!this.areTrusted) return FORWARDING_HEADERS.some((name) => name in headers) ? '' : direct;
    // A request without the header did not come through the proxy.
    return plainAddress(this.read(request, 'x-forwarded-for')) || direct;
  }

  /** Once, because whoever sends the header could else fill the log. */
  #note(): void {
    if (this.#isNoted) return;
    this.#isNoted = true;
    this.#log(
      'a request has X-Forwarded-For, which is not believed: behind a proxy all visitors then share one address and its limits; start with --trust-proxy 1 (or as many proxies as stand in a row)',
    );
  }
}

/**
 * Seats of one address that nobody has taken yet, or half as many as its sockets may be, where that is more. A page takes
 * its seat within a second.
 */
export const UNUSED_SEATS = 32;

interface UnusedSeat {
  readonly giveUp: () => void;
  /** Ends it. */
  readonly timer: NodeJS.Timeout;
}

export interface AddressOptions {
  /** Sockets that one address may have. */
  readonly perAddress: number;
  /** If they are trusted, plain sockets are not limited: they all come from the proxy. */
  readonly proxies: Proxies;
  /** A reserved seat is released after this. */
  readonly seatMs: number;
}

export class Addresses {
  readonly #options: AddressOptions;
  /** By address and by network. */
  readonly #held = new Map<string, number>();
  readonly #sockets = new Map<Socket, string>();
  /** Seats that nobody has taken yet, the oldest first: by address or network, and there by the visit's id. */
  readonly #seats = new Map<string, Map<string, UnusedSeat>>();
  readonly #partyOfSeat = new Map<string, string>();
  /** By the visit's id, which is Colyseus' session id. */
  readonly #addresses = new Map<string, string>();

  constructor(options: AddressOptions) {
    this.#options = options;
  }

  /** The address of a request's client, as `addressKey` writes it. */
  of(request: IncomingMessage): string {
    const forwarded = this.#options.proxies.read(request, 'x-forwarded-for');
    return addressKey(forwarded) || addressKey(request.socket.remoteAddress ?? '');
  }

  /** How many sockets an address, or a network, has. */
  held(address: string): number {
    return this.#held.get(address) ?? 0;
  }

  /** Plain sockets are not limited: they come from the proxy. */
  get areBehindProxy(): boolean {
    return this.#options.proxies.areTrusted;
  }

  /** Counts a connection until `releaseSocket`. @returns false when the address has too many */
  admitSocket(socket: Socket): boolean {
    if (this.areBehindProxy || this.#sockets.has(socket)) return true;
    const address = addressKey(socket.remoteAddress ?? '');
    if (!this.#take(address)) return false;
    this.#sockets.set(socket, address);
    return true;
  }

  /** A connection has closed, or waits for its next request: a browser keeps six of those after a page. */
  releaseSocket(socket: Socket): void {
    const address = this.#sockets.get(socket);
    if (address === undefined) return;
    this.#sockets.delete(socket);
    this.#release(address);
  }

  /** Counts a WebSocket whose address stands in a header. @returns false when the address has too many */
  admitUpgrade(request: IncomingMessage): boolean {
    if (!this.areBehindProxy) return true;
    const address = this.of(request);
    if (!this.#take(address)) return false;
    request.socket.once('close', () => this.#release(address));
    return true;
  }

  /** Whether an address has all the sockets that it may have. */
  isFull(address: string): boolean {
    const { perAddress } = this.#options;
    if (this.held(address) >= perAddress) return true;
    const network = networkOf(address);
    return network !== '' && this.held(network) >= perAddress * MAX_ADDRESSES_OF_NETWORK;
  }

  /**
   * Notes a seat that was reserved, until its socket comes or it expires. Of too many of an address (`UNUSED_SEATS`), the
   * oldest is given up: whoever means to come has come by then, and nobody can use up their neighbours' seats.
   *
   * @param visit - id of the visit that it is for
   * @param giveUp - frees the seat
   */
  holdSeat(address: string, visit: string, giveUp: () => void): void {
    const party = partyOf(address);
    const seats = this.#seats.get(party) ?? new Map<string, UnusedSeat>();
    this.#seats.set(party, seats);
    const timer = setTimeout(() => this.#dropSeat(party, visit), this.#options.seatMs).unref();
    seats.set(visit, { giveUp, timer });
    this.#partyOfSeat.set(visit, party);
    if (seats.size <= Math.max(UNUSED_SEATS, this.#options.perAddress / 2)) return;
    const [oldest] = seats.keys();
    this.#dropSeat(party, oldest)!.giveUp();
  }

  /** A visit's socket has come and counts instead of its seat. */
  takeSeat(visit: string, request: IncomingMessage): void {
    this.#dropSeat(this.#partyOfSeat.get(visit) ?? '', visit);
    this.#addresses.set(visit, this.of(request));
    request.socket.once('close', () => this.#addresses.delete(visit));
  }

  /** How many seats of an address, or of its network, nobody has taken yet. */
  unusedSeats(address: string): number {
    return this.#seats.get(partyOf(address))?.size ?? 0;
  }

  #dropSeat(party: string, visit: string): UnusedSeat | undefined {
    const seats = this.#seats.get(party);
    const seat = seats?.get(visit);
    clearTimeout(seat?.timer);
    seats?.delete(visit);
    if (seats?.size === 0) this.#seats.delete(party);
    this.#partyOfSeat.delete(visit);
    return seat;
  }

  /** The address of a visit; empty when it has ended. */
  ofVisit(visit: string): string {
    return this.#addresses.get(visit) ?? '';
  }

  #take(address: string): boolean {
    if (this.isFull(address)) return false;
    const network = networkOf(address);
    for (const key of network === '' ? [address] : [address, network])
      this.#held.set(key, this.held(key) + 1);
    return true;
  }

  #release(address: string): void {
    for (const key of [address, networkOf(address)]) {
      const held = this.held(key) - 1;
      if (held > 0) this.#held.set(key, held);
      else this.#held.delete(key);
    }
  }
}
