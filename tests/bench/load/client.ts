/**
 * One viewer on a plain `ws` that speaks the protocol as the web client does: a seat by HTTP, the JOIN, viewports, the
 * client's acknowledgements. Only a viewer with an eye decodes pages; the others count bytes, so that the load does not
 * become what is measured.
 */
import { WebSocket } from 'ws';
import { ViewportNews } from '../../../client/net/viewportNews.ts';
import { Acks } from '../../../client/stream/acks.ts';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { viewOf } from '../../../server/stream/deliver/view.ts';
import { FRAME_HEADER_BYTES } from '../../../shared/frame.ts';
import { PAGE_CELLS, pagesAcross, type Size } from '../../../shared/geometry.ts';
import { ClientMessageType, type PaceMessage, ServerMessageType } from '../../../shared/protocol.ts';
import { Eye } from './eye.ts';
import { pack } from './pack.ts';
import { reserveSeat, seatAddress } from './seat.ts';

const JOIN_ROOM = 10;
const LEAVE_ROOM = 12;
const ROOM_DATA = 13;
const ROOM_DATA_BYTES = 17;
/** A 1080p window at zoom 4. */
export const VIEW: Size = { width: 480, height: 270 };
/** The longest time from the request for a seat to the hello. */
const MAX_JOIN_MS = 20_000;
const MAX_LEAVE_MS = 2_000;

/** `{frame: 0}` */
const ACK = Buffer.concat([
  Uint8Array.of(ROOM_DATA, ClientMessageType.ack, 0x81, 0xa5),
  Buffer.from('frame'),
  Uint8Array.of(0xce, 0, 0, 0, 0),
]);

/** @param frame - its number; 0: another kind of message */
export type Heard = (client: LoadClient, bytes: number, frame: number) => void;

export class LoadClient {
  readonly index: number;
  /** Only a viewer that decodes has one. */
  readonly eye: Eye | null;
  readonly world: Size;
  /** Gets a message that is not a frame; the payload is MessagePack. The hello comes first. */
  onMessage: (type: number, payload: Buffer) => void = () => {};
  /** Gets a frame without the message's header, before it is acknowledged. */
  onFrame: (bytes: Buffer) => void = () => {};
  /** Called when the connection is closed by the server. */
  onClose: (code: number, reason: string) => void = (code, reason) => {
    throw new Error(`viewer ${this.index} was closed: ${code} ${reason}`);
  };
  /** Called when a message is not of the protocol. */
  onFault: (error: Error) => void = (error) => {
    throw error;
  };
  gaps = 0;
  /** The middle of the viewport, in cells. */
  x: number;
  y: number;
  /** The size of the viewport, in cells. */
  view = VIEW;
  /** Where its connections come from, one of this machine's addresses; undefined: the system chooses. */
  localAddress: string | undefined;
  /** Sent with its join: who it was before. The hello brings a new one when the server wants another. */
  token: string | null = null;
  /** The viewport's level; 0: one pixel per cell. */
  level = 0;
  readonly #viewportNews = new ViewportNews();
  readonly #heard: Heard;
  #socket: WebSocket | null = null;
  #heading = 0;
  #isLeaving = false;
  readonly #acks = new Acks((frame) => {
    if (!this.isOpen) return;
    const ack = Buffer.from(ACK);
    ack.writeUInt32BE(frame, ack.length - 4);
    this.#socket?.send(ack);
  });

  constructor(index: number, world: Size, isProbe: boolean, at: { x: number; y: number }, heard: Heard) {
    this.index = index;
    this.world = world;
    this.eye = isProbe ? new Eye(world) : null;
    this.x = at.x;
    this.y = at.y;
    this.#heard = heard;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** The port of its connection on this machine; null: there is none. */
  get localPort(): number | null {
    const { _socket: wire } = (this.#socket ?? {}) as { readonly _socket?: { readonly localPort?: number } };
    return wire?.localPort ?? null;
  }

  /**
   * Resolves when the viewport is sent.
   *
   * @throws Error when there is no seat or no hello within 20 s; no socket stays open then
   */
  async join(url: string): Promise<void> {
    const signal = AbortSignal.timeout(MAX_JOIN_MS);
    const { localAddress } = this;
    const seat = await reserveSeat(
      url,
      this.token === null ? {} : { token: this.token },
      localAddress,
      signal,
    );
    const socket = new WebSocket(seatAddress(url, seat), { perMessageDeflate: false, localAddress });
    this.#socket = socket;
    this.#isLeaving = false;
    try {
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('no hello in time')));
        socket.on('error', reject);
        socket.on('close', (code, reason) => reject(new Error(`closed: ${code} ${reason}`)));
        socket.on('message', (bytes: Buffer) => {
          if (bytes[0] === JOIN_ROOM) {
            socket.send(Uint8Array.of(JOIN_ROOM));
            return;
          }
          if (bytes[1] === ServerMessageType.hello) {
            const { token } = decodeMsgpack(bytes.subarray(2)) as { token?: string };
            this.token = token ?? this.token;
            this.#viewportNews.forget();
            this.look();
            resolve();
          }
          this.#receive(bytes);
        });
      });
    } catch (error) {
      socket.terminate();
      throw error;
    }
    socket.on('close', (code, reason) => {
      this.#acks.reset();
      if (!this.#isLeaving && this.#socket === socket) this.onClose(code, String(reason));
    });
  }

  get viewport() {
    const { width, height } = this.view;
    return { x: this.x - width / 2, y: this.y - height / 2, width, height, level: this.level };
  }
  get pagesInView(): number {
    const { wide, high } = viewOf(this.viewport, this.world, 0);
    return wide * high;
  }

  look(): void {
    const { viewport } = this;
    if (this.#viewportNews.isDue(viewport, this.world, performance.now()))
      this.send(ClientMessageType.viewport, viewport);
  }

  lookAt({ x, y }: { x: number; y: number }): void {
    this.x = x;
    this.y = y;
    this.look();
  }

  /** @param draw - 0..1 */
  wander(draw: () => number, cells: number): void {
    if (draw() < 0.1) this.#heading = draw() * 2 * Math.PI;
    this.x = Math.min(Math.max(this.x + Math.cos(this.#heading) * cells, 0), this.world.width - 1);
    this.y = Math.min(Math.max(this.y + Math.sin(this.#heading) * cells, 0), this.world.height - 1);
    this.look();
  }

  /** A cell's alpha on the screen. */
  alphaAt(x: number, y: number): number {
    const across = pagesAcross(this.world.width);
    const page = this.eye!.pages.get(Math.floor(y / PAGE_CELLS) * across + Math.floor(x / PAGE_CELLS));
    return page?.pixels[((y % PAGE_CELLS) * PAGE_CELLS + (x % PAGE_CELLS)) * 4 + 3] ?? 0;
  }

  send(type: number, message: object): void {
    if (this.isOpen) this.#socket?.send(Buffer.concat([Uint8Array.of(ROOM_DATA, type), pack(message)]));
  }

  /** Sends a message as it is, whatever it may be. */
  sendBytes(bytes: Uint8Array): void {
    if (this.isOpen) this.#socket?.send(bytes);
  }

  /** Stops reading, like a network that takes nothing any more. */
  stall(): void {
    this.#socket?.pause();
  }
  resume(): void {
    this.#socket?.resume();
  }

  /** Ends the socket without a LEAVE. */
  drop(): void {
    this.#isLeaving = true;
    this.#acks.reset();
    this.#socket?.terminate();
  }

  /** Sends a LEAVE, as the web client does. Resolves when the server has closed, or after 2 s. */
  async leave(): Promise<void> {
    const socket = this.#socket;
    this.#isLeaving = true;
    this.#acks.reset();
    if (socket === null || socket.readyState !== WebSocket.OPEN) return;
    socket.resume();
    socket.send(Uint8Array.of(LEAVE_ROOM));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        socket.terminate();
        resolve();
      }, MAX_LEAVE_MS);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #receive(bytes: Buffer): void {
    if (bytes[0] !== ROOM_DATA_BYTES || bytes[1] !== ServerMessageType.frame) {
      this.#heard(this, bytes.length, 0);
      if (bytes[0] !== ROOM_DATA) return;
      if (bytes[1] === ServerMessageType.pace)
        this.#acks.everyMs = (decodeMsgpack(bytes.subarray(2)) as PaceMessage).ackMs;
      this.onMessage(bytes[1], bytes.subarray(2));
      return;
    }
    try {
      if (bytes.length < 2 + FRAME_HEADER_BYTES) throw new Error(`a frame of ${bytes.length} bytes`);
      this.onFrame(bytes.subarray(2));
      this.#see(bytes.subarray(2));
    } catch (error) {
      this.onFault(error as Error);
      return;
    }
    const frame = bytes.readUInt32LE(2);
    this.#heard(this, bytes.length, frame);
    this.#acks.decoded(frame);
  }

  #see(bytes: Buffer): void {
    if (this.eye === null) return;
    this.eye.apply(bytes);
    if (this.eye.gaps.size === 0) return;
    this.gaps += this.eye.gaps.size;
    this.send(ClientMessageType.keyframes, { level: 0, pages: [...this.eye.gaps] });
    this.eye.gaps.clear();
  }
}
