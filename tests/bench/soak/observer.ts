/** One viewer that stays and decodes all that it sees: counts frames, and hears what everybody is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { type NoticeMessage, ServerMessageType, type StatsMessage } from '../../../shared/protocol.ts';
import { LoadClient } from '../load/client.ts';
import type { Surroundings } from './page.ts';
import { Tally } from './tally.ts';

/** A few pages: decoding must not become the load. */
const VIEW = { width: 192, height: 128 };
const AGAIN_MS = 1_000;

export class Observer {
  /** Heard so far. */
  frames = 0;
  /** The world's figures that came last, and when (`performance.now()`). */
  stats: { readonly message: StatsMessage; readonly atMs: number } | null = null;
  /** What everybody was told, by text. */
  readonly notices = new Tally();
  readonly #around: Surroundings;
  #client: LoadClient | null = null;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get gaps(): number {
    return this.#client?.gaps ?? 0;
  }

  /** Looks at the middle until the signal, and joins again when it is closed. */
  async run(): Promise<void> {
    const { signal } = this.#around;
    try {
      while (!signal.aborted) {
        if (this.#client?.isOpen !== true) await this.#join();
        await sleep(AGAIN_MS, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#client?.leave();
    }
  }

  async #join(): Promise<void> {
    const { url, world, ledger } = this.#around;
    const middle = { x: world.width / 2, y: world.height / 2 };
    const client = new LoadClient(0, world, true, middle, (_client, bytes, frame) => {
      ledger.bytes += bytes;
      if (frame > 0) this.frames++;
    });
    client.view = VIEW;
    client.localAddress = this.#around.addressOf?.(0);
    client.onMessage = (type, payload) => {
      try {
        const message = decodeMsgpack(payload);
        if (type === ServerMessageType.notice) this.notices.add((message as NoticeMessage).text);
        if (type === ServerMessageType.stats)
          this.stats = { message: message as StatsMessage, atMs: performance.now() };
      } catch (error) {
        ledger.errors.add(`bad message ${type}: ${(error as Error).message}`);
      }
    };
    client.onFault = (error) => {
      ledger.errors.add(`bad frame: ${error.message}`);
      client.drop();
    };
    client.onClose = (code, reason) =>
      ledger.errors.add(`observer closed by the server: ${code} ${reason}`.trim());
    this.#client = client;
    try {
      await client.join(url);
    } catch (error) {
      ledger.errors.add(`observer not let in: ${(error as Error).message}`);
    }
  }
}
