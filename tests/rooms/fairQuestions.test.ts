import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FairQuestions, MAX_ASKED } from '../../server/rooms/fairQuestions.ts';
import type { WorldLink, WorldQuery } from '../../server/world/messages.ts';

/** A world whose answers a test gives one by one. */
function slowWorld() {
  const asked: { readonly query: WorldQuery; answer(error?: Error): void }[] = [];
  const world = {
    ask: (query: WorldQuery) =>
      new Promise((resolve, reject) => {
        asked.push({
          query,
          answer: (error) => (error === undefined ? resolve(null as never) : reject(error)),
        });
      }),
  } as Pick<WorldLink, 'ask'>;
  return { world, asked };
}
const organism = (id: number) => ({ kind: 'inspect', organism: id }) as const;

test('so many are asked at once; then turns go round addresses, and an honest question is the next but one', async () => {
  const { world, asked } = slowWorld();
  const questions = new FairQuestions(world);
  for (let i = 0; i < 64; i++)
    void questions.ask(organism(i), { guest: `${i % 45}`, address: 'crowd' }).catch(() => {});
  const honest = questions.ask(organism(999), { guest: 'ann', address: 'home' });
  expect(asked).toHaveLength(MAX_ASKED);
  asked[0].answer();
  await turn();
  asked[1].answer();
  await turn();
  const ids = asked.map(({ query }) => (query as { organism: number }).organism);
  expect(ids.slice(MAX_ASKED)).toContain(999);
  asked.at(ids.indexOf(999) - asked.length)!.answer();
  expect(await honest).toBeNull();
});

test('beyond an address’s bound they are refused at once; a failed question makes room for the next', async () => {
  const { world, asked } = slowWorld();
  const questions = new FairQuestions(world);
  const all = Array.from({ length: 200 }, (_, i) =>
    questions.ask(organism(i), { guest: `${i}`, address: 'crowd' }).then(
      () => 'answered',
      (error: Error) => error.message,
    ),
  );
  await turn();
  for (let i = 0; i < asked.length; i++) {
    asked[i].answer(i === 0 ? new Error('failed') : undefined);
    await turn();
  }
  const outcomes = await Promise.all(all);
  expect(asked).toHaveLength(MAX_ASKED + 64);
  expect(outcomes.filter((one) => one === 'too many questions at once')).toHaveLength(200 - MAX_ASKED - 64);
  expect(outcomes.filter((one) => one === 'failed')).toHaveLength(1);
});
