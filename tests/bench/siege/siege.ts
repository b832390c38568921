/** What all attackers share: their addresses, their pace, sockets that end with them, and a tally of what they got. */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import type { HelloMessage } from '../../../shared/protocol.ts';
import { ServerMessageType } from '../../../shared/protocol.ts';
import { LoadClient } from '../load/client.ts';
import type { Body } from '../soak/sizes.ts';
import { Tally } from '../soak/tally.ts';
import type { AttackTask } from './processes.ts';

/** A request without an answer is given up. */
const MAX_ANSWER_MS = 15_000;
/** After an error, so that a server that refuses is not asked in a tight loop. */
const AGAIN_MS = 50;
const MAX_KIND = 80;

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A connection per request, or kept. */
  readonly isKept?: boolean;
}

/** An attack: what it does, and the doing, which goes on until the siege's signal. */
export interface Attack {
  readonly what: string;
  run(siege: Siege): Promise<void>;
}

export class Siege {
  readonly task: AttackTask;
  readonly signal: AbortSignal;
  /** 0..1 */
  readonly draw: () => number;
  readonly tally = new Tally();
  readonly host: string;
  readonly port: number;
  readonly #agents = new Map<string, Agent>();
  readonly #sockets = new Set<Socket>();
  #nextMs = 0;

  constructor(task: AttackTask, signal: AbortSignal, draw: () => number) {
    this.task = task;
    this.signal = signal;
    this.draw = draw;
    const { hostname, port } = new URL(task.url);
    this.host = hostname;
    this.port = Number(port);
    signal.addEventListener('abort', () => {
      for (const socket of this.#sockets) socket.destroy();
      for (const agent of this.#agents.values()) agent.destroy();
    });
  }

  /** The addresses in turn. */
  addressOf(index: number): string {
    return this.task.addresses[index % this.task.addresses.length];
  }

  /** As many per address, but at most `most`. */
  count(perAddress: number, most: number): number {
    return Math.min(most, perAddress * this.task.addresses.length);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.draw() * from.length)];
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => {});
  }

  /** Waits for its turn, so that all loops of this attacker together do at most so many per second. */
  async turn(perSecond: number): Promise<void> {
    const nowMs = performance.now();
    this.#nextMs = Math.max(nowMs, this.#nextMs) + 1_000 / perSecond;
    await this.pause(this.#nextMs - nowMs);
  }

  /** Runs so many loops side by side until the signal. What goes wrong in one is counted, and it goes on. */
  async loops(count: number, round: (index: number) => Promise<void>): Promise<void> {
    const loop = async (index: number): Promise<void> => {
      while (!this.signal.aborted) {
        try {
          await round(index);
        } catch (error) {
          if (this.signal.aborted) return;
          if (error instanceof TypeError || error instanceof RangeError) throw error;
          this.add((error as NodeJS.ErrnoException).code ?? (error as Error).message);
          await this.pause(AGAIN_MS);
        }
      }
    };
    await Promise.all(Array.from({ length: count }, (_, index) => loop(index)));
  }

  add(kind: string): void {
    // How long to wait differs from answer to answer.
    this.tally.add(kind.replaceAll(/\bwait \d+/g, 'wait n').slice(0, MAX_KIND));
  }

  /** A TCP connection; it is destroyed when the siege is over. @throws Error when there is none */
  async open(index: number): Promise<Socket> {
    const socket = connect({ host: this.host, port: this.port, localAddress: this.addressOf(index) });
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.on('error', reject);
      socket.once('close', () => reject(new Error('closed at once')));
    });
    return socket;
  }

  /** Writes `bytes` on a new connection, and reads until it is closed, or for `ms`. @returns the status line, or '' */
  async say(index: number, bytes: string | Uint8Array, ms: number): Promise<string> {
    const socket = await this.open(index);
    let head = '';
    socket.on('data', (part: Buffer) => {
      if (head.length < 64) head += part.toString('latin1');
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(bytes);
    await Promise.race([closed, this.pause(ms)]);
    socket.destroy();
    return /^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? '';
  }

  /** Asks, and drops what comes. The status is counted. */
  async ask(
    index: number,
    path: string,
    { method = 'GET', headers = {}, body, isKept = false }: Ask = {},
  ): Promise<number> {
    const localAddress = this.addressOf(index);
    let agent: Agent | false = false;
    if (isKept) {
      agent = this.#agents.get(localAddress) ?? new Agent({ keepAlive: true });
      this.#agents.set(localAddress, agent);
    }
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(MAX_ANSWER_MS)]);
    const status = await new Promise<number>((resolve, reject) => {
      const sent = request(this.task.url + path, { method, headers, agent, localAddress, signal });
      sent.on('error', reject);
      sent.on('response', (response) => {
        response.on('error', reject);
        response.on('end', () => resolve(response.statusCode!));
        response.resume();
      });
      sent.end(body);
    });
    this.add(`${status}`);
    return status;
  }

  /** The bodies of the world; empty when it does not say. */
  async bodies(index: number): Promise<Body[]> {
    return new Promise((resolve) => {
      const sent = request(`${this.task.url}api/organisms`, {
        agent: false,
        localAddress: this.addressOf(index),
        signal: this.signal,
      });
      sent.on('error', () => resolve([]));
      sent.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('error', () => resolve([]));
        response.on('end', () => resolve(response.statusCode === 200 ? (JSON.parse(text) as Body[]) : []));
      });
      sent.end();
    });
  }

  /**
   * A client that speaks the protocol. Its closes are counted.
   *
   * @param guest - clients of the same name come as the same guest; null: each time as a new one
   */
  client(index: number, guest: string | null = null): Raider {
    return new Raider(index, this, guest);
  }

  /** By the names that clients come under: what the server gave them to be known by. */
  readonly tokens = new Map<string, string>();
}

export class Raider extends LoadClient {
  hello: HelloMessage | null = null;
  readonly #siege: Siege;
  readonly #guest: string | null;

  constructor(index: number, siege: Siege, guest: string | null) {
    super(index, { width: 0, height: 0 }, false, { x: 0, y: 0 }, () => {});
    this.#siege = siege;
    this.#guest = guest;
    this.localAddress = siege.addressOf(index);
    // Looks at one page: the frames of an attacker are not what is measured.
    this.view = { width: 1, height: 1 };
    this.onFault = () => {};
    this.onClose = (code, reason) => siege.add(`closed ${code} ${reason}`.trim());
    this.onMessage = (type, payload) => {
      if (type === ServerMessageType.hello) this.hello = decodeMsgpack(payload) as HelloMessage;
    };
    siege.signal.addEventListener('abort', () => this.drop());
  }

  /** @throws Error when it is not let in; it is counted by the loop */
  async enter(): Promise<HelloMessage> {
    const { tokens, task } = this.#siege;
    this.hello = null;
    this.token = (this.#guest !== null && tokens.get(this.#guest)) || null;
    await this.join(task.url);
    this.#siege.add('joined');
    if (this.#guest !== null && this.token !== null) tokens.set(this.#guest, this.token);
    // Both the hello and the client's own answer to it are there now.
    return this.hello!;
  }
}
