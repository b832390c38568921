/**
 * The Colyseus room: where sockets become sessions. It keeps no state in a Schema and lets none of
 * Colyseus' own queues be used; all that a client may cause is in `session.ts`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import {
  type Client,
  type ClientPrivate,
  ClientState,
  getMessageBytes,
  Protocol,
  Room,
} from '@colyseus/core';
import { MAX_CLIENT_MESSAGE_BYTES } from '../../shared/limits.ts';
import {
  CloseCode,
  type NoticeMessage,
  ServerMessageType,
  type Species,
  type SpeciesMessage,
  type StatsMessage,
} from '../../shared/protocol.ts';
import { Stream } from '../stream/deliver/stream.ts';
import type { PublishedFrame } from '../stream/published.ts';
import type { WorldLink } from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import { Connection, encodeMessage } from './connection.ts';
import { PLAYERS_TICK_MS, Players } from './players.ts';
import { type Attendance, Session, type Surroundings } from './session.ts';

/** A seat that nobody takes is free again after this; so is one whose owner never acknowledges the JOIN. */
export const SEAT_SECONDS = 5;
/** A viewer that is owed something and acknowledges nothing for so long is gone. */
const STALLED_MS = 10_000;
const INSPECT_MS = 500;
const SWEEP_MS = 1_000;
const STREAM_SWEEP_MS = 200;
const LOOP_SAMPLE_MS = 10;
/** The loop's lateness is remembered for one to two of these. */
const LAG_MS = 500;
/** Half a frame: the news of players comes with every second frame, whichever is a little late. */
const EARLY_MS = 25;

export interface RoomHost {
  readonly world: WorldLink;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  readonly maxPlayers: number;
  readonly viewerBytesPerSecond: number;
  readonly attendance: Attendance;
  readonly learned: Surroundings['learned'];
}

/** What `Room` keeps private and this room has to stand in front of. */
interface Receiver {
  _onMessage(client: Client, buffer: Buffer): void;
}

/** The room's class; Colyseus makes the one instance. */
export function worldRoomOf(host: RoomHost): typeof WorldRoom {
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
  readonly #sessions = new Map<Client, { session: Session; connection: Connection }>();
  readonly #timers: NodeJS.Timeout[] = [];
  #around: Surroundings | null = null;
  /** How late this thread's loop came round: the worst since the last look, and before it. */
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  #lagMs = 0;
  /** When players were last told about each other. */
  #toldMs = 0;

  protected open(host: RoomHost): void {
    this.maxClients = host.maxPlayers;
    const now = (): number => performance.now();
    const { world, stepsPerSecond, framesPerSecond, epsilon, attendance, learned } = host;
    this.#loop.enable();
    const stream = new Stream(world, {
      now,
      bytesPerSecond: host.viewerBytesPerSecond,
      lagMs: () => Math.max(this.#lagMs, this.#loop.max / 1e6 - LOOP_SAMPLE_MS),
    });
    const players = new Players();
    const pace = { stepsPerSecond, framesPerSecond, epsilon };
    this.#around = { world, stream, players, attendance, learned, ...pace, now };
    this.#timers.push(
      setInterval(() => {
        // Frames bring it, unless the world is quiet.
        if (now() - this.#toldMs >= PLAYERS_TICK_MS + EARLY_MS) this.#tellPlayers();
      }, PLAYERS_TICK_MS / 2),
      setInterval(() => {
        for (const { session } of this.#sessions.values()) void session.inspect();
      }, INSPECT_MS),
      setInterval(() => this.#sweep(), SWEEP_MS),
      setInterval(() => {
        this.#lagMs = this.#loop.max / 1e6 - LOOP_SAMPLE_MS;
        this.#loop.reset();
      }, LAG_MS),
      setInterval(() => stream.sweep(), STREAM_SWEEP_MS),
    );
    // Every byte of a client comes through `#receive`; Colyseus' own reader is asked for the handshake only.
    const colyseus = (this as unknown as Receiver)._onMessage;
    (this as unknown as Receiver)._onMessage = (client, buffer) =>
      this.#receive(client as Client & ClientPrivate, buffer, colyseus);
  }

  /** Clients that have joined and acknowledged it. */
  get players(): number {
    return this.#around?.players.count ?? 0;
  }

  /** Seats reserved and not yet taken, by session id. */
  get seats(): object {
    return (this as unknown as { _reservedSeats: object })._reservedSeats;
  }

  publish(frame: PublishedFrame): void {
    if (this.#around === null) return;
    const { stream, now } = this.#around;
    if (now() - this.#toldMs < PLAYERS_TICK_MS - EARLY_MS) {
      stream.publish(frame);
      return;
    }
    // What players do leaves in the same write as what they see: writes are most of what a viewer costs.
    for (const { connection } of this.#sessions.values()) connection.cork();
    try {
      this.#tellPlayers();
      stream.publish(frame);
    } finally {
      for (const { connection } of this.#sessions.values()) connection.uncork();
    }
  }

  #tellPlayers(): void {
    const { players, now } = this.#around!;
    this.#toldMs = now();
    players.tick();
  }

  publishStats(stats: StatsMessage): void {
    this.#tellAll(encodeMessage(ServerMessageType.stats, stats));
  }

  /** The rules in force have changed. */
  publishSpecies(species: readonly Species[]): void {
    this.#tellAll(encodeMessage(ServerMessageType.species, { species } satisfies SpeciesMessage));
  }

  /** Everybody shall read it. */
  announce(text: string): void {
    this.#tellAll(encodeMessage(ServerMessageType.notice, { text } satisfies NoticeMessage));
  }

  /** Those who look at them, or have planted them, are told. */
  tellWilted(bodies: readonly WiltedBody[]): void {
    for (const { session } of this.#sessions.values()) session.tellWilted(bodies);
  }

  /** Who has joined. */
  get guests(): { id: string; name: string; seconds: number; strokes: number; isMuted: boolean }[] {
    const now = this.#around?.now() ?? 0;
    return Array.from(this.#sessions.values(), ({ session }) => session)
      .filter(({ isStarted }) => isStarted)
      .map(({ outlet, name, sinceMs, strokes, isMuted }) => {
        return { id: outlet.id, name, seconds: Math.floor((now - sinceMs) / 1_000), strokes, isMuted };
      });
  }

  /** @returns false when there is no such player */
  kick(id: string, reason: string): boolean {
    const found = this.#sessionOf(id);
    found?.outlet.close(CloseCode.removed, reason);
    return found !== undefined;
  }

  /** @returns false when there is no such player */
  mute(id: string, isMuted: boolean): boolean {
    const found = this.#sessionOf(id);
    if (found !== undefined) found.isMuted = isMuted;
    return found !== undefined;
  }

  #sessionOf(id: string): Session | undefined {
    for (const { session } of this.#sessions.values()) if (session.outlet.id === id) return session;
    return undefined;
  }

  #tellAll(bytes: Uint8Array): void {
    for (const { connection } of this.#sessions.values()) connection.postEncoded(bytes);
  }

  override onJoin(client: Client): void {
    const connection = new Connection(client);
    this.#sessions.set(client, { session: new Session(connection, this.#around!), connection });
  }

  override onLeave(client: Client): void {
    this.#sessions.get(client)?.session.end();
    this.#sessions.delete(client);
  }

  override onBeforeShutdown(): void {
    void this.disconnect(CloseCode.worldStopped);
  }

  override onDispose(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#loop.disable();
  }

  /** With this, Colyseus wraps every hook: nothing that a client causes becomes an unhandled rejection. */
  override onUncaughtException(error: Error, hook: string): void {
    console.error(`room: ${hook} failed:`, error);
  }

  /** Tells every client why it is closed. */
  closeAll(code: number, reason: string): void {
    for (const { connection } of this.#sessions.values()) connection.close(code, reason);
  }

  #receive(client: Client & ClientPrivate, buffer: Buffer, colyseus: Receiver['_onMessage']): void {
    const known = this.#sessions.get(client);
    if (known === undefined || known.connection.closing || !known.session.admit()) return;
    const { session, connection } = known;
    if (buffer.length > MAX_CLIENT_MESSAGE_BYTES) {
      connection.close(CloseCode.tooLarge, `a message of ${buffer.length} bytes`);
      return;
    }
    switch (buffer[0]) {
      case Protocol.ROOM_DATA:
        if (!connection.joined) connection.close(CloseCode.badMessage, 'a message before the join');
        // Our types are below 128: one byte.
        else if (buffer.length < 2 || buffer[1] >= 0x80)
          connection.close(CloseCode.badMessage, 'a message of no known type');
        else session.receive(buffer[1], buffer.subarray(2));
        return;
      case Protocol.JOIN_ROOM:
        if (client.state !== ClientState.JOINING) return;
        colyseus.call(this, client, buffer);
        if (connection.joined) session.start();
        return;
      case Protocol.PING:
        connection.postEncoded(getMessageBytes[Protocol.PING]());
        return;
      case Protocol.LEAVE_ROOM:
        colyseus.call(this, client, buffer);
        return;
      default:
        connection.close(CloseCode.badMessage, 'not of the protocol');
    }
  }

  #sweep(): void {
    const around = this.#around!;
    for (const { session, connection } of this.#sessions.values()) {
      if (!connection.joined && around.now() - session.sinceMs > SEAT_SECONDS * 1_000)
        connection.close(CloseCode.unresponsive, 'the join was never acknowledged');
      else if (session.stalledForMs > STALLED_MS)
        connection.close(CloseCode.unresponsive, 'frames were not acknowledged');
    }
  }
}
