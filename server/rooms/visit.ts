/**
 * One visit of a guest, a tab: its beginning and end, its messages, and what it is told. Knows nothing of Colyseus.
 * Strokes are `visitStrokes.ts`.
 */
import { Allowance } from '../../shared/allowance.ts';
import { MAX_CLIENT_MESSAGES_PER_SECOND } from '../../shared/limits.ts';
import {
  CloseCode,
  type HelloMessage,
  type InspectionMessage,
  type NamedMessage,
  type NoticeMessage,
  PROTOCOL_VERSION,
  type ReportMessage,
  type SeedsMessage,
  ServerMessageType,
  type ViewportMessage,
} from '../../shared/protocol.ts';
import type { Guest } from '../guests/guest.ts';
import type { Viewer } from '../stream/deliver/viewer.ts';
import { type Doer, type Inspection, NoAnswerError } from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import { type ClientMessage, MessageError, readMessage } from './messages.ts';
import { RoomQuestions } from './roomQuestions.ts';
import type { Outlet, Surroundings, Visitor } from './surroundings.ts';
import { VisitStrokes } from './visitStrokes.ts';
import { wiltNotice } from './wiltNotice.ts';

/** Removals and reports of a visit at once, and per second: each is a question to the world. */
const MAX_WISHES_AT_ONCE = 12;
const WISHES_PER_SECOND = 1;

export class Visit {
  readonly outlet: Outlet;
  readonly visitor: Visitor;
  readonly sinceMs: number;
  readonly strokes: VisitStrokes;
  readonly #around: Surroundings;
  /** Holds two seconds' worth, because messages come in bursts after the network has paused. */
  readonly #messages: Allowance;
  /** null: the visit has not started, or has ended. */
  #here: { readonly guest: Guest; readonly viewer: Viewer } | null = null;
  /** The client's viewport, in cells; null: not known yet. */
  #view: ViewportMessage | null = null;
  /** Nobody sees the page. */
  #isHidden = false;
  /** The list of waiting seeds that the client was told of last, and how many of them were in its view. */
  #toldSeeds = { version: -1, count: 0 };
  /** A removal that the world has not answered. */
  #isRemoving = false;
  readonly #wishes: Allowance;
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
    this.strokes = new VisitStrokes(visitor, around, {
      visit: outlet.id,
      post: (type, message) => outlet.post(type, message),
      expel: (reason) => this.expel(CloseCode.tooFrequent, reason),
    });
    this.#roomQuestions = new RoomQuestions(
      around.questions,
      () => this.#doer,
      (answer) => outlet.post(ServerMessageType.room, answer),
    );
    this.#wishes = new Allowance(MAX_WISHES_AT_ONCE, WISHES_PER_SECOND, now);
    this.#messages = new Allowance(2 * MAX_CLIENT_MESSAGES_PER_SECOND, MAX_CLIENT_MESSAGES_PER_SECOND, now);
  }

  get #doer(): Doer {
    const { id, address } = this.visitor;
    return { guest: id, address, name: this.name };
  }

  get isHidden(): boolean {
    return this.#isHidden;
  }

  get isStarted(): boolean {
    return this.#here !== null;
  }

  /** Empty before the start. */
  get name(): string {
    return this.#here?.guest.name ?? '';
  }

  /** How long the client is owed pages and has acknowledged nothing. */
  get stalledForMs(): number {
    return this.#here?.viewer.flow.stalledForMs(this.#around.now()) ?? 0;
  }

  /** Called when the client has acknowledged the JOIN. Closes it when the guest may not be here. */
  start(): void {
    const { guests, world, stream, players, attendance } = this.#around;
    const { id: guestId, isNew, address } = this.visitor;
    const entered = guests.enter(guestId, address, isNew);
    if (!entered.ok) {
      this.outlet.close(CloseCode.refused, entered.reason);
      return;
    }
    const { guest } = entered;
    this.#here = { guest, viewer: stream.join(this.outlet) };
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
      budget: this.strokes.budget(guest),
    };
    this.outlet.post(ServerMessageType.hello, hello);
    const { id } = this.outlet;
    players.join(
      { id, name: guest.name, hue: guest.hue, cursor: null },
      // One that gets nothing is told of all players later.
      { postEncoded: (bytes) => !this.#isHidden && this.outlet.postEncoded(bytes) },
    );
    attendance.join(id, address);
    // However short a visit is: what a guest has planted is visited by it.
    world.present([guestId]);
    void this.#tellLearned();
    this.#note('joined');
  }

  #note(what: string): void {
    const { id: guest, address } = this.visitor;
    this.#around.log.debug(what, { guest, name: this.name, address, visit: this.outlet.id });
  }

  async #tellLearned(): Promise<void> {
    const learned = await this.#around.learned();
    if (learned !== null && this.isStarted) this.outlet.post(ServerMessageType.learned, learned);
  }

  end(): void {
    const here = this.#here;
    if (here === null) return;
    const { guests, attendance, stream, players } = this.#around;
    this.#note('left');
    this.#here = null;
    this.#inspected = null;
    this.#roomQuestions.dispose();
    if (!this.#isHidden) attendance.leave(this.outlet.id);
    stream.leave(here.viewer);
    players.leave(this.outlet.id);
    guests.leave(here.guest, this.visitor.address);
  }

  /** Counts one message of any kind. @returns false when there were too many, and the client is closed */
  admit(): boolean {
    if (this.#messages.take(1, this.#around.now())) return true;
    this.expel(CloseCode.tooFrequent, `more than ${MAX_CLIENT_MESSAGES_PER_SECOND} messages per second`);
    return false;
  }

  /** Closes the client for what it sent. */
  expel(code: number, reason: string): void {
    const { id: guest, address } = this.visitor;
    this.#around.guests.misbehaved(address);
    this.#around.log.info(`a client from ${address} was closed: ${reason}`, { guest, address, code });
    this.outlet.close(code, reason);
  }

  /** Handles a message. A mistake in it closes this client with a code and a reason, and affects no other. */
  receive(type: number, payload: Uint8Array): void {
    let message: ClientMessage;
    try {
      message = readMessage(type, payload, this.#around.world.ready);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.expel(CloseCode.badMessage, error.message);
      return;
    }
    this.#handle(message);
  }

  #handle({ type: kind, message }: ClientMessage): void {
    if (this.#here === null) return;
    const { guest, viewer } = this.#here;
    const { stream, players, world } = this.#around;
    switch (kind) {
      case 'viewport':
        this.#view = message;
        this.#toldSeeds.version = -1;
        if (!this.#isHidden) stream.look(viewer, message);
        return;
      case 'ack':
        if (!stream.acknowledge(viewer, message.frame))
          this.expel(CloseCode.badMessage, `frame ${message.frame} was not sent`);
        return;
      case 'keyframes':
        stream.lost(viewer, message);
        return;
      case 'stroke':
        this.strokes.take(guest, message);
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
        this.#hide(viewer, message.isHidden);
        return;
      case 'ping':
        this.outlet.post(ServerMessageType.pong, message);
        return;
      default:
        kind satisfies never;
    }
  }

  /** While the page is hidden nothing is sent that only a viewer needs, and the visit does not count as playing. */
  #hide(viewer: Viewer, isHidden: boolean): void {
    if (isHidden === this.#isHidden) return;
    this.#isHidden = isHidden;
    const { attendance, players, stream } = this.#around;
    const { id } = this.outlet;
    if (isHidden) {
      attendance.leave(id);
      players.change(id, { cursor: null });
      stream.rest(viewer);
      return;
    }
    attendance.join(id, this.visitor.address);
    this.#toldSeeds.version = -1;
    if (this.#view !== null) stream.look(viewer, this.#view);
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

  /** Tells the budget if the client cannot know it. */
  tellBudget(): void {
    if (this.#here !== null && !this.#isHidden) this.strokes.tellBudget(this.#here.guest);
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
}

function clampTo(
  at: readonly [number, number] | null,
  world: { readonly width: number; readonly height: number },
): readonly [number, number] | null {
  if (at === null) return null;
  return [Math.min(Math.max(at[0], 0), world.width), Math.min(Math.max(at[1], 0), world.height)];
}
