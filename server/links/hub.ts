/**
 * The world's end of its relays: frames and news go to all of them, encoded once; what they watch is united; their
 * questions are answered, and their clients are visits of the crowd here.
 */
import type { Admitted, Refusal } from '../guests/guests.ts';
import type { ForwardedReply, ForwardedRequest } from '../http/forwarding.ts';
import type { Portrait } from '../lobby/portrait.ts';
import type { AnsweredRequest } from '../metrics/visitorMetrics.ts';
import type { PublishedFrame } from '../stream/published.ts';
import type { Counts } from '../tally.ts';
import { NoAnswerError } from '../world/messages.ts';
import { HubPeople, type HubPeopleOptions } from './hubPeople.ts';
import type { Call, FromRelay, ToRelay } from './letters.ts';
import type { SharedWorld, WorldView } from './sharedWorld.ts';
import type { HubTransport } from './transport.ts';
import { decodeMessage, encodeFrame, encodeLetter, Letters, WIRE_VERSION, WireError } from './wire.ts';

/** A relay that says nothing for so long watches nothing … */
export const LAPSE_MS = 6_000;
/** … and its visits end after this: until then, a paused relay finds everything as it was. */
export const MAX_SILENCE_MS = 30_000;
const PULSE_MS = 1_000;
/** The largest letter of a relay: what an admin uploads. */
const MAX_LETTER_BYTES = 16 * 1024 * 1024;
/** Questions of one relay that the world has not answered. */
const MAX_ASKED = 4_096;

export interface HubOptions extends HubPeopleOptions {
  readonly world: SharedWorld;
  readonly transport: HubTransport;
  /** This process's as the world's owner: larger than that of every owner before. */
  readonly term: number;
  /** What people read in the place of the world's name. */
  readonly title: string;
  readonly framesPerSecond: number;
  readonly maxPlayers: number;
  /** Signs seats: any relay may make one, and any other may take its client. */
  readonly seatKey: Uint8Array;
  readonly admit: (token: unknown, address: string) => Admitted | Refusal;
  /** Answers what only this process can. */
  readonly forward: (request: ForwardedRequest) => Promise<ForwardedReply>;
  /** How the world looks in a lobby. @param known - hash of the picture that the asker has */
  readonly paint: (known: string | null) => Promise<Portrait>;
  /** The process has been asked to stop. Default: never. */
  readonly isStopping?: () => boolean;
  /** Takes what a relay has counted. */
  readonly count: (counts: Counts, answered: readonly AnsweredRequest[]) => void;
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
  /** The wall clock, ms since 1970. */
  readonly now?: () => number;
}

interface Relay {
  readonly view: WorldView;
  readonly letters: Letters;
  readonly people: HubPeople;
  /** Monotonic, ms. */
  heardMs: number;
  isLapsed: boolean;
  asked: number;
  connections: number;
}

export class Hub {
  /** A relay has been given up because it was silent. */
  onLost: (relay: string) => void = () => {};
  readonly #options: HubOptions;
  readonly #now: () => number;
  readonly #relays = new Map<string, Relay>();
  /** Hears frames and news for all relays; watches nothing itself. */
  readonly #view: WorldView;
  readonly #timer: NodeJS.Timeout;
  /** Each ends one way to hear of the world or the crowd. */
  readonly #ends: (() => void)[] = [];
  #serial = 0;
  #letter = 0;
  #isClosed = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    const { transport, world, crowd } = options;
    this.#view = world.view();
    const publish = (frame: PublishedFrame): void => {
      if (this.#relays.size === 0) return;
      const origin = { term: options.term, serial: ++this.#serial, sentAtMs: this.#now() };
      for (const part of encodeFrame(frame, origin, transport.maxBytes)) transport.broadcast(part, true);
    };
    this.#ends.push(world.hear(publish));
    this.#view.onStats = (stats) => this.#tell({ type: 'stats', stats });
    this.#view.onVitals = (vitals) => this.#tell({ type: 'vitals', vitals });
    this.#view.onSpecies = (species) => this.#tell({ type: 'species', species });
    this.#view.onSwap = (outcome) => this.#tell({ type: 'swap', outcome });
    this.#view.onWounds = (events) => this.#tell({ type: 'wounds', events });
    this.#view.onWilted = (bodies) => this.#tell({ type: 'wilted', bodies });
    this.#view.onSeeds = (seeds) => this.#tell({ type: 'seeds', seeds });
    this.#view.onTrouble = (trouble) => this.#tell({ type: 'trouble', trouble });
    this.#ends.push(crowd.players.tell((message) => this.#tell({ type: 'players', message })));
    const end = crowd.attend({
      postAll: (bytes, isForViewers) => this.#tell({ type: 'all', bytes, isForViewers }),
      closeAll: (code, reason) => this.#tell({ type: 'closeAll', code, reason }),
    });
    this.#ends.push(end);
    transport.onMessage = (relay, message) => this.#receive(relay, message);
    transport.onGone = (relay) => this.#forget(relay);
    this.#timer = setInterval(() => this.#pulse(), PULSE_MS);
    // Relays of an owner before this one begin anew at once.
    this.#tell({ type: 'stranger' }, true);
  }

  /** How many relays are known. */
  get size(): number {
    return this.#relays.size;
  }

  /** TCP connections of all relays. */
  get connections(): number {
    let connections = 0;
    for (const relay of this.#relays.values()) connections += relay.connections;
    return connections;
  }

  /** Tells the relays that the world has ended, and ends the ways to them. */
  async close(reason: string): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#tell({ type: 'ended', reason }, true);
    for (const relay of [...this.#relays.keys()]) this.#forget(relay);
    this.#view.close();
    for (const end of this.#ends) end();
    await this.#options.transport.close();
  }

  #tell(letter: ToRelay, isForStrangers = false): void {
    if (this.#relays.size === 0 && !isForStrangers) return;
    const { transport, term } = this.#options;
    for (const part of encodeLetter(letter, this.#letter++, transport.maxBytes, term))
      transport.broadcast(part, false);
  }

  #write(relay: string, letter: ToRelay): void {
    const { transport, term } = this.#options;
    transport.send(relay, encodeLetter(letter, this.#letter++, transport.maxBytes, term));
  }

  #pulse(): void {
    const nowMs = performance.now();
    const { term, transport, log } = this.#options;
    for (const [name, relay] of this.#relays) {
      const silentMs = nowMs - relay.heardMs;
      if (silentMs > MAX_SILENCE_MS) {
        log(`a relay has said nothing for ${MAX_SILENCE_MS / 1_000} s, and is given up (${name})`);
        this.#forget(name);
        transport.drop(name);
        this.onLost(name);
      } else if (silentMs > LAPSE_MS && !relay.isLapsed) {
        relay.isLapsed = true;
        relay.view.watchOnly([]);
      }
    }
    this.#tell({
      type: 'pulse',
      term,
      serial: this.#serial,
      isStopping: this.#options.isStopping?.() ?? false,
    });
  }

  #forget(name: string): void {
    const relay = this.#relays.get(name);
    if (relay === undefined) return;
    this.#relays.delete(name);
    relay.people.close();
    relay.view.close();
  }

  #receive(name: string, message: Buffer): void {
    if (this.#isClosed) return;
    const known = this.#relays.get(name);
    let letter: FromRelay;
    try {
      const part = decodeMessage(message);
      if (part.type !== 'letter') throw new WireError('a relay sends no frames');
      const letters = known?.letters ?? new Letters(MAX_LETTER_BYTES);
      const read = letters.take(part);
      if (read === null) return;
      letter = read.value as FromRelay;
    } catch (error) {
      this.#options.log(`a relay's message cannot be read (${name}): ${(error as Error).message}`);
      this.#forget(name);
      this.#options.transport.drop(name);
      return;
    }
    if (letter.type === 'hello') {
      this.#welcome(name, letter.wire);
    } else if (known === undefined) {
      this.#write(name, { type: 'stranger' });
    } else {
      known.heardMs = performance.now();
      this.#take(name, known, letter);
    }
  }

  #welcome(name: string, wire: number): void {
    const { term, title, framesPerSecond, maxPlayers, seatKey } = this.#options;
    const { world, crowd, log, transport } = this.#options;
    if (wire !== WIRE_VERSION) {
      log(`a relay speaks version ${wire} of the wire, this world ${WIRE_VERSION}: ${name}`);
      this.#write(name, { type: 'unfit', reason: `the world speaks version ${WIRE_VERSION} of the wire` });
      transport.drop(name);
      return;
    }
    const known = this.#relays.get(name);
    if (known === undefined)
      this.#relays.set(name, {
        view: world.view(),
        letters: new Letters(MAX_LETTER_BYTES),
        people: new HubPeople(this.#options, (letter) => this.#write(name, letter)),
        heardMs: performance.now(),
        isLapsed: false,
        asked: 0,
        connections: 0,
      });
    else known.heardMs = performance.now();
    const { ready, stats, trouble, wilted } = this.#view;
    this.#write(name, {
      type: 'welcome',
      isKnown: known !== undefined,
      ...{ term, title, serial: this.#serial, framesPerSecond, maxPlayers, seatKey },
      ...{ ready, stats, trouble, wilted: [...wilted] },
      players: crowd.players.everybody(),
    });
  }

  #take(name: string, relay: Relay, letter: Exclude<FromRelay, { readonly type: 'hello' }>): void {
    switch (letter.type) {
      case 'watching':
        relay.isLapsed = false;
        relay.view.watchOnly(letter.keys);
        return;
      case 'counts':
        relay.connections = letter.connections;
        this.#options.count(letter.counts, letter.answered);
        return;
      case 'watch':
        relay.view.watch(letter.add, letter.remove);
        return;
      case 'keyframes':
        relay.view.requestKeyframes(letter.keys);
        return;
      case 'present':
        relay.view.present(letter.guests);
        return;
      case 'query':
        this.#answer(name, relay, letter.request, () => relay.view.ask(letter.query));
        return;
      case 'call':
        this.#answer(name, relay, letter.request, () => this.#call(letter.call));
        return;
      case 'visits':
        relay.people.keepOnly(letter.open);
        return;
      case 'bye':
        this.#forget(name);
        return;
      default:
        relay.people.take(letter);
    }
  }

  async #call(call: Call): Promise<unknown> {
    const { admit, forward, paint } = this.#options;
    switch (call.kind) {
      case 'admit':
        return admit(call.token, call.address);
      case 'http':
        return forward(call.request);
      case 'portrait':
        return paint(call.known);
      default:
        return call satisfies never;
    }
  }

  #answer(name: string, relay: Relay, request: number, ask: () => Promise<unknown>): void {
    const refuse = (message: string): void => this.#write(name, { type: 'refused', request, message });
    if (relay.asked >= MAX_ASKED) {
      refuse('the world is busy');
      return;
    }
    relay.asked++;
    ask()
      .then((value) => {
        if (this.#relays.get(name) === relay) this.#write(name, { type: 'answer', request, value });
      })
      .catch((error: Error) => {
        if (!(error instanceof NoAnswerError)) this.#options.log(`a relay's question failed: ${error.stack}`);
        refuse(error.message);
      })
      .finally(() => relay.asked--);
  }
}
