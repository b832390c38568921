/**
 * Seats of a world with several relays behind one port. A browser asks for its seat at one of them, and its socket may
 * come to another: so a seat is a signed note that any relay can read. The process of the world sees to it that each is
 * taken once.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ErrorCode, ServerError } from '@colyseus/core';
import { ROOM_NAME } from '../../shared/protocol.ts';
import type { SeatOptions, WorldRoom } from './worldRoom.ts';

export const SEAT_KEY_BYTES = 32;
const SESSION_BYTES = 9;
const EXPIRY_BYTES = 6;
const GUEST_BYTES = 16;
const BODY_BYTES = EXPIRY_BYTES + 1 + GUEST_BYTES;
const MAC_BYTES = 16;
/** 39 bytes as base64url: it stands in a path. */
const NOTE = /^[A-Za-z0-9_-]{52}$/;

/** What the Colyseus SDK reads. */
export interface SeatReply {
  readonly name: string;
  readonly sessionId: string;
  readonly roomId: string;
  readonly processId: string;
}

export class SignedSeats {
  readonly #room: WorldRoom;
  readonly #key: () => Uint8Array;
  readonly #seatMs: number;
  readonly #now: () => number;

  /**
   * @param key - the same at all relays
   * @param seatMs - how long a seat may be taken
   * @param now - the wall clock, ms
   */
  constructor(room: WorldRoom, key: () => Uint8Array, seatMs: number, now: () => number = Date.now) {
    this.#room = room;
    this.#key = key;
    this.#seatMs = seatMs;
    this.#now = now;
  }

  /** @throws ServerError when there is no room for another client at this relay */
  async reserve(options: SeatOptions): Promise<SeatReply> {
    if (this.#room.isFull) throw new ServerError(ErrorCode.MATCHMAKE_INVALID_CRITERIA, 'full');
    const sessionId = randomBytes(SESSION_BYTES).toString('base64url');
    const body = Buffer.alloc(BODY_BYTES);
    body.writeUIntBE(this.#now() + this.#seatMs, 0, EXPIRY_BYTES);
    body[EXPIRY_BYTES] = options.isNew ? 1 : 0;
    Buffer.from(options.guest, 'base64url').copy(body, EXPIRY_BYTES + 1);
    const note = Buffer.concat([body, this.#mac(body, sessionId)]).toString('base64url');
    return { name: ROOM_NAME, sessionId, roomId: this.#room.roomId, processId: note };
  }

  /**
   * Makes the seat of a note in this process's room.
   *
   * @param note - as it stands in the path of the socket's request
   * @returns false: nobody signed it, it is too old, or there is no room
   */
  claim(note: string, sessionId: string): boolean {
    if (!NOTE.test(note)) return false;
    const bytes = Buffer.from(note, 'base64url');
    const body = bytes.subarray(0, BODY_BYTES);
    if (!timingSafeEqual(bytes.subarray(BODY_BYTES), this.#mac(body, sessionId))) return false;
    if (body.readUIntBE(0, EXPIRY_BYTES) < this.#now()) return false;
    const guest = body.subarray(EXPIRY_BYTES + 1).toString('base64url');
    return this.#room.reserve(sessionId, { guest, isNew: body[EXPIRY_BYTES] === 1 });
  }

  /** Nothing is held for a seat before it is claimed. */
  giveUp(): void {}

  #mac(body: Uint8Array, sessionId: string): Buffer {
    return createHmac('sha256', this.#key()).update(body).update(sessionId).digest().subarray(0, MAC_BYTES);
  }
}
