/**
 * One connection to the PostgreSQL that keeps a world. Statements run one after another, in the order in which they were
 * asked. A connection that fails, or does not answer in time, is dropped, and the next statement makes a new one. What
 * was asked of the old one may or may not have been done: every statement that writes says what it expects to find.
 */
import { Socket } from 'node:net';
import { Client } from 'pg';
import { SCHEMA } from './schema.ts';

/** Longest wait for a connection, and for an answer. */
const MAX_CONNECT_MS = 3_000;
const MAX_ANSWER_MS = 5_000;

/** What is kept outside this machine cannot be read or written; the message is for the operator. */
export class StoreError extends Error {
  override name = 'StoreError';
  /** 'ENOENT' and 'EEXIST' as of files; 'EFENCED': another process owns the world; 'ESTORE': anything else. */
  readonly code: string;

  constructor(message: string, code = 'ESTORE', options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Another process has become the owner of the world: this one may write nothing more. */
export class FencedError extends StoreError {
  override name = 'FencedError';

  constructor(world: string) {
    super(`another process has taken the world ${world} over`, 'EFENCED');
  }
}

export interface Rows<T> {
  readonly rows: readonly T[];
  /** How many rows a statement found or changed. */
  readonly count: number;
}

/** Asks one statement of a transaction. */
export type Ask = <T>(sql: string, ...values: unknown[]) => Promise<Rows<T>>;

interface Connection {
  readonly client: Client;
  readonly socket: Socket;
}

export class Postgres {
  readonly #url: string;
  readonly #name: string;
  #connection: Promise<Connection> | null = null;
  /** The transaction or statement that runs last. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /**
   * @param url - `postgres://user:password@host:port/database`
   * @param name - what the database's operator sees of the connection
   */
  constructor(url: string, name: string) {
    this.#url = url;
    this.#name = name;
  }

  /** Makes the tables where they are missing. @throws StoreError */
  async prepare(): Promise<void> {
    await this.transaction(async (ask) => {
      // Two processes that start at the same moment would both find nothing.
      await ask('select pg_advisory_xact_lock(7310267)');
      for (const sql of SCHEMA) await ask(sql);
    });
  }

  /** @throws StoreError */
  ask<T>(sql: string, ...values: unknown[]): Promise<Rows<T>> {
    return this.#inTurn((client) => run<T>(client, sql, values));
  }

  /** Does all of the work's statements or none. @throws StoreError, and what `work` throws */
  transaction<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#inTurn(async (client) => {
      await run(client, 'begin', []);
      let result: T;
      try {
        result = await work((sql, ...values) => run(client, sql, values));
      } catch (error) {
        // Behind a connection that does not answer, nothing is asked: the database rolls back when it is gone.
        if (error instanceof StoreError || wasReported(error)) await run(client, 'rollback', []);
        throw error;
      }
      await run(client, 'commit', []);
      return result;
    });
  }

  /** Drops the connection at once, whatever runs on it. */
  close(): void {
    this.#isClosed = true;
    this.#drop();
  }

  #inTurn<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const turn = this.#last.then(
      () => this.#guarded(work),
      () => this.#guarded(work),
    );
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #guarded<T>(work: (client: Client) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new StoreError('the connection to the store is closed');
    try {
      const { client } = await this.#connected();
      return await work(client);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (!wasReported(error)) this.#drop();
      const { code, message } = error as Error & { code?: string };
      const said = wasReported(error) ? `${message} (${code})` : message || String(code);
      throw new StoreError(`PostgreSQL: ${said}`, 'ESTORE', { cause: error });
    }
  }

  #connected(): Promise<Connection> {
    this.#connection ??= this.#connect().catch((error: unknown) => {
      this.#connection = null;
      throw error;
    });
    return this.#connection;
  }

  async #connect(): Promise<Connection> {
    const socket = new Socket();
    const client = new Client({
      connectionString: this.#url,
      application_name: this.#name,
      connectionTimeoutMillis: MAX_CONNECT_MS,
      query_timeout: MAX_ANSWER_MS,
      // What nobody waits for any more must not be done later.
      statement_timeout: MAX_ANSWER_MS,
      idle_in_transaction_session_timeout: MAX_ANSWER_MS,
      keepAlive: true,
      stream: () => socket,
    });
    // Without a listener, a connection that breaks while nothing is asked would end the process.
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return { client, socket };
  }

  /** @param client - only if it is still this one */
  #drop(client?: Client): void {
    const connection = this.#connection;
    void connection?.then(
      (found) => {
        if (client !== undefined && found.client !== client) return;
        if (this.#connection === connection) this.#connection = null;
        found.socket.destroy();
      },
      () => {},
    );
    if (client === undefined) this.#connection = null;
  }
}

/** An error that the database reported leaves the connection as it was; any other, nobody knows how. */
const wasReported = (error: unknown): boolean => (error as { severity?: string }).severity === 'ERROR';

async function run<T>(client: Client, sql: string, values: readonly unknown[]): Promise<Rows<T>> {
  const { rows, rowCount } = await client.query(sql, [...values]);
  return { rows: rows as T[], count: rowCount ?? 0 };
}
