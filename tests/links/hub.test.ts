import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LAPSE_MS, MAX_SILENCE_MS } from '../../server/links/hub.ts';
import { VisitLedger } from '../../server/links/hubPeople.ts';
import { linkRelay, type RelayLink } from '../../server/links/relayLink.ts';
import { SharedWorld } from '../../server/links/sharedWorld.ts';
import type { PublishedFrame } from '../../server/stream/published.ts';
import { KEYFRAME } from '../../shared/frame.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { hubOf } from './ends.ts';
import { type Way, Ways } from './ways.ts';

let world: FakeWorld;
let ways: Ways;
let host: ReturnType<typeof hubOf>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  world = new FakeWorld(256, 256);
  ways = new Ways();
  host = hubOf(world, ways);
});
const links: RelayLink[] = [];
afterEach(async () => {
  for (const link of links.splice(0)) await link.stop();
  await host.close();
  vi.useRealTimers();
});

interface Relay {
  readonly way: Way;
  readonly link: RelayLink;
  readonly frames: PublishedFrame[];
  /** "5 keyframe", "5 delta" … of all frames since the last call. */
  updates(): string[];
}

async function relay(name: string): Promise<Relay> {
  const way = ways.way(name);
  const link = await linkRelay({ transport: way, log: () => {} });
  links.push(link);
  const frames: PublishedFrame[] = [];
  link.onFrame = (frame) => frames.push(frame);
  const updates = (): string[] =>
    frames
      .splice(0)
      .flatMap(({ updates }) =>
        updates.map(({ key, base }) => `${key} ${base === KEYFRAME ? 'keyframe' : 'delta'}`),
      );
  return { way, link, frames, updates };
}

const pass = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
  await turn();
};

describe('what several relays watch', () => {
  test('is watched once in the world, until the last of them ends', async () => {
    const [one, two] = [await relay('one'), await relay('two')];
    one.link.watch([1, 2], []);
    two.link.watch([2, 3], []);
    await turn();
    expect([...world.watched].sort()).toEqual([1, 2, 3]);
    one.link.watch([], [1, 2]);
    await turn();
    expect([...world.watched].sort()).toEqual([2, 3]);
    await two.link.stop();
    expect(world.watched.size).toBe(0);
  });

  test('comes to each of them, and a relay that comes later gets a keyframe of a page that others have', async () => {
    const one = await relay('one');
    one.link.watch([2], []);
    await turn();
    world.tick();
    expect(one.updates()).toEqual(['2 keyframe']);
    const two = await relay('two');
    two.link.watch([2, 3], []);
    await turn();
    world.tick();
    expect(two.updates()).toEqual(['2 keyframe', '3 keyframe']);
    world.paint(2 * 64, 1, [9, 9, 9, 255]);
    world.tick();
    expect([one.updates(), two.updates()]).toEqual([['2 keyframe', '2 delta'], ['2 delta']]);
  });

  test('lapses with a relay that is silent, and comes back with it', async () => {
    const one = await relay('one');
    one.link.watch([2], []);
    await turn();
    one.way.isCut = true;
    await pass(LAPSE_MS - 1_500);
    expect(world.watched.size).toBe(1);
    await pass(3_000);
    expect(world.watched.size).toBe(0);
    one.way.isCut = false;
    await pass(2_100);
    expect([...world.watched]).toEqual([2]);
    world.tick();
    expect(one.updates()).toContain('2 keyframe');
  });

  test('is asked for again, a little at a time, when frames were lost and nothing follows them', async () => {
    const one = await relay('one');
    one.link.watch(
      Array.from({ length: 16 }, (_, page) => page),
      [],
    );
    await turn();
    world.tick();
    one.updates();
    one.way.isCut = true;
    world.paint(1, 1, [9, 9, 9, 255]);
    world.tick();
    one.way.isCut = false;
    await pass(1_200);
    world.tick();
    expect(one.updates().filter((update) => update.endsWith('keyframe'))).toHaveLength(16);
  });
});

describe('the clients of a relay', () => {
  const open = (link: RelayLink, visit: string, address = '192.0.2.1'): boolean =>
    link.tell({ type: 'open', visit, guest: 'A'.repeat(22), isNew: true, address });

  test('are visits of the one crowd, and end with their relay', async () => {
    const [one, two] = [await relay('one'), await relay('two')];
    open(one.link, 'a');
    open(two.link, 'b');
    expect(host.crowd.visits.map(({ id }) => id)).toEqual(['a', 'b']);
    host.crowd.players.tick();
    const heard: unknown[] = [];
    one.link.onClients = (letter) => heard.push(letter);
    expect(host.crowd.kick(() => true, 'out')).toBe(2);
    expect(heard).toEqual([{ type: 'close', visit: 'a', code: 4403, reason: 'out' }]);
    await one.link.stop();
    expect(host.crowd.visits.map(({ id }) => id)).toEqual(['b']);
  });

  test('stay while a relay is paused, and end when it is silent for half a minute', async () => {
    const one = await relay('one');
    open(one.link, 'a');
    one.way.isCut = true;
    await pass(LAPSE_MS + 6_000);
    expect(host.crowd.visits).toHaveLength(1);
    await pass(MAX_SILENCE_MS);
    expect(host.crowd.visits).toHaveLength(0);
    const resets: string[] = [];
    one.link.onReset = (reason) => resets.push(reason);
    one.way.isCut = false;
    await pass(3_000);
    expect(resets).toEqual(['the world has started again']);
    expect(one.link.isUp).toBe(true);
  });

  test('that have left while the way was cut are gone when it is back', async () => {
    const one = await relay('one');
    open(one.link, 'a');
    open(one.link, 'b');
    one.link.visits = () => ['b', 'c'];
    one.way.isCut = true;
    await pass(5_000);
    const heard: unknown[] = [];
    one.link.onClients = (letter) => {
      if (letter.type === 'close') heard.push(letter.visit);
    };
    one.way.isCut = false;
    await pass(1_100);
    expect(host.crowd.visits.map(({ id }) => id)).toEqual(['b']);
    expect(heard).toEqual(['c']);
  });

  test('take each seat once, and are limited by address and in all', () => {
    const ledger = new VisitLedger({ perAddress: 2, maxVisits: 3, seatMs: 5_000 });
    expect(ledger.begin('a', '192.0.2.1')).toBeNull();
    expect(ledger.begin('a', '192.0.2.2')).toBe('that seat is taken');
    expect(ledger.begin('b', '192.0.2.1')).toBeNull();
    expect(ledger.begin('c', '192.0.2.1')).toBe('too many connections from this address');
    expect(ledger.begin('c', '192.0.2.2')).toBeNull();
    expect(ledger.begin('d', '192.0.2.3')).toBe('the world is full');
    ledger.end('a', '192.0.2.1');
    expect(ledger.begin('a', '192.0.2.1')).toBe('that seat is taken');
    expect(ledger.begin('d', '192.0.2.1')).toBeNull();
  });
});

test('without a world, a question is refused at once, and the relay finds the world when it is back', async () => {
  const one = await relay('one');
  world.silent = true;
  const asked = one.link.ask({ kind: 'organisms' }).catch((error: Error) => error.message);
  one.way.isCut = true;
  one.way.onDown('the broker is gone');
  expect(await asked).toBe('there is no such world at the moment');
  await expect(one.link.ask({ kind: 'organisms' })).rejects.toThrow('there is no such world at the moment');
  one.way.isCut = false;
  one.way.onUp();
  world.silent = false;
  expect(await one.link.ask({ kind: 'organisms' })).toHaveLength(1);
});

test('a world that another process owns now makes its relays begin anew, and the old one is not heard', async () => {
  const one = await relay('one');
  const resets: string[] = [];
  one.link.onReset = (reason) => resets.push(reason);
  const oldBroadcast = ways.onMessage;
  const next = new FakeWorld(256, 256);
  const later = hubOf(next, ways, { term: 2 });
  await turn();
  expect(resets).toEqual(['the world has started again']);
  expect(one.link.welcome.term).toBe(2);
  expect(ways.onMessage).not.toBe(oldBroadcast);
  one.link.watch([1], []);
  await turn();
  world.watch([1], []);
  world.tick();
  expect(one.frames).toEqual([]);
  next.tick();
  expect(one.updates()).toEqual(['1 keyframe']);
  // The owner of before ends: that is nobody's loss.
  await host.close();
  expect(resets).toHaveLength(1);
  expect(one.link.isUp).toBe(true);
  await later.close();
  expect(resets.at(-1)).toBe('the world has stopped');
});

test('what cannot be read is said, and costs nobody anything', async () => {
  const [one, two] = [await relay('one'), await relay('two')];
  for (const bytes of [[], [7], [1, 2, 3], [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 9, 9]]) {
    two.way.bring(Uint8Array.from(bytes));
    two.way.send([Uint8Array.from(bytes)]);
  }
  expect(host.log[0]).toMatch(/^a relay's message cannot be read \(two\)/);
  for (const link of [one.link, two.link]) link.watch([1], []);
  // The one whose messages made no sense begins anew.
  await pass(1_100);
  world.tick();
  for (const { updates } of [one, two]) expect(updates()).toContain('1 keyframe');
});

test('a relay of another version is refused with the reason', async () => {
  const way = ways.way('old');
  const ended: Buffer[] = [];
  way.onMessage = (message) => ended.push(message);
  const { encodeLetter, WIRE_VERSION } = await import('../../server/links/wire.ts');
  way.send(encodeLetter({ type: 'hello', wire: 0 }, 1, way.maxBytes));
  expect(Buffer.concat(ended).toString('latin1')).toContain(
    `the world speaks version ${WIRE_VERSION} of the wire`,
  );
  expect(host.hub.size).toBe(0);
});

describe('one world for several views', () => {
  test('a view hears only of the pages that it watches', () => {
    const shared = new SharedWorld(world);
    const [one, two] = [shared.view(), shared.view()];
    const heard: number[][] = [[], []];
    for (const [i, view] of [one, two].entries())
      view.onFrame = ({ updates }) => heard[i].push(...updates.map(({ key }) => key));
    one.watch([1, 2], []);
    two.watchOnly([2, 3]);
    world.tick();
    expect(heard).toEqual([
      [1, 2],
      [2, 3],
    ]);
    two.watchOnly([1]);
    expect([...world.watched].sort()).toEqual([1, 2]);
    one.close();
    expect([...world.watched]).toEqual([1]);
    one.watch([4], []);
    expect([...world.watched]).toEqual([1]);
  });
});
