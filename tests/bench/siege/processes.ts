/** What the benchmark's processes say to each other, and the benchmark's end of it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Size } from '../../../shared/geometry.ts';
import type { Body } from '../soak/sizes.ts';
import type { HonestWindow } from './figures.ts';

export interface HonestTask {
  readonly url: string;
  readonly world: Size;
  readonly species: readonly { readonly name: string; readonly width: number; readonly height: number }[];
  /** What players stroke. */
  readonly bodies: readonly Body[];
  readonly players: number;
  /** Each player only plants one body, and leaves. */
  readonly isPlanting: boolean;
  /** Path of the client's largest file, without a slash at the beginning. */
  readonly asset: string;
  readonly randomSeed: number;
}

export type ToHonest = 'take' | 'end';
export type FromHonest =
  | { readonly kind: 'ready' }
  | { readonly kind: 'planted'; readonly bodies: number }
  | { readonly kind: 'window'; readonly window: HonestWindow };

export interface AttackTask {
  readonly attack: string;
  readonly url: string;
  /** Where its connections come from. */
  readonly addresses: readonly string[];
  /** It ends by itself after this. */
  readonly seconds: number;
  readonly randomSeed: number;
  /** The built client that the server serves: a copy, whose files may be deleted. */
  readonly clientDir: string;
  /** Other attackers come from the same addresses. */
  readonly isShared: boolean;
}

/** An attacker is loaded, and waits for the word to begin. */
export const READY = 'ready';
export const BEGIN = 'begin';

/** The last word of an attacker. */
export interface Attacked {
  /** What it did and what it was answered, by text. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of its own process. */
  readonly cpuSeconds: number;
}

const MAX_READY_MS = 180_000;
/** Honest players answer within this. */
const MAX_LATE_MS = 20_000;
/** On a busy machine an attacker, which has the lowest priority, begins late and ends late. */
const MAX_ATTACKER_LATE_MS = 60_000;
const MAX_WORDS = 4_000;

/** Those that run; they end with this process. */
const helpers = new Set<Helper>();
process.on('exit', () => {
  for (const helper of helpers) helper.kill();
});

abstract class Helper {
  protected readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #words = '';

  /** @param detached - in a session of its own */
  constructor(file: string, task: object, detached = false) {
    this.child = fork(join(import.meta.dirname, file), [JSON.stringify(task)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached,
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-MAX_WORDS);
    });
    this.#ended = once(this.child, 'close');
    helpers.add(this);
    void this.#ended.then(() => helpers.delete(this));
  }

  get pid(): number {
    return this.child.pid!;
  }

  protected get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What it has printed. */
  protected get words(): string {
    return this.#words.trim();
  }

  /** Resolves when it has ended, by force after `ms`. @returns false when force was needed */
  protected async end(ms: number): Promise<boolean> {
    let isForced = false;
    const timer = setTimeout(() => {
      isForced = true;
      this.kill();
    }, ms);
    await this.#ended;
    clearTimeout(timer);
    return !isForced;
  }

  kill(): void {
    if (this.isRunning) this.child.kill('SIGKILL');
  }
}

/** The honest players, the observer and the visitors, in a process of their own. */
export class Honest extends Helper {
  constructor(task: HonestTask) {
    super('honest.ts', task);
  }

  /** Resolves when all players are in the world, or have planted and left. @returns how many bodies were planted */
  async ready(): Promise<number> {
    const word = await this.#next(MAX_READY_MS);
    if (word.kind === 'window') throw new Error('a window that nobody asked for');
    return word.kind === 'planted' ? word.bodies : 0;
  }

  /** Ends a window of time and begins the next. */
  async take(): Promise<HonestWindow> {
    this.child.send('take' satisfies ToHonest);
    const word = await this.#next(MAX_LATE_MS);
    if (word.kind !== 'window') throw new Error(`honest players said ${word.kind}`);
    return word.window;
  }

  async stop(): Promise<void> {
    if (this.isRunning) this.child.send('end' satisfies ToHonest, () => {});
    await this.end(MAX_LATE_MS);
  }

  async #next(ms: number): Promise<FromHonest> {
    const patience = AbortSignal.timeout(ms);
    const ended = once(this.child, 'close', { signal: patience }).then(() => {
      throw new Error(`the honest players' process has ended; it printed:\n${this.words}`);
    });
    ended.catch(() => {});
    const word = once(this.child, 'message', { signal: patience }) as Promise<[FromHonest]>;
    return (await Promise.race([word, ended]))[0];
  }
}

/** One attack, in a process of its own. */
export class Attacker extends Helper {
  readonly #seconds: number;
  readonly #ready: Promise<unknown>;
  #attacked: Attacked | null = null;

  constructor(task: AttackTask) {
    super('attacker.ts', task, true);
    this.#seconds = task.seconds;
    this.#ready = Promise.race([
      once(this.child, 'message', { signal: AbortSignal.timeout(MAX_READY_MS) }),
      once(this.child, 'close').then(() => {
        throw new Error(`an attacker did not start; it printed:\n${this.words}`);
      }),
    ]);
    // `ready` tells of it.
    this.#ready.catch(() => {});
    this.child.on('message', (word: Attacked | typeof READY) => {
      if (word !== READY) this.#attacked = word;
    });
  }

  /** Resolves when it is loaded: all attackers begin together. @throws Error when it does not start */
  async ready(): Promise<void> {
    await this.#ready;
  }

  begin(): void {
    this.child.send(BEGIN);
  }

  /** Resolves when it has ended. @throws Error when it failed: that is a bug of the benchmark */
  async done(): Promise<Attacked> {
    const isByItself = await this.end(1_000 * this.#seconds + MAX_ATTACKER_LATE_MS);
    if (this.#attacked !== null) return this.#attacked;
    throw new Error(`an attacker ${isByItself ? 'failed' : 'did not end'}; it printed:\n${this.words}`);
  }

  async stop(): Promise<void> {
    await this.end(0);
  }
}
