/**
 * All visits of a world, whichever process their sockets are in: who is here, and what everybody is told. Knows nothing
 * of Colyseus, nor of the stream.
 */
import type { Player } from '../../shared/adminPeople.ts';
import {
  CloseCode,
  type NoticeMessage,
  ServerMessageType,
  type Species,
  type SpeciesMessage,
  type StatsMessage,
} from '../../shared/protocol.ts';
import { linkedSpecies } from '../http/speciesPictures.ts';
import type { WaitingSeed } from '../world/absences.ts';
import type { WorldLink } from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import { encodeMessage } from './connection.ts';
import { FairQuestions } from './fairQuestions.ts';
import { PendingStrokes } from './pendingStrokes.ts';
import { Players } from './players.ts';
import { Seeds } from './seeds.ts';
import type { Person } from './sight.ts';
import type { Outlet, Surroundings, Visitor } from './surroundings.ts';
import { Visit } from './visit.ts';

const INSPECT_MS = 500;
const SEEDS_MS = 200;

export interface CrowdHost
  extends Pick<
    Surroundings,
    | 'guests'
    | 'attendance'
    | 'learned'
    | 'report'
    | 'nursery'
    | 'tally'
    | 'log'
    | 'stepsPerSecond'
    | 'framesPerSecond'
    | 'epsilon'
  > {
  readonly world: WorldLink;
}

/** Where the people of a world are: a `Crowd`, or the way to one in another process. */
export interface People {
  /** A client has a socket. */
  enter(outlet: Outlet, visitor: Visitor): Person;
}

/** The clients whose sockets are in one process. */
export interface Audience {
  /** Sends it to each of them. @param isForViewers - those whose page is hidden need not have it */
  postAll(bytes: Uint8Array, isForViewers: boolean): void;
  /** Closes each of them. */
  closeAll(code: number, reason: string): void;
}

export class Crowd implements People {
  readonly players = new Players();
  readonly #visits = new Map<Outlet, Visit>();
  readonly #audiences = new Set<Audience>();
  readonly #seeds = new Seeds();
  readonly #around: Surroundings;
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(host: CrowdHost) {
    const { world } = host;
    this.#around = {
      ...host,
      questions: new FairQuestions(world),
      strokesPending: new PendingStrokes(),
      players: this.players,
      seeds: this.#seeds,
      renamed: (id) => {
        for (const visit of this.#of(id)) visit.tellName();
      },
      left: (outlet) => this.#visits.delete(outlet),
      now: () => performance.now(),
    };
    this.#timers = [
      setInterval(() => {
        for (const visit of this.#visits.values()) {
          void visit.inspect();
          visit.tellBudget();
        }
      }, INSPECT_MS),
      setInterval(() => {
        for (const visit of this.#visits.values()) visit.tellSeeds();
      }, SEEDS_MS),
    ];
  }

  enter(outlet: Outlet, visitor: Visitor): Visit {
    const visit = new Visit(outlet, visitor, this.#around);
    this.#visits.set(outlet, visit);
    return visit;
  }

  /** @returns a function that ends it */
  attend(audience: Audience): () => void {
    this.#audiences.add(audience);
    return () => this.#audiences.delete(audience);
  }

  publishStats(stats: StatsMessage): void {
    this.#postAll(encodeMessage(ServerMessageType.stats, stats), true);
  }

  /** Sends the species after a change of the rules in force. */
  publishSpecies(species: readonly Species[]): void {
    this.#postAll(
      encodeMessage(ServerMessageType.species, { species: linkedSpecies(species) } satisfies SpeciesMessage),
    );
  }

  /** Shows a notice to everybody. */
  announce(text: string): void {
    this.#postAll(encodeMessage(ServerMessageType.notice, { text } satisfies NoticeMessage));
  }

  /** Takes the seeds that wait. Visits are told of those in their view within 200 ms. */
  hearSeeds(seeds: readonly WaitingSeed[]): void {
    this.#seeds.hear(seeds, this.#around.now());
  }

  /** Tells the guests who look at the bodies or planted them. */
  tellWilted(bodies: readonly WiltedBody[]): void {
    for (const visit of this.#visits.values()) visit.tellWilted(bodies);
  }

  /** The visits that have started. */
  get visits(): Omit<Player, 'isMuted'>[] {
    const now = this.#around.now();
    return Array.from(this.#visits.values())
      .filter(({ isStarted }) => isStarted)
      .map(({ outlet, visitor, name, sinceMs, strokes: { applied: strokes } }) => {
        const seconds = Math.floor((now - sinceMs) / 1_000);
        return { id: outlet.id, guest: visitor.id, name, address: visitor.address, seconds, strokes };
      });
  }

  /** Visits that nobody sees at the moment; they are among the players. */
  get hidden(): number {
    let hidden = 0;
    for (const visit of this.#visits.values()) if (visit.isHidden) hidden++;
    return hidden;
  }

  /** Ends the visits for which it is true. @returns how many */
  kick(isMeant: (visitor: Visitor) => boolean, reason: string): number {
    const meant = Array.from(this.#visits.values()).filter(({ visitor }) => isMeant(visitor));
    for (const { outlet } of meant) outlet.close(CloseCode.removed, reason);
    return meant.length;
  }

  /** Shows a line to the guests for whom it is true. */
  tell(isMeant: (visitor: Visitor) => boolean, text: string): void {
    for (const visit of this.#visits.values())
      if (visit.isStarted && isMeant(visit.visitor)) visit.tell(text);
  }

  /** Tells a guest what has become of their drawings. */
  tellDrawings(guest: string): void {
    for (const visit of this.#of(guest)) visit.tellDrawings();
  }

  /** Closes every client with a code and a reason. */
  closeAll(code: number, reason: string): void {
    for (const audience of this.#audiences) audience.closeAll(code, reason);
  }

  dispose(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** The visits of a guest. */
  #of(guest: string): Visit[] {
    return Array.from(this.#visits.values()).filter(
      ({ visitor, isStarted }) => isStarted && visitor.id === guest,
    );
  }

  #postAll(bytes: Uint8Array, isForViewers = false): void {
    for (const audience of this.#audiences) audience.postAll(bytes, isForViewers);
  }
}
