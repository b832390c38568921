/** A bot's page: one connection after the other, the budget and the strokes that it lets through, and what it hears. */
import { Budget } from '../../../client/hands/budget.ts';
import { chooseLevel } from '../../../client/scene/level.ts';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { decodeFrame } from '../../../shared/frame.ts';
import type { Size } from '../../../shared/geometry.ts';
import {
  ClientMessageType,
  type HelloMessage,
  PROTOCOL_VERSION,
  type RoomResultMessage,
  ServerMessageType,
  type StrokeMessage,
  type StrokeResultMessage,
} from '../../../shared/protocol.ts';
import { strokeCost, strokeFault } from '../../../shared/stroke.ts';
import { LoadClient } from '../load/client.ts';
import type { Place } from './path.ts';
import { type Kind, type Scene, type Seen, START_ZOOM } from './player.ts';
import type { Ledger } from './tally.ts';

const CURSOR_MS = 66;

/** `stroke` names a stroke of one connection; `nowMs` is `performance.now()`. */
export interface StrokeWatch {
  sent(client: LoadClient, stroke: number, nowMs: number): void;
  answered(client: LoadClient, stroke: number, nowMs: number): void;
  /** The connection has ended: its strokes get no answer any more. */
  cut(client: LoadClient): void;
}

export interface Surroundings {
  /** With a slash at the end. */
  readonly url: string;
  readonly world: Size;
  readonly species: readonly Kind[];
  /** The living bodies, as far as they are known. */
  readonly bodies: () => readonly Seen[];
  readonly ledger: Ledger;
  /** Where a bot's connections come from; left out: the system chooses. */
  readonly addressOf?: (index: number) => string;
  /** Hears of every stroke that is sent, answered, or lost with its connection. */
  readonly strokes?: StrokeWatch;
  /** Aborted: the time with bots is over. */
  readonly signal: AbortSignal;
}

export class Page {
  readonly #index: number;
  readonly #around: Surroundings;
  /** CSS pixels. */
  readonly #screen: Size;
  #client: LoadClient;
  #budget = new Budget({ cells: 0, capacity: 0, perSecond: 0, limit: 'guest' }, 0);
  #nextStroke = 1;
  /** The species of seeds without an answer yet, by stroke. */
  readonly #seeds = new Map<number, string>();
  /** How many of its seeds were accepted. */
  planted = 0;
  #lastFrame = 0;
  #cursorMs = 0;
  /** What the silhouette at the pointer shows; true until the answer comes. */
  hasRoom = true;
  /** Until then, a close by the server is the expected answer to a stall. */
  mayBeCutUntilMs = 0;

  constructor(index: number, around: Surroundings, screen: Size) {
    this.#index = index;
    this.#around = around;
    this.#screen = screen;
    this.#client = this.#open({ x: around.world.width / 2, y: around.world.height / 2 });
  }

  get client(): LoadClient {
    return this.#client;
  }

  get scene(): Scene {
    const { world, species, bodies } = this.#around;
    const { level: _, ...view } = this.#client.viewport;
    return { world, species, bodies: bodies(), view, energy: this.#budget.share(performance.now()) };
  }

  /** A new connection, which looks where the last one did. @throws Error when the server gives it no seat */
  async join(): Promise<void> {
    const { x, y, token } = this.#client;
    this.#client = this.#open({ x, y });
    this.#client.token = token;
    await this.#client.join(this.#around.url);
    this.#client.send(ClientMessageType.name, { name: `bot ${this.#index}` });
  }

  /** @param zoom - CSS pixels per cell */
  zoom(zoom: number, client = this.#client): void {
    const { width, height } = this.#screen;
    client.view = { width: width / zoom, height: height / zoom };
    client.level = chooseLevel(client.level, zoom, 1, this.#screen, this.#around.world);
    client.look();
  }

  /** @param isDown - whether a tool is used: as on the page, the organism that it touches is then asked about */
  point({ x, y }: Place, isDown: boolean): void {
    const nowMs = performance.now();
    if (isDown) this.#client.send(ClientMessageType.inspect, { at: [x, y] });
    if (!isDown && nowMs - this.#cursorMs < CURSOR_MS) return;
    this.#cursorMs = nowMs;
    this.#client.send(ClientMessageType.cursor, { at: [x, y] });
  }

  /** Asks whether a seed has room; the answer comes later, in `hasRoom`. */
  aim(species: string, { x, y }: Place): void {
    this.hasRoom = true;
    this.#client.send(ClientMessageType.room, { species, at: [Math.floor(x), Math.floor(y)] });
  }

  /** Sends a stroke only if it is valid and the energy suffices, as the page does. */
  stroke(tool: StrokeMessage['tool'], radius: number, points: readonly number[], species?: string): void {
    const { world, species: known, ledger } = this.#around;
    const id = this.#nextStroke++;
    const stroke: StrokeMessage =
      species === undefined ? { id, tool, radius, points } : { id, tool, radius, points, species };
    const fault = strokeFault(stroke, world, known);
    if (fault !== null) throw new Error(`a stroke that no page sends: ${fault}`);
    const cost = strokeCost(stroke);
    if (cost > this.#budget.available(performance.now())) {
      ledger.piecesWithoutEnergy++;
      return;
    }
    if (!this.#client.isOpen) return;
    this.#budget.spend(id, cost);
    if (species !== undefined) this.#seeds.set(id, species);
    ledger.sent.add(tool);
    this.#around.strokes?.sent(this.#client, id, performance.now());
    this.#client.send(ClientMessageType.stroke, stroke);
  }

  #open(at: Place): LoadClient {
    const { world, ledger } = this.#around;
    const client = new LoadClient(this.#index, world, false, at, (_client, bytes) => {
      ledger.bytes += bytes;
    });
    client.localAddress = this.#around.addressOf?.(this.#index);
    client.onMessage = (type, payload) => {
      try {
        this.#hear(client, type, payload);
      } catch (error) {
        ledger.errors.add(`bad message ${type}: ${(error as Error).message}`);
      }
    };
    client.onFrame = (bytes) => {
      const { frame } = decodeFrame(bytes);
      if (frame <= this.#lastFrame) throw new Error('it came after a later one');
      this.#lastFrame = frame;
    };
    client.onFault = (error) => {
      ledger.errors.add(`bad frame: ${error.message}`);
      client.drop();
    };
    client.onClose = (code, reason) => {
      this.#around.strokes?.cut(client);
      if (performance.now() < this.mayBeCutUntilMs) ledger.cutWhileStalled++;
      else ledger.errors.add(`closed by the server: ${code} ${reason}`.trim());
    };
    this.#lastFrame = 0;
    this.zoom(START_ZOOM, client);
    return client;
  }

  #hear(client: LoadClient, type: number, payload: Buffer): void {
    const { ledger } = this.#around;
    if (type === ServerMessageType.hello) {
      const { protocol, budget } = decodeMsgpack(payload) as HelloMessage;
      if (protocol !== PROTOCOL_VERSION) throw new Error(`protocol ${protocol}`);
      this.#budget = new Budget(budget, performance.now());
      this.#seeds.clear();
    } else if (type === ServerMessageType.strokeResult) {
      const { id, ok, reason, budget } = decodeMsgpack(payload) as StrokeResultMessage;
      this.#budget.settle(id, budget, performance.now());
      this.#around.strokes?.answered(client, id, performance.now());
      const seed = this.#seeds.get(id);
      this.#seeds.delete(id);
      if (ok) ledger.strokesApplied++;
      else ledger.refused.add(reason ?? 'without a reason');
      if (ok && seed !== undefined) {
        this.planted++;
        ledger.planted.add(seed);
      }
    } else if (type === ServerMessageType.room) {
      this.hasRoom = (decodeMsgpack(payload) as RoomResultMessage).reason === null;
    }
  }
}
