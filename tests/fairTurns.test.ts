import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FairTurns } from '../server/fairTurns.ts';

const of = (address: string) => ({ guest: '', address });

function slowWork() {
  const turns = new FairTurns({
    maxUnderWay: 2,
    waiting: { maxPerGuest: 3, maxPerAddress: 3, max: 5 },
    refusal: () => new Error('too much'),
  });
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const take = (address: string): Promise<string> =>
    turns
      .take(of(address), () => {
        begun.push(address);
        return new Promise<void>((resolve) => ends.push(resolve));
      })
      .then(
        () => 'done',
        (error: Error) => error.message,
      );
  return { turns, begun, ends, take };
}

test('only so much is under way; then turns go round the addresses, and too much of one is refused', async () => {
  const { begun, ends, take } = slowWork();
  const flood = Array.from({ length: 9 }, () => take('crowd'));
  const home = take('home');
  expect(begun).toEqual(['crowd', 'crowd']);
  for (let n = 0; n < 6; n++) {
    ends[n]();
    await turn();
  }
  expect(begun).toEqual(['crowd', 'crowd', 'crowd', 'home', 'crowd', 'crowd']);
  expect(await home).toBe('done');
  expect((await Promise.all(flood)).filter((one) => one === 'too much')).toHaveLength(4);
});

test('work that fails makes room for the next', async () => {
  const { turns, begun, ends, take } = slowWork();
  const failures = [1, 2].map(() => turns.take(of('a'), () => Promise.reject(new Error('failed'))));
  const next = take('a');
  for (const failure of failures) await expect(failure).rejects.toThrow('failed');
  await turn();
  expect(begun).toEqual(['a']);
  ends[0]();
  expect(await next).toBe('done');
});
