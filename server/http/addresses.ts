/** Limits the sockets and the reserved seats of each address. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

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
  readonly #seats = new Map<string, () => void>();
  /** By the guest's id. */
  readonly #addresses = new Map<string, string>();

  constructor(options: AddressOptions) {
    this.#options = options;
  }

  /** The address of a request's client. */
  of(request: IncomingMessage): string {
    const forwarded = this.#options.trustForwarded ? request.headers['x-forwarded-for'] : undefined;
    const hops = typeof forwarded === 'string' ? forwarded.split(',') : [];
    return hops.at(-1)?.trim() || plain(request.socket);
  }

  /** How many sockets and reserved seats an address has. */
  held(address: string): number {
    return this.#held.get(address) ?? 0;
  }

  /** Counts a new connection until it closes. @returns false when the address has too many */
  admitSocket(socket: Socket): boolean {
    if (this.#options.trustForwarded) return true;
    return this.#admitUntilClose(plain(socket), socket);
  }

  /** Counts a WebSocket whose address stands in a header. @returns false when the address has too many */
  admitUpgrade(request: IncomingMessage): boolean {
    if (!this.#options.trustForwarded) return true;
    return this.#admitUntilClose(this.of(request), request.socket);
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

  /** Notes whose seat it is, until the guest's socket comes. */
  assignSeat(guestId: string, giveBack: () => void): void {
    this.#seats.set(guestId, giveBack);
    setTimeout(() => this.#seats.delete(guestId), this.#options.seatMs).unref();
  }

  /** Releases a guest's seat, because their socket has come and counts instead. */
  takeSeat(guestId: string, request: IncomingMessage): void {
    this.#seats.get(guestId)?.();
    this.#seats.delete(guestId);
    this.#addresses.set(guestId, this.of(request));
    request.socket.once('close', () => this.#addresses.delete(guestId));
  }

  /** A guest's address; empty when they have left. */
  ofGuest(guestId: string): string {
    return this.#addresses.get(guestId) ?? '';
  }

  #admitUntilClose(address: string, socket: Socket): boolean {
    if (!this.#take(address)) return false;
    socket.once('close', () => this.#release(address));
    return true;
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

/** A socket's address; IPv4 without the prefix that a dual-stack socket gives it. */
const plain = (socket: Socket): string => (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
