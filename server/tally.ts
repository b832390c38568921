/**
 * What the main thread counts of its visitors since the process started, for the operator's metrics (`metrics/`). Every
 * reason is one of a few words that stand in the source, so that no visitor can make a metric grow.
 */

/** What was refused: a connection, a handshake of a WebSocket, a join, a stroke, or a client that was closed. */
export type Refused = 'connection' | 'handshake' | 'join' | 'stroke' | 'client';

/** What a connection wrote to viewers. */
export interface Sent {
  count: number;
  bytes: number;
}

/** What a tally has counted, as it travels to another process. */
export interface Counts {
  readonly frames: Readonly<Sent>;
  readonly messages: Readonly<Sent>;
  readonly dropped: number;
  readonly strokesApplied: number;
  readonly refusals: readonly (readonly [key: string, count: number])[];
}

export class Tally {
  readonly frames: Sent = { count: 0, bytes: 0 };
  /** All that is not a frame. */
  readonly messages: Sent = { count: 0, bytes: 0 };
  /** Messages that were dropped because the client does not read. */
  dropped = 0;
  strokesApplied = 0;
  readonly #refusals = new Map<string, number>();

  /** @param reason - a word in the source, never of a visitor */
  refuse(what: Refused, reason: string): void {
    const key = `${what} ${reason}`;
    this.#refusals.set(key, (this.#refusals.get(key) ?? 0) + 1);
  }

  /** What was counted since the last call, for the tally of another process. It is not counted here any more. */
  takeCounts(): Counts {
    const { frames, messages, dropped, strokesApplied } = this;
    const counts = {
      frames: { ...frames },
      messages: { ...messages },
      dropped,
      strokesApplied,
      refusals: [...this.#refusals],
    };
    for (const sent of [frames, messages]) sent.count = sent.bytes = 0;
    this.dropped = this.strokesApplied = 0;
    this.#refusals.clear();
    return counts;
  }

  /** Adds what another process counted. */
  add({ frames, messages, dropped, strokesApplied, refusals }: Counts): void {
    for (const [own, other] of [
      [this.frames, frames],
      [this.messages, messages],
    ] as const) {
      own.count += other.count;
      own.bytes += other.bytes;
    }
    this.dropped += dropped;
    this.strokesApplied += strokesApplied;
    for (const [key, count] of refusals) this.#refusals.set(key, (this.#refusals.get(key) ?? 0) + count);
  }

  *refusals(): Generator<{ readonly what: string; readonly reason: string; readonly count: number }> {
    for (const [key, count] of this.#refusals) {
      const [what, reason] = key.split(' ');
      yield { what, reason, count };
    }
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'malformed',
  403: 'forbidden',
  404: 'unknown',
  405: 'method',
  408: 'late',
  410: 'expired',
  413: 'too_long',
  421: 'unknown_host',
  426: 'no_websocket',
  429: 'limit',
  431: 'too_long',
  503: 'full',
};

/** The reason of a refusal by its HTTP status. */
export const reasonOfStatus = (status: number): string => REASONS[status] ?? 'other';
