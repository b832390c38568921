import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GuestToken, type Locks } from '../../../client/net/guestToken.ts';

const kept = new Map<string, string>();
let locks: Locks;

/** Grants one lock after the other; a request whose signal is aborted waits no longer. */
function fakeLocks(): Locks {
  let last: Promise<unknown> = Promise.resolve();
  const request = async (
    _name: string,
    { signal }: { signal: AbortSignal },
    held: () => Promise<void>,
  ): Promise<void> => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = before.then(() => promise);
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', reject));
    try {
      await Promise.race([before, aborted]);
      await held();
    } finally {
      resolve();
    }
  };
  return { request } as unknown as Locks;
}

beforeEach(() => {
  vi.useFakeTimers();
  // As real ones do, but in the fake time.
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), ms);
    return controller.signal;
  });
  kept.clear();
  vi.stubGlobal('location', { href: 'https://example.org/' });
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
  locks = fakeLocks();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** What a tab gets to join with; undefined: it still waits. */
function taken(tab: GuestToken): () => string | null | undefined {
  let token: string | null | undefined;
  void tab.take().then((one) => {
    token = one;
  });
  return () => token;
}
const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

test('of two tabs without a token the second waits for the first, and is the same guest', async () => {
  const [a, b] = [new GuestToken(locks), new GuestToken(locks)];
  const [first, second] = [taken(a), taken(b)];
  await pass();
  expect([first(), second()]).toEqual([null, undefined]);
  expect(a.kept('token of a')).toBe(true);
  await pass();
  expect(second()).toBe('token of a');
  expect(b.kept(undefined)).toBe(true);
  const third = taken(new GuestToken(locks));
  await pass();
  expect(third()).toBe('token of a');
});

test('a tab whose join fails lets the next one go first', async () => {
  const [a, b] = [new GuestToken(locks), new GuestToken(locks)];
  const [, second] = [taken(a), taken(b)];
  await pass();
  a.gaveUp();
  await pass();
  expect(second()).toBeNull();
});

test('a tab that hangs holds nobody up for longer than five seconds', async () => {
  const [a, b] = [new GuestToken(locks), new GuestToken(locks)];
  const [, second] = [taken(a), taken(b)];
  await pass(4_999);
  expect(second()).toBeUndefined();
  await pass(1);
  expect(second()).toBeNull();
});

test('without locks, a tab that finds another’s token joins again as that guest', async () => {
  const [a, b] = [new GuestToken(null), new GuestToken(null)];
  const [first, second] = [taken(a), taken(b)];
  await pass();
  expect([first(), second()]).toEqual([null, null]);
  expect(a.kept('token of a')).toBe(true);
  expect(b.kept('token of b')).toBe(false);
  const again = taken(b);
  await pass();
  expect(again()).toBe('token of a');
});

test('a token that the server does not take is replaced by the one that it gives', async () => {
  kept.set('regrow.token', 'of a server that was here before');
  const tab = new GuestToken(locks);
  const token = taken(tab);
  await pass();
  expect(token()).toBe('of a server that was here before');
  expect(tab.kept('new')).toBe(true);
  expect(kept.get('regrow.token')).toBe('new');
});

test('a browser that keeps nothing is one guest per page', async () => {
  vi.stubGlobal('localStorage', undefined);
  const tab = new GuestToken(locks);
  taken(tab);
  await pass();
  tab.kept('token');
  const again = taken(tab);
  await pass();
  expect(again()).toBe('token');
});
