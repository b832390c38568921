import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue, type Waiter } from '../server/fairQueue.ts';

const ROOMY = { maxPerGuest: 1_000, maxPerAddress: 1_000, max: 100_000 };
const at = (address: string, guest = address): Waiter => ({ address, guest: `${address}/${guest}` });

function drain<T>(queue: FairQueue<T>): T[] {
  const out: T[] = [];
  for (let one = queue.take(); one !== undefined; one = queue.take()) out.push(one);
  return out;
}

test('turns go round addresses, and within an address round guests; a guest’s own keep their order', () => {
  const queue = new FairQueue<string>(ROOMY);
  for (const one of ['a1', 'a2', 'a3']) queue.push(at('crowd', 'a'), one);
  queue.push(at('crowd', 'b'), 'b1');
  queue.push(at('home'), 'h1');
  queue.push(at('home'), 'h2');
  expect(drain(queue)).toEqual(['a1', 'h1', 'b1', 'h2', 'a2', 'a3']);
  expect(queue.size).toBe(0);
});

test('the addresses of one network share a turn', () => {
  const queue = new FairQueue<string>({ ...ROOMY, max: 5 });
  const hop = (n: number): Waiter => ({ address: `2001:db8:1:${n}::`, guest: `guest ${n}` });
  for (const n of [1, 2, 3, 4]) queue.push(hop(n), `hop ${n}`);
  queue.push(at('home'), 'h1');
  expect(queue.push(at('home'), 'h2')).toBe('hop 1');
  expect(drain(queue)).toEqual(['hop 2', 'h1', 'hop 3', 'h2', 'hop 4']);
});

test('one that may not pass leaves its turn to the next guest, and keeps its place', () => {
  const queue = new FairQueue<string>(ROOMY);
  queue.push(at('crowd', 'a'), 'a1');
  queue.push(at('crowd', 'b'), 'b1');
  expect(queue.take((one) => one !== 'a1')).toBe('b1');
  expect(queue.take((one) => one !== 'a1')).toBeUndefined();
  expect(queue.take()).toBe('a1');
});

describe('what has no place', () => {
  test('is a guest’s, or an address’s, beyond their bounds', () => {
    const queue = new FairQueue<number>({ maxPerGuest: 2, maxPerAddress: 3, max: 100 });
    expect([1, 2, 3].map((one) => queue.push(at('crowd', 'a'), one))).toEqual([null, null, 3]);
    expect([4, 5].map((one) => queue.push(at('crowd', 'b'), one))).toEqual([null, 5]);
    expect(queue.push(at('home'), 6)).toBeNull();
  });

  test('in a full queue is the newest of the address that has most, not of the one that comes', () => {
    const queue = new FairQueue<string>({ ...ROOMY, max: 4 });
    for (const one of ['a1', 'a2', 'a3']) queue.push(at('crowd', 'a'), one);
    queue.push(at('crowd', 'b'), 'b1');
    expect(queue.push(at('home'), 'h1')).toBe('a3');
    expect(queue.push(at('crowd', 'b'), 'b2')).toBe('b2');
    expect(queue.push(at('home'), 'h2')).toBe('a2');
    // Now two and two: nobody makes room.
    expect(queue.push(at('home'), 'h3')).toBe('h3');
    expect(drain(queue)).toEqual(['a1', 'h1', 'b1', 'h2']);
  });
});

describe('for all arrivals and turns', () => {
  const LIMITS = { maxPerGuest: 5, maxPerAddress: 12, max: 30 };
  const arrival = fc.record({ address: fc.nat(5), guest: fc.nat(3) });
  const command = fc.oneof(
    { weight: 3, arbitrary: arrival },
    { weight: 1, arbitrary: fc.constant('take' as const) },
  );

  test('bounds hold, nothing is lost or doubled, and each guest’s come in order', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
        const queue = new FairQueue<{ id: number; who: string; address: number }>(LIMITS);
        const waiting = new Map<number, string>();
        const lastOf = new Map<string, number>();
        const took = (one: { id: number; who: string } | undefined): void => {
          if (one === undefined) return;
          expect(waiting.delete(one.id)).toBe(true);
          expect(one.id).toBeGreaterThan(lastOf.get(one.who) ?? -1);
          lastOf.set(one.who, one.id);
        };
        commands.forEach((each, id) => {
          if (each === 'take') {
            const isEmpty = queue.size === 0;
            const one = queue.take();
            expect(one === undefined).toBe(isEmpty);
            took(one);
            return;
          }
          const { address, guest } = each;
          const who = `${address}/${guest}`;
          waiting.set(id, who);
          const out = queue.push({ address: `${address}`, guest: who }, { id, who, address });
          if (out !== null) expect(waiting.delete(out.id)).toBe(true);
          expect(queue.size).toBe(waiting.size);
          expect(queue.size).toBeLessThanOrEqual(LIMITS.max);
          const own = [...waiting.values()].filter((one) => one === who);
          expect(own.length).toBeLessThanOrEqual(LIMITS.maxPerGuest);
        });
        for (const one of drain(queue)) took(one);
        expect(waiting.size).toBe(0);
      }),
      { seed: 19, numRuns: 300 },
    );
  });

  test('whoever comes waits for at most one turn of each other address, and each other guest of their own', () => {
    const crowd = fc.array(arrival, { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(crowd, fc.nat(5), (arrivals, served) => {
        const queue = new FairQueue<string>(ROOMY);
        for (const { address, guest } of arrivals) queue.push(at(`${address}`, `${guest}`), 'crowd');
        for (let i = 0; i < served; i++) queue.take();
        queue.push(at('home'), 'honest');
        const addresses = new Set(arrivals.map(({ address }) => address)).size;
        expect(drain(queue).indexOf('honest')).toBeLessThanOrEqual(addresses);
      }),
      { seed: 20, numRuns: 300 },
    );
  });
});
