/**
 * A way over NATS, for relays on other machines. Its core delivers at most once, and cuts off who does not read; what
 * is lost shows as a gap. Subjects of a world:
 * ```
 * w.<world>.f            frames, to all relays
 * w.<world>.n            letters to all relays
 * w.<world>.to.<relay>   letters to one; with .<question>, where the broker says that nobody answers
 * w.<world>.from.<relay> letters of one
 * worlds.<world>         "it is here", every 2 s: so relays of all worlds find it
 * ```
 */
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { isWorldName } from '../../shared/worldNames.ts';
import { type HubTransport, RelayHandlers, type RelayTransport } from './transport.ts';
import { MIN_MESSAGE_BYTES } from './wire.ts';

/** The broker does not answer a publication that nobody hears with anything but this. */
const NO_RESPONDERS = 503;
const RECONNECT_MS = 200;
/** A connection that is not there after this is tried anew: what cut the first may have passed. */
const CONNECT_MS = 2_000;
/** A broker that is silent for three of these is left. */
const PING_MS = 1_000;
/** What the broker has not read: above this no frames are sent, above the other nothing. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const MAX_LETTER_BYTES = 48 * 1024 * 1024;
const HERE_MS = 2_000;
/** A world that has said nothing for so long is not found any more. */
const LAPSE_MS = 3 * HERE_MS;
/** Worlds that are remembered; of more, those found last are not. */
const MAX_FOUND = 1_024;
/** Bytes that are left to a message's head, from what the broker allows for it. */
const SLACK_BYTES = 1_024;
/** A quarter of what a broker keeps for a relay (`max_pending`). */
const MAX_PART_BYTES = 256 * 1024;

export interface NatsOptions {
  /**
   * `nats://host:port`, or `tls://`; several of one cluster are separated by commas. `user:password@` or `token@` of the
   * first is that of all.
   */
  readonly url: string;
  /** Name of the world (`shared/worldNames.ts`). */
  readonly world: string;
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
}

/** What both ends of the way have of the broker. */
export class Broker {
  readonly maxBytes: number;
  onUp: () => void = () => {};
  onDown: (reason: string) => void = () => {};
  onEnd: (reason: string) => void = () => {};
  readonly #nats: NatsConnection;
  #isUp = true;
  /** When `#isUp` changed last; monotonic, ms. */
  #changedMs = performance.now();
  /** Long letters on their way, and their bytes. */
  #long: Promise<void> = Promise.resolve();
  #longBytes = 0;
  #isClosing = false;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
    this.maxBytes = Math.min(MAX_PART_BYTES, (nats.info?.max_payload ?? 0) - SLACK_BYTES);
    if (this.maxBytes < MIN_MESSAGE_BYTES)
      throw new Error(
        `the broker's max_payload is ${nats.info?.max_payload} bytes, at least 65 KB are needed`,
      );
    void this.#watch();
    void nats.closed().then((error) => {
      this.#turn(false);
      if (!this.#isClosing) this.onEnd(error instanceof Error ? error.message : 'the broker is gone');
    });
  }

  /** Resolves when there is a broker. @throws Error when it refuses the connection for good */
  static async connect({ url, log }: Omit<NatsOptions, 'world'>): Promise<Broker> {
    const brokers = url.split(',').map((one) => new URL(one.trim()));
    const [{ protocol, username, password }] = brokers;
    const servers = brokers.map(({ host }) => host);
    const waiting = setTimeout(() => log(`waiting for NATS at ${servers.join(', ')}`), 2 * CONNECT_MS);
    const nats = await connect({
      servers,
      ...(username !== '' &&
        (password === ''
          ? { token: decodeURIComponent(username) }
          : { user: decodeURIComponent(username), pass: decodeURIComponent(password) })),
      ...(protocol === 'tls:' && { tls: {} }),
      name: `regrow ${process.pid}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      waitOnFirstConnect: true,
      timeout: CONNECT_MS,
      pingInterval: PING_MS,
      maxPingOut: 3,
      noEcho: true,
    }).finally(() => clearTimeout(waiting));
    log(`connected to NATS at ${nats.getServer()}`);
    return new Broker(nats);
  }

  /** For how long it has been reached without a break; 0: it is not. */
  get upForMs(): number {
    return this.#isUp ? performance.now() - this.#changedMs : 0;
  }

  /** For how long it has not been reached; 0: it is. */
  get downForMs(): number {
    return this.#isUp ? 0 : performance.now() - this.#changedMs;
  }

  #turn(isUp: boolean): void {
    if (isUp !== this.#isUp) this.#changedMs = performance.now();
    this.#isUp = isUp;
  }

  hear(subject: string, take: (message: Msg) => void): void {
    this.#nats.subscribe(subject, {
      callback(error, message) {
        if (error === null) take(message);
      },
    });
  }

  send(subject: string, message: Uint8Array, isFrame: boolean, reply?: string): void {
    // What is sent while there is no broker would be kept until there is one.
    if (!this.#isUp || this.#nats.isClosed()) return;
    const buffered = this.waitingBytes;
    if (buffered > (isFrame ? MAX_BUFFERED_BYTES : MAX_LETTER_BYTES)) return;
    this.#nats.publish(subject, message, reply === undefined ? undefined : { reply });
  }

  /** A long letter leaves part by part: the broker cuts off whom it has to keep too much for. */
  sendLetter(subject: string, letter: readonly Uint8Array[], reply?: string): void {
    if (letter.length === 1) {
      this.send(subject, letter[0], false, reply);
      return;
    }
    const bytes = letter.reduce((sum, { length }) => sum + length, 0);
    if (this.#longBytes + bytes > MAX_LETTER_BYTES) return;
    this.#longBytes += bytes;
    this.#long = this.#long.then(async () => {
      for (const part of letter) {
        this.send(subject, part, false, part === letter[0] ? reply : undefined);
        await Promise.race([this.#nats.flush(), pause(PING_MS)]).catch(() => {});
      }
      this.#longBytes -= bytes;
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#nats.isClosed()) return;
    // Without a broker, a flush would wait for one.
    if (this.#isUp) await Promise.race([this.#nats.flush(), pause(PING_MS)]).catch(() => {});
    await this.#nats.close();
  }

  /** Bytes that were sent and the operating system has not taken. */
  get waitingBytes(): number {
    const { protocol } = this.#nats as unknown as {
      readonly protocol?: {
        readonly outbound?: { size(): number };
        readonly transport?: { readonly socket?: { readonly writableLength?: number } };
      };
    };
    return (protocol?.outbound?.size() ?? 0) + (protocol?.transport?.socket?.writableLength ?? 0);
  }

  /** nats.js drops messages in silence while it has no connection. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#nats.status()) {
      if (type === 'disconnect') {
        this.#turn(false);
        this.onDown('the broker is gone');
      } else if (type === 'reconnect') {
        this.#turn(true);
        this.onUp();
      }
    }
  }
}

export class NatsHub implements HubTransport {
  onMessage: HubTransport['onMessage'] = () => {};
  onGone: HubTransport['onGone'] = () => {};
  readonly #broker: Broker;
  readonly #subject: string;
  readonly #here: NodeJS.Timeout;

  /** @param broker - the hub's, which closes it */
  constructor(broker: Broker, { world, log }: Omit<NatsOptions, 'url'>) {
    this.#broker = broker;
    this.#subject = `w.${world}`;
    const sayHere = (): void => broker.send(`worlds.${world}`, new Uint8Array(), false);
    this.#here = setInterval(sayHere, HERE_MS);
    sayHere();
    const from = `${this.#subject}.from.`;
    broker.hear(`${from}*`, ({ subject, data }) => this.onMessage(subject.slice(from.length), bytesOf(data)));
    broker.onDown = (reason) => log(`relays cannot be reached: ${reason}`);
    broker.onUp = () => log('relays can be reached again');
    broker.onEnd = (reason) => log(`relays cannot be reached any more: ${reason}`);
  }

  /** Resolves when there is a broker. @throws Error when it refuses the connection for good */
  static async connect(options: NatsOptions): Promise<NatsHub> {
    return new NatsHub(await Broker.connect(options), options);
  }

  get maxBytes(): number {
    return this.#broker.maxBytes;
  }

  /** What the broker has not read. */
  get waitingBytes(): number {
    return this.#broker.waitingBytes;
  }

  broadcast(message: Uint8Array, isFrame: boolean): void {
    this.#broker.send(`${this.#subject}.${isFrame ? 'f' : 'n'}`, message, isFrame);
  }

  send(relay: string, letter: readonly Uint8Array[]): void {
    this.#broker.sendLetter(`${this.#subject}.to.${relay}`, letter);
  }

  /** All relays share the way to the broker. */
  drop(): void {}

  close(): Promise<void> {
    clearInterval(this.#here);
    return this.#broker.close();
  }
}

export class NatsRelay extends RelayHandlers implements RelayTransport {
  readonly #broker: Broker;
  readonly #from: string;
  readonly #to: string;

  private constructor(broker: Broker, name: string, { world }: NatsOptions) {
    super();
    this.#broker = broker;
    const subject = `w.${world}`;
    this.#from = `${subject}.from.${name}`;
    this.#to = `${subject}.to.${name}`;
    for (const heard of [`${subject}.f`, `${subject}.n`, this.#to])
      broker.hear(heard, ({ data }) => this.onMessage(bytesOf(data)));
    broker.hear(`${this.#to}.*`, ({ subject, headers }) => {
      if (headers?.code === NO_RESPONDERS) this.onNobody(Number(subject.slice(this.#to.length + 1)));
    });
    broker.onUp = () => this.onUp();
    broker.onDown = (reason) => this.onDown(reason);
    broker.onEnd = (reason) => this.onEnd(reason);
  }

  /**
   * Resolves when there is a broker.
   *
   * @param name - that no other relay has: letters, digits, `-` and `_`
   */
  static async connect(name: string, options: NatsOptions): Promise<NatsRelay> {
    return new NatsRelay(await Broker.connect(options), name, options);
  }

  get maxBytes(): number {
    return this.#broker.maxBytes;
  }

  /** What the broker has not read. */
  get waitingBytes(): number {
    return this.#broker.waitingBytes;
  }

  send(letter: readonly Uint8Array[], question: number | null): void {
    const reply = question === null ? undefined : `${this.#to}.${question}`;
    this.#broker.sendLetter(this.#from, letter, reply);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

/** Which worlds are at a broker. */
export class NatsWorlds {
  readonly #broker: Broker;
  readonly #now: () => number;
  /** When each was heard of last; ms. */
  readonly #heard = new Map<string, number>();

  private constructor(broker: Broker, now: () => number) {
    this.#broker = broker;
    this.#now = now;
    const before = 'worlds.';
    broker.hear(`${before}*`, ({ subject }) => {
      const world = subject.slice(before.length);
      if (!isWorldName(world) || (this.#heard.size >= MAX_FOUND && !this.#heard.has(world))) return;
      this.#heard.set(world, this.#now());
    });
  }

  /** Resolves when there is a broker. @param now - a monotonic clock, ms */
  static async connect(
    options: Omit<NatsOptions, 'world'>,
    now: () => number = () => performance.now(),
  ): Promise<NatsWorlds> {
    return new NatsWorlds(await Broker.connect(options), now);
  }

  /** Names of those that were heard of within 6 s. */
  get names(): string[] {
    const since = this.#now() - LAPSE_MS;
    for (const [world, heardMs] of this.#heard) if (heardMs < since) this.#heard.delete(world);
    return [...this.#heard.keys()].sort();
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

const bytesOf = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
