import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { linkWorld, type ThreadPort, type WorldThread } from '../../server/links/threadLink.ts';
import { type FromWorld, NoAnswerError, type ToWorld, type WorldReady } from '../../server/world/messages.ts';

class FakeThread extends EventEmitter implements ThreadPort {
  readonly sent: ToWorld[] = [];

  postMessage(message: ToWorld): void {
    this.sent.push(message);
  }

  async terminate(): Promise<void> {}

  say(message: FromWorld): void {
    this.emit('message', message);
  }
}

const READY: WorldReady = {
  type: 'ready',
  engine: 'fake',
  reason: 'it is a test',
  width: 64,
  height: 64,
  species: [],
  start: { x: 0, y: 0 },
  stepsPerSecond: 30,
  watchedSwaps: [],
  notes: [],
};

async function linked(answerMs?: number): Promise<{ thread: FakeThread; link: WorldThread }> {
  const thread = new FakeThread();
  const linking = linkWorld(thread, { answerMs });
  thread.say(READY);
  return { thread, link: await linking };
}

describe('the link to the simulation thread', () => {
  test('a world that cannot start says why', async () => {
    const thread = new FakeThread();
    const linking = linkWorld(thread);
    thread.emit('error', new Error('no rule in weights can live'));
    await expect(linking).rejects.toThrow('no rule in weights can live');
  });

  test('answers find their questions in any order', async () => {
    const { thread, link } = await linked();
    const first = link.ask({ kind: 'organisms' });
    const second = link.ask({ kind: 'inspect', organism: 3 });
    const refused = link.ask({ kind: 'save' });
    thread.say({ type: 'answer', request: 2, value: null });
    thread.say({ type: 'answer', request: 1, value: [] });
    thread.say({ type: 'refused', request: 3, message: 'disk full' });
    expect(await first).toEqual([]);
    expect(await second).toBeNull();
    await expect(refused).rejects.toThrow(new NoAnswerError('disk full'));
  });

  test('a question without an answer is rejected in time, and a late answer is ignored', async () => {
    const { thread, link } = await linked(10);
    await expect(link.ask({ kind: 'organisms' })).rejects.toThrow('did not answer organisms');
    thread.say({ type: 'answer', request: 1, value: [] });
  });

  test('more than 4,096 questions without an answer are rejected', async () => {
    const { link } = await linked(1);
    const asked = Array.from({ length: 4_097 }, () =>
      link.ask({ kind: 'organisms' }).catch((e: Error) => e.message),
    );
    expect(await asked[4_096]).toBe('the world is busy');
    await Promise.all(asked);
  });

  test('bodies that wilt are passed on, and counted by the label of their rule', async () => {
    const { thread, link } = await linked();
    const told: number[] = [];
    link.onWilted = (bodies) => told.push(...bodies.map(({ organism }) => organism));
    const body = { species: 'mew', x: 1, y: 2, planter: '', guest: '', cause: 'too large' } as const;
    const wilted = (...all: [organism: number, label: string][]): void =>
      thread.say({ type: 'wilted', bodies: all.map(([organism, label]) => ({ ...body, organism, label })) });
    wilted([3, 'mew v1'], [4, 'mew v2']);
    wilted([3, 'mew v1']);
    expect(told).toEqual([3, 4, 3]);
    expect(Object.fromEntries(link.wilted)).toEqual({ 'mew v1': 2, 'mew v2': 1 });
  });

  test('disk trouble is passed on, and remembered until it is over', async () => {
    const { thread, link } = await linked();
    thread.say({ type: 'trouble', trouble: 'a full disk' });
    expect(link.trouble).toBe('a full disk');
    const told: (string | null)[] = [];
    link.onTrouble = (trouble) => told.push(trouble);
    thread.say({ type: 'trouble', trouble: null });
    expect([link.trouble, told]).toEqual([null, [null]]);
  });

  test('when the thread dies every question is rejected, and the death is reported once', async () => {
    const { thread, link } = await linked();
    const deaths: string[] = [];
    link.onDeath = (error) => deaths.push(error.message);
    const asked = link.ask({ kind: 'organisms' });
    thread.emit('error', new Error('a bug'));
    thread.emit('exit', 1);
    await expect(asked).rejects.toThrow('a bug');
    await expect(asked).rejects.toBeInstanceOf(NoAnswerError);
    await expect(link.ask({ kind: 'organisms' })).rejects.toThrow('a bug');
    expect(deaths).toEqual(['a bug']);
  });

  test('stop waits for the thread to confirm, and its end after that is not a death', async () => {
    const { thread, link } = await linked();
    const deaths: string[] = [];
    link.onDeath = (error) => deaths.push(error.message);
    const stopping = link.stop();
    expect(thread.sent).toEqual([{ type: 'stop' }]);
    thread.say({ type: 'stopped' });
    thread.emit('exit', 0);
    await stopping;
    expect(deaths).toEqual([]);
  });

  test('while it stops, it tells how many pages are written', async () => {
    const { thread, link } = await linked();
    const told: string[] = [];
    const stopping = link.stop((text) => told.push(text));
    thread.say({ type: 'saving', pages: 1_200, of: 8_192 });
    thread.say({ type: 'stopped' });
    await stopping;
    expect(told).toEqual(['1,200 of 8,192 pages']);
  });

  test('a thread that dies while it stops is an error: the world may not be saved', async () => {
    const { thread, link } = await linked();
    const stopping = link.stop();
    thread.emit('error', new Error('disk full'));
    await expect(stopping).rejects.toThrow('disk full');
  });
});
