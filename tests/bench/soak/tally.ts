/** Counts by kind, and what all bots together did and heard. */

export class Tally {
  readonly #counts = new Map<string, number>();

  add(kind: string, count = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }

  /** Most frequent first. */
  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([, a], [, b]) => b - a));
  }
}

/** Shared by all bots. */
export class Ledger {
  bytes = 0;
  joins = 0;
  leaves = 0;
  drops = 0;
  stalls = 0;
  /** Closed by the server because they had taken nothing for ten seconds: as it should be. */
  cutWhileStalled = 0;
  strokesApplied = 0;
  /** Not sent: the page would have said that the energy does not suffice. */
  piecesWithoutEnergy = 0;
  /** Strokes sent, by tool. */
  readonly sent = new Tally();
  /** By the reason that the player is told. */
  readonly refused = new Tally();
  /** Seeds that were accepted, by species. */
  readonly planted = new Tally();
  /** What no player should see. */
  readonly errors = new Tally();
}
