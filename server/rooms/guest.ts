/** One guest: what they may do, and what the world answers. Knows nothing of Colyseus. */
import type { Rect } from '../../shared/geometry.ts';
import { MAX_CLIENT_MESSAGES_PER_SECOND } from '../../shared/limits.ts';
import {
  CloseCode,
  type HelloMessage,
  type InspectionMessage,
  type LearnedMessage,
  type NoticeMessage,
  PROTOCOL_VERSION,
  type SeedsMessage,
  ServerMessageType,
  type StrokeMessage,
  type StrokeResultMessage,
} from '../../shared/protocol.ts';
import { strokeCost, strokeFault } from '../../shared/stroke.ts';
import type { FrameSocket } from '../stream/deliver/flow.ts';
import type { Stream } from '../stream/deliver/stream.ts';
import { TokenBucket } from '../stream/deliver/tokenBucket.ts';
import type { Viewer } from '../stream/deliver/viewer.ts';
import {
  type Doer,
  type Inspection,
  NoAnswerError,
  type StrokeOutcome,
  type WorldLink,
} from '../world/messages.ts';
import type { WiltedBody } from '../world/wilting.ts';
import { budgetOf, strokeBudget } from './budget.ts';
import { type ClientMessage, MessageError, readMessage } from './messages.ts';
import { defaultHue, defaultName, sanitiseName } from './names.ts';
import type { Players } from './players.ts';
import { RoomQuestions } from './roomQuestions.ts';
import type { Seeds } from './seeds.ts';
import { wiltNotice } from './wiltNotice.ts';

/** One guest's strokes that the world has not answered yet; a client sends at most ten per second. */
const MAX_STROKES_PENDING = 8;

/** The part of a connection that a guest uses. */
export interface Outlet extends FrameSocket {
  readonly id: string;
  readonly closing: boolean;
  post(type: number, message: object): boolean;
  postEncoded(bytes: Uint8Array): boolean;
  close(code: number, reason: string): void;
}

/** Keeps count of guests and their strokes. */
export interface Attendance {
  join(id: string): void;
  leave(id: string): void;
  /** The address of a guest who is here. */
  addressOf(id: string): string;
  /** Counts a stroke that was applied or refused. */
  stroke(isApplied: boolean): void;
}

/** What all guests of a world share. */
export interface Surroundings {
  readonly attendance: Attendance;
  /** What the world has learned, for a new guest; null: nothing. Sent when it is ready; nothing waits for it. */
  readonly learned: () => Promise<LearnedMessage | null>;
  readonly world: WorldLink;
  readonly stream: Stream;
  readonly players: Players;
  readonly seeds: Seeds;
  readonly stepsPerSecond: number;
  readonly framesPerSecond: number;
  readonly epsilon: number;
  /** A monotonic clock, in ms. */
  readonly now: () => number;
}

export class Guest {
  readonly outlet: Outlet;
  readonly sinceMs: number;
  /** An admin has taken this guest's tools away. */
  isMuted = false;
  /** How many strokes the world has applied. */
  strokes = 0;
  readonly #around: Surroundings;
  /** Holds two seconds' worth, because messages come in bursts after the network has paused. */
  readonly #messages: TokenBucket;
  readonly #budget: TokenBucket;
  #name: string;
  #viewer: Viewer | null = null;
  /** The client's viewport, in cells; null: not known yet. */
  #view: Rect | null = null;
  /** The list of waiting seeds that the client was told of last, and how many of them were in its view. */
  #toldSeeds = { version: -1, count: 0 };
  /** A removal that the world has not answered. */
  #isRemoving = false;
  #strokesPending = 0;
  /** The cell that the player inspects, and the organism there once it is known; null: none. */
  #inspected: { at: readonly [number, number]; organism: number | null } | null = null;
  #inspecting = false;
  readonly #roomQuestions: RoomQuestions;

  constructor(outlet: Outlet, around: Surroundings) {
    const now = around.now();
    this.outlet = outlet;
    this.sinceMs = now;
    this.#around = around;
    this.#name = defaultName(outlet.id);
    this.#roomQuestions = new RoomQuestions(
      around.world,
      () => this.#doer,
      (answer) => outlet.post(ServerMessageType.room, answer),
    );
    this.#budget = strokeBudget(now);
    this.#messages = new TokenBucket(2 * MAX_CLIENT_MESSAGES_PER_SECOND, MAX_CLIENT_MESSAGES_PER_SECOND, now);
  }

  get #doer(): Doer {
    const { id } = this.outlet;
    return { guest: id, address: this.#around.attendance.addressOf(id), name: this.#name };
  }

  get isStarted(): boolean {
    return this.#viewer !== null;
  }

  get name(): string {
    return this.#name;
  }

  /** How long the client is owed pages and has acknowledged nothing. */
  get stalledForMs(): number {
    return this.#viewer?.flow.stalledForMs(this.#around.now()) ?? 0;
  }

  /** Called when the client has acknowledged the JOIN. */
  start(): void {
    const { world, stream, players } = this.#around;
    const { ready } = world;
    this.#viewer = stream.join(this.outlet);
    const hello: HelloMessage = {
      protocol: PROTOCOL_VERSION,
      you: this.outlet.id,
      name: this.#name,
      width: ready.width,
      height: ready.height,
      start: ready.start,
      engine: ready.engine,
      stepsPerSecond: this.#around.stepsPerSecond,
      framesPerSecond: this.#around.framesPerSecond,
      epsilon: this.#around.epsilon,
      species: ready.species,
      budget: budgetOf(this.#budget, this.#around.now()),
    };
    this.outlet.post(ServerMessageType.hello, hello);
    const id = this.outlet.id;
    players.join({ id, name: this.#name, hue: defaultHue(id), cursor: null }, this.outlet);
    this.#around.attendance.join(id);
    void this.#tellLearned();
  }

  async #tellLearned(): Promise<void> {
    const learned = await this.#around.learned();
    if (learned !== null && this.isStarted) this.outlet.post(ServerMessageType.learned, learned);
  }

  end(): void {
    if (this.#viewer === null) return;
    this.#around.attendance.leave(this.outlet.id);
    this.#around.stream.leave(this.#viewer);
    this.#around.players.leave(this.outlet.id);
    this.#viewer = null;
    this.#inspected = null;
    this.#roomQuestions.dispose();
  }

  /** Counts one message of any kind. @returns false when there were too many, and the client is closed */
  admit(): boolean {
    if (this.#messages.take(1, this.#around.now())) return true;
    this.outlet.close(
      CloseCode.tooFrequent,
      `more than ${MAX_CLIENT_MESSAGES_PER_SECOND} messages per second`,
    );
    return false;
  }

  /** Handles a message. A mistake in it closes this client with a code and a reason, and affects no other. */
  receive(type: number, payload: Uint8Array): void {
    let message: ClientMessage;
    try {
      message = readMessage(type, payload, this.#around.world.ready);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.outlet.close(CloseCode.badMessage, error.message);
      return;
    }
    this.#handle(message);
  }

  #handle({ type: kind, message }: ClientMessage): void {
    const viewer = this.#viewer;
    if (viewer === null) return;
    const { stream, players, world } = this.#around;
    switch (kind) {
      case 'viewport':
        this.#view = message;
        this.#toldSeeds.version = -1;
        stream.look(viewer, message);
        return;
      case 'ack':
        if (!stream.acknowledge(viewer, message.frame))
          this.outlet.close(CloseCode.badMessage, `frame ${message.frame} was not sent`);
        return;
      case 'keyframes':
        stream.lost(viewer, message);
        return;
      case 'stroke':
        void this.#stroke(message);
        return;
      case 'cursor':
        players.change(this.outlet.id, { cursor: clampTo(message.at, world.ready) });
        return;
      case 'name':
        this.#name = sanitiseName(message.name) || defaultName(this.outlet.id);
        players.change(this.outlet.id, { name: this.#name });
        return;
      case 'inspect':
        this.#inspected = message.at === null ? null : { at: message.at, organism: null };
        void this.inspect();
        return;
      case 'room':
        this.#roomQuestions.ask(message);
        return;
      case 'remove':
        void this.#remove(message.organism);
        return;
      case 'ping':
        this.outlet.post(ServerMessageType.pong, message);
        return;
      default:
        kind satisfies never;
    }
  }

  /** Asks the world about the inspected organism: twice per second, and when the player inspects another cell. */
  async inspect(): Promise<void> {
    // One question at a time; the loop asks again if the player inspects another cell meanwhile.
    if (this.#inspecting) return;
    this.#inspecting = true;
    try {
      for (let asked = this.#inspected; asked !== null; asked = this.#inspected) {
        const { world } = this.#around;
        const organism =
          asked.organism === null
            ? await world.ask({ kind: 'inspectAt', x: asked.at[0], y: asked.at[1] })
            : await world.ask({ kind: 'inspect', organism: asked.organism });
        if (this.#inspected === asked) {
          this.#inspected = organism === null ? null : { at: asked.at, organism: organism.id };
          this.outlet.post(ServerMessageType.inspection, inspectionFor(this.outlet.id, organism));
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

  /** Removes a body of this guest; tells them why not. */
  async #remove(organism: number): Promise<void> {
    if (this.#isRemoving) return;
    this.#isRemoving = true;
    try {
      const guest = this.outlet.id;
      const fault = await this.#around.world.ask({ kind: 'removeOwn', organism, guest });
      if (fault !== null) this.outlet.post(ServerMessageType.notice, { text: fault } satisfies NoticeMessage);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      this.outlet.post(ServerMessageType.notice, { text: error.message } satisfies NoticeMessage);
    } finally {
      this.#isRemoving = false;
    }
    void this.inspect();
  }

  /** Tells which seeds wait in the view, if they or the view have changed. */
  tellSeeds(): void {
    const { seeds, now } = this.#around;
    const { version, count } = this.#toldSeeds;
    if (!this.isStarted || version === seeds.version) return;
    const told = seeds.in(this.#view, now());
    this.#toldSeeds = { version: seeds.version, count: told.length };
    if (told.length + count > 0)
      this.outlet.post(ServerMessageType.seeds, { seeds: told } satisfies SeedsMessage);
  }

  tellWilted(bodies: readonly WiltedBody[]): void {
    if (!this.isStarted) return;
    const text = wiltNotice(bodies, this.#view, this.#name);
    if (text !== null) this.outlet.post(ServerMessageType.notice, { text } satisfies NoticeMessage);
  }

  async #stroke(stroke: StrokeMessage): Promise<void> {
    const { world, players, now } = this.#around;
    const fault = strokeFault(stroke, world.ready, world.ready.species);
    if (fault !== null) return this.#answer(stroke.id, { ok: false, reason: fault });
    if (this.isMuted)
      return this.#answer(stroke.id, {
        ok: false,
        reason: 'An admin has taken your tools away for a while.',
      });
    if (this.#strokesPending >= MAX_STROKES_PENDING)
      return this.#answer(stroke.id, { ok: false, reason: 'Too many strokes at once.' });
    const cost = strokeCost(stroke);
    if (!this.#budget.take(cost, now()))
      return this.#answer(stroke.id, { ok: false, reason: 'Not enough energy yet: wait a moment.' });

    this.#strokesPending++;
    let outcome: StrokeOutcome;
    try {
      outcome = await world.ask({ kind: 'stroke', by: this.#doer, stroke });
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      outcome = { ok: false, reason: 'The world did not answer.' };
    } finally {
      this.#strokesPending--;
    }
    if (outcome.ok) {
      this.strokes++;
      const { tool, radius, points } = stroke;
      players.stroke({ player: this.outlet.id, tool, radius, points });
    } else {
      this.#budget.giveBack(cost);
    }
    this.#answer(stroke.id, outcome);
  }

  #answer(id: number, outcome: StrokeOutcome): void {
    this.#around.attendance.stroke(outcome.ok);
    const result: StrokeResultMessage = {
      id,
      ...outcome,
      budget: budgetOf(this.#budget, this.#around.now()),
    };
    this.outlet.post(ServerMessageType.strokeResult, result);
  }
}

/** Without the planter's id, which is nobody else's business. */
function inspectionFor(guest: string, organism: Inspection | null): InspectionMessage {
  if (organism === null) return { organism };
  const { guest: planter, ...rest } = organism;
  return { organism: { ...rest, isYours: planter === guest } };
}

function clampTo(
  at: readonly [number, number] | null,
  world: { readonly width: number; readonly height: number },
): readonly [number, number] | null {
  if (at === null) return null;
  return [Math.min(Math.max(at[0], 0), world.width), Math.min(Math.max(at[1], 0), world.height)];
}
