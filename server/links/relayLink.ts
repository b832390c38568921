/** A relay's link to the world that another process owns, over a transport. */
import { NoAnswerError, type ToWorld } from '../world/messages.ts';
import { Intake } from './intake.ts';
import type { Call, CallAnswers, FromRelay, ToRelay, Welcome } from './letters.ts';
import { LinkBase, MAX_ANSWER_MS } from './linkBase.ts';
import { ofPages } from './sharedWorld.ts';
import type { RelayTransport } from './transport.ts';
import { decodeMessage, encodeLetter, type FramePart, Letters, WIRE_VERSION } from './wire.ts';

const WATCHING_MS = 2_000;
const HELLO_MS = 1_000;
/** The world's pulse comes every second. */
const MAX_SILENCE_MS = 4_000;
/** After a gap, keyframes of all pages are asked for, so many at a time: each takes the world's thread a moment. */
const REFRESH_MS = 50;
const MAX_REFRESH = 128;
const MAX_LETTER_BYTES = 48 * 1024 * 1024;
const NOBODY = 'there is no such world at the moment';

/** Letters that concern clients, not the world. */
export type ClientLetter = Extract<
  ToRelay,
  { readonly type: 'post' | 'close' | 'all' | 'closeAll' | 'players' }
>;

export interface RelayLinkOptions {
  readonly transport: RelayTransport;
  /** Takes a line for the operator. */
  readonly log: (line: string) => void;
  readonly answerMs?: number;
  /** The wall clock, ms since 1970. */
  readonly now?: () => number;
}

/**
 * Resolves when the world has answered; it waits for one without end.
 *
 * @param signal - ends the wait, and with it the transport
 * @throws Error when there never will be one, or nobody waits any more
 */
export function linkRelay(options: RelayLinkOptions, signal?: AbortSignal): Promise<RelayLink> {
  return new Promise((resolve, reject) => {
    const link = new RelayLink(options, { begun: resolve, failed: reject });
    signal?.addEventListener('abort', () => {
      if (link.isWelcomed) return;
      reject(new Error('nobody waits for the world any more'));
      void link.stop();
    });
  });
}

interface Starting {
  begun(link: RelayLink): void;
  failed(error: Error): void;
}

export class RelayLink extends LinkBase {
  /** The world has ended, another process owns it now, or it has forgotten the relay: all clients must begin anew. */
  onReset: (reason: string) => void = () => {};
  /** The world cannot be reached any more: what was said to it may not be answered. */
  onAway: () => void = () => {};
  /** It can be reached again, and knows the relay: what was said to it meanwhile was lost. */
  onBack: () => void = () => {};
  /** The way to the world has ended for good. */
  onDeath: (error: Error) => void = () => {};
  /** The world's process has been asked to stop. */
  isStopping = false;
  onClients: (letter: ClientLetter) => void = () => {};
  /** The visits that are open here. */
  visits: () => readonly string[] = () => [];
  readonly #options: RelayLinkOptions;
  readonly #now: () => number;
  readonly #letters = new Letters(MAX_LETTER_BYTES);
  readonly #timers: readonly NodeJS.Timeout[];
  /** null: the relay has begun. */
  #starting: Starting | null;
  #welcome: Welcome | null = null;
  #intake: Intake | null = null;
  readonly #watched = new Set<number>();
  /** Pages of which keyframes are to be asked for after a gap. */
  readonly #stale = new Set<number>();
  #refresh: NodeJS.Timeout | null = null;
  #number = 0;
  #heardMs = performance.now();
  /** When `#attend` was called last. */
  #attendedMs = performance.now();
  /** The world has answered, and has not been silent since. */
  #isUp = false;

  constructor(options: RelayLinkOptions, starting: Starting) {
    super(options.answerMs ?? MAX_ANSWER_MS);
    this.#options = options;
    this.#starting = starting;
    this.#now = options.now ?? (() => performance.timeOrigin + performance.now());
    const { transport } = options;
    transport.onMessage = (message) => this.#receive(message);
    transport.onNobody = (question) => this.refuse(question, NOBODY);
    transport.onUp = () => this.#hello();
    transport.onDown = (reason) => this.#lose(reason);
    transport.onEnd = (reason) => this.#die(new Error(reason));
    this.#timers = [
      setInterval(() => this.#attend(), HELLO_MS),
      setInterval(() => {
        if (this.#isUp) this.#write({ type: 'watching', keys: [...this.#watched] });
      }, WATCHING_MS),
    ];
    this.#hello();
  }

  /** The world has answered once. */
  get isWelcomed(): boolean {
    return this.#welcome !== null;
  }

  /** What the world said when it was met last. */
  get welcome(): Welcome {
    return this.#welcome!;
  }

  /** Frames that were dropped because of their age. */
  get droppedFrames(): number {
    return this.#intake?.dropped ?? 0;
  }

  /** The world can be reached. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** The way to the world has ended for good. */
  get hasEnded(): boolean {
    return this.endedBy !== null;
  }

  /** Asks the process of the world. @throws NoAnswerError */
  call<C extends Call>(call: C): Promise<CallAnswers[C['kind']]> {
    return this.request(call.kind, (request) => this.#ask(request, { type: 'call', request, call }));
  }

  /** Tells the world's process of a client, or what was counted. @returns false when it cannot be told now */
  tell(letter: Extract<FromRelay, { readonly visit: string } | { readonly type: 'counts' }>): boolean {
    if (this.endedBy !== null || !this.#isUp) return false;
    this.#write(letter);
    return true;
  }

  /** Leaves the world; the world goes on. */
  override async stop(): Promise<void> {
    if (this.endedBy === null) this.#write({ type: 'bye' });
    this.#close(new Error('this relay has stopped'));
    await this.#options.transport.close();
  }

  protected override post(message: ToWorld): void {
    switch (message.type) {
      case 'watch':
        for (const key of message.remove) {
          this.#watched.delete(key);
          this.#stale.delete(key);
        }
        for (const key of message.add) this.#watched.add(key);
        break;
      case 'query':
        this.#ask(message.request, message);
        return;
      case 'stop':
        throw new Error('a relay does not stop its world');
    }
    if (this.#isUp) this.#write(message);
  }

  #ask(request: number, letter: FromRelay): void {
    if (this.#isUp) this.#write(letter, request);
    else this.refuse(request, NOBODY);
  }

  #write(letter: FromRelay, question: number | null = null): void {
    const { transport } = this.#options;
    transport.send(encodeLetter(letter, this.#number++, transport.maxBytes), question);
  }

  #hello(): void {
    this.#write({ type: 'hello', wire: WIRE_VERSION });
  }

  /** Says hello until the world answers, and notices when it is silent. */
  #attend(): void {
    const nowMs = performance.now();
    // After a pause of this process, what the world has said meanwhile is read later in this turn.
    const isLate = nowMs - this.#attendedMs > 2 * HELLO_MS;
    this.#attendedMs = nowMs;
    if (this.#isUp && !isLate && nowMs - this.#heardMs > MAX_SILENCE_MS) this.#lose('the world is silent');
    if (!this.#isUp) this.#hello();
  }

  #lose(reason: string): void {
    const wasUp = this.#isUp;
    if (wasUp) this.#options.log(`the world cannot be reached: ${reason}`);
    this.#isUp = false;
    this.refuseAll(new NoAnswerError(NOBODY));
    if (wasUp) this.onAway();
  }

  #receive(message: Buffer): void {
    const read = this.#read(message);
    if (read === null) return;
    this.#heardMs = performance.now();
    if ('type' in read) {
      if (this.#isUp) this.#intake!.take(read);
    } else {
      this.#take(read.value as ToRelay);
    }
  }

  /** @returns a frame or a letter; null: part of a letter, or nothing that can be read */
  #read(message: Buffer): FramePart | { readonly value: unknown } | null {
    try {
      const part = decodeMessage(message);
      if (part.type === 'frame') return part;
      // An owner who was paused may still write, while the world is another's.
      if (part.term < (this.#welcome?.term ?? 0)) return null;
      return this.#letters.take(part);
    } catch (error) {
      this.#options.log(`a message of the world cannot be read: ${(error as Error).message}`);
      return null;
    }
  }

  #take(letter: ToRelay): void {
    switch (letter.type) {
      case 'welcome':
        this.#begin(letter);
        return;
      case 'stranger':
        this.#isUp = false;
        this.#hello();
        return;
      case 'pulse':
        this.isStopping = letter.isStopping;
        if (this.#isUp) this.#intake!.heardOf(letter.term, letter.serial);
        return;
      case 'ended':
        this.#lose(letter.reason);
        this.onReset(letter.reason);
        return;
      case 'unfit':
        this.#die(new Error(letter.reason));
        return;
      case 'post':
      case 'close':
      case 'all':
      case 'closeAll':
      case 'players':
        if (this.#isUp) this.onClients(letter);
        return;
      case 'answer':
      case 'refused':
        this.receive(letter);
        return;
      default:
        if (this.#isUp) this.receive(letter);
    }
  }

  #begin(welcome: Welcome): void {
    const { term, serial, ready, stats, trouble, wilted } = welcome;
    // An owner that was paused may not know yet that another has followed it.
    if (this.#isUp && this.#welcome !== null && term < this.#welcome.term) return;
    const isNew = !welcome.isKnown || term !== this.#welcome?.term;
    this.#welcome = welcome;
    this.ready = ready;
    this.stats = stats;
    this.trouble = trouble;
    this.wilted.clear();
    for (const [label, count] of wilted) this.wilted.set(label, count);
    if (this.#intake?.term !== term)
      this.#intake = new Intake(
        { now: this.#now, onFrame: (frame) => this.#show(frame), onGap: () => this.#mend() },
        term,
        serial,
      );
    this.#isUp = true;
    if (this.#starting !== null) {
      this.#starting.begun(this);
      this.#starting = null;
      return;
    }
    if (isNew) {
      this.onReset('the world has started again');
    } else {
      this.#write({ type: 'visits', open: this.visits() });
      this.#write({ type: 'watching', keys: [...this.#watched] });
      this.#mend();
      this.onBack();
    }
    this.onClients({ type: 'players', message: welcome.players });
  }

  #show(frame: Parameters<LinkBase['onFrame']>[0]): void {
    this.receive(ofPages(frame, this.#watched));
  }

  /** Frames are missing: asks for what they may have changed. */
  #mend(): void {
    for (const key of this.#watched) this.#stale.add(key);
    this.#refresh ??= setTimeout(() => this.#refreshSome(), REFRESH_MS);
  }

  #refreshSome(): void {
    this.#refresh = null;
    const keys = [...this.#stale].slice(0, MAX_REFRESH);
    for (const key of keys) this.#stale.delete(key);
    if (this.#isUp) this.requestKeyframes(keys);
    if (this.#stale.size > 0) this.#refresh = setTimeout(() => this.#refreshSome(), REFRESH_MS);
  }

  #close(error: Error): void {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#refresh !== null) clearTimeout(this.#refresh);
    this.#isUp = false;
    this.end(error);
  }

  #die(error: Error): void {
    if (this.endedBy !== null) return;
    this.#close(error);
    const starting = this.#starting;
    this.#starting = null;
    if (starting === null) this.onDeath(error);
    else starting.failed(error);
  }
}
