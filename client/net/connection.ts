/**
 * The connection to the server: joins the world, joins again when the connection is lost, and turns messages into
 * signals. Frames pass through as bytes. Knows nothing of pages, pixels or the screen.
 */
import { Client, type Room } from '@colyseus/sdk';
import type { Rect } from '../../shared/geometry.ts';
import {
  type BudgetMessage,
  ClientMessageType,
  type DrawingsMessage,
  type HelloMessage,
  type InspectionMessage,
  type JoinOptions,
  type LearnedMessage,
  type NamedMessage,
  type NoticeMessage,
  type PaceMessage,
  type PlayersMessage,
  type PongMessage,
  PROTOCOL_VERSION,
  type ReportMessage,
  ROOM_NAME,
  type RoomMessage,
  type RoomResultMessage,
  type SeedsMessage,
  ServerMessageType,
  type SpeciesMessage,
  type StatsMessage,
  type StrokeMessage,
  type StrokeResultMessage,
  type SubmitMessage,
  type SubmittedMessage,
} from '../../shared/protocol.ts';
import { Signal } from '../events.ts';
import { Acks } from '../stream/acks.ts';
import { GuestToken } from './guestToken.ts';
import { type ClientType, PacedMessages } from './pacedMessages.ts';
import { explainClose, explainRefusal, type Loss, retryDelayMs } from './reconnect.ts';

const PING_EVERY_MS = 2_000;
/**
 * The connection is taken for dead after this many pings in a row without any message, even if the socket is open.
 * Pings are counted, not time: after a sleep, a page has messages waiting that it has not read yet.
 */
const MAX_UNHEARD_PINGS = 4;
/** Bandwidth is averaged over this many seconds. */
const RATE_SECONDS = 3;
/** A page that is seen again gives the connection this long to answer, or three round trips, then joins anew. */
const WAKE_MS = 700;

export class Connection {
  readonly hello = new Signal<[HelloMessage]>();
  /** A frame as received. The listener may keep or transfer the buffer. */
  readonly frame = new Signal<[bytes: Uint8Array<ArrayBuffer>]>();
  readonly players = new Signal<[PlayersMessage]>();
  readonly strokeResult = new Signal<[StrokeResultMessage]>();
  readonly stats = new Signal<[StatsMessage]>();
  readonly inspection = new Signal<[InspectionMessage]>();
  readonly room = new Signal<[RoomResultMessage]>();
  readonly species = new Signal<[SpeciesMessage]>();
  readonly seeds = new Signal<[SeedsMessage]>();
  readonly pace = new Signal<[PaceMessage]>();
  readonly named = new Signal<[NamedMessage]>();
  readonly budget = new Signal<[BudgetMessage]>();
  readonly notice = new Signal<[NoticeMessage]>();
  readonly learned = new Signal<[LearnedMessage]>();
  readonly submitted = new Signal<[SubmittedMessage]>();
  /** What has become of the player's own drawings. */
  readonly drawings = new Signal<[DrawingsMessage]>();
  /** The connection is lost; null when it is back. */
  readonly lost = new Signal<[Loss | null]>();

  latencyMs = Number.NaN;
  readonly #token = new GuestToken();
  readonly #client: Client;
  #room: Room | null = null;
  #isJoining = false;
  #isDisposed = false;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #ticks: ReturnType<typeof setInterval>[] = [];
  readonly #paced = new PacedMessages((type, message) => this.#send(type, message));
  readonly #acks = new Acks((frame) => this.#send(ClientMessageType.ack, { frame }));
  #receivedBytes = 0;
  readonly #secondBytes: number[] = [];
  #unheardPings = 0;
  /** Nobody sees the page. */
  #isHidden = false;
  /** The drawing board covers the world. */
  #isCovered = false;
  /** What the server takes the page for. */
  #isTakenForHidden = false;
  /** The server speaks another protocol: only a reload helps. */
  #isOutdated = false;
  #waking: ReturnType<typeof setTimeout> | undefined;

  /** @param home - URL of the server's root, which a proxy may serve under a path */
  constructor(home: string) {
    this.#client = new Client(home);
  }

  /** Received bytes per second, averaged over the last 3 s. */
  get bytesPerSecond(): number {
    const n = this.#secondBytes.length;
    return n === 0 ? 0 : this.#secondBytes.reduce((sum, bytes) => sum + bytes, 0) / n;
  }

  get isOpen(): boolean {
    return this.#room !== null;
  }

  start(): void {
    this.#ticks.push(
      setInterval(() => this.#ping(), PING_EVERY_MS),
      setInterval(() => this.#countBytes(), 1_000),
    );
    this.#paced.start();
    void this.#join();
  }

  /** Joins at once instead of waiting for the next attempt. */
  retryNow(): void {
    if (this.#room !== null) return;
    clearTimeout(this.#retry);
    void this.#join();
  }

  /** Says whether anybody sees the page. A hidden page is sent nothing, and does not join again until it is seen. */
  see(isSeen: boolean): void {
    if (isSeen === !this.#isHidden) return;
    this.#isHidden = !isSeen;
    this.#tellPresence();
    if (isSeen) this.wake();
    else {
      clearTimeout(this.#waking);
      clearTimeout(this.#retry);
    }
  }

  /** While the world is covered, nothing of it is sent, either; but the page stays connected: it submits drawings. */
  cover(isCovered: boolean): void {
    this.#isCovered = isCovered;
    this.#tellPresence();
  }

  /** The network or the page may have slept: makes sure of the connection now, not after the usual pings and waits. */
  wake(): void {
    if (this.#isHidden || this.#isOutdated) return;
    this.#attempt = 0;
    if (this.#room === null) {
      this.retryNow();
      return;
    }
    this.#unheardPings = 0;
    this.#ping();
    clearTimeout(this.#waking);
    this.#waking = setTimeout(
      () => {
        if (this.#unheardPings === 0) return;
        this.abandon();
        this.retryNow();
      },
      Math.max(WAKE_MS, 3 * (this.latencyMs || 0)),
    );
  }

  /** Leaves for good; a join in progress is left as soon as the server has answered. */
  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#waking);
    for (const tick of this.#ticks) clearInterval(tick);
    this.#paced.dispose();
    this.#acks.reset();
    this.#token.gaveUp();
    const room = this.#room;
    this.#room = null;
    void room?.leave();
  }

  /** Says what is in view, in cells. */
  look(rect: Rect, level: number): void {
    this.#paced.look({ ...rect, level });
  }

  moveCursor(at: readonly [number, number] | null): void {
    this.#paced.moveCursor(at);
  }

  /** Acknowledges this frame of this connection and all before it. */
  acknowledge(frame: number): void {
    // Reset here and not at the join: a page that fails at every first frame must wait longer each time.
    this.#attempt = 0;
    this.#acks.decoded(frame);
  }

  /** @param pages - row-major indexes in that level. Pages of another level that wait to be asked for are dropped. */
  askKeyframes(level: number, pages: readonly number[]): void {
    this.#paced.askKeyframes(level, pages);
  }

  /** Only to a world whose hello says that it has a nursery. @returns false when there is no connection */
  submit(message: SubmitMessage): boolean {
    return this.#send(ClientMessageType.submit, message);
  }

  /** Takes back a drawing of this player's, before it has grown. */
  withdraw(drawing: number): void {
    this.#send(ClientMessageType.withdraw, { drawing });
  }

  /** Reports a body or a player's name to the moderators; a notice answers. */
  report(message: ReportMessage): void {
    this.#send(ClientMessageType.report, message);
  }

  /** Closes a connection that is open but useless, and joins again after the usual wait. */
  abandon(text = explainClose(0).text): void {
    const room = this.#room;
    if (room === null) return;
    this.#room = null;
    room.connection.close();
    this.#lose({ text, leastMs: 0 });
  }

  stroke(message: StrokeMessage): boolean {
    return this.#send(ClientMessageType.stroke, message);
  }

  rename(name: string): void {
    this.#send(ClientMessageType.name, { name });
  }

  askRoom(question: RoomMessage): void {
    this.#send(ClientMessageType.room, question);
  }

  /** Removes a body that this player has planted. */
  remove(organism: number): void {
    this.#send(ClientMessageType.remove, { organism });
  }

  inspect(at: readonly [number, number] | null): void {
    this.#send(ClientMessageType.inspect, { at });
  }

  #send(type: ClientType, message: object): boolean {
    if (this.#room === null) return false;
    this.#room.send(type, message);
    return true;
  }

  async #join(): Promise<void> {
    if (this.#isJoining || this.#isDisposed) return;
    this.#isJoining = true;
    let room: Room;
    try {
      const token = await this.#token.take();
      const options: JoinOptions = token === null ? {} : { token };
      room = await this.#client.join(ROOM_NAME, options);
    } catch (error) {
      if (!this.#isDisposed) this.#lose(explainRefusal(error));
      return;
    } finally {
      this.#isJoining = false;
    }
    if (this.#isDisposed) {
      void room.leave();
      return;
    }
    // The SDK's own reconnection would go on without keyframes; we join again instead.
    room.reconnection.enabled = false;
    this.#room = room;
    this.#paced.forget();
    this.#acks.reset();
    this.#listen(room);
  }

  #listen(room: Room): void {
    this.#unheardPings = 0;
    const deliver = room.connection.events.onmessage;
    room.connection.events.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      this.#receivedBytes += event.data.byteLength;
      this.#unheardPings = 0;
      deliver?.(event);
    };
    room.onLeave((code, reason) => {
      if (this.#room !== room) return;
      this.#room = null;
      this.#lose(explainClose(code, reason));
    });
    room.onMessage(ServerMessageType.hello, (message: HelloMessage) => this.#greet(message));
    room.onMessage(ServerMessageType.frame, (bytes: Uint8Array<ArrayBuffer>) => this.frame.emit(bytes));
    room.onMessage(ServerMessageType.players, (message: PlayersMessage) => this.players.emit(message));
    room.onMessage(ServerMessageType.strokeResult, (m: StrokeResultMessage) => this.strokeResult.emit(m));
    room.onMessage(ServerMessageType.stats, (message: StatsMessage) => this.stats.emit(message));
    room.onMessage(ServerMessageType.inspection, (m: InspectionMessage) => this.inspection.emit(m));
    room.onMessage(ServerMessageType.room, (message: RoomResultMessage) => this.room.emit(message));
    room.onMessage(ServerMessageType.seeds, (message: SeedsMessage) => this.seeds.emit(message));
    room.onMessage(ServerMessageType.named, (message: NamedMessage) => this.named.emit(message));
    room.onMessage(ServerMessageType.budget, (message: BudgetMessage) => this.budget.emit(message));
    room.onMessage(ServerMessageType.notice, (message: NoticeMessage) => this.notice.emit(message));
    room.onMessage(ServerMessageType.learned, (message: LearnedMessage) => this.learned.emit(message));
    room.onMessage(ServerMessageType.submitted, (message: SubmittedMessage) => this.submitted.emit(message));
    room.onMessage(ServerMessageType.drawings, (message: DrawingsMessage) => this.drawings.emit(message));
    room.onMessage(ServerMessageType.pace, (message: PaceMessage) => {
      this.#acks.everyMs = message.ackMs;
      this.pace.emit(message);
    });
    room.onMessage(ServerMessageType.species, (message: SpeciesMessage) => this.species.emit(message));
    room.onMessage(ServerMessageType.pong, (message: PongMessage) => {
      const ms = performance.now() - message.time;
      this.latencyMs = Number.isNaN(this.latencyMs) ? ms : this.latencyMs * 0.6 + ms * 0.4;
    });
  }

  #greet(message: HelloMessage): void {
    if (message.protocol !== PROTOCOL_VERSION) {
      const room = this.#room;
      this.#room = null;
      this.#isOutdated = true;
      void room?.leave();
      this.lost.emit({ text: 'Regrow has been updated. Reload the page to go on.', retryMs: Infinity });
      return;
    }
    if (!this.#token.kept(message.token)) {
      const room = this.#room;
      this.#room = null;
      void room?.leave();
      void this.#join();
      return;
    }
    this.lost.emit(null);
    this.#isTakenForHidden = false;
    this.#tellPresence();
    this.hello.emit(message);
    this.#paced.greeted(message);
    this.#ping();
  }

  #lose(reason: { readonly text: string; readonly leastMs: number }): void {
    this.#token.gaveUp();
    this.latencyMs = Number.NaN;
    const retryMs = Math.max(reason.leastMs, retryDelayMs(this.#attempt++, Math.random()));
    this.lost.emit({ text: reason.text, retryMs });
    clearTimeout(this.#retry);
    // A hidden page joins when it is seen: a forgotten tab would come and go for ever.
    if (!this.#isHidden) this.#retry = setTimeout(() => void this.#join(), retryMs);
  }

  #tellPresence(): void {
    const isHidden = this.#isHidden || this.#isCovered;
    if (isHidden === this.#isTakenForHidden) return;
    this.#isTakenForHidden = isHidden;
    this.#send(ClientMessageType.presence, { isHidden });
  }

  #ping(): void {
    if (this.#room === null || this.#isHidden) return;
    if (this.#unheardPings++ >= MAX_UNHEARD_PINGS) {
      this.abandon();
      return;
    }
    this.#send(ClientMessageType.ping, { time: performance.now() });
  }

  #countBytes(): void {
    this.#secondBytes.push(this.#receivedBytes);
    this.#receivedBytes = 0;
    if (this.#secondBytes.length > RATE_SECONDS) this.#secondBytes.shift();
  }
}
