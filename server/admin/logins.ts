/** Admins who are logged in: a random id in a cookie, of which only the hash is kept here, for a limited time. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { LoginLeft } from '../../shared/adminPeople.ts';
import type { AdminRow } from './adminTable.ts';

export const COOKIE = 'regrow_admin';
/** A login ends when its admin has done nothing for this long; what the page asks by itself is not counted. */
export const MAX_IDLE_MS = 60 * 60_000;
/** A login ends after this in any case. */
export const MAX_LOGIN_MS = 12 * 60 * 60_000;
/** One more login of an admin ends their oldest. */
const MAX_PER_ADMIN = 8;
const ID = /^[A-Za-z0-9_-]{43}$/;

export interface Login {
  readonly admin: AdminRow;
  /** From which the admin logged in. */
  readonly address: string;
}

/** `revoked`: the admin was revoked, or has another token or role. */
export type LoginEnd = 'idle' | 'old' | 'replaced' | 'revoked' | 'logged out';

interface Held extends Login {
  readonly sinceMs: number;
  lastMs: number;
}

export interface LoginsOptions {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Whether the admin is still one, with the same token and role. */
  readonly isKnown: (admin: AdminRow) => boolean;
  /** Called once for each login that has ended. */
  readonly ended: (login: Login, why: LoginEnd) => void;
}

export class Logins {
  readonly #options: LoginsOptions;
  /** By hash of the cookie; oldest first. */
  readonly #logins = new Map<string, Held>();

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** @returns the cookie's value */
  begin(admin: AdminRow, address: string): string {
    const id = randomBytes(32).toString('base64url');
    const now = this.#options.now();
    this.#logins.set(hash(id), { admin, address, sinceMs: now, lastMs: now });
    const own = [...this.#logins].filter(([, login]) => login.admin.name === admin.name);
    if (own.length > MAX_PER_ADMIN) this.#end(own[0][0], 'replaced');
    return id;
  }

  /**
   * The login whose cookie the request carries; null: none.
   *
   * @param isActivity - whether the admin caused the request, so that the idle time starts again
   */
  whose(request: IncomingMessage, isActivity: boolean): Login | null {
    const key = keyOf(request);
    const login = this.#logins.get(key);
    if (login === undefined) return null;
    const why = this.#over(login);
    if (why !== null) {
      this.#end(key, why);
      return null;
    }
    if (isActivity) login.lastMs = this.#options.now();
    return login;
  }

  /** How much of a login's time is left, in whole seconds. */
  left(request: IncomingMessage): LoginLeft {
    const login = this.#logins.get(keyOf(request));
    if (login === undefined) return { idleSeconds: 0, seconds: 0 };
    const now = this.#options.now();
    const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1_000));
    return {
      idleSeconds: seconds(login.lastMs + MAX_IDLE_MS - now),
      seconds: seconds(login.sinceMs + MAX_LOGIN_MS - now),
    };
  }

  end(request: IncomingMessage): void {
    this.#end(keyOf(request), 'logged out');
  }

  /** Ends the logins whose time is over and those of admins who were revoked. */
  sweep(): void {
    for (const [key, login] of this.#logins) {
      const why = this.#over(login);
      if (why !== null) this.#end(key, why);
    }
  }

  #over({ admin, lastMs, sinceMs }: Held): LoginEnd | null {
    const now = this.#options.now();
    if (!this.#options.isKnown(admin)) return 'revoked';
    if (now - sinceMs > MAX_LOGIN_MS) return 'old';
    return now - lastMs > MAX_IDLE_MS ? 'idle' : null;
  }

  #end(key: string, why: LoginEnd): void {
    const login = this.#logins.get(key);
    if (login === undefined) return;
    this.#logins.delete(key);
    this.#options.ended(login, why);
  }
}

/** @param id - empty: deletes the cookie */
export function setCookie(id: string, isSecure: boolean): string {
  const age = id === '' ? 0 : MAX_LOGIN_MS / 1_000;
  const secure = isSecure ? '; Secure' : '';
  // Without a Path, it goes where the login was, as the browser sees it: to the API only, under the path of a proxy, too.
  return `${COOKIE}=${id}; HttpOnly; SameSite=Strict; Max-Age=${age}${secure}`;
}

/** Hash of the cookie; empty: there is none. */
function keyOf(request: IncomingMessage): string {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value = ''] = part.trim().split('=', 2);
    if (name === COOKIE && ID.test(value)) return hash(value);
  }
  return '';
}

/** Looked up by hash, so that the time taken reveals nothing about the ids. */
const hash = (id: string): string => createHash('sha256').update(id).digest('hex');
