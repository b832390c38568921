/**
 * The Colyseus room: sockets become visits of guests here. It keeps no state in a Schema and uses none of Colyseus'
 * queues. `sight.ts` sees to a client's share of the stream; `visit.ts` decides what a guest may do, here or in another
 * process.
 */
import { monitorEventLoopDelay, performance as threadPerformance } from 'node:perf_hooks';
import {
  type Client,
  type ClientPrivate,
  ClientState,
  getMessageBytes,
  matchMaker,
  Protocol,
  Room,
} from '@colyseus/core';
import { MAX_CLIENT_MESSAGE_BYTES } from '../../shared/limits.ts';
import { CloseCode, ROOM_NAME } from '../../shared/protocol.ts';
import { type Log, plainLog } from '../log/log.ts';
import { type PageSource, Stream } from '../stream/deliver/stream.ts';
import type { PublishedFrame } from '../stream/published.ts';
import type { Tally } from '../tally.ts';
import { BUSY_SAMPLE_MS, Busy } from './busy.ts';
import { Connection } from './connection.ts';
import type { Audience, People } from './crowd.ts';
import { PLAYERS_TICK_MS } from './players.ts';
import { Sight, type SightOptions } from './sight.ts';

/** A seat is free again if no socket takes it, or its client does not acknowledge the JOIN, within this. */
export const SEAT_SECONDS = 5;
/** A client that is owed pages and acknowledges nothing for this long is closed. */
const STALLED_MS = 10_000;
const SWEEP_MS = 1_000;
const STREAM_SWEEP_MS = 200;
const LOOP_SAMPLE_MS = 10;
/** The worst delay of the event loop is taken over the last one to two of these. */
const LAG_MS = 500;
/** Half a frame: players are sent with every second frame, even if that comes a little early. */
const EARLY_MS = 25;

export interface RoomHost {
  /** The id of the room, which no other of this process has; default: Colyseus makes one. */
  readonly roomId?: string;
  readonly world: PageSource;
  readonly people: People;
  /** Sends the players' news to those who are here; called about ten times per second. */
  readonly tellPlayers: () => void;
  readonly maxPlayers: number;
  readonly viewerBytesPerSecond: number;
  /** @see StreamOptions.chainBytes */
  readonly chainBytes?: number;
  readonly tally: Tally;
  readonly log: Log;
  /** The address of a client, by Colyseus' session id. */
  readonly addressOf: (sessionId: string) => string;
}

/** What matchmaking gives to a seat, and Colyseus keeps until its socket comes. */
export interface SeatOptions {
  /** Id of the guest. */
  readonly guest: string;
  readonly isNew: boolean;
}

/** Private in `Room`. */
interface SeatKeeper {
  readonly _reservedSeats: object;
  _reserveSeat(sessionId: string, options: SeatOptions, auth: undefined, seconds: number): Promise<boolean>;
}

/** Private in `Room`; this room replaces it. */
interface Receiver {
  _onMessage(client: Client, buffer: Buffer): void;
}

/** A process has one Colyseus matchmaker, which its rooms share. Called once before the first of them is made. */
export async function openMatchmaker(): Promise<void> {
  matchMaker.controller.exposedMethods = ['join'];
  matchMaker.setHealthChecksEnabled(false);
  await matchMaker.setup();
  await matchMaker.accept();
}

/** Makes a world's room now, so that clients can only join it. */
export async function openRoom(host: RoomHost): Promise<WorldRoom> {
  const type = host.roomId === undefined ? ROOM_NAME : `${ROOM_NAME} ${host.roomId}`;
  matchMaker.defineRoomType(type, worldRoomOf(host));
  const { roomId } = await matchMaker.createRoom(type, {});
  return matchMaker.getLocalRoomById(roomId) as WorldRoom;
}

/** Closes a room's clients and gives its id free. */
export async function closeRoom(room: WorldRoom, reason: string): Promise<void> {
  room.closeAll(CloseCode.worldStopped, reason);
  await room.disconnect();
  matchMaker.removeRoomType(room.roomName);
}

/** The room's class for a host; Colyseus makes its one instance. */
function worldRoomOf(host: RoomHost): typeof WorldRoom {
  return class extends WorldRoom {
    override onCreate(): void {
      if (host.roomId !== undefined) this.roomId = host.roomId;
      this.open(host);
    }
  };
}

export class WorldRoom extends Room implements Audience {
  override patchRate = null;
  override autoDispose = false;
  override seatReservationTimeout = SEAT_SECONDS;
  readonly #clients = new Map<Client, { sight: Sight; connection: Connection }>();
  readonly #sessions = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** null: the room is not open yet. */
  #around: (SightOptions & RoomHost) | null = null;
  /** The worst delay of this thread's event loop: in the current interval, and in the one before. */
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  #lagMs = 0;
  readonly #busy = new Busy();
  /** Use of this thread's event loop, as of the last sample. */
  #use = threadPerformance.eventLoopUtilization();
  /** When players were last sent. */
  #playersSentMs = 0;

  protected open(host: RoomHost): void {
    this.maxClients = host.maxPlayers;
    const now = (): number => performance.now();
    const stream = new Stream(host.world, {
      now,
      bytesPerSecond: host.viewerBytesPerSecond,
      chainBytes: host.chainBytes,
      lagMs: () => Math.max(this.#lagMs, this.#loop.max / 1e6 - LOOP_SAMPLE_MS),
    });
    this.#around = { ...host, stream, now };
    this.#timers.push(
      setInterval(() => {
        // Players usually leave with a frame; this is for a world without frames, and for one whose clients are all at
        // relays, which hear of each other here.
        if (now() - this.#playersSentMs >= PLAYERS_TICK_MS + EARLY_MS) this.#sendPlayers();
      }, PLAYERS_TICK_MS / 2),
      setInterval(() => this.#sweep(), SWEEP_MS),
      setInterval(() => {
        this.#lagMs = this.#loop.max / 1e6 - LOOP_SAMPLE_MS;
        this.#loop.reset();
      }, LAG_MS),
      setInterval(() => {
        const before = this.#use;
        // From `perf_hooks`, not the global clock: that one may be a fake.
        this.#use = threadPerformance.eventLoopUtilization();
        this.#busy.note(threadPerformance.eventLoopUtilization(this.#use, before).utilization, now());
      }, BUSY_SAMPLE_MS),
      setInterval(() => {
        stream.sweep();
        Connection.flushPatient();
      }, STREAM_SWEEP_MS),
    );
    // Every byte of a client comes through `#receive`; Colyseus' own reader only handles the handshake.
    const colyseus = (this as unknown as Receiver)._onMessage;
    (this as unknown as Receiver)._onMessage = (client, buffer) =>
      this.#receive(client as Client & ClientPrivate, buffer, colyseus);
  }

  /** Whether there is a seat that is reserved and not taken yet, by Colyseus' session id. */
  hasSeat(sessionId: string): boolean {
    // Own keys only: it is a plain object, and "constructor" is not a seat.
    const { _reservedSeats } = this as unknown as SeatKeeper;
    return Object.hasOwn(_reservedSeats, sessionId) && this.hasReservedSeat(sessionId);
  }

  /** No further client can join here. */
  get isFull(): boolean {
    return this.hasReachedMaxClients();
  }

  /** Reserves a seat in this room. @returns false when the seat or the room is taken */
  reserve(sessionId: string, options: SeatOptions): boolean {
    const keeper = this as unknown as SeatKeeper;
    if (this.isFull || this.#sessions.has(sessionId) || Object.hasOwn(keeper._reservedSeats, sessionId))
      return false;
    keeper
      ._reserveSeat(sessionId, options, undefined, SEAT_SECONDS)
      .catch((error: Error) => this.#around!.log.error('room: a seat failed', { error }));
    return true;
  }

  /** Frees a seat that nobody has taken. Colyseus' timer corrects its count of clients when the seat would have expired. */
  giveUpSeat(sessionId: string): void {
    const { _reservedSeats } = this as unknown as SeatKeeper;
    if (this.hasSeat(sessionId)) delete (_reservedSeats as Record<string, unknown>)[sessionId];
  }

  publish(frame: PublishedFrame): void {
    if (this.#around === null) return;
    const { stream, now } = this.#around;
    if (now() - this.#playersSentMs < PLAYERS_TICK_MS - EARLY_MS) {
      stream.publish(frame);
      return;
    }
    // Players leave in the same write as the frame, because writes are most of a viewer's cost.
    Connection.inOneWrite(() => {
      this.#sendPlayers();
      stream.publish(frame);
    });
  }

  #sendPlayers(): void {
    const { tellPlayers, now } = this.#around!;
    this.#playersSentMs = now();
    tellPlayers();
  }

  postAll(bytes: Uint8Array, isForViewers: boolean): void {
    for (const { sight, connection } of this.#clients.values())
      if (!isForViewers || !sight.isHidden) connection.postEncoded(bytes);
  }

  override onJoin(client: Client, { guest, isNew }: SeatOptions): void {
    const around = this.#around!;
    const connection = new Connection(client, around.tally);
    const visitor = { id: guest, isNew, address: around.addressOf(client.sessionId) };
    const person = around.people.enter(connection, visitor);
    // It wakes the thread 100 times per second, which is most of what an empty room would cost.
    this.#loop.enable();
    this.#sessions.add(client.sessionId);
    this.#clients.set(client, { sight: new Sight(connection, person, around), connection });
  }

  override onLeave(client: Client): void {
    this.#clients.get(client)?.sight.end();
    this.#clients.delete(client);
    this.#sessions.delete(client.sessionId);
    if (this.#clients.size === 0) this.#loop.disable();
  }

  override onBeforeShutdown(): void {
    void this.disconnect(CloseCode.worldStopped);
  }

  override onDispose(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#loop.disable();
  }

  /** With this method, Colyseus catches errors in every hook: no client can cause an unhandled rejection. */
  override onUncaughtException(error: Error, hook: string): void {
    (this.#around?.log ?? plainLog).error(`room: ${hook} failed`, { error });
  }

  /** Closes every client with a code and a reason. */
  closeAll(code: number, reason: string): void {
    for (const { connection } of this.#clients.values()) connection.close(code, reason);
  }

  #receive(client: Client & ClientPrivate, buffer: Buffer, colyseus: Receiver['_onMessage']): void {
    const known = this.#clients.get(client);
    if (known === undefined || known.connection.closing || !known.sight.admit()) return;
    const { sight, connection } = known;
    if (buffer.length > MAX_CLIENT_MESSAGE_BYTES) {
      sight.expel(
        CloseCode.tooLarge,
        `a message of ${buffer.length} bytes, at most ${MAX_CLIENT_MESSAGE_BYTES} are allowed`,
      );
      return;
    }
    switch (buffer[0]) {
      case Protocol.ROOM_DATA:
        if (!connection.joined) sight.expel(CloseCode.badMessage, 'a message before the join');
        // Message types are below 128, which is one byte.
        else if (buffer.length < 2 || buffer[1] >= 0x80)
          sight.expel(CloseCode.badMessage, 'a message of an unknown type');
        else sight.receive(buffer[1], buffer.subarray(2));
        return;
      case Protocol.JOIN_ROOM:
        if (client.state !== ClientState.JOINING) return;
        colyseus.call(this, client, buffer);
        if (connection.joined) sight.start();
        return;
      case Protocol.PING:
        connection.postEncoded(getMessageBytes[Protocol.PING]());
        return;
      case Protocol.LEAVE_ROOM:
        colyseus.call(this, client, buffer);
        return;
      default:
        sight.expel(CloseCode.badMessage, 'not of the protocol');
    }
  }

  #sweep(): void {
    const around = this.#around!;
    for (const { sight, connection } of this.#clients.values()) {
      if (!connection.joined && around.now() - sight.sinceMs > SEAT_SECONDS * 1_000)
        connection.close(CloseCode.unresponsive, 'the join was never acknowledged');
      else if (sight.stalledForMs > STALLED_MS)
        connection.close(CloseCode.unresponsive, 'frames were not acknowledged');
      else sight.attend(this.#busy.isBusy);
    }
  }
}
