/**
 * The clients of this relay, on their way to the crowd in the process of the world. While that is away, they are told so
 * here, and what they show and look at is told to the world when it is back.
 */
import { CloseCode } from '../../shared/protocol.ts';
import type { Audience, People } from '../rooms/crowd.ts';
import type { ClientMessage } from '../rooms/messages.ts';
import { Players } from '../rooms/players.ts';
import type { Person } from '../rooms/sight.ts';
import type { Outlet, Visitor } from '../rooms/surroundings.ts';
import type { Tally } from '../tally.ts';
import type { ClientLetter, RelayLink } from './relayLink.ts';
import { Unanswered } from './unanswered.ts';

/**
 * A client's viewport is told to the process of the world at most this often: a pan has eight per second, and what the
 * guest sees of waiting seeds and wilted bodies depends on the last one only.
 */
const VIEWPORT_MS = 500;
/** The world's process answers a stroke within 10 s: what is not answered after this was lost. */
const MAX_ANSWER_MS = 12_000;
const SWEEP_MS = 1_000;
/** Messages that say how things are: the last of each is told again when the world is back. */
const STATES: ReadonlySet<ClientMessage['type']> = new Set(['viewport', 'presence', 'inspect']);

interface Client {
  readonly outlet: Outlet;
  readonly unanswered: Unanswered;
  /** Type of a message that says how things are → its last payload. */
  readonly states: Map<number, Uint8Array>;
  isHidden: boolean;
  /** It was sent its hello. */
  isGreeted: boolean;
}

export class RelayPeople implements People {
  /** Those of the whole world. */
  readonly players = new Players();
  /** The clients here. */
  audience: Audience = { postAll: () => {}, closeAll: () => {} };
  readonly #link: RelayLink;
  readonly #clients = new Map<string, Client>();
  /** Visits whose viewport was told of late, and the newest that was not told yet; null: none. */
  #viewports = new Map<string, Uint8Array | null>();
  #telling: NodeJS.Timeout | null = null;
  #sweep: NodeJS.Timeout | null = null;
  readonly #tally: Tally;

  constructor(link: RelayLink, tally: Tally) {
    this.#link = link;
    this.#tally = tally;
    this.players.mirror(link.welcome.players);
    link.onClients = (letter) => this.#take(letter);
    link.onReset = (reason) => this.audience.closeAll(CloseCode.worldStopped, reason);
    link.visits = () => this.#visits();
    link.onAway = () => this.#giveUp(Number.POSITIVE_INFINITY);
    link.onBack = () => this.#tellStates();
  }

  enter(outlet: Outlet, { id: guest, isNew, address }: Visitor): Person {
    const visit = outlet.id;
    const unanswered = new Unanswered({
      post: (type, answer) => outlet.post(type, answer),
      now: () => performance.now(),
    });
    const client: Client = { outlet, unanswered, states: new Map(), isHidden: false, isGreeted: false };
    const link = this.#link;
    const tally = this.#tally;
    let isOpen = false;
    return {
      start: () => {
        if (!link.isUp) {
          outlet.close(CloseCode.worldStopped, 'the world cannot be reached');
          return;
        }
        isOpen = true;
        this.#clients.set(visit, client);
        link.tell({ type: 'open', visit, guest, isNew, address });
      },
      handle: (message: ClientMessage, kind: number, payload: Uint8Array) => {
        if (message.type === 'presence') client.isHidden = message.message.isHidden;
        if (!isOpen) return;
        if (STATES.has(message.type)) client.states.set(kind, Uint8Array.from(payload));
        if (!link.isUp) {
          if (unanswered.refuse(message)) tally.refuse('stroke', 'no_answer');
        } else if (message.type === 'viewport') this.#look(visit, kind, payload);
        else {
          unanswered.sent(message);
          link.tell({ type: 'said', visit, kind, payload });
          if (unanswered.isWaiting) this.#sweepSoon();
        }
      },
      misbehaved: (code, reason) => {
        if (isOpen) link.tell({ type: 'misbehaved', visit, code, reason });
      },
      end: () => {
        if (!isOpen) return;
        isOpen = false;
        if (this.#clients.get(visit) === client) this.#clients.delete(visit);
        this.players.ignore(visit);
        this.#viewports.delete(visit);
        link.tell({ type: 'closed', visit });
      },
    };
  }

  #tellStates(): void {
    for (const [visit, { states }] of this.#clients)
      for (const [kind, payload] of states) this.#link.tell({ type: 'said', visit, kind, payload });
  }

  #sweepSoon(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = null;
      this.#giveUp(performance.now() - MAX_ANSWER_MS);
      for (const { unanswered } of this.#clients.values()) if (unanswered.isWaiting) return this.#sweepSoon();
    }, SWEEP_MS).unref();
  }

  /** What was asked before a time is not answered any more. */
  #giveUp(beforeMs: number): void {
    for (const { unanswered } of this.#clients.values())
      for (let lost = unanswered.giveUp(beforeMs); lost > 0; lost--)
        this.#tally.refuse('stroke', 'no_answer');
  }

  /** Tells the world's process of a viewport, at once or with the next of this client. */
  #look(visit: string, kind: number, payload: Uint8Array): void {
    if (this.#viewports.has(visit)) {
      this.#viewports.set(visit, Uint8Array.from(payload));
      return;
    }
    this.#link.tell({ type: 'said', visit, kind, payload });
    this.#viewports.set(visit, null);
    this.#telling ??= setTimeout(() => this.#tellViewports(kind), VIEWPORT_MS).unref();
  }

  #tellViewports(kind: number): void {
    const waiting = this.#viewports;
    this.#viewports = new Map();
    this.#telling = null;
    for (const [visit, payload] of waiting) if (payload !== null) this.#look(visit, kind, payload);
  }

  /** A client whose hello was lost on the way is closed, and comes again. */
  #visits(): string[] {
    const greeted: string[] = [];
    for (const [visit, { outlet, isGreeted }] of this.#clients) {
      if (isGreeted) greeted.push(visit);
      else outlet.close(CloseCode.worldStopped, 'the world cannot be reached');
    }
    return greeted;
  }

  #take(letter: ClientLetter): void {
    switch (letter.type) {
      case 'post':
        this.#post(letter.visit, letter.bytes);
        return;
      case 'close':
        this.#clients.get(letter.visit)?.outlet.close(letter.code, letter.reason);
        return;
      case 'all':
        this.audience.postAll(letter.bytes, letter.isForViewers);
        return;
      case 'closeAll':
        this.audience.closeAll(letter.code, letter.reason);
        return;
      case 'players':
        this.players.mirror(letter.message);
        return;
      default:
        letter satisfies never;
    }
  }

  #post(visit: string, bytes: Uint8Array): void {
    const client = this.#clients.get(visit);
    if (client === undefined) return;
    client.unanswered.heard(bytes);
    client.outlet.postEncoded(bytes);
    if (client.isGreeted) return;
    // The first is the hello: players come after it.
    client.isGreeted = true;
    this.players.listen(visit, {
      postEncoded: (players) => !client.isHidden && client.outlet.postEncoded(players),
    });
  }
}
