/**
 * Players' questions to the world: only so many are asked at once, and the next is of the address, and there of the
 * guest, whose turn it is. A flood of questions makes its sender wait.
 */
import { FairQueue, type Waiter } from '../fairQueue.ts';
import { NoAnswerError, type WorldAnswers, type WorldLink, type WorldQuery } from '../world/messages.ts';

/** About a frame's worth: each takes some tens of microseconds of the simulation thread. */
export const MAX_ASKED = 16;
const WAITING = { maxPerGuest: 16, maxPerAddress: 64, max: 1_024 };

interface Waiting {
  start(): void;
  refuse(): void;
}

export class FairQuestions {
  readonly #world: Pick<WorldLink, 'ask'>;
  readonly #waiting = new FairQueue<Waiting>(WAITING);
  #asked = 0;

  constructor(world: Pick<WorldLink, 'ask'>) {
    this.#world = world;
  }

  /** @throws NoAnswerError also when too many of the guest's, or of their address's, wait */
  ask<Q extends WorldQuery>(query: Q, by: Waiter): Promise<WorldAnswers[Q['kind']]> {
    return new Promise((resolve, reject) => {
      const out = this.#waiting.push(by, {
        start: () => {
          this.#asked++;
          this.#world
            .ask(query)
            .then(resolve, reject)
            .finally(() => {
              this.#asked--;
              this.#next();
            });
        },
        refuse: () => reject(new NoAnswerError('too many questions at once')),
      });
      out?.refuse();
      this.#next();
    });
  }

  #next(): void {
    while (this.#asked < MAX_ASKED) {
      const waiting = this.#waiting.take();
      if (waiting === undefined) return;
      waiting.start();
    }
  }
}
