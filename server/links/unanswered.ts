/**
 * What one client of a relay has asked of its world and was not answered. While the world is away, the relay answers in
 * its place: with a refusal, and with the energy that the world told of last.
 */
import {
  type Budget,
  type NoticeMessage,
  ServerMessageType,
  type SubmittedMessage,
} from '../../shared/protocol.ts';
import type { ServerMessageNumber } from '../rooms/connection.ts';
import type { ClientMessage } from '../rooms/messages.ts';
import { decodeMsgpack } from '../rooms/msgpack.ts';
import { NO_ANSWER } from '../rooms/visitStrokes.ts';

export const AWAY = 'The world cannot be reached at the moment.';
/** A message's header: Colyseus' kind, and the type. */
const HEAD_BYTES = 2;
/** Messages that say what energy there is. */
const WITH_BUDGET: ReadonlySet<number> = new Set<ServerMessageNumber>([
  ServerMessageType.hello,
  ServerMessageType.strokeResult,
  ServerMessageType.budget,
]);

export interface UnansweredOptions {
  post(type: ServerMessageNumber, message: object): boolean;
  /** A monotonic clock, ms. */
  readonly now: () => number;
}

export class Unanswered {
  readonly #options: UnansweredOptions;
  /** Id of a stroke → when it was sent. */
  readonly #strokes = new Map<number, number>();
  /** When a drawing was sent; null: none waits for its answer. */
  #submittedMs: number | null = null;
  /** The energy that the world told of last, and when; null: not yet. */
  #told: { readonly budget: Budget; readonly atMs: number } | null = null;

  constructor(options: UnansweredOptions) {
    this.#options = options;
  }

  /** The client's message is on its way to the world. */
  sent({ type, message }: ClientMessage): void {
    if (type === 'stroke') this.#strokes.set(message.id, this.#options.now());
    else if (type === 'submit') this.#submittedMs = this.#options.now();
  }

  /** The world has a message for the client. @param bytes - as the client gets them */
  heard(bytes: Uint8Array): void {
    const type = bytes[HEAD_BYTES - 1];
    if (type === ServerMessageType.submitted) this.#submittedMs = null;
    if (!WITH_BUDGET.has(type)) return;
    const { budget, id } = decodeMsgpack(bytes.subarray(HEAD_BYTES)) as { budget: Budget; id?: number };
    this.#told = { budget, atMs: this.#options.now() };
    if (type === ServerMessageType.strokeResult) this.#strokes.delete(id!);
  }

  /**
   * The world is away, and does not hear what the client has said: whoever waits for an answer is told.
   *
   * @returns whether that was a stroke
   */
  refuse({ type, message }: ClientMessage): boolean {
    const { post } = this.#options;
    switch (type) {
      case 'stroke':
        this.#refuseStroke(message.id, AWAY);
        return true;
      case 'submit':
        post(ServerMessageType.submitted, { reason: AWAY } satisfies SubmittedMessage);
        return false;
      case 'name':
      case 'report':
      case 'remove':
      case 'withdraw':
        post(ServerMessageType.notice, { text: AWAY } satisfies NoticeMessage);
        return false;
      default:
        return false;
    }
  }

  /** Says that there is no answer to what was sent before a time. @returns how many strokes that were */
  giveUp(beforeMs: number): number {
    const late = [...this.#strokes].filter(([, atMs]) => atMs < beforeMs);
    for (const [id] of late) this.#refuseStroke(id, NO_ANSWER);
    if (this.#submittedMs !== null && this.#submittedMs < beforeMs) {
      this.#submittedMs = null;
      this.#options.post(ServerMessageType.submitted, { reason: NO_ANSWER } satisfies SubmittedMessage);
    }
    return late.length;
  }

  /** Something is not answered yet. */
  get isWaiting(): boolean {
    return this.#strokes.size > 0 || this.#submittedMs !== null;
  }

  #refuseStroke(id: number, reason: string): void {
    this.#strokes.delete(id);
    const budget = this.#budget();
    // It was sent no hello: it knows of no energy, and draws nothing.
    if (budget !== null)
      this.#options.post(ServerMessageType.strokeResult, { id, ok: false, reason, budget });
  }

  /** What the world told of last, and what has been refilled since. */
  #budget(): Budget | null {
    if (this.#told === null) return null;
    const { budget, atMs } = this.#told;
    const seconds = (this.#options.now() - atMs) / 1_000;
    const cells = Math.min(budget.capacity, budget.cells + seconds * budget.perSecond);
    return { ...budget, cells };
  }
}
