/**
 * One viewer on a plain `ws`, speaking the protocol as the page does: a seat by HTTP, the JOIN, viewports,
 * the page's own acknowledgements. A probe also decodes every page; the others only count, or the load
 * itself would be what is measured.
 */
import { WebSocket } from 'ws';
import { Acks } from '../../../client/stream/acks.ts';
import { viewOf } from '../../../server/stream/view.ts';
import { FRAME_HEADER_BYTES } from '../../../shared/frame.ts';
import { PAGE_CELLS, pagesAcross, type Size } from '../../../shared/geometry.ts';
import { ClientMessageType, ServerMessageType } from '../../../shared/protocol.ts';
import { Eye } from './eye.ts';

const JOIN_ROOM = 10;
const ROOM_DATA = 13;
const ROOM_DATA_BYTES = 17;
/** A 1080p window at zoom 4. */
export const VIEW: Size = { width: 480, height: 270 };

/** `{frame: 0}` */
const ACK = Buffer.concat([
  Uint8Array.of(ROOM_DATA, ClientMessageType.ack, 0x81, 0xa5),
  Buffer.from('frame'),
  Uint8Array.of(0xce, 0, 0, 0, 0),
]);

/** MessagePack of numbers, texts and lists of them, as far as the protocol needs it. */
function pack(value: unknown): Buffer {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9, 0xcb);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string')
    return Buffer.concat([Uint8Array.of(0xa0 + value.length), Buffer.from(value)]);
  if (Array.isArray(value)) {
    const head = Buffer.from([0xdc, value.length >> 8, value.length & 0xff]);
    return Buffer.concat([head, ...value.map(pack)]);
  }
  const entries = Object.entries(value as object);
  return Buffer.concat([
    Uint8Array.of(0x80 + entries.length),
    ...entries.flatMap(([key, one]) => [pack(key), pack(one)]),
  ]);
}

/** @param frame - its number; 0: another kind of message */
export type Heard = (client: LoadClient, bytes: number, frame: number) => void;

export class LoadClient {
  readonly index: number;
  /** Only a probe has one. */
  readonly eye: Eye | null;
  readonly world: Size;
  gaps = 0;
  /** The middle of what it looks at, cells. */
  x: number;
  y: number;
  /** What it sees at once, cells. */
  view = VIEW;
  readonly #heard: Heard;
  #socket!: WebSocket;
  #heading = 0;
  #leaving = false;
  readonly #acks = new Acks((frame) => {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const ack = Buffer.from(ACK);
    ack.writeUInt32BE(frame, ack.length - 4);
    this.#socket.send(ack);
  });

  constructor(index: number, world: Size, isProbe: boolean, at: { x: number; y: number }, heard: Heard) {
    this.index = index;
    this.world = world;
    this.eye = isProbe ? new Eye(world) : null;
    this.x = at.x;
    this.y = at.y;
    this.#heard = heard;
  }

  /** Resolves when the viewport is sent. */
  async join(url: string): Promise<void> {
    const response = await fetch(`${url}matchmake/join/world`, { method: 'POST', body: '{}' });
    if (!response.ok) throw new Error(`no seat: ${response.status} ${await response.text()}`);
    const { processId, roomId, sessionId } = (await response.json()) as Record<string, string>;
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}${processId}/${roomId}?sessionId=${sessionId}`,
      {
        perMessageDeflate: false,
      },
    );
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', (code, reason) => reject(new Error(`closed: ${code} ${reason}`)));
      socket.on('message', (bytes: Buffer) => {
        if (bytes[0] === JOIN_ROOM) {
          socket.send(Uint8Array.of(JOIN_ROOM));
        } else if (bytes[1] === ServerMessageType.hello) {
          this.look();
          resolve();
        } else {
          this.#receive(bytes);
        }
      });
    });
    socket.on('close', (code, reason) => {
      if (!this.#leaving) throw new Error(`viewer ${this.index} was closed: ${code} ${reason}`);
    });
  }

  get viewport() {
    const { width, height } = this.view;
    return { x: this.x - width / 2, y: this.y - height / 2, width, height, level: 0 };
  }
  get pagesInView(): number {
    const { wide, high } = viewOf(this.viewport, this.world, 0);
    return wide * high;
  }

  look(): void {
    this.send(ClientMessageType.viewport, this.viewport);
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

  /** Opacity of a cell as it is on the screen. */
  alphaAt(x: number, y: number): number {
    const across = pagesAcross(this.world.width);
    const page = this.eye!.pages.get(Math.floor(y / PAGE_CELLS) * across + Math.floor(x / PAGE_CELLS));
    return page?.pixels[((y % PAGE_CELLS) * PAGE_CELLS + (x % PAGE_CELLS)) * 4 + 3] ?? 0;
  }

  send(type: number, message: object): void {
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(Buffer.concat([Uint8Array.of(ROOM_DATA, type), pack(message)]));
  }

  /** Its network takes nothing any more. */
  stall(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  leave(): void {
    this.#leaving = true;
    this.#acks.reset();
    this.#socket.terminate();
  }

  #receive(bytes: Buffer): void {
    if (bytes[0] !== ROOM_DATA_BYTES || bytes[1] !== ServerMessageType.frame) {
      this.#heard(this, bytes.length, 0);
      return;
    }
    if (bytes.length < 2 + FRAME_HEADER_BYTES) throw new Error(`a frame of ${bytes.length} bytes`);
    const frame = bytes.readUInt32LE(2);
    if (this.eye !== null) {
      this.eye.apply(bytes.subarray(2));
      if (this.eye.gaps.size > 0) {
        this.gaps += this.eye.gaps.size;
        this.send(ClientMessageType.keyframes, { level: 0, pages: [...this.eye.gaps] });
        this.eye.gaps.clear();
      }
    }
    this.#heard(this, bytes.length, frame);
    this.#acks.decoded(frame);
  }
}
