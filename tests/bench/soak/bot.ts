/** One player at a page: joins, does what `player.ts` decides over a real socket, goes, and comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Budget } from '../../../client/budget.ts';
import { chooseLevel } from '../../../client/level.ts';
import { StrokeBuilder } from '../../../client/stroke-builder.ts';
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
import { type Act, type Kind, type Place, Player, placeOn, type Seen } from './player.ts';
import type { Ledger } from './tally.ts';

/** A pointer is sampled by every second picture; the page flushes a resting one as often as needed. */
const POINTER_MS = 33;
const CURSOR_MS = 66;
const VIEWPORT_MS = 120;
const PING_MS = 2_000;
const START_ZOOM = 4.5;
/** From pointing at a place to the click. */
const AIM_MS = 400;
const MAX_AIMS = 5;
/** What a stalled bot may be cut for: the server waits 10 s. */
const MIN_CUT_MS = 9_000;
/** CSS pixels. */
const SCREENS: readonly Size[] = [
  { width: 1920, height: 1080 },
  { width: 1366, height: 768 },
  { width: 390, height: 844 },
];

export interface Surroundings {
  /** With a slash at the end. */
  readonly url: string;
  readonly world: Size;
  readonly species: readonly Kind[];
  /** Who lives, as far as is known. */
  readonly bodies: () => readonly Seen[];
  readonly ledger: Ledger;
  /** Aborted: the time with bots is over. */
  readonly signal: AbortSignal;
}

export class Bot {
  readonly #index: number;
  readonly #around: Surroundings;
  readonly #player: Player;
  readonly #screen: Size;
  #client: LoadClient;
  #budget = new Budget({ cells: 0, capacity: 0, perSecond: 0 }, 0);
  #nextStroke = 1;
  /** Of seeds that are on their way, by stroke. */
  readonly #seeds = new Map<number, string>();
  #lastFrame = 0;
  #cursorMs = 0;
  /** What the silhouette at the pointer shows; true until the answer comes. */
  #hasRoom = true;
  /** When the last stall long enough to be cut for ends, with what is read late. */
  #mayBeCutUntilMs = 0;

  /** @param draw - 0..1 */
  constructor(index: number, around: Surroundings, draw: () => number) {
    this.#index = index;
    this.#around = around;
    this.#player = new Player(draw);
    this.#screen = SCREENS[Math.floor(draw() * SCREENS.length)];
    this.#client = this.#open({ x: around.world.width / 2, y: around.world.height / 2 });
  }

  get isHere(): boolean {
    return this.#client.isOpen;
  }

  /** Comes and goes until the signal; gone when it resolves. Rejects only for a bug. */
  async run(startMs: number): Promise<void> {
    const { signal } = this.#around;
    try {
      await sleep(startMs, undefined, { signal });
      while (!signal.aborted) await this.#visit();
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      // Tabs are closed with a word.
      await this.#client.leave();
    }
  }

  async #visit(): Promise<void> {
    const { ledger, signal } = this.#around;
    try {
      await this.#client.join(this.#around.url);
    } catch (error) {
      ledger.errors.add(`not let in: ${(error as Error).message}`);
      await sleep(this.#player.between(500, 2_000), undefined, { signal });
      return;
    }
    ledger.joins++;
    this.#client.send(ClientMessageType.name, { name: `bot ${this.#index}` });
    const ping = setInterval(
      () => this.#client.send(ClientMessageType.ping, { time: performance.now() }),
      PING_MS,
    );
    try {
      while (this.#client.isOpen) {
        const act = this.#player.next(this.#scene());
        await this.#do(act);
        if (act.kind !== 'leave' && act.kind !== 'drop')
          await sleep(this.#player.pauseMs(act), undefined, { signal });
      }
    } finally {
      clearInterval(ping);
    }
    const { x, y } = this.#client;
    this.#client = this.#open({ x, y });
  }

  #open(at: Place): LoadClient {
    const { world, ledger } = this.#around;
    const client = new LoadClient(this.#index, world, false, at, (_client, bytes) => {
      ledger.bytes += bytes;
    });
    client.onMessage = (type, payload) => {
      try {
        this.#hear(type, payload);
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
      if (performance.now() < this.#mayBeCutUntilMs) ledger.cutWhileStalled++;
      else ledger.errors.add(`closed by the server: ${code} ${reason}`.trim());
    };
    this.#lastFrame = 0;
    this.#zoom(client, START_ZOOM);
    return client;
  }

  #zoom(client: LoadClient, zoom: number): void {
    const { width, height } = this.#screen;
    client.view = { width: width / zoom, height: height / zoom };
    client.level = chooseLevel(client.level, zoom, 1, this.#screen, this.#around.world);
  }

  #scene() {
    const { world, species, bodies } = this.#around;
    const { level: _, ...view } = this.#client.viewport;
    return { world, species, bodies: bodies(), view, energy: this.#budget.share(performance.now()) };
  }

  #hear(type: number, payload: Buffer): void {
    const { ledger } = this.#around;
    if (type === ServerMessageType.hello) {
      const { protocol, budget } = decodeMsgpack(payload) as HelloMessage;
      if (protocol !== PROTOCOL_VERSION) throw new Error(`protocol ${protocol}`);
      this.#budget = new Budget(budget, performance.now());
      this.#seeds.clear();
    } else if (type === ServerMessageType.strokeResult) {
      const { id, ok, reason, budget } = decodeMsgpack(payload) as StrokeResultMessage;
      this.#budget.settle(id, budget, performance.now());
      const seed = this.#seeds.get(id);
      this.#seeds.delete(id);
      if (ok) ledger.strokesApplied++;
      else ledger.refused.add(reason ?? 'without a reason');
      if (ok && seed !== undefined) ledger.planted.add(seed);
    } else if (type === ServerMessageType.room) {
      this.#hasRoom = (decodeMsgpack(payload) as RoomResultMessage).reason === null;
    }
  }

  // --- what is decided is done ---

  async #do(act: Act): Promise<void> {
    const { ledger, signal } = this.#around;
    const client = this.#client;
    switch (act.kind) {
      case 'drag':
        return this.#drag(act);
      case 'shrink':
        this.#point(act.at, true);
        this.#stroke('truncate', act.radius, [act.at.x, act.at.y]);
        return;
      case 'plant':
        return this.#plant(act);
      case 'pan':
        return this.#pan(act);
      case 'zoom':
        this.#zoom(client, act.zoom);
        client.look();
        return;
      case 'stall':
        ledger.stalls++;
        this.#mayBeCutUntilMs = act.ms >= MIN_CUT_MS ? performance.now() + act.ms + 5_000 : 0;
        client.stall();
        await sleep(act.ms, undefined, { signal });
        client.resume();
        return;
      case 'leave':
        ledger.leaves++;
        await client.leave();
        await sleep(act.awayMs, undefined, { signal });
        return;
      case 'drop':
        ledger.drops++;
        client.drop();
        await sleep(act.awayMs, undefined, { signal });
        return;
      default:
        act satisfies never;
    }
  }

  async #drag({ tool, radius, path, ms }: Act & { kind: 'drag' }): Promise<void> {
    const startMs = performance.now();
    const builder = new StrokeBuilder(radius, path[0].x, path[0].y, startMs);
    const flush = (isEnd: boolean): void => {
      for (const points of builder.take(performance.now(), isEnd)) this.#stroke(tool, radius, points);
    };
    this.#point(path[0], true);
    flush(false);
    for (let share = 0; share < 1; ) {
      await sleep(POINTER_MS, undefined, { signal: this.#around.signal });
      share = ms > 0 ? Math.min(1, (performance.now() - startMs) / ms) : 1;
      const at = placeOn(path, share);
      this.#point(at, false);
      builder.add(at.x, at.y);
      flush(false);
    }
    flush(true);
  }

  /** Looks at the silhouette first; after a few places without room, clicks all the same. */
  async #plant(first: Act & { kind: 'plant' }): Promise<void> {
    let act = first;
    for (let tried = 1; ; tried++) {
      this.#hasRoom = true;
      this.#point(act.at, true);
      const at = [Math.floor(act.at.x), Math.floor(act.at.y)];
      this.#client.send(ClientMessageType.room, { species: act.species, at });
      await sleep(AIM_MS, undefined, { signal: this.#around.signal });
      if (this.#hasRoom || tried === MAX_AIMS) break;
      act = this.#player.elsewhere(act, this.#scene());
    }
    this.#stroke('plant', 1, [act.at.x, act.at.y], act.species);
  }

  async #pan({ to, ms }: Act & { kind: 'pan' }): Promise<void> {
    const { x, y } = this.#client;
    const startMs = performance.now();
    for (let share = 0; share < 1; ) {
      await sleep(VIEWPORT_MS, undefined, { signal: this.#around.signal });
      share = Math.min(1, (performance.now() - startMs) / ms);
      this.#client.lookAt({ x: x + (to.x - x) * share, y: y + (to.y - y) * share });
      this.#point(this.#client, false);
    }
  }

  /** @param isDown - whom the tool touches is asked about, as the page does */
  #point({ x, y }: Place, isDown: boolean): void {
    const nowMs = performance.now();
    if (isDown) this.#client.send(ClientMessageType.inspect, { at: [x, y] });
    if (!isDown && nowMs - this.#cursorMs < CURSOR_MS) return;
    this.#cursorMs = nowMs;
    this.#client.send(ClientMessageType.cursor, { at: [x, y] });
  }

  /** As the page sends one: only what is valid, and what the energy suffices for. */
  #stroke(tool: StrokeMessage['tool'], radius: number, points: readonly number[], species?: string): void {
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
    this.#client.send(ClientMessageType.stroke, stroke);
  }
}
