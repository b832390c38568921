import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import { CloseCode, type HelloMessage, ServerMessageType } from '../../../shared/protocol.ts';
import { startServer, type TestServer } from '../../rooms/harness.ts';
import { LoadClient } from './client.ts';
import { pack } from './pack.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startServer({ maxPlayers: 2 });
});
afterEach(() => server.close());

const players = async (): Promise<number> =>
  ((await (await fetch(`${server.url}healthz`)).json()) as { players: number }).players;

interface Watched {
  readonly client: LoadClient;
  readonly closed: string[];
  readonly heard: number[];
}

async function joined(): Promise<Watched> {
  const closed: string[] = [];
  const heard: number[] = [];
  const client = new LoadClient(0, server.world.ready, false, { x: 0, y: 0 }, (_client, bytes) =>
    heard.push(bytes),
  );
  client.onClose = (code, reason) => closed.push(`${code} ${reason}`);
  await client.join(server.url);
  return { client, closed, heard };
}

test('the hello is the first message, and is counted', async () => {
  const types: number[] = [];
  const client = new LoadClient(0, server.world.ready, false, { x: 0, y: 0 }, (_client, bytes) => {
    expect(bytes).toBeGreaterThan(10);
  });
  client.onMessage = (type, payload) => {
    types.push(type);
    if (type === ServerMessageType.hello)
      expect((decodeMsgpack(payload) as HelloMessage).budget.capacity).toBeGreaterThan(0);
  };
  await client.join(server.url);
  expect(types[0]).toBe(ServerMessageType.hello);
  client.drop();
});

test('after `leave` the server has no player, and `closed` is not called', async () => {
  const { client, closed } = await joined();
  expect(await players()).toBe(1);
  await client.leave();
  expect(client.isOpen).toBe(false);
  await expect.poll(players).toBe(0);
  expect(closed).toEqual([]);
});

test('a stalled client can leave, and so can one that never joined', async () => {
  const { client, closed } = await joined();
  client.stall();
  await client.leave();
  await expect.poll(players).toBe(0);
  await client.leave();
  await new LoadClient(1, server.world.ready, false, { x: 0, y: 0 }, () => {}).leave();
  expect(closed).toEqual([]);
});

test('a close by the server is reported with its code and reason', async () => {
  const { client, closed } = await joined();
  const told = new Promise<void>((resolve) => {
    const { onClose } = client;
    client.onClose = (code, reason) => {
      onClose(code, reason);
      resolve();
    };
  });
  client.send(99, {});
  await told;
  expect(closed).toEqual([`${CloseCode.badMessage} there is no message 99`]);
});

test('a world that is full refuses the seat with its reason', async () => {
  const first = await joined();
  const second = await joined();
  await expect(joined()).rejects.toThrow(/^no seat: /);
  first.client.drop();
  second.client.drop();
});

describe('pack', () => {
  test.each([
    [{ name: 'ö'.repeat(100), at: null }],
    [{ at: [1.5, -2], points: Array.from({ length: 128 }, (_, i) => i / 3) }],
    [{ deep: { deeper: [null, 'x', 0] } }],
  ])('what it writes is read as it was: %j', (message) => {
    expect(decodeMsgpack(pack(message))).toEqual(message);
  });

  test('refuses texts and objects that are too long', () => {
    expect(() => pack({ text: 'x'.repeat(65_536) })).toThrow(RangeError);
    expect(() => pack(Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, i])))).toThrow(RangeError);
  });
});
