/**
 * A way for messages between the process of a world and its relays. Messages come in order or not at all, but for the
 * parts of long letters, and are at most `maxBytes` long. Nothing is kept for an end that does not read.
 */

/** The world's end. */
export interface HubTransport {
  readonly maxBytes: number;
  /** To all relays. @param isFrame - a relay that does not read in time misses it */
  broadcast(message: Uint8Array, isFrame: boolean): void;
  /** @param letter - its parts; those of different letters may mix on the way */
  send(relay: string, letter: readonly Uint8Array[]): void;
  /** @param message - valid during the call */
  onMessage: (relay: string, message: Buffer) => void;
  /** The way to a relay has ended. */
  onGone: (relay: string) => void;
  /** The relay is no longer known: its way ends, if it is its own. */
  drop(relay: string): void;
  /** What was sent is on its way when it resolves. */
  close(): Promise<void>;
}

/** A relay's end. */
export interface RelayTransport {
  readonly maxBytes: number;
  /**
   * @param letter - its parts
   * @param question - the number of the question that it asks; null: it asks none
   */
  send(letter: readonly Uint8Array[], question: number | null): void;
  /** @param message - valid during the call */
  onMessage: (message: Buffer) => void;
  /** Nobody is there to answer this question. */
  onNobody: (question: number) => void;
  /** Messages pass again, after some may have been lost. */
  onUp: () => void;
  /** No messages pass; they may do so again later. */
  onDown: (reason: string) => void;
  /** The way has ended for good. */
  onEnd: (reason: string) => void;
  close(): Promise<void>;
}

/** The handlers of a relay's end, until somebody hears it. */
export class RelayHandlers implements Pick<RelayTransport, keyof RelayHandlers> {
  onMessage: RelayTransport['onMessage'] = () => {};
  onNobody: RelayTransport['onNobody'] = () => {};
  onUp: RelayTransport['onUp'] = () => {};
  onDown: RelayTransport['onDown'] = () => {};
  onEnd: RelayTransport['onEnd'] = () => {};
}
