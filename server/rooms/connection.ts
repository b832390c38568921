/**
 * The only way to a client: bytes are sent now or not at all. Colyseus queues without bound (messages for a client that
 * never acknowledged its JOIN, and everything for one that never reads), so its send methods are not used. `ws` is
 * bypassed too, because it writes a message in two pieces: frames bring room for their own header, and a message for
 * all guests gets its header once.
 *
 * One client can make the server hold `WINDOW_BYTES` of frames and one update (`stream/deliver/flow.ts`),
 * `CONTROL_BYTES` of messages, and the one message that crossed that line.
 */
import type { Socket } from 'node:net';
import { type Client, type ClientPrivate, ClientState, getMessageBytes, Protocol } from '@colyseus/core';
import type { WebSocket } from 'ws';
import { CloseCode, ServerMessageType } from '../../shared/protocol.ts';
import { HEADROOM_BYTES } from '../stream/deliver/composer.ts';
import { type FrameSocket, WINDOW_BYTES } from '../stream/deliver/flow.ts';
import type { Sent, Tally } from '../tally.ts';
import { MAX_HEADER_BYTES, putHeader } from './wsHeader.ts';

/** Room for messages beside a full window of frames. */
const CONTROL_BYTES = 64 * 1024;
/** When a socket buffers this much, messages are dropped. */
export const MAX_BUFFERED_BYTES = WINDOW_BYTES + CONTROL_BYTES;
/** RFC 6455: a close reason is at most 123 bytes. */
const MAX_REASON = 120;
/** A client that does not answer the closing handshake is disconnected after this. */
const CLOSE_MS = 1_500;

export type ServerMessageNumber = (typeof ServerMessageType)[keyof typeof ServerMessageType];

/** Encodes a message once, for one client or for all. */
export const encodeMessage = (type: ServerMessageNumber, message: object): Buffer =>
  getMessageBytes.raw(Protocol.ROOM_DATA, type, message);

const frameHeader = getMessageBytes.raw(
  Protocol.ROOM_DATA_BYTES,
  ServerMessageType.frame,
  undefined,
  new Uint8Array(0),
);
/** Where a frame's message begins, behind its WebSocket header. */
const MESSAGE_AT = HEADROOM_BYTES - frameHeader.length;
if (MESSAGE_AT < MAX_HEADER_BYTES)
  throw new Error(`Colyseus' header of a frame has ${frameHeader.length} bytes: there is no room for it`);

/** Close code → its name. */
const CLOSE_NAMES = new Map<number, string>(Object.entries(CloseCode).map(([name, code]) => [code, name]));

/** The last message that got a WebSocket header: one for a thousand clients gets it once. */
let framed: { readonly message: Uint8Array; readonly bytes: Buffer } | null = null;
/** The same for the last frame, whose header lies in its own headroom. */
let framedFrame: { readonly frame: Buffer; readonly bytes: Buffer } | null = null;

/** Patient connections whose messages wait for their next frame: since the last `flushPatient`, and since before it. */
let waiting = new Set<Connection>();
let waitingLong = new Set<Connection>();

/** Connections that hold messages back for the frame that is about to come; null: messages leave at once. */
let holding: Connection[] | null = null;

function frameOf(message: Uint8Array): Buffer {
  if (framed?.message !== message) {
    const bytes = Buffer.allocUnsafeSlow(MAX_HEADER_BYTES + message.length);
    bytes.set(message, MAX_HEADER_BYTES);
    framed = { message, bytes: bytes.subarray(putHeader(bytes, MAX_HEADER_BYTES)) };
  }
  return framed.bytes;
}

export class Connection implements FrameSocket {
  readonly id: string;
  readonly hearsPlayers = true;
  readonly #client: Client & ClientPrivate;
  readonly #socket: WebSocket;
  /** The socket that `ws` writes to; without extensions, `ws` buffers nothing itself. */
  readonly #wire: Socket;
  readonly #tally: Tally;
  #closing = false;
  #isCorked = false;
  /** What is posted together with others' frames may wait for this connection's own next frame. */
  isPatient = false;

  constructor(client: Client, tally: Tally) {
    this.id = client.sessionId;
    this.#tally = tally;
    this.#client = client as Client & ClientPrivate;
    this.#socket = client.ref as unknown as WebSocket;
    const { _socket: wire } = this.#socket as unknown as { _socket: Socket | undefined };
    if (wire === undefined || this.#socket.extensions !== '')
      throw new Error('the WebSocket is compressed, or is not one of `ws`');
    this.#wire = wire;
  }

  /** The client has acknowledged the JOIN; before that, Colyseus would queue every message to it. */
  get joined(): boolean {
    return this.#client.state === ClientState.JOINED;
  }

  get closing(): boolean {
    return this.#closing;
  }

  get bufferedBytes(): number {
    return this.#wire.writableLength;
  }

  send(frame: Buffer): void {
    if (framedFrame?.frame !== frame) {
      frame.set(frameHeader, MESSAGE_AT);
      framedFrame = { frame, bytes: frame.subarray(putHeader(frame, MESSAGE_AT)) };
    }
    this.#write(framedFrame.bytes, this.#tally.frames);
    this.#uncork();
  }

  /**
   * What is posted during `work` leaves in one write with the frame that is sent in it. A client that is posted nothing
   * costs nothing. Who is patient and is sent no frame waits for the next.
   */
  static inOneWrite(work: () => void): void {
    const held: Connection[] = [];
    holding = held;
    try {
      work();
    } finally {
      holding = null;
      for (const connection of held) {
        if (connection.isPatient && connection.#isCorked) waiting.add(connection);
        else connection.#uncork();
      }
    }
  }

  /** Ends the waiting of patient connections that have waited since the last call; called a few times per second. */
  static flushPatient(): void {
    for (const connection of waitingLong) connection.#uncork();
    waitingLong = waiting;
    waiting = new Set();
  }

  #uncork(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    if (this.isPatient) {
      waiting.delete(this);
      waitingLong.delete(this);
    }
    this.#wire.uncork();
  }

  /** @returns false when the message was dropped because the client does not read */
  post(type: ServerMessageNumber, message: object): boolean {
    return this.canPost() && this.postEncoded(encodeMessage(type, message));
  }

  /** @returns false when the message was dropped because the client does not read */
  postEncoded(bytes: Uint8Array): boolean {
    if (!this.canPost()) {
      if (this.joined && !this.#closing) this.#tally.dropped++;
      return false;
    }
    if (holding !== null && !this.#isCorked) {
      this.#isCorked = true;
      this.#wire.cork();
      holding.push(this);
    }
    this.#write(frameOf(bytes), this.#tally.messages);
    if (holding === null) this.#uncork();
    return true;
  }

  canPost(): boolean {
    return this.joined && !this.#closing && this.#wire.writableLength < MAX_BUFFERED_BYTES;
  }

  /** @param reason - cut to `MAX_REASON` bytes */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#uncork();
    this.#tally.refuse('client', CLOSE_NAMES.get(code) ?? 'other');
    const bytes = Buffer.from(reason.replace(/[^\x20-\x7e]/g, '?')).subarray(0, MAX_REASON);
    this.#socket.close(code, bytes);
    setTimeout(() => this.#socket.terminate(), CLOSE_MS).unref();
  }

  #write(bytes: Buffer, sent: Sent): void {
    // A socket that closes meanwhile emits `close`, which ends the guest; nothing is left to do here.
    if (this.#closing || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#wire.write(bytes);
    sent.count++;
    sent.bytes += bytes.length;
  }
}
