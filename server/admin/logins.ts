/** Admins who are logged in: a random id in a cookie, of which only the hash is kept here, for a limited time. */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Actor } from '../rules/registry.ts';

export const COOKIE = 'regrow_admin';
const IDLE_MS = 2 * 60 * 60_000;
const MAX_MS = 12 * 60 * 60_000;
/** One more login logs the oldest out. */
const MAX_LOGINS = 32;
const ID = /^[A-Za-z0-9_-]{43}$/;

interface Login extends Actor {
  readonly sinceMs: number;
  lastMs: number;
}

export class Logins {
  readonly #now: () => number;
  /** Oldest first. */
  readonly #logins = new Map<string, Login>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns the cookie's value */
  begin(actor: Actor): string {
    const id = randomBytes(32).toString('base64url');
    const now = this.#now();
    this.#logins.set(hash(id), { ...actor, sinceMs: now, lastMs: now });
    if (this.#logins.size > MAX_LOGINS) this.#logins.delete(this.#logins.keys().next().value!);
    return id;
  }

  /** The admin whose login the request carries; null: none. */
  whose(request: IncomingMessage): Actor | null {
    const id = cookieOf(request);
    const key = id === null ? '' : hash(id);
    const login = this.#logins.get(key);
    if (login === undefined) return null;
    const now = this.#now();
    if (now - login.lastMs > IDLE_MS || now - login.sinceMs > MAX_MS) {
      this.#logins.delete(key);
      return null;
    }
    login.lastMs = now;
    return { who: login.who, address: login.address };
  }

  end(request: IncomingMessage): void {
    const id = cookieOf(request);
    if (id !== null) this.#logins.delete(hash(id));
  }
}

/** @param id - empty: deletes the cookie */
export function setCookie(id: string, isSecure: boolean): string {
  const age = id === '' ? 0 : MAX_MS / 1_000;
  const secure = isSecure ? '; Secure' : '';
  return `${COOKIE}=${id}; Path=/admin; HttpOnly; SameSite=Strict; Max-Age=${age}${secure}`;
}

function cookieOf(request: IncomingMessage): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value = ''] = part.trim().split('=', 2);
    if (name === COOKIE && ID.test(value)) return value;
  }
  return null;
}

/** Looked up by hash, so that the time taken reveals nothing about the ids. */
const hash = (id: string): string => createHash('sha256').update(id).digest('hex');
