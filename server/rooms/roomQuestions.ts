/**
 * One player's questions whether there is room for a seed. A moving pointer asks more often than anybody can read, so
 * one question is asked at a time, at most 8 per second, and only the newest of those that wait.
 */
import type { RoomMessage, RoomResultMessage } from '../../shared/protocol.ts';
import { type Doer, NoAnswerError } from '../world/messages.ts';
import type { FairQuestions } from './fairQuestions.ts';

const MIN_INTERVAL_MS = 125;

export class RoomQuestions {
  readonly #questions: Pick<FairQuestions, 'ask'>;
  readonly #by: () => Doer;
  readonly #post: (answer: RoomResultMessage) => void;
  /** The newest question that has not been asked yet. */
  #waiting: RoomMessage | null = null;
  #isAsking = false;
  #pause: NodeJS.Timeout | null = null;
  #isDisposed = false;

  /**
   * @param by - the player
   * @param post - sends an answer to the player
   */
  constructor(
    questions: Pick<FairQuestions, 'ask'>,
    by: () => Doer,
    post: (answer: RoomResultMessage) => void,
  ) {
    this.#questions = questions;
    this.#by = by;
    this.#post = post;
  }

  ask(question: RoomMessage): void {
    if (this.#isDisposed) return;
    this.#waiting = question;
    if (!this.#isAsking && this.#pause === null) void this.#askNext();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#waiting = null;
    if (this.#pause !== null) clearTimeout(this.#pause);
  }

  async #askNext(): Promise<void> {
    const question = this.#waiting;
    if (question === null) return;
    this.#waiting = null;
    this.#isAsking = true;
    this.#pause = setTimeout(() => this.#resume(), MIN_INTERVAL_MS);
    const { species, at } = question;
    try {
      const by = this.#by();
      const reason = await this.#questions.ask({ kind: 'room', species, x: at[0], y: at[1], by }, by);
      if (!this.#isDisposed) this.#post({ species, at, reason });
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // The pointer's next move asks again.
    } finally {
      this.#isAsking = false;
      if (this.#pause === null) void this.#askNext();
    }
  }

  #resume(): void {
    this.#pause = null;
    if (!this.#isAsking) void this.#askNext();
  }
}
