/**
 * Whose address a request comes from, and how many sockets and reserved seats each has. An *address* is an IPv4
 * address, or the /64 of an IPv6 one, because a home has 2^64 of those.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket, SocketAddress } from 'node:net';

export interface AddressOptions {
  /** Sockets and reserved seats together that one address may have. */
  readonly perAddress: number;
  /**
   * Trust the last entry of `X-Forwarded-For`. Only behind a proxy that sets it, because any client can send one. Plain
   * sockets are then not limited: they all come from the proxy.
   */
  readonly trustForwarded: boolean;
  /** A reserved seat is released after this. */
  readonly seatMs: number;
}

export class Addresses {
  readonly #options: AddressOptions;
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
    const forwarded = this.#options.trustForwarded ? request.headers['x-forwarded-for'] : undefined;
    const hops = typeof forwarded === 'string' ? forwarded.split(',') : [];
    return addressKey(hops.at(-1) ?? '') || addressKey(request.socket.remoteAddress ?? '');
  }

  /** How many sockets and reserved seats an address has. */
  held(address: string): number {
    return this.#held.get(address) ?? 0;
  }

  /** Plain sockets are not limited: they come from the proxy. */
  get trustsForwarded(): boolean {
    return this.#options.trustForwarded;
  }

  /** Counts a connection until `releaseSocket`. @returns false when the address has too many */
  admitSocket(socket: Socket): boolean {
    if (this.#options.trustForwarded || this.#sockets.has(socket)) return true;
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
    if (!this.#options.trustForwarded) return true;
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
    const held = this.held(address);
    if (held >= this.#options.perAddress) return false;
    this.#held.set(address, held + 1);
    return true;
  }

  #release(address: string): void {
    const held = this.held(address) - 1;
    if (held > 0) this.#held.set(address, held);
    else this.#held.delete(address);
  }
}

/**
 * What every limit by address counts under, and what is shown and recorded of an address.
 *
 * @param text - an IP address as a socket or a proxy writes it: also IPv4 inside IPv6, with a zone, with a port
 * @returns the IPv4 address, or the first address of the IPv6 address's /64 ("2001:db8:1:2::"); empty: `text` is no
 *   IP address
 */
export function addressKey(text: string): string {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text.trim()) ?? [];
  const [bare] = (bracketed ?? dotted ?? text.trim()).split('%');
  const family = isIP(bare);
  if (family === 4) return bare;
  if (family === 0) return '';
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  const [, mapped] = /^::ffff:([\d.]+)$/.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [head, tail = ''] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  // An address without "::" names all eight groups; one that ends in dotted IPv4 has its last two there.
  const missing =
    8 - before.length - (tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0));
  const groups = [...before, ...Array<string>(Math.max(0, missing)).fill('0'), ...tail.split(':')].slice(
    0,
    4,
  );
  return new SocketAddress({ address: `${groups.join(':')}::`, family: 'ipv6' }).address;
}
