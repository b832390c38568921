/**
 * The half of a visit that stays where its socket is: it counts and decodes the client's messages, and sees to its share
 * of the stream. The other half, what a guest may do, may be in another process. Knows nothing of Colyseus.
 */
import { Allowance } from '../../shared/allowance.ts';
import { ACK_EVERY_MS, MAX_CLIENT_MESSAGES_PER_SECOND } from '../../shared/limits.ts';
import {
  CloseCode,
  type PaceMessage,
  type PingMessage,
  ServerMessageType,
  type ViewportMessage,
} from '../../shared/protocol.ts';
import type { FrameSocket } from '../stream/deliver/flow.ts';
import { SPECTATOR_FRAMES, type Stream } from '../stream/deliver/stream.ts';
import type { Viewer } from '../stream/deliver/viewer.ts';
import { type ClientMessage, MessageError, readMessage } from './messages.ts';

/** What a guest may do in a visit: a `Visit`, or the way to one in another process. */
export interface Person {
  /** The client has acknowledged the JOIN. It is closed when the guest may not be here. */
  start(): void;
  /** @param payload - the message as it came; valid during the call */
  handle(message: ClientMessage, type: number, payload: Uint8Array): void;
  /** The client is closed for what it sent. */
  misbehaved(code: number, reason: string): void;
  end(): void;
}

/** The part of a connection that the stream and its answers go through. */
export interface SightOutlet extends FrameSocket {
  /** Messages to everybody may wait for the next frame. */
  isPatient: boolean;
  post(type: typeof ServerMessageType.pong, message: PingMessage): boolean;
  post(type: typeof ServerMessageType.pace, message: PaceMessage): boolean;
  close(code: number, reason: string): void;
}

/** Who has sent nothing for this long but what the page sends by itself only watches. */
export const SPECTATOR_MS = 60_000;

export interface SightOptions {
  readonly stream: Stream;
  /** Size of the world, cells. */
  readonly world: { readonly ready: { readonly width: number; readonly height: number } };
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

export class Sight {
  readonly sinceMs: number;
  readonly #outlet: SightOutlet;
  readonly #person: Person;
  readonly #options: SightOptions;
  /** Holds two seconds' worth, because messages come in bursts after the network has paused. */
  readonly #messages: Allowance;
  /** null: the visit has not started, or has ended. */
  #viewer: Viewer | null = null;
  /** null: not known yet. */
  #view: ViewportMessage | null = null;
  #isHidden = false;
  /** What the client was told of its pace. */
  #told: PaceMessage = { ackMs: ACK_EVERY_MS, frames: 1 };
  #isSpectator = false;
  /** When the guest did something last. */
  #activeMs: number;

  constructor(outlet: SightOutlet, person: Person, options: SightOptions) {
    this.#outlet = outlet;
    this.#person = person;
    this.#options = options;
    this.sinceMs = this.#activeMs = options.now();
    this.#messages = new Allowance(
      2 * MAX_CLIENT_MESSAGES_PER_SECOND,
      MAX_CLIENT_MESSAGES_PER_SECOND,
      this.sinceMs,
    );
  }

  /** Nobody sees the page. */
  get isHidden(): boolean {
    return this.#isHidden;
  }

  /** How long the client is owed pages and has acknowledged nothing. */
  get stalledForMs(): number {
    return this.#viewer?.flow.stalledForMs(this.#options.now()) ?? 0;
  }

  /** The client has acknowledged the JOIN. */
  start(): void {
    this.#viewer = this.#options.stream.join(this.#outlet);
    this.#person.start();
  }

  end(): void {
    if (this.#viewer !== null) this.#options.stream.leave(this.#viewer);
    this.#viewer = null;
    this.#person.end();
  }

  /** Counts one message of any kind. @returns false when there were too many, and the client is closed */
  admit(): boolean {
    if (this.#messages.take(1, this.#options.now())) return true;
    this.expel(CloseCode.tooFrequent, `more than ${MAX_CLIENT_MESSAGES_PER_SECOND} messages per second`);
    return false;
  }

  /** Closes the client for what it sent. */
  expel(code: number, reason: string): void {
    this.#person.misbehaved(code, reason);
    this.#outlet.close(code, reason);
  }

  /** Handles a message. A mistake in it closes this client with a code and a reason, and affects no other. */
  receive(type: number, payload: Uint8Array): void {
    let message: ClientMessage;
    try {
      message = readMessage(type, payload, this.#options.world.ready);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.expel(CloseCode.badMessage, error.message);
      return;
    }
    if (this.#viewer === null || this.#see(this.#viewer, message)) return;
    // The guest pans, points, hurts or asks.
    this.#activeMs = this.#options.now();
    if (this.#isSpectator) this.attend(false);
    this.#person.handle(message, type, payload);
  }

  /**
   * A guest who has done nothing for a minute is a spectator while the server is busy; called about once per second.
   *
   * @param isBusy - this thread has more to do than it should
   */
  attend(isBusy: boolean): void {
    const isIdle = this.#options.now() - this.#activeMs > SPECTATOR_MS;
    const viewer = this.#viewer;
    if (viewer === null || this.#isSpectator === (isBusy && isIdle)) return;
    this.#isSpectator = !this.#isSpectator;
    this.#outlet.isPatient = this.#isSpectator;
    this.#options.stream.spectate(viewer, this.#isSpectator);
    this.#pace(viewer);
  }

  /** @returns whether the message ends here */
  #see(viewer: Viewer, { type: kind, message }: ClientMessage): boolean {
    const { stream } = this.#options;
    switch (kind) {
      case 'viewport':
        this.#view = message;
        if (!this.#isHidden) stream.look(viewer, message);
        return false;
      case 'presence':
        this.#hide(viewer, message.isHidden);
        return false;
      case 'ack':
        if (!stream.acknowledge(viewer, message.frame))
          this.expel(CloseCode.badMessage, `frame ${message.frame} was not sent`);
        else this.#pace(viewer);
        return true;
      case 'keyframes':
        stream.lost(viewer, message);
        return true;
      case 'ping':
        this.#outlet.post(ServerMessageType.pong, message);
        return true;
      default:
        return false;
    }
  }

  /** Tells the client its pace, when that has changed. */
  #pace({ flow: { ackMs } }: Viewer): void {
    const frames = this.#isSpectator ? SPECTATOR_FRAMES : 1;
    if (ackMs === this.#told.ackMs && frames === this.#told.frames) return;
    const pace = { ackMs, frames };
    if (this.#outlet.post(ServerMessageType.pace, pace)) this.#told = pace;
  }

  /** While the page is hidden, nothing is sent that only a viewer needs. */
  #hide(viewer: Viewer, isHidden: boolean): void {
    if (isHidden === this.#isHidden) return;
    this.#isHidden = isHidden;
    const { stream } = this.#options;
    if (isHidden) stream.rest(viewer);
    else if (this.#view !== null) stream.look(viewer, this.#view);
  }
}
