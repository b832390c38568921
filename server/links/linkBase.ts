/** What every `WorldLink` does with the world's messages, whichever way they come. */
import {
  type FromWorld,
  NoAnswerError,
  type ToWorld,
  type WorldAnswers,
  type WorldLink,
  type WorldQuery,
  type WorldReady,
} from '../world/messages.ts';
import { LinkEvents } from './linkEvents.ts';

export const MAX_ANSWER_MS = 10_000;
/** Questions without an answer yet, with the strokes of 64 addresses; a flood of requests must not become one of work. */
const MAX_PENDING = 4_096;

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** What the world says to everybody who looks at it, and its answers. */
export type CommonMessage = Exclude<FromWorld, { readonly type: 'ready' | 'log' | 'saving' | 'stopped' }>;

export abstract class LinkBase extends LinkEvents implements WorldLink {
  ready!: WorldReady;
  stats: WorldLink['stats'] = null;
  vitals: WorldLink['vitals'] = null;
  trouble: WorldLink['trouble'] = null;
  readonly wilted = new Map<string, number>();
  readonly #answerMs: number;
  readonly #pending = new Map<number, Pending>();
  /** Changes since the last message to the world: pages to watch (true) or not (false), and keyframes to ask for. */
  readonly #watch = new Map<number, boolean>();
  readonly #keyframes = new Set<number>();
  #isFrameAwaited = false;
  #flush: NodeJS.Immediate | null = null;
  #lastRequest = 0;
  /** Why nothing is sent any more; null: it is. */
  #end: Error | null = null;

  constructor(answerMs: number) {
    super();
    this.#answerMs = answerMs;
  }

  /** Sends a message on its way to the world. */
  protected abstract post(message: ToWorld): void;
  abstract stop(progress?: (text: string) => void): Promise<void>;

  watch(add: readonly number[], remove: readonly number[]): void {
    for (const key of remove) this.#watch.set(key, false);
    for (const key of add) this.#watch.set(key, true);
    this.#flushSoon();
  }

  requestKeyframes(keys: readonly number[]): void {
    for (const key of keys) this.#keyframes.add(key);
    this.#isFrameAwaited = true;
    this.#flushSoon();
  }

  present(guests: readonly string[]): void {
    this.#send({ type: 'present', guests });
  }

  ask<Q extends WorldQuery>(query: Q): Promise<WorldAnswers[Q['kind']]> {
    return this.request(query.kind, (request) => this.#send({ type: 'query', request, query }));
  }

  /**
   * @param what - the question's name, for the error
   * @param send - sends it, with the number that its answer will name
   * @throws NoAnswerError
   */
  protected request<T>(what: string, send: (request: number) => void): Promise<T> {
    if (this.#end !== null) return Promise.reject(endedBy(this.#end));
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(new NoAnswerError('the world is busy'));
    const request = ++this.#lastRequest;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(request);
        reject(new NoAnswerError(`the world did not answer ${what} within ${this.#answerMs / 1_000} s`));
      }, this.#answerMs);
      this.#pending.set(request, { resolve, reject, timer });
      send(request);
    });
  }

  /** Sends the changes of one turn of the event loop in one message: a thousand viewers may move at once. */
  #flushSoon(): void {
    this.#flush ??= setImmediate(() => {
      this.#flush = null;
      if (this.#watch.size > 0) {
        const add: number[] = [];
        const remove: number[] = [];
        for (const [key, isWatched] of this.#watch) (isWatched ? add : remove).push(key);
        this.#watch.clear();
        this.#send({ type: 'watch', add, remove });
      }
      if (this.#isFrameAwaited) {
        this.#isFrameAwaited = false;
        this.#send({ type: 'keyframes', keys: [...this.#keyframes] });
        this.#keyframes.clear();
      }
    });
  }

  #send(message: ToWorld): void {
    if (this.#end === null) this.post(message);
  }

  protected receive(message: CommonMessage): void {
    switch (message.type) {
      case 'frame':
        this.onFrame(message);
        return;
      case 'stats':
        this.stats = message.stats;
        this.onStats(message.stats);
        return;
      case 'vitals':
        this.vitals = message.vitals;
        this.onVitals(message.vitals);
        return;
      case 'species':
        this.ready = { ...this.ready, species: message.species };
        this.onSpecies(message.species);
        return;
      case 'swap':
        this.onSwap(message.outcome);
        return;
      case 'wounds':
        this.onWounds(message.events);
        return;
      case 'wilted':
        for (const { label } of message.bodies) this.wilted.set(label, (this.wilted.get(label) ?? 0) + 1);
        this.onWilted(message.bodies);
        return;
      case 'seeds':
        this.onSeeds(message.seeds);
        return;
      case 'trouble':
        this.trouble = message.trouble;
        this.onTrouble(message.trouble);
        return;
      case 'answer':
        this.#settle(message.request, ({ resolve }) => resolve(message.value as never));
        return;
      case 'refused':
        this.refuse(message.request, message.message);
        return;
      default:
        message satisfies never;
    }
  }

  protected refuse(request: number, reason: string): void {
    this.#settle(request, ({ reject }) => reject(new NoAnswerError(reason)));
  }

  /** Rejects what has no answer yet. */
  protected refuseAll(error: Error): void {
    for (const request of [...this.#pending.keys()])
      this.#settle(request, ({ reject }) => reject(endedBy(error)));
  }

  /** Nothing is sent from now on, and every question is rejected. */
  protected end(error: Error): void {
    this.#end = error;
    this.refuseAll(error);
  }

  /** Why nothing is sent any more; null: it is. */
  protected get endedBy(): Error | null {
    return this.#end;
  }

  /** Settles a question; an answer that comes too late is ignored. */
  #settle(request: number, answer: (pending: Pending) => void): void {
    const pending = this.#pending.get(request);
    if (pending === undefined) return;
    this.#pending.delete(request);
    clearTimeout(pending.timer);
    answer(pending);
  }
}

const endedBy = (end: Error): NoAnswerError => new NoAnswerError(end.message, { cause: end });
