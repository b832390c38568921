/**
 * A guest's id and the token that proves it. The token is `id.mac`: the id is public to the server's own parts, the mac
 * is HMAC-SHA-256 of it under a key that never leaves the data directory. Nobody can make a token of another guest, and
 * the server need not remember a guest to know one again.
 *
 * An id is 16 bytes: the second of its making (uint32, big-endian, since 1970), then 12 random bytes.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const KEY_FILE = 'guest-key';
export const KEY_BYTES = 32;
const ID_BYTES = 16;
/** 16 and 32 bytes as base64url. */
const TOKEN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
const ID = /^[A-Za-z0-9_-]{22}$/;

export class GuestTokens {
  readonly #key: Uint8Array;

  /** @param key - `KEY_BYTES` bytes */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES)
      throw new RangeError(`the key of guests' tokens has ${key.length} bytes, expected ${KEY_BYTES}`);
    this.#key = key;
  }

  /** @param nowMs - the wall clock */
  newId(nowMs: number): string {
    const bytes = randomBytes(ID_BYTES);
    bytes.writeUInt32BE(Math.floor(nowMs / 1_000) >>> 0);
    return bytes.toString('base64url');
  }

  of(id: string): string {
    return `${id}.${this.#mac(id).toString('base64url')}`;
  }

  /** @returns the id; null: this server did not make the token */
  idOf(token: unknown): string | null {
    if (typeof token !== 'string') return null;
    const [, id, mac] = TOKEN.exec(token) ?? [];
    if (id === undefined || !isGuestId(id)) return null;
    return timingSafeEqual(this.#mac(id), Buffer.from(mac, 'base64url')) ? id : null;
  }

  #mac(id: string): Buffer {
    return createHmac('sha256', this.#key).update(id).digest();
  }
}

/** Whether a text could be an id: 16 bytes, written in the one way that base64url has for them. */
export const isGuestId = (text: string): boolean =>
  ID.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text;

/** When an id was made, by the wall clock of then; milliseconds since 1970, whole seconds. */
export const madeMs = (id: string): number => Buffer.from(id, 'base64url').readUInt32BE() * 1_000;

/**
 * The key in the data directory, made at the first start. One process at a time may call it for a folder.
 *
 * @throws Error when it is damaged, or cannot be read or made
 */
export function readKey(folder: string): Uint8Array {
  const path = join(folder, KEY_FILE);
  if (!existsSync(path)) makeKey(folder, path);
  const key = readFileSync(path);
  const fault = keyFault(path, key.length);
  if (fault !== null) throw new Error(fault);
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  return key;
}

function makeKey(folder: string, path: string): void {
  const unfinished = `${path}.unfinished`;
  try {
    mkdirSync(folder, { recursive: true });
    // Renamed when it is whole, so that a power cut leaves no half of a key.
    writeFileSync(unfinished, randomBytes(KEY_BYTES), { mode: 0o600, flush: true });
    renameSync(unfinished, path);
  } catch (error) {
    throw new Error(`the key of guests' tokens cannot be kept: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** @returns why a file of this many bytes is no key, and what to do; null: it is one */
export const keyFault = (path: string, bytes: number): string | null =>
  bytes === KEY_BYTES
    ? null
    : `${path} has ${bytes} bytes, expected ${KEY_BYTES}: put a copy in its place, or remove it; without it, the server recognises no earlier guest`;
