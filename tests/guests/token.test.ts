import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestTokens, isGuestId, KEY_BYTES, KEY_FILE, madeMs, readKey } from '../../server/guests/token.ts';

const NOW = Date.UTC(2026, 10, 29, 18, 0, 7, 500);
const tokens = new GuestTokens(new Uint8Array(KEY_BYTES).fill(7));

describe('a token', () => {
  test('proves the id that it was made for, which tells the second of its making', () => {
    const id = tokens.newId(NOW);
    expect(isGuestId(id)).toBe(true);
    expect(madeMs(id)).toBe(NOW - 500);
    expect(tokens.idOf(tokens.of(id))).toBe(id);
    expect(tokens.newId(NOW)).not.toBe(id);
  });

  test('of another server, of another guest or with any bit changed proves nothing', () => {
    const id = tokens.newId(NOW);
    const token = tokens.of(id);
    const foreign = new GuestTokens(new Uint8Array(KEY_BYTES).fill(8));
    expect(tokens.idOf(foreign.of(id))).toBeNull();
    expect(tokens.idOf(`${tokens.newId(NOW)}.${token.split('.')[1]}`)).toBeNull();
    const bytes = [0, 1].map((part) => Buffer.from(token.split('.')[part], 'base64url'));
    fc.assert(
      fc.property(fc.constantFrom(0, 1), fc.nat(31), fc.nat(7), (part, at, bit) => {
        const changed = bytes.map((one) => Buffer.from(one));
        changed[part][at % changed[part].length] ^= 1 << bit;
        expect(tokens.idOf(changed.map((one) => one.toString('base64url')).join('.'))).toBeNull();
      }),
      { seed: 19 },
    );
  });

  test('may be of any type and length', () => {
    const id = tokens.newId(NOW);
    for (const junk of [
      undefined,
      null,
      5,
      {},
      [],
      '',
      '.',
      `${id}.`,
      `${id}.x`,
      `__proto__.${'A'.repeat(43)}`,
    ])
      expect(tokens.idOf(junk)).toBeNull();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(tokens.idOf(text)).toBeNull();
      }),
      { seed: 19 },
    );
  });
});

describe('the key', () => {
  test('is made once, whole, readable by its owner only, and is the same from then on', () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-key-'));
    try {
      const key = readKey(join(folder, 'new'));
      expect(key).toHaveLength(KEY_BYTES);
      expect(readKey(join(folder, 'new'))).toEqual(key);
      const path = join(folder, 'new', KEY_FILE);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(existsSync(`${path}.unfinished`)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('that is damaged is left as it is, and the error says what to do', () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrow-key-'));
    try {
      writeFileSync(join(folder, KEY_FILE), 'short');
      expect(() => readKey(folder)).toThrow(/guest-key has 5 bytes, expected 32: put a copy in its place/);
      expect(readFileSync(join(folder, KEY_FILE), 'utf8')).toBe('short');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
