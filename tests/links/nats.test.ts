import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NatsHub, NatsRelay } from '../../server/links/nats.ts';
import { linkRelay, type RelayLink } from '../../server/links/relayLink.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { Broker, noBroker } from './broker.ts';
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

  test('after three seconds without a broker, only fresh frames are shown, and the picture is right', {
    timeout: 30_000,
  }, async () => {
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
    // A frame's age is counted from the quickest one's.
    expect(Math.max(...ages) - Math.min(...ages)).toBeLessThan(300);
    await link.stop();
    await host.close();
  });
});

test.skipIf(noBroker === null)(`nothing was tested over NATS: ${noBroker}`, () => {});
