/**
 * Messages over a stream of bytes between two processes of one machine, each after its length (u32, little-endian). A
 * stream loses nothing, so a relay that does not read is sent no frames; it is cut off when letters fill its buffer.
 */
import type { Duplex } from 'node:stream';
import { type HubTransport, RelayHandlers, type RelayTransport } from './transport.ts';
import { WireError } from './wire.ts';

const LENGTH_BYTES = 4;
export const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A relay that has this much to read, and has read nothing for `STUCK_MS`, is sent no frames. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const STUCK_MS = 200;
/** A picture of 2,048 x 2,048 has 16 MB. */
const MAX_LETTER_BYTES = 48 * 1024 * 1024;
/** An end that does not answer the end of the stream is cut off after this. */
const CLOSE_MS = 1_000;

/** Cuts a stream into messages. */
class Messages {
  readonly #take: (message: Buffer) => void;
  /** What has come of the next message and its length. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes that are needed before anything can be taken. */
  #needed = LENGTH_BYTES;

  constructor(take: (message: Buffer) => void) {
    this.#take = take;
  }

  /** @throws WireError when a message is longer than it may be */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#restBytes > 0) {
      this.#rest.push(chunk);
      this.#restBytes += chunk.length;
      if (this.#restBytes < this.#needed) return;
      bytes = Buffer.concat(this.#rest);
    }
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32LE(at);
      if (length > MAX_MESSAGE_BYTES) throw new WireError(`a message of ${length} bytes`);
      if (bytes.length - at < LENGTH_BYTES + length) {
        this.#needed = LENGTH_BYTES + length;
        break;
      }
      this.#take(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length));
      at += LENGTH_BYTES + length;
    }
    this.#rest = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#restBytes = bytes.length - at;
  }
}

/** A stream that carries messages. */
export class Pipe {
  readonly #stream: Duplex;
  /** When the other end last read something; monotonic, ms. */
  #progressMs = performance.now();
  /** What is sent in one turn of the event loop leaves in one write; null: nothing waits. */
  #leaving: NodeJS.Immediate | null = null;

  /** @param end - called once, when the stream has ended for whatever reason */
  constructor(stream: Duplex, take: (message: Buffer) => void, end: (reason: string) => void) {
    this.#stream = stream;
    const messages = new Messages(take);
    let reason = 'the other process has ended';
    stream.on('data', (chunk: Buffer) => {
      try {
        messages.push(chunk);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        reason = error.message;
        stream.destroy();
      }
    });
    stream.on('error', (error) => {
      reason = error.message;
    });
    stream.once('end', () => stream.destroy());
    stream.once('close', () => end(reason));
  }

  get #isStuck(): boolean {
    return (
      this.#stream.writableLength > MAX_BUFFERED_BYTES && performance.now() - this.#progressMs > STUCK_MS
    );
  }

  send(message: Uint8Array, isFrame: boolean): void {
    const stream = this.#stream;
    if (!stream.writable) return;
    if (isFrame && this.#isStuck) return;
    if (stream.writableLength > MAX_LETTER_BYTES) {
      stream.destroy(new Error('it does not read'));
      return;
    }
    if (stream.writableLength === 0) this.#progressMs = performance.now();
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(message.length);
    if (this.#leaving === null) {
      stream.cork();
      this.#leaving = setImmediate(() => this.#leave());
    }
    stream.write(length);
    stream.write(message, () => {
      this.#progressMs = performance.now();
    });
    if (isFrame) this.#leave();
  }

  #leave(): void {
    if (this.#leaving === null) return;
    clearImmediate(this.#leaving);
    this.#leaving = null;
    this.#stream.uncork();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.destroyed) {
        resolve();
        return;
      }
      this.#leave();
      const timer = setTimeout(() => this.#stream.destroy(), CLOSE_MS);
      this.#stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#stream.end();
    });
  }
}

/** The world's end of the pipes to its relays. */
export class PipeHub implements HubTransport {
  readonly maxBytes = MAX_MESSAGE_BYTES;
  onMessage: HubTransport['onMessage'] = () => {};
  onGone: HubTransport['onGone'] = () => {};
  readonly #pipes = new Map<string, Pipe>();

  /** @param relay - a name that no other relay has */
  add(relay: string, stream: Duplex): void {
    const pipe = new Pipe(
      stream,
      (message) => this.onMessage(relay, message),
      () => {
        if (this.#pipes.get(relay) !== pipe) return;
        this.#pipes.delete(relay);
        this.onGone(relay);
      },
    );
    this.#pipes.set(relay, pipe);
  }

  broadcast(message: Uint8Array, isFrame: boolean): void {
    for (const pipe of this.#pipes.values()) pipe.send(message, isFrame);
  }

  send(relay: string, letter: readonly Uint8Array[]): void {
    const pipe = this.#pipes.get(relay);
    if (pipe !== undefined) for (const part of letter) pipe.send(part, false);
  }

  drop(relay: string): void {
    const pipe = this.#pipes.get(relay);
    this.#pipes.delete(relay);
    pipe?.destroy();
  }

  async close(): Promise<void> {
    const pipes = [...this.#pipes.values()];
    this.#pipes.clear();
    await Promise.all(pipes.map((pipe) => pipe.close()));
  }
}

/** A relay's end of its pipe. */
export class PipeRelay extends RelayHandlers implements RelayTransport {
  readonly maxBytes = MAX_MESSAGE_BYTES;
  readonly #pipe: Pipe;

  constructor(stream: Duplex) {
    super();
    this.#pipe = new Pipe(
      stream,
      (message) => this.onMessage(message),
      (reason) => this.onEnd(reason),
    );
  }

  send(letter: readonly Uint8Array[]): void {
    for (const part of letter) this.#pipe.send(part, false);
  }

  close(): Promise<void> {
    return this.#pipe.close();
  }
}
