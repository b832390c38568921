import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NatsHub, NatsRelay } from '../../server/links/nats.ts';
import { linkRelay, type RelayLink } from '../../server/links/relayLink.ts';
import { decodeMessage } from '../../server/links/wire.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { Broker, noBroker } from './broker.ts';
import { Cable } from './cable.ts';
import { describeWorldLink } from './contract.ts';
import { hubOf, until } from './ends.ts';

const log = (): void => {};

describe.skipIf(noBroker !== null)('over NATS', () => {
  let broker: Broker;
  let worlds = 0;
  beforeAll(async () => {
    broker = await Broker.start();
  });
  afterAll(() => broker.stop());

  async function relayOf(world: string, name: string, answerMs?: number): Promise<RelayLink> {
    const transport = await NatsRelay.connect(name, { url: broker.url, world, log });
    return linkRelay({ transport, log, answerMs });
  }

  describeWorldLink('NATS', {
    async make(world, answerMs) {
      const name = `contract${worlds++}`;
      const { close } = hubOf(world, await NatsHub.connect({ url: broker.url, world: name, log }));
      const link = await relayOf(name, 'r1', answerMs);
      return {
        link,
        die: close,
        async close() {
          await link.stop();
          await close();
        },
      };
    },
  });

  test('a question to a world whose process was killed is refused at once: nobody is there', async () => {
    const world = new FakeWorld(256, 256);
    const transport = await NatsHub.connect({ url: broker.url, world: 'killed', log });
    hubOf(world, transport);
    const link = await relayOf('killed', 'r1');
    // As a process that is killed: the broker sees its connection end, and nobody is told.
    await transport.close();
    // A question that nobody hears would be rejected with another reason, after 10 s.
    await expect(link.ask({ kind: 'organisms' })).rejects.toThrow('there is no such world at the moment');
    await link.stop();
  });

  test('after three seconds without a broker, only fresh frames are shown, and the picture is right', async () => {
    const world = new FakeWorld(256, 256);
    const name = 'outage';
    const host = hubOf(world, await NatsHub.connect({ url: broker.url, world: name, log }));
    const link = await relayOf(name, 'r1');
    const paintedMs = new Map<number, number>();
    const ages: number[] = [];
    const shown = new Set<number>();
    link.onFrame = ({ frame, updates }) => {
      shown.add(frame);
      ages.push(performance.now() - paintedMs.get(frame)!);
      for (const { key } of updates) expect(key).toBe(0);
    };
    link.watch([0], []);
    let n = 0;
    const ticking = setInterval(() => {
      world.paint(n % 64, 1, [n % 256, 9, 9, 255]);
      paintedMs.set(++n, performance.now());
      world.tick();
    }, 50);
    await until('frames', () => shown.size > 10);
    await broker.kill();
    const before = shown.size;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(shown.size - before).toBeLessThan(5);
    await broker.run();
    await until('frames again', () => shown.size > before + 20);
    clearInterval(ticking);
    // None of those that waited for the broker; a busy machine may hold others up.
    expect(Math.max(...ages) - Math.min(...ages)).toBeLessThan(1_500);
    await link.stop();
    await host.close();
  });

  test('of an owner whose link alone was slow, no frame or letter counts that comes when another owns the world', async () => {
    const name = 'late';
    const cable = await Cable.lay(broker.port);
    const [slow, next] = [new FakeWorld(256, 256), new FakeWorld(256, 256)];
    const old = hubOf(slow, await NatsHub.connect({ url: cable.to(broker.url), world: name, log }), {
      term: 1,
    });
    const link = await relayOf(name, 'r1');
    const shown: { readonly step: number; readonly owner: string }[] = [];
    let owner = 'old';
    link.onFrame = ({ step }) => shown.push({ step, owner });
    link.onReset = () => {
      owner = 'next';
    };
    link.watch([0], []);
    const paint = (world: FakeWorld, n: number): void => {
      world.paint(n % 64, 1, [n % 256, 9, 9, 255]);
      world.tick();
    };
    let n = 0;
    const ticking = setInterval(() => paint(slow, n++), 50);
    await until('frames', () => shown.length > 5);
    cable.hold();
    // On the way, when nobody reads: frames, and letters that a relay would believe.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    slow.onTrouble('of the old owner');
    await new Promise((resolve) => setTimeout(resolve, 100));
    clearInterval(ticking);
    const lastOld = slow.frames * 3;

    // The next owner's steps are beyond all those of the old one.
    for (let i = 0; i < 1_000; i++) next.tick();
    const host = hubOf(next, await NatsHub.connect({ url: broker.url, world: name, log }), { term: 2 });
    await until('the next owner', () => owner === 'next');
    link.watch([0], []);
    await until('its frames', () => {
      paint(next, n++);
      return shown.some(({ step }) => step > lastOld);
    });
    const spy = countFrames(await NatsRelay.connect('spy', { url: broker.url, world: name, log }));
    await until('the broker knows the spy', () => {
      paint(next, n++);
      return spy.ofTerm(2) > 0;
    });
    cable.release();
    await until('the old frames have come', () => spy.ofTerm(1) > 5);
    const before = shown.length;
    await until('fresh frames', () => {
      paint(next, n++);
      return shown.length > before + 3;
    });
    expect(shown.filter(({ step, owner }) => owner === 'next' && step <= lastOld)).toEqual([]);
    expect([link.trouble, link.welcome.term]).toEqual([null, 2]);
    await Promise.all([link.stop(), spy.close(), host.close(), old.close()]);
    await cable.remove();
  });

  test('for a broker that hangs or is gone, at most a megabyte of frames waits', async () => {
    const hub = await NatsHub.connect({ url: broker.url, world: 'hanging', log });
    const relay = await NatsRelay.connect('r1', { url: broker.url, world: 'hanging', log });
    const frame = new Uint8Array(200_000);
    let most = 0;
    /** Three seconds of 4 MB each. */
    const publish = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        hub.broadcast(frame, true);
        relay.send([new Uint8Array(1_000)], null);
        most = Math.max(most, hub.waitingBytes, relay.waitingBytes);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    process.kill(broker.pid, 'SIGSTOP');
    await publish();
    process.kill(broker.pid, 'SIGCONT');
    await broker.kill();
    await publish();
    // It did wait: the bound was met, and by no more than what is being written.
    expect(most).toBeGreaterThan(frame.length);
    expect(most).toBeLessThanOrEqual(1024 * 1024 + 2 * frame.length);
    await broker.run();
    let heard = 0;
    relay.onMessage = () => heard++;
    await until(
      'frames pass again',
      () => {
        hub.broadcast(new Uint8Array(100), true);
        return heard > 0;
      },
      20_000,
    );
    await Promise.all([relay.close(), hub.close()]);
  });
});

/** Counts the frames of one term, whoever takes them. */
function countFrames(transport: NatsRelay): { ofTerm(term: number): number; close(): Promise<void> } {
  const counts = new Map<number, number>();
  transport.onMessage = (message) => {
    const part = decodeMessage(message);
    if (part.type === 'frame') counts.set(part.term, (counts.get(part.term) ?? 0) + 1);
  };
  return { ofTerm: (term) => counts.get(term) ?? 0, close: () => transport.close() };
}

test.skipIf(noBroker === null)(`nothing was tested over NATS: ${noBroker}`, () => {});
