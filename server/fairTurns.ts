/**
 * Work that many ask for: only so much is under way at once, and the next is of the address, and there of the guest,
 * whose turn it is. A flood makes its sender wait.
 */
import { FairQueue, type FairQueueOptions, type Waiter } from './fairQueue.ts';

export interface FairTurnsOptions {
  readonly maxUnderWay: number;
  readonly waiting: FairQueueOptions;
  /** Why work is refused for which nobody may wait any more. */
  readonly refusal: () => Error;
}

interface Waiting {
  start(): void;
  refuse(): void;
}

export class FairTurns {
  readonly #options: FairTurnsOptions;
  readonly #waiting: FairQueue<Waiting>;
  #underWay = 0;

  constructor(options: FairTurnsOptions) {
    this.#options = options;
    this.#waiting = new FairQueue(options.waiting);
  }

  /** @returns what the work returns or throws, once its turn has come @throws the refusal, where too much waits */
  take<T>(by: Waiter, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const out = this.#waiting.push(by, {
        start: () => {
          this.#underWay++;
          work()
            .then(resolve, reject)
            .finally(() => {
              this.#underWay--;
              this.#next();
            });
        },
        refuse: () => reject(this.#options.refusal()),
      });
      out?.refuse();
      this.#next();
    });
  }

  #next(): void {
    while (this.#underWay < this.#options.maxUnderWay) {
      const waiting = this.#waiting.take();
      if (waiting === undefined) return;
      waiting.start();
    }
  }
}
