/**
 * One visit of a guest, a tab: what they may do in it, and what the world answers. The half that stays with the socket
 * is `sight.ts`. Knows nothing of Colyseus, nor of the stream.
 */
import type { ReportedBy } from '../../shared/adminApi.ts';
import { MAX_STROKES_PER_SECOND } from '../../shared/limits.ts';
import {
  type Budget,
  CloseCode,
  type HelloMessage,
  type InspectionMessage,
  type LearnedMessage,
  type NamedMessage,
  type NoticeMessage,
  PROTOCOL_VERSION,
  type ReportMessage,
  type SeedsMessage,
  ServerMessageType,
  type StrokeMessage,
  type StrokeResultMessage,
  type ViewportMessage,
} from '../../shared/protocol.ts';
import { strokeCost, strokeFault } from '../../shared/stroke.ts';
import type { Guest } from '../guests/guest.ts';
import type { Guests } from '../guests/guests.ts';
import { TokenBucket } from '../stream/deliver/tokenBucket.ts';
import {
  type Doer,
  type Inspection,
  NoAnswerError,
  type StrokeOutcome,
  type WorldLink,
} from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import type { ServerMessageNumber } from './connection.ts';
import type { FairQuestions } from './fairQuestions.ts';
import type { ClientMessage } from './messages.ts';
import type { PendingStrokes } from './pendingStrokes.ts';
import type { Players } from './players.ts';
import { RoomQuestions } from './roomQuestions.ts';
import type { Seeds } from './seeds.ts';
import { wiltNotice } from './wiltNotice.ts';

/** Removals and reports of a visit at once, and per second: each is a question to the world. */
const MAX_WISHES_AT_ONCE = 12;
const WISHES_PER_SECOND = 1;
/** Organisms that are remembered of a deed. */
const MAX_TOLD_ORGANISMS = 8;
/** Share of the budget by which a client's own reckoning may be off before it is told. */
const BUDGET_SLACK = 0.03;

/** The part of a connection that a visit uses. */
export interface Outlet {
  readonly id: string;
  /** The client hears of players from here; false: where its socket is. */
  readonly hearsPlayers: boolean;
  post(type: ServerMessageNumber, message: object): boolean;
  postEncoded(bytes: Uint8Array): boolean;
  close(code: number, reason: string): void;
}

/** Keeps count of visits and their strokes. */
export interface Attendance {
  join(visit: string, address: string): void;
  leave(visit: string): void;
  /** Counts a stroke that was applied or refused. */
  stroke(isApplied: boolean): void;
}

/** What all visits of a world share. */
export interface Surroundings {
  readonly guests: Guests;
  readonly attendance: Attendance;
  /** What the world has learned, for a new visit; null: nothing. Sent when it is ready; nothing waits for it. */
  readonly learned: () => Promise<LearnedMessage | null>;
  /** Takes a report. Answer: what to tell who sent it. */
  readonly report: (message: ReportMessage, by: ReportedBy) => Promise<string>;
  /** A guest has another name: all their visits shall show it. */
  readonly renamed: (guest: string) => void;
  /** The visit has ended. */
  readonly left: (visit: Visit) => void;
  readonly world: WorldLink;
  /** Asks the world what a player wants to know. */
  readonly questions: FairQuestions;
  readonly strokesPending: PendingStrokes;
  readonly players: Players;
  readonly seeds: Seeds;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  /** A monotonic clock, in ms. */
  readonly now: () => number;
}

/** Whose visit it is. */
export interface Visitor {
  /** Id of the guest. */
  readonly id: string;
  /** They have no token yet. */
  readonly isNew: boolean;
  readonly address: string;
}

/** A client of ours sends at most 10 strokes per second. */
const REFUSALS_PER_SECOND = 10;
const MAX_REFUSALS_AT_ONCE = 160;

export class Visit {
  readonly outlet: Outlet;
  readonly visitor: Visitor;
  readonly sinceMs: number;
  /** How many strokes of this visit the world has applied. */
  strokes = 0;
  readonly #around: Surroundings;
  /** Refusing a stroke costs as much as sending a message. */
  readonly #strokesAllowed: TokenBucket;
  /** Our client knows its energy, and is seldom refused. */
  readonly #refusals: TokenBucket;
  /** null: the visit has not started, or has ended. */
  #guest: Guest | null = null;
  /** The client's viewport, in cells; null: not known yet. */
  #view: ViewportMessage | null = null;
  /** Nobody sees the page. */
  #isHidden = false;
  /** The list of waiting seeds that the client was told of last, and how many of them were in its view. */
  #toldSeeds = { version: -1, count: 0 };
  /** A removal that the world has not answered. */
  #isRemoving = false;
  readonly #wishes: TokenBucket;
  /** What the client was told last of its budget, and when. */
  #toldBudget: { readonly budget: Budget; readonly atMs: number } | null = null;
  /** The cell that the player inspects, and the organism there once it is known; null: none. */
  #inspected: { at: readonly [number, number]; organism: number | null } | null = null;
  #inspecting = false;
  #isReporting = false;
  readonly #roomQuestions: RoomQuestions;

  constructor(outlet: Outlet, visitor: Visitor, around: Surroundings) {
    const now = around.now();
    this.outlet = outlet;
    this.visitor = visitor;
    this.sinceMs = now;
    this.#around = around;
    this.#roomQuestions = new RoomQuestions(
      around.questions,
      () => this.#doer,
      (answer) => outlet.post(ServerMessageType.room, answer),
    );
    this.#wishes = new TokenBucket(MAX_WISHES_AT_ONCE, WISHES_PER_SECOND, now);
    this.#strokesAllowed = new TokenBucket(2 * MAX_STROKES_PER_SECOND, MAX_STROKES_PER_SECOND, now);
    this.#refusals = new TokenBucket(MAX_REFUSALS_AT_ONCE, REFUSALS_PER_SECOND, now);
  }

  get #doer(): Doer {
    const { id, address } = this.visitor;
    return { guest: id, address, name: this.name };
  }

  get isHidden(): boolean {
    return this.#isHidden;
  }

  get isStarted(): boolean {
    return this.#guest !== null;
  }

  /** Empty before the start. */
  get name(): string {
    return this.#guest?.name ?? '';
  }

  /** Called when the client has acknowledged the JOIN. Closes it when the guest may not be here. */
  start(): void {
    const { guests, world, players, attendance } = this.#around;
    const { id: guestId, isNew, address } = this.visitor;
    const entered = guests.enter(guestId, address);
    if (!entered.ok) {
      this.outlet.close(CloseCode.refused, entered.reason);
      return;
    }
    const { guest } = entered;
    this.#guest = guest;
    const { ready } = world;
    const hello: HelloMessage = {
      protocol: PROTOCOL_VERSION,
      you: this.outlet.id,
      ...(isNew && { token: guests.tokenOf(guestId) }),
      name: guest.name,
      isNameChosen: guest.chosenName !== '',
      width: ready.width,
      height: ready.height,
      start: ready.start,
      engine: ready.engine,
      stepsPerSecond: this.#around.stepsPerSecond,
      framesPerSecond: this.#around.framesPerSecond,
      epsilon: this.#around.epsilon,
      species: ready.species,
      budget: this.#budget(guest),
    };
    this.outlet.post(ServerMessageType.hello, hello);
    const { id } = this.outlet;
    players.join(
      { id, name: guest.name, hue: guest.hue, cursor: null },
      // One that gets nothing is told of all players later.
      this.outlet.hearsPlayers
        ? { postEncoded: (bytes) => !this.#isHidden && this.outlet.postEncoded(bytes) }
        : null,
    );
    attendance.join(id, address);
    // However short a visit is: what a guest has planted is visited by it.
    world.present([guestId]);
    void this.#tellLearned();
  }

  async #tellLearned(): Promise<void> {
    const learned = await this.#around.learned();
    if (learned !== null && this.isStarted) this.outlet.post(ServerMessageType.learned, learned);
  }

  end(): void {
    this.#around.left(this);
    const guest = this.#guest;
    if (guest === null) return;
    const { guests, attendance, players } = this.#around;
    this.#guest = null;
    this.#inspected = null;
    this.#roomQuestions.dispose();
    if (!this.#isHidden) attendance.leave(this.outlet.id);
    players.leave(this.outlet.id);
    guests.leave(guest, this.visitor.address);
  }

  /** The client is closed for what it sent. */
  misbehaved(): void {
    this.#around.guests.misbehaved(this.visitor.address);
  }

  #expel(code: number, reason: string): void {
    this.misbehaved();
    this.outlet.close(code, reason);
  }

  handle({ type: kind, message }: ClientMessage): void {
    const guest = this.#guest;
    if (guest === null) return;
    const { players, world } = this.#around;
    switch (kind) {
      case 'viewport':
        this.#view = message;
        this.#toldSeeds.version = -1;
        return;
      case 'stroke':
        if (this.#strokesAllowed.take(1, this.#around.now())) void this.#stroke(guest, message);
        else this.#expel(CloseCode.tooFrequent, `more than ${MAX_STROKES_PER_SECOND} strokes per second`);
        return;
      case 'cursor':
        players.change(this.outlet.id, { cursor: clampTo(message.at, world.ready) });
        return;
      case 'name':
        this.#rename(guest, message.name);
        return;
      case 'inspect':
        this.#inspected = message.at === null ? null : { at: message.at, organism: null };
        void this.inspect();
        return;
      case 'room':
        this.#roomQuestions.ask(message);
        return;
      case 'report':
        void this.#report(guest, message);
        return;
      case 'remove':
        void this.#remove(message.organism);
        return;
      case 'presence':
        this.#hide(message.isHidden);
        return;
      case 'ack':
      case 'keyframes':
      case 'ping':
        // They end where the socket is.
        return;
      default:
        kind satisfies never;
    }
  }

  /** While the page is hidden, the visit does not count as playing. */
  #hide(isHidden: boolean): void {
    if (isHidden === this.#isHidden) return;
    this.#isHidden = isHidden;
    const { attendance, players } = this.#around;
    const { id } = this.outlet;
    if (isHidden) {
      attendance.leave(id);
      players.change(id, { cursor: null });
      return;
    }
    attendance.join(id, this.visitor.address);
    this.#toldSeeds.version = -1;
    void this.inspect();
  }

  /** Asks the world about the inspected organism: twice per second, and when the player inspects another cell. */
  async inspect(): Promise<void> {
    // One question at a time; the loop asks again if the player inspects another cell meanwhile.
    if (this.#inspecting || this.#isHidden) return;
    this.#inspecting = true;
    try {
      for (let asked = this.#inspected; asked !== null; asked = this.#inspected) {
        const { questions } = this.#around;
        const organism =
          asked.organism === null
            ? await questions.ask({ kind: 'inspectAt', x: asked.at[0], y: asked.at[1] }, this.#doer)
            : await questions.ask({ kind: 'inspect', organism: asked.organism }, this.#doer);
        if (this.#inspected === asked) {
          this.#inspected = organism === null ? null : { at: asked.at, organism: organism.id };
          this.outlet.post(ServerMessageType.inspection, this.#inspectionOf(organism));
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // The next question comes within half a second.
    } finally {
      this.#inspecting = false;
    }
  }

  /** One at a time. */
  async #report({ id, name }: Guest, message: ReportMessage): Promise<void> {
    if (this.#isReporting || !this.#mayWish()) return;
    this.#isReporting = true;
    try {
      const by = { guest: id, name, address: this.visitor.address };
      const answer = await this.#around.report(message, by);
      if (this.isStarted) this.tell(answer);
    } finally {
      this.#isReporting = false;
    }
  }

  #mayWish(): boolean {
    if (this.#wishes.take(1, this.#around.now())) return true;
    this.tell('That was too much at once: wait a moment.');
    return false;
  }

  /** Removes a body of this guest; tells them why not. */
  async #remove(organism: number): Promise<void> {
    if (this.#isRemoving || !this.#mayWish()) return;
    this.#isRemoving = true;
    try {
      const guest = this.visitor.id;
      const fault = await this.#around.world.ask({ kind: 'removeOwn', organism, guest });
      if (fault !== null) this.tell(fault);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      this.tell(error.message);
    } finally {
      this.#isRemoving = false;
    }
    void this.inspect();
  }

  /** Tells which seeds wait in the view, if they or the view have changed. */
  tellSeeds(): void {
    const { seeds, now } = this.#around;
    const { version, count } = this.#toldSeeds;
    if (!this.isStarted || this.#isHidden || version === seeds.version) return;
    const told = seeds.in(this.#view, now());
    this.#toldSeeds = { version: seeds.version, count: told.length };
    if (told.length + count > 0)
      this.outlet.post(ServerMessageType.seeds, { seeds: told } satisfies SeedsMessage);
  }

  /** Without the planter's id, which is nobody else's business, and with their name of today if they are known. */
  #inspectionOf(organism: Inspection | null): InspectionMessage {
    if (organism === null) return { organism };
    const { guest, ...rest } = organism;
    const planter = guest === '' ? null : this.#around.guests.find(guest);
    return {
      organism: { ...rest, planter: planter?.name ?? rest.planter, isYours: guest === this.visitor.id },
    };
  }

  #rename(guest: Guest, wish: string): void {
    const { name, reason } = guest.rename(wish);
    const named: NamedMessage = {
      name,
      isChosen: guest.chosenName !== '',
      ...(reason !== null && { reason }),
    };
    this.outlet.post(ServerMessageType.named, named);
    if (reason === null) this.#around.renamed(guest.id);
  }

  /** The guest's name has changed, perhaps in another of their tabs. */
  tellName(): void {
    this.#around.players.change(this.outlet.id, { name: this.name });
  }

  tellWilted(bodies: readonly WiltedBody[]): void {
    if (!this.isStarted || this.#isHidden) return;
    const text = wiltNotice(bodies, this.#view, this.visitor.id);
    if (text !== null) this.tell(text);
  }

  /** Shows the player a line. */
  tell(text: string): void {
    this.outlet.post(ServerMessageType.notice, { text } satisfies NoticeMessage);
  }

  /** Tells the budget if the client cannot know it: energy was spent in another tab, or refills at another pace. */
  tellBudget(): void {
    if (this.#guest === null || this.#isHidden || this.#toldBudget === null) return;
    const { budget: told, atMs } = this.#toldBudget;
    const budget = this.#around.guests.budgetOf(this.#guest, this.visitor.address);
    const seconds = (this.#around.now() - atMs) / 1_000;
    const reckoned = Math.min(told.capacity, told.cells + seconds * told.perSecond);
    const isOff = Math.abs(reckoned - budget.cells) > BUDGET_SLACK * budget.capacity;
    if (!isOff && told.perSecond === budget.perSecond) return;
    // What is on its way was spent in the client's reckoning, and not in this one's.
    if (this.#around.strokesPending.of(this.outlet.id) > 0) return;
    this.outlet.post(ServerMessageType.budget, { budget: this.#budget(this.#guest) });
  }

  /** For a message to the client. */
  #budget(guest: Guest): Budget {
    const budget = this.#around.guests.budgetOf(guest, this.visitor.address);
    this.#toldBudget = { budget, atMs: this.#around.now() };
    return budget;
  }

  async #stroke(guest: Guest, stroke: StrokeMessage): Promise<void> {
    const { guests, world, players, strokesPending } = this.#around;
    const { address } = this.visitor;
    const refuse = (reason: string): void => this.#answer(guest, stroke.id, { ok: false, reason });
    const fault = strokeFault(stroke, world.ready, world.ready.species) ?? guests.muteOf(guest, address);
    if (fault !== null) return refuse(fault);
    const by = this.#doer;
    if (!strokesPending.begin(this.outlet.id, by)) return refuse('Too many strokes at once.');
    const cost = strokeCost(stroke);
    const tired = guests.spend(guest, address, cost);
    if (tired !== null) {
      strokesPending.end(this.outlet.id, by);
      return refuse(tired);
    }
    let outcome: StrokeOutcome;
    try {
      outcome = await world.ask({ kind: 'stroke', by, stroke });
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      outcome = { ok: false, reason: 'The world did not answer.' };
    } finally {
      strokesPending.end(this.outlet.id, by);
    }
    if (!outcome.ok) {
      guests.giveBack(guest, address, cost);
      return refuse(outcome.reason);
    }
    const { step, organisms } = outcome;
    this.strokes++;
    const { tool, radius, points, species } = stroke;
    players.stroke({ player: this.outlet.id, tool, radius, points });
    guests.did(guest, {
      at: Date.now(),
      step,
      ...by,
      tool,
      ...{ x: points[0], y: points[1], radius },
      ...(tool === 'plant' && { species }),
      organisms: organisms.slice(0, MAX_TOLD_ORGANISMS),
    });
    this.#answer(guest, stroke.id, { ok: true, step });
  }

  #answer(guest: Guest, id: number, outcome: Pick<StrokeResultMessage, 'ok' | 'reason' | 'step'>): void {
    this.#around.attendance.stroke(outcome.ok);
    const result: StrokeResultMessage = { id, ...outcome, budget: this.#budget(guest) };
    this.outlet.post(ServerMessageType.strokeResult, result);
    if (!outcome.ok && !this.#refusals.take(1, this.#around.now()))
      this.#expel(
        CloseCode.tooFrequent,
        `more than ${REFUSALS_PER_SECOND} strokes per second that were refused`,
      );
  }
}

function clampTo(
  at: readonly [number, number] | null,
  world: { readonly width: number; readonly height: number },
): readonly [number, number] | null {
  if (at === null) return null;
  return [Math.min(Math.max(at[0], 0), world.width), Math.min(Math.max(at[1], 0), world.height)];
}
