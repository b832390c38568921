/**
 * The Colyseus room: sockets become visits of guests here. It keeps no state in a Schema and uses none of Colyseus'
 * queues. `visit.ts` and `visitStrokes.ts` decide what a client may do.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  type Client,
  type ClientPrivate,
  ClientState,
  getMessageBytes,
  matchMaker,
  Protocol,
  Room,
} from '@colyseus/core';
import type { Player } from '../../shared/adminPeople.ts';
import { MAX_CLIENT_MESSAGE_BYTES } from '../../shared/limits.ts';
import {
  CloseCode,
  type NoticeMessage,
  ROOM_NAME,
  ServerMessageType,
  type Species,
  type SpeciesMessage,
  type StatsMessage,
} from '../../shared/protocol.ts';
import { type Log, plainLog } from '../log/log.ts';
import { Stream } from '../stream/deliver/stream.ts';
import type { PublishedFrame } from '../stream/published.ts';
import type { Tally } from '../tally.ts';
import type { WaitingSeed } from '../world/absences.ts';
import type { WorldLink } from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import { Connection, encodeMessage } from './connection.ts';
import { FairQuestions } from './fairQuestions.ts';
import { PendingStrokes } from './pendingStrokes.ts';
import { PLAYERS_TICK_MS, Players } from './players.ts';
import { Seeds } from './seeds.ts';
import type { Surroundings, Visitor } from './surroundings.ts';
import { Visit } from './visit.ts';

/** A seat is free again if no socket takes it, or its client does not acknowledge the JOIN, within this. */
export const SEAT_SECONDS = 5;
/** A client that is owed pages and acknowledges nothing for this long is closed. */
const STALLED_MS = 10_000;
const INSPECT_MS = 500;
const SWEEP_MS = 1_000;
const STREAM_SWEEP_MS = 200;
const LOOP_SAMPLE_MS = 10;
/** The worst delay of the event loop is taken over the last one to two of these. */
const LAG_MS = 500;
/** Half a frame: players are sent with every second frame, even if that comes a little early. */
const EARLY_MS = 25;

export interface RoomHost {
  readonly world: WorldLink;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  readonly maxPlayers: number;
  readonly viewerBytesPerSecond: number;
  readonly guests: Surroundings['guests'];
  readonly attendance: Surroundings['attendance'];
  readonly learned: Surroundings['learned'];
  readonly report: Surroundings['report'];
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

/** Private in `Room`; this room replaces it. */
interface Receiver {
  _onMessage(client: Client, buffer: Buffer): void;
}

/** Makes the world's room now, so that clients can only join it. A process has one Colyseus matchmaker. */
export async function openRoom(host: RoomHost): Promise<WorldRoom> {
  matchMaker.controller.exposedMethods = ['join'];
  matchMaker.setHealthChecksEnabled(false);
  await matchMaker.setup();
  matchMaker.defineRoomType(ROOM_NAME, worldRoomOf(host));
  await matchMaker.accept();
  const { roomId } = await matchMaker.createRoom(ROOM_NAME, {});
  return matchMaker.getLocalRoomById(roomId) as WorldRoom;
}

/** The room's class for a host; Colyseus makes its one instance. */
function worldRoomOf(host: RoomHost): typeof WorldRoom {
  return class extends WorldRoom {
    override onCreate(): void {
      this.open(host);
    }
  };
}

export class WorldRoom extends Room {
  override patchRate = null;
  override autoDispose = false;
  override seatReservationTimeout = SEAT_SECONDS;
  readonly #visits = new Map<Client, { visit: Visit; connection: Connection }>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #seeds = new Seeds();
  #around: Surroundings | null = null;
  #addressOf: RoomHost['addressOf'] = () => '';
  /** The worst delay of this thread's event loop: in the current interval, and in the one before. */
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  #lagMs = 0;
  /** When players were last sent. */
  #playersSentMs = 0;

  protected open(host: RoomHost): void {
    this.maxClients = host.maxPlayers;
    const now = (): number => performance.now();
    const { world, stepsPerSecond, framesPerSecond, epsilon, guests, attendance, learned, report } = host;
    const { tally, log } = host;
    this.#addressOf = host.addressOf;
    this.#loop.enable();
    const stream = new Stream(world, {
      now,
      bytesPerSecond: host.viewerBytesPerSecond,
      lagMs: () => Math.max(this.#lagMs, this.#loop.max / 1e6 - LOOP_SAMPLE_MS),
    });
    const players = new Players();
    const seeds = this.#seeds;
    const pace = { stepsPerSecond, framesPerSecond, epsilon };
    const renamed = (id: string): void => {
      for (const visit of this.#of(id)) visit.tellName();
    };
    const questions = new FairQuestions(world);
    const strokesPending = new PendingStrokes();
    this.#around = {
      questions,
      strokesPending,
      world,
      stream,
      players,
      seeds,
      guests,
      attendance,
      learned,
      report,
      tally,
      log,
      renamed,
      ...pace,
      now,
    };
    this.#timers.push(
      setInterval(() => {
        // Players usually leave with a frame; this is for a world without frames.
        if (now() - this.#playersSentMs >= PLAYERS_TICK_MS + EARLY_MS) this.#sendPlayers();
      }, PLAYERS_TICK_MS / 2),
      setInterval(() => {
        for (const { visit } of this.#visits.values()) {
          void visit.inspect();
          visit.tellBudget();
        }
      }, INSPECT_MS),
      setInterval(() => this.#sweep(), SWEEP_MS),
      setInterval(() => {
        this.#lagMs = this.#loop.max / 1e6 - LOOP_SAMPLE_MS;
        this.#loop.reset();
      }, LAG_MS),
      setInterval(() => {
        stream.sweep();
        for (const { visit } of this.#visits.values()) visit.tellSeeds();
      }, STREAM_SWEEP_MS),
    );
    // Every byte of a client comes through `#receive`; Colyseus' own reader only handles the handshake.
    const colyseus = (this as unknown as Receiver)._onMessage;
    (this as unknown as Receiver)._onMessage = (client, buffer) =>
      this.#receive(client as Client & ClientPrivate, buffer, colyseus);
  }

  /** How many clients have acknowledged the JOIN. */
  get players(): number {
    return this.#around?.players.count ?? 0;
  }

  /** Visits that nobody sees at the moment; they are among the players. */
  get hidden(): number {
    let hidden = 0;
    for (const { visit } of this.#visits.values()) if (visit.isHidden) hidden++;
    return hidden;
  }

  /** Seats that are reserved and not taken yet, by Colyseus' session id. */
  get seats(): object {
    return (this as unknown as { _reservedSeats: object })._reservedSeats;
  }

  /** Frees a seat that nobody has taken. Colyseus' timer corrects its count of clients when the seat would have expired. */
  giveUpSeat(sessionId: string): void {
    if (Object.hasOwn(this.seats, sessionId) && this.hasReservedSeat(sessionId))
      delete (this.seats as Record<string, unknown>)[sessionId];
  }

  publish(frame: PublishedFrame): void {
    if (this.#around === null) return;
    const { stream, now } = this.#around;
    if (now() - this.#playersSentMs < PLAYERS_TICK_MS - EARLY_MS) {
      stream.publish(frame);
      return;
    }
    // Players leave in the same write as the frame, because writes are most of a viewer's cost.
    for (const { connection } of this.#visits.values()) connection.cork();
    try {
      this.#sendPlayers();
      stream.publish(frame);
    } finally {
      for (const { connection } of this.#visits.values()) connection.uncork();
    }
  }

  #sendPlayers(): void {
    const { players, now } = this.#around!;
    this.#playersSentMs = now();
    players.tick();
  }

  publishStats(stats: StatsMessage): void {
    const bytes = encodeMessage(ServerMessageType.stats, stats);
    for (const { visit, connection } of this.#visits.values())
      if (!visit.isHidden) connection.postEncoded(bytes);
  }

  /** Sends the species after a change of the rules in force. */
  publishSpecies(species: readonly Species[]): void {
    this.#postAll(encodeMessage(ServerMessageType.species, { species } satisfies SpeciesMessage));
  }

  /** Shows a notice to everybody. */
  announce(text: string): void {
    this.#postAll(encodeMessage(ServerMessageType.notice, { text } satisfies NoticeMessage));
  }

  /** Takes the seeds that wait. Visits are told of those in their view within 200 ms. */
  hearSeeds(seeds: readonly WaitingSeed[]): void {
    this.#seeds.hear(seeds, performance.now());
  }

  /** Tells the guests who look at the bodies or planted them. */
  tellWilted(bodies: readonly WiltedBody[]): void {
    for (const { visit } of this.#visits.values()) visit.tellWilted(bodies);
  }

  /** The visits that have started. */
  get visits(): Omit<Player, 'isMuted'>[] {
    const now = this.#around?.now() ?? 0;
    return Array.from(this.#visits.values(), ({ visit }) => visit)
      .filter(({ isStarted }) => isStarted)
      .map(({ outlet, visitor, name, sinceMs, strokes: { applied: strokes } }) => {
        const seconds = Math.floor((now - sinceMs) / 1_000);
        return { id: outlet.id, guest: visitor.id, name, address: visitor.address, seconds, strokes };
      });
  }

  /** Ends the visits for which it is true. @returns how many */
  kick(isMeant: (visitor: Visitor) => boolean, reason: string): number {
    const meant = Array.from(this.#visits.values()).filter(({ visit }) => isMeant(visit.visitor));
    for (const { connection } of meant) connection.close(CloseCode.removed, reason);
    return meant.length;
  }

  /** Shows a line to the guests for whom it is true. */
  tell(isMeant: (visitor: Visitor) => boolean, text: string): void {
    for (const { visit } of this.#visits.values())
      if (visit.isStarted && isMeant(visit.visitor)) visit.tell(text);
  }

  /** The visits of a guest. */
  #of(guest: string): Visit[] {
    return Array.from(this.#visits.values(), ({ visit }) => visit).filter(
      ({ visitor, isStarted }) => isStarted && visitor.id === guest,
    );
  }

  #postAll(bytes: Uint8Array): void {
    for (const { connection } of this.#visits.values()) connection.postEncoded(bytes);
  }

  override onJoin(client: Client, { guest, isNew }: SeatOptions): void {
    const connection = new Connection(client, this.#around!.tally);
    const visitor = { id: guest, isNew, address: this.#addressOf(client.sessionId) };
    this.#visits.set(client, { visit: new Visit(connection, visitor, this.#around!), connection });
  }

  override onLeave(client: Client): void {
    this.#visits.get(client)?.visit.end();
    this.#visits.delete(client);
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
    for (const { connection } of this.#visits.values()) connection.close(code, reason);
  }

  #receive(client: Client & ClientPrivate, buffer: Buffer, colyseus: Receiver['_onMessage']): void {
    const known = this.#visits.get(client);
    if (known === undefined || known.connection.closing || !known.visit.admit()) return;
    const { visit, connection } = known;
    if (buffer.length > MAX_CLIENT_MESSAGE_BYTES) {
      visit.expel(
        CloseCode.tooLarge,
        `a message of ${buffer.length} bytes, at most ${MAX_CLIENT_MESSAGE_BYTES} are allowed`,
      );
      return;
    }
    switch (buffer[0]) {
      case Protocol.ROOM_DATA:
        if (!connection.joined) visit.expel(CloseCode.badMessage, 'a message before the join');
        // Message types are below 128, which is one byte.
        else if (buffer.length < 2 || buffer[1] >= 0x80)
          visit.expel(CloseCode.badMessage, 'a message of an unknown type');
        else visit.receive(buffer[1], buffer.subarray(2));
        return;
      case Protocol.JOIN_ROOM:
        if (client.state !== ClientState.JOINING) return;
        colyseus.call(this, client, buffer);
        if (connection.joined) visit.start();
        return;
      case Protocol.PING:
        connection.postEncoded(getMessageBytes[Protocol.PING]());
        return;
      case Protocol.LEAVE_ROOM:
        colyseus.call(this, client, buffer);
        return;
      default:
        visit.expel(CloseCode.badMessage, 'not of the protocol');
    }
  }

  #sweep(): void {
    const around = this.#around!;
    for (const { visit, connection } of this.#visits.values()) {
      if (!connection.joined && around.now() - visit.sinceMs > SEAT_SECONDS * 1_000)
        connection.close(CloseCode.unresponsive, 'the join was never acknowledged');
      else if (visit.stalledForMs > STALLED_MS)
        connection.close(CloseCode.unresponsive, 'frames were not acknowledged');
    }
  }
}
