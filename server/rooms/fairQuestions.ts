/** Players' questions to the world, in fair turns. */
import type { Waiter } from '../fairQueue.ts';
import { FairTurns } from '../fairTurns.ts';
import { NoAnswerError, type WorldAnswers, type WorldLink, type WorldQuery } from '../world/messages.ts';

/** About a frame's worth: each takes some tens of microseconds of the simulation thread. */
export const MAX_ASKED = 16;
const WAITING = { maxPerGuest: 16, maxPerAddress: 64, max: 1_024 };

export class FairQuestions {
  readonly #world: Pick<WorldLink, 'ask'>;
  readonly #turns = new FairTurns({
    maxUnderWay: MAX_ASKED,
    waiting: WAITING,
    refusal: () => new NoAnswerError('too many questions at once'),
  });

  constructor(world: Pick<WorldLink, 'ask'>) {
    this.#world = world;
  }

  /** @throws NoAnswerError also when too many of the guest's, or of their address's, wait */
  ask<Q extends WorldQuery>(query: Q, by: Waiter): Promise<WorldAnswers[Q['kind']]> {
    return this.#turns.take(by, () => this.#world.ask(query));
  }
}
