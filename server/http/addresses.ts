/** How much of the server one address may hold: sockets, and seats reserved but not yet taken. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

export interface AddressOptions {
  /** Sockets and reserved seats of one address together. */
  readonly perAddress: number;
  /**
   * Believe the last entry of `X-Forwarded-For`. Only behind a proxy that sets it: anybody may write one,
   * and then the limit on plain sockets, which all come from the proxy, is the proxy's business.
   */
  readonly trustForwarded: boolean;
  /** A reserved seat is forgotten after this. */
  readonly seatMs: number;
}

export class Addresses {
  readonly #options: AddressOptions;
  readonly #held = new Map<string, number>();
  readonly #seats = new Map<string, () => void>();
  readonly #sessions = new Map<string, string>();

  constructor(options: AddressOptions) {
    this.#options = options;
  }

  of(request: IncomingMessage): string {
    const forwarded = this.#options.trustForwarded ? request.headers['x-forwarded-for'] : undefined;
    const hops = typeof forwarded === 'string' ? forwarded.split(',') : [];
    return hops.at(-1)?.trim() || plain(request.socket);
  }

  held(address: string): number {
    return this.#held.get(address) ?? 0;
  }

  /** Counts a new connection until it closes. @returns false when the address has too many */
  admitSocket(socket: Socket): boolean {
    if (this.#options.trustForwarded) return true;
    return this.#admitUntilClose(plain(socket), socket);
  }

  /** Counts a WebSocket where its address is known by a header only. @returns false when there are too many */
  admitUpgrade(request: IncomingMessage): boolean {
    if (!this.#options.trustForwarded) return true;
    return this.#admitUntilClose(this.of(request), request.socket);
  }

  /**
   * Counts a seat until it is taken or has expired.
   *
   * @returns what gives it back early; null when the address has too many
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

  /** A seat is this session's until its socket comes. */
  assignSeat(sessionId: string, giveBack: () => void): void {
    this.#seats.set(sessionId, giveBack);
    setTimeout(() => this.#seats.delete(sessionId), this.#options.seatMs).unref();
  }

  /** The session's socket has come, and is counted instead. */
  takeSeat(sessionId: string, request: IncomingMessage): void {
    this.#seats.get(sessionId)?.();
    this.#seats.delete(sessionId);
    this.#sessions.set(sessionId, this.of(request));
    request.socket.once('close', () => this.#sessions.delete(sessionId));
  }

  /** Where a session comes from; empty when it is gone. */
  ofSession(sessionId: string): string {
    return this.#sessions.get(sessionId) ?? '';
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

/** IPv4 as such, also where the socket is a dual one. */
const plain = (socket: Socket): string => (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
