/**
 * Who of a world's owner and its spares reaches the broker. Relays reach nobody else, so a process without a broker takes
 * no lease; and an owner that has lost its broker gives the world to a spare that has it.
 *
 * Both count the same time: an owner that has been without the broker for 8 s, and a spare that has had it for those 8 s
 * without a break. Within them an owner tries at least three times to reach it, so a broker that comes back to all of
 * them finds the owner of before.
 */
import type { Postgres } from './postgres.ts';

/** An owner without its broker for this long looks for a spare that has it, and has had it for this long. */
export const MAX_WITHOUT_BROKER_MS = 8_000;
/** How often a spare says that it is here, and an owner without its broker looks for one. */
const SAY_MS = 1_000;
/** A spare that was not seen for this long is not there. */
const LAPSE_MS = 3_000;
/** Notes of spares that ended without a word are removed after this. */
const STALE_HOURS = 1;

/** How a process reaches the broker. */
export interface BrokerView {
  /** For how long without a break; 0: it does not. */
  readonly upForMs: number;
  /** For how long it has not; 0: it does. */
  readonly downForMs: number;
}

export interface StandbyOptions {
  readonly database: Postgres;
  readonly world: string;
  /** Who this is, for people: host and process. */
  readonly holder: string;
  readonly broker: BrokerView;
}

/** A process that waits for a world. */
export class Standby {
  readonly #options: StandbyOptions;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  /** Says that it is here. @returns why it may not take the lease; null: it may @throws StoreError */
  async say(): Promise<string | null> {
    const { database, world, holder, broker } = this.#options;
    const nowMs = performance.now();
    if (nowMs - this.#saidMs >= SAY_MS) {
      this.#saidMs = nowMs;
      await database.ask(
        `insert into regrow.spare as s (world, holder, seen, broker_ms)
         values ($1, $2, clock_timestamp(), $3)
         on conflict (world, holder) do update set seen = excluded.seen, broker_ms = excluded.broker_ms`,
        world,
        holder,
        Math.floor(broker.upForMs),
      );
    }
    return broker.upForMs > 0 ? null : 'waiting for the broker: without it, no relay would find the world';
  }

  /** It owns the world now. @throws StoreError */
  async end(): Promise<void> {
    const { database, world, holder } = this.#options;
    await database.ask(
      `delete from regrow.spare where world = $1
       and (holder = $2 or seen < clock_timestamp() - $3 * interval '1 hour')`,
      world,
      holder,
      STALE_HOURS,
    );
  }
}

export interface SurrenderOptions extends Omit<StandbyOptions, 'holder'> {
  /** Called once: a spare can be reached by relays, and this owner cannot. */
  readonly onSurrender: (reason: string) => void;
}

/** Looks, while the owner is without its broker, for a spare that has it. */
export class Surrender {
  readonly #options: SurrenderOptions;
  readonly #timer: NodeJS.Timeout;
  #isAsking = false;

  constructor(options: SurrenderOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.look(), SAY_MS);
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  /** Never rejects: what the database does not say now is asked again. */
  async look(): Promise<void> {
    const { database, world, broker, onSurrender } = this.#options;
    if (this.#isAsking || broker.downForMs < MAX_WITHOUT_BROKER_MS) return;
    this.#isAsking = true;
    try {
      const { rows } = await database.ask<{ holder: string }>(
        `select holder from regrow.spare
         where world = $1 and broker_ms >= $2 and seen > clock_timestamp() - $3 * interval '1 ms' limit 1`,
        world,
        MAX_WITHOUT_BROKER_MS,
        LAPSE_MS,
      );
      if (rows.length === 0 || broker.downForMs === 0) return;
      this.dispose();
      onSurrender(
        `the broker cannot be reached for ${Math.floor(broker.downForMs / 1_000)} s, and ${rows[0].holder} reaches it: the world ${world} is saved and given up to that spare`,
      );
    } catch {
      // Without the database, the lease ends by itself.
    } finally {
      this.#isAsking = false;
    }
  }
}
