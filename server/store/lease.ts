/**
 * Who owns a world. A process takes the lease, renews it four times within its length, and ends when it cannot: then
 * another may take it. Each owner has a larger term than those before; whatever is written names it, and is refused when
 * the term is another's (`sharedDisk.ts`). So an owner that was paused, or cut off, can change nothing, however late it
 * notices.
 *
 * Expiry is judged by the database's clock alone. The owner counts from before it asked, so it ends no later than its
 * lease.
 */
import { type Postgres, StoreError } from './postgres.ts';

/** The owner renews this often within the length of its lease. */
const RENEWALS = 4;
/** The owner looks this often within the length of its lease whether it has run out. */
const CHECKS = 20;
/** A spare looks this often, ms. */
const POLL_MS = 250;
/** Who finds the world owned waits so much longer than the lease lasts: its owner may have been killed just now. */
const GRACE_MS = 500;

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

export interface LeaseOptions {
  readonly database: Postgres;
  readonly world: string;
  /** Who this is, for people: host and process. */
  readonly holder: string;
  readonly leaseMs: number;
  /** Whether it waits for as long as another owns the world. Otherwise only until a lease that nobody renews has run out. */
  readonly waits: () => boolean;
  /** Called before each try. @returns why the lease is not to be taken now; null: it is */
  readonly standBy?: () => Promise<string | null>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

export interface Held {
  /** Fits 32 bits. */
  readonly term: number;
  /** The last frame that an owner before is known to have made. */
  readonly frame: number;
  /** When it was asked for, by the clock. */
  readonly askedMs: number;
}

interface Row {
  readonly holder: string;
  readonly term: string;
  readonly frame: string;
  /** Until it runs out; negative: it has. */
  readonly left: number;
}

/**
 * Takes the world's lease.
 *
 * @throws StoreError when another owns the world, or, unless it waits, the database does not answer
 */
export async function takeLease(options: LeaseOptions): Promise<Held> {
  const { database, world, holder, leaseMs, clock, log } = options;
  let told = '';
  const tell = (line: string): void => {
    if (line !== told) log(line);
    told = line;
  };
  const giveUpMs = clock.now() + leaseMs + GRACE_MS;
  for (;;) {
    const waits = options.waits();
    try {
      const reason = (await options.standBy?.()) ?? null;
      if (reason !== null) {
        tell(reason);
        await clock.sleep(POLL_MS);
        continue;
      }
      const askedMs = clock.now();
      const { rows } = await database.ask<Row>(
        `insert into regrow.lease as l (world, holder, term, expires, frame)
         values ($1, $2, floor(extract(epoch from clock_timestamp())), clock_timestamp() + $3 * interval '1 ms', 0)
         on conflict (world) do update set
           holder = excluded.holder,
           term = greatest(l.term + 1, excluded.term),
           expires = clock_timestamp() + $3 * interval '1 ms'
         where l.expires <= clock_timestamp()
         returning term, frame`,
        world,
        holder,
        leaseMs,
      );
      const [taken] = rows;
      if (taken !== undefined) return { term: Number(taken.term), frame: Number(taken.frame), askedMs };
      const found = await database.ask<Row>('select holder from regrow.lease where world = $1', world);
      const owner = found.rows[0]?.holder ?? 'another process';
      if (!waits && clock.now() > giveUpMs)
        throw new StoreError(
          `the world ${world} is owned by ${owner}. Stop that one, or start this one with --spare yes to take over when it ends`,
        );
      tell(
        waits ? `waiting as a spare: ${owner} owns ${world}` : `waiting for the lease of ${owner} to run out`,
      );
    } catch (error) {
      if (!waits || !(error instanceof StoreError)) throw error;
      tell(`waiting for the store: ${error.message}`);
    }
    await clock.sleep(Math.min(POLL_MS, leaseMs / RENEWALS));
  }
}

/** @returns who owns a world, for people: host and process; null: nobody @throws StoreError */
export async function ownerOf(database: Postgres, world: string): Promise<string | null> {
  const { rows } = await database.ask<{ holder: string }>(
    'select holder from regrow.lease where world = $1 and expires > clock_timestamp()',
    world,
  );
  return rows[0]?.holder ?? null;
}

export interface KeeperOptions extends Omit<LeaseOptions, 'waits' | 'standBy' | 'holder'> {
  readonly held: Held;
  /** The newest frame. */
  readonly frame: () => number;
  /** Called once, when this process must end at once: another owns the world, or may. */
  readonly onLost: (reason: string) => void;
}

/** Renews a lease until it is released or lost. */
export class LeaseKeeper {
  readonly #options: KeeperOptions;
  readonly #timers: readonly NodeJS.Timeout[];
  /** When the last renewal that succeeded was asked for. */
  #renewedMs: number;
  #isRenewing = false;
  #hasEnded = false;
  #lastFault = 'it does not answer';

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#renewedMs = options.held.askedMs;
    const { leaseMs } = options;
    this.#timers = [
      setInterval(() => void this.renew(), leaseMs / RENEWALS),
      setInterval(() => this.check(), leaseMs / CHECKS),
    ];
  }

  /** Asks for more time. Never rejects. */
  async renew(): Promise<void> {
    if (this.#isRenewing || this.#hasEnded) return;
    this.#isRenewing = true;
    const { database, world, held, leaseMs, clock, frame } = this.#options;
    const askedMs = clock.now();
    try {
      const { count } = await database.ask(
        `update regrow.lease set expires = clock_timestamp() + $3 * interval '1 ms', frame = greatest(frame, $4)
         where world = $1 and term = $2`,
        world,
        held.term,
        leaseMs,
        frame(),
      );
      if (count === 0) this.#lose(`another process has taken the world ${world} over`);
      else this.#renewedMs = askedMs;
    } catch (error) {
      this.#lastFault = (error as Error).message;
    } finally {
      this.#isRenewing = false;
    }
  }

  /** Ends the ownership when the lease has run out. */
  check(): void {
    const { world, leaseMs, clock } = this.#options;
    if (clock.now() - this.#renewedMs < leaseMs || this.#hasEnded) return;
    this.#lose(
      `the lease of the world ${world} could not be renewed within ${leaseMs / 1_000} s: ${this.#lastFault}`,
    );
  }

  /** Lets a spare take over at once. Never rejects: the lease runs out by itself. */
  async release(): Promise<void> {
    if (this.#hasEnded) return;
    this.#end();
    const { database, world, held, frame } = this.#options;
    await database
      .ask(
        `update regrow.lease set expires = clock_timestamp(), frame = greatest(frame, $3)
         where world = $1 and term = $2`,
        world,
        held.term,
        frame(),
      )
      .catch(() => {});
  }

  #lose(reason: string): void {
    if (this.#hasEnded) return;
    this.#end();
    this.#options.onLost(reason);
  }

  #end(): void {
    this.#hasEnded = true;
    for (const timer of this.#timers) clearInterval(timer);
  }
}
