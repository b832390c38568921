/** Seats of a world whose only sockets are in this process: Colyseus keeps them. */
import { matchMaker } from '@colyseus/core';
import { ROOM_NAME } from '../../shared/protocol.ts';
import type { SeatReply } from './signedSeats.ts';
import type { SeatOptions, WorldRoom } from './worldRoom.ts';

export class LocalSeats {
  readonly #room: WorldRoom;

  constructor(room: WorldRoom) {
    this.#room = room;
  }

  /** @throws ServerError when the world is full */
  reserve(options: SeatOptions): Promise<SeatReply> {
    return matchMaker.controller.invokeMethod('join', ROOM_NAME, options) as Promise<SeatReply>;
  }

  /** @returns false: it was never reserved, is taken, or was reserved for too long */
  claim(_note: string, sessionId: string): boolean {
    return this.#room.hasSeat(sessionId);
  }

  giveUp(sessionId: string): void {
    this.#room.giveUpSeat(sessionId);
  }
}
