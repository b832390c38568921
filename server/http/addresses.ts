/**
 * What proxies in front say of a request, whose address it comes from, and how many sockets and reserved seats each
 * address has.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { addressKey, MAX_ADDRESSES_OF_NETWORK, networkOf, plainAddress } from '../address.ts';

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

export interface AddressOptions {
  /** Sockets and reserved seats together that one address may have. */
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
  readonly #seats = new Map<string, () => void>();
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

  /** How many sockets and reserved seats an address, or a network, has. */
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

  /**
   * Counts a reserved seat until it is taken or expires.
   *
   * @returns a function that releases it early; null when the address has too many
   */
  admitSeat(address: string): (() => void) | null {
    if (!this.#take(address)) return null;
    let held = true;
    const giveBack = (): void => {
      if (!held) return;
      held = false;
      clearTimeout(timer);
      this.#release(address);
    };
    const timer = setTimeout(giveBack, this.#options.seatMs).unref();
    return giveBack;
  }

  /** Notes whose seat it is, until the visit's socket comes. */
  assignSeat(visit: string, giveBack: () => void): void {
    this.#seats.set(visit, giveBack);
    setTimeout(() => this.#seats.delete(visit), this.#options.seatMs).unref();
  }

  /** Releases a visit's seat, because its socket has come and counts instead. */
  takeSeat(visit: string, request: IncomingMessage): void {
    this.#seats.get(visit)?.();
    this.#seats.delete(visit);
    this.#addresses.set(visit, this.of(request));
    request.socket.once('close', () => this.#addresses.delete(visit));
  }

  /** The address of a visit; empty when it has ended. */
  ofVisit(visit: string): string {
    return this.#addresses.get(visit) ?? '';
  }

  #take(address: string): boolean {
    const { perAddress } = this.#options;
    const network = networkOf(address);
    if (this.held(address) >= perAddress) return false;
    if (network !== '' && this.held(network) >= perAddress * MAX_ADDRESSES_OF_NETWORK) return false;
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
