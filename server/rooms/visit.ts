/**
 * One visit of a guest, a tab: its beginning and end, its messages, and what it is told. Knows nothing of Colyseus, nor of
 * the stream: the half that stays with the socket is `sight.ts`. Strokes are `visitStrokes.ts`.
 */
import { Allowance } from '../../shared/allowance.ts';
import {
  CloseCode,
  type DrawingsMessage,
  type HelloMessage,
  type InspectionMessage,
  type NamedMessage,
  type NoticeMessage,
  PROTOCOL_VERSION,
  type ReportMessage,
  type SeedsMessage,
  ServerMessageType,
  type SubmittedMessage,
  type ViewportMessage,
} from '../../shared/protocol.ts';
import type { Guest } from '../guests/guest.ts';
import { linkedSpecies } from '../http/speciesPictures.ts';
import { type Doer, type Inspection, NoAnswerError } from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import type { ClientMessage } from './messages.ts';
import { RoomQuestions } from './roomQuestions.ts';
import type { Outlet, Surroundings, Visitor } from './surroundings.ts';
import { VisitStrokes } from './visitStrokes.ts';
import { wiltNotice } from './wiltNotice.ts';

/** Removals and reports of a visit at once, and per second: each is a question to the world. */
const MAX_WISHES_AT_ONCE = 12;
const WISHES_PER_SECOND = 1;
const TOO_MUCH = 'That was too much at once: wait a moment.';

export class Visit {
  readonly outlet: Outlet;
  readonly visitor: Visitor;
  readonly sinceMs: number;
  readonly strokes: VisitStrokes;
  readonly #around: Surroundings;
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
  readonly #wishes: Allowance;
  /** The cell that the player inspects, and the organism there once it is known; null: none. */
  #inspected: { at: readonly [number, number]; organism: number | null } | null = null;
  #inspecting = false;
  #isReporting = false;
  #isSubmitting = false;
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
      expel: (reason) => this.#expel(CloseCode.tooFrequent, reason),
    });
    this.#roomQuestions = new RoomQuestions(
      around.questions,
      () => this.#doer,
      (answer) => outlet.post(ServerMessageType.room, answer),
    );
    this.#wishes = new Allowance(MAX_WISHES_AT_ONCE, WISHES_PER_SECOND, now);
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
    const { guests, world, players, attendance, nursery } = this.#around;
    const { id: guestId, isNew, address } = this.visitor;
    const entered = guests.enter(guestId, address, isNew);
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
      species: linkedSpecies(ready.species),
      budget: this.strokes.budget(guest),
      ...(nursery !== null && { nursery: nursery.mode }),
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
    if ((nursery?.own(guestId).length ?? 0) > 0) this.tellDrawings();
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
    this.#around.left(this.outlet);
    const guest = this.#guest;
    if (guest === null) return;
    const { guests, attendance, players } = this.#around;
    this.#note('left');
    this.#guest = null;
    this.#inspected = null;
    this.#roomQuestions.dispose();
    if (!this.#isHidden) attendance.leave(this.outlet.id);
    players.leave(this.outlet.id);
    guests.leave(guest, this.visitor.address);
  }

  /** The client is closed for what it sent. */
  misbehaved(code: number, reason: string): void {
    const { id: guest, address } = this.visitor;
    this.#around.guests.misbehaved(address);
    this.#around.log.info(`a client from ${address} was closed: ${reason}`, { guest, address, code });
  }

  #expel(code: number, reason: string): void {
    this.misbehaved(code, reason);
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
      case 'submit':
        void this.#submit(guest, message);
        return;
      case 'withdraw':
        if (this.#mayWish()) void this.#around.nursery?.withdraw(message.drawing, this.visitor.id);
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

  /** One at a time. */
  async #submit(guest: Guest, message: object): Promise<void> {
    if (this.#isSubmitting) return;
    this.#isSubmitting = true;
    try {
      const answer = await this.#submitted(guest, message);
      if (this.isStarted) this.outlet.post(ServerMessageType.submitted, answer);
    } finally {
      this.#isSubmitting = false;
    }
  }

  async #submitted(guest: Guest, message: object): Promise<SubmittedMessage> {
    const { guests, nursery, now } = this.#around;
    const { address } = this.visitor;
    if (!this.#wishes.take(1, now())) return { reason: TOO_MUCH };
    const mute = guests.muteOf(guest, address);
    if (mute !== null) return { reason: mute };
    if (nursery === null) return { reason: 'This world grows no drawings.' };
    return nursery.submit(message, { guest: guest.id, name: guest.name, address });
  }

  /** Tells the guest what has become of their drawings. */
  tellDrawings(): void {
    const drawings = this.#around.nursery?.own(this.visitor.id);
    if (drawings !== undefined && this.isStarted)
      this.outlet.post(ServerMessageType.drawings, { drawings } satisfies DrawingsMessage);
  }

  #mayWish(): boolean {
    if (this.#wishes.take(1, this.#around.now())) return true;
    this.tell(TOO_MUCH);
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
    if (this.#guest !== null && !this.#isHidden) this.strokes.tellBudget(this.#guest);
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
