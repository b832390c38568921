import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Connection } from '../../../client/net/connection.ts';
import type { Loss } from '../../../client/net/reconnect.ts';
import { MAX_VIEWPORT_PAGES } from '../../../shared/limits.ts';
import {
  ClientMessageType,
  CloseCode,
  PROTOCOL_VERSION,
  ServerMessageType,
  type SubmittedMessage,
} from '../../../shared/protocol.ts';

/** What a Colyseus room does, as far as the connection uses it. */
class FakeRoom {
  readonly reconnection = { enabled: true };
  readonly sent: { readonly type: number; readonly message: unknown }[] = [];
  readonly connection = {
    events: { onmessage: undefined as ((event: unknown) => void) | undefined },
    close: () => this.drop(1005),
  };
  hasLeft = false;
  readonly #listeners = new Map<number, (message: unknown) => void>();
  #left: (code: number) => void = () => {};

  onLeave(listener: (code: number) => void): void {
    this.#left = listener;
  }
  onMessage(type: number, listener: (message: unknown) => void): void {
    this.#listeners.set(type, listener);
  }
  send(type: number, message: unknown): void {
    this.sent.push({ type, message });
  }
  async leave(): Promise<void> {
    this.hasLeft = true;
    this.drop(1000);
  }
  drop(code: number): void {
    this.#left(code);
  }
  say(type: number, message: unknown): void {
    this.connection.events.onmessage?.({ data: new ArrayBuffer(10) });
    this.#listeners.get(type)?.(message);
  }
  sentOf(type: number): unknown[] {
    return this.sent.filter((one) => one.type === type).map(({ message }) => message);
  }
}

const rooms: FakeRoom[] = [];
/** Thrown by the next join, if not null. */
let refusal: Error | null = null;
/** How long the server takes to answer a join. */
let joinMs = 0;

vi.mock('@colyseus/sdk', () => ({
  Client: class {
    async join(): Promise<FakeRoom> {
      if (joinMs > 0) await new Promise((resolve) => setTimeout(resolve, joinMs));
      if (refusal !== null) throw refusal;
      const room = new FakeRoom();
      rooms.push(room);
      return room;
    }
  },
}));

const hello = { protocol: PROTOCOL_VERSION, width: 64, height: 64 };
const view = { x: 0, y: 0, width: 64, height: 64 };

async function setUp() {
  const losses: (Loss | null)[] = [];
  const connection = new Connection('http://world.test');
  connection.lost.on((loss) => losses.push(loss));
  connection.start();
  await vi.advanceTimersByTimeAsync(0);
  return { connection, losses };
}

/** Lets time pass while the server answers every ping of the newest room. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await vi.advanceTimersByTimeAsync(Math.min(1_000, ms - passed));
    rooms.at(-1)?.say(ServerMessageType.pong, { time: performance.now() });
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  // Node has locks as well.
  vi.stubGlobal('navigator', {});
  // The middle of the spread of waits.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  rooms.length = 0;
  refusal = null;
  joinMs = 0;
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('joining', () => {
  test('gives the hello on, sends the viewport at once, and switches the SDK’s own reconnection off', async () => {
    const { connection, losses } = await setUp();
    const met: unknown[] = [];
    connection.hello.on((message) => met.push(message));
    connection.look(view, 2);
    rooms[0].say(ServerMessageType.hello, hello);
    expect(met).toEqual([hello]);
    expect(losses).toEqual([null]);
    expect(rooms[0].sentOf(ClientMessageType.viewport)).toEqual([{ ...view, level: 2 }]);
    expect(rooms[0].reconnection.enabled).toBe(false);
    connection.dispose();
  });

  test('a server of another protocol is left for good, and the player is asked to reload', async () => {
    const { connection, losses } = await setUp();
    rooms[0].say(ServerMessageType.hello, { ...hello, protocol: PROTOCOL_VERSION + 1 });
    expect(losses).toMatchObject([{ retryMs: Number.POSITIVE_INFINITY }]);
    expect(losses[0]?.text).toContain('Reload');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(rooms).toHaveLength(1);
    connection.dispose();
  });

  test('that is refused is tried again, and the player reads the server’s reason', async () => {
    refusal = Object.assign(new Error('the world is full'), { code: 503 });
    const { connection, losses } = await setUp();
    expect(losses[0]?.text).toBe('The world is full.');
    expect(losses[0]?.retryMs).toBe(5_000);
    refusal = null;
    await vi.advanceTimersByTimeAsync(losses[0]?.retryMs ?? 0);
    expect(rooms).toHaveLength(1);
    connection.dispose();
  });
});

describe('a connection that is lost', () => {
  test('is joined again after a wait that grows, until a frame was acknowledged', async () => {
    const { connection, losses } = await setUp();
    const drop = async (): Promise<number> => {
      rooms.at(-1)?.drop(1006);
      const { retryMs } = losses.at(-1) as Loss;
      await vi.advanceTimersByTimeAsync(retryMs);
      return retryMs;
    };
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) waits.push(await drop());
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000]);
    expect(rooms).toHaveLength(7);
    connection.acknowledge(1);
    expect(await drop()).toBe(500);
    connection.dispose();
  });

  test('is joined again at once when the player asks, and once only', async () => {
    const { connection, losses } = await setUp();
    rooms[0].drop(CloseCode.removed);
    expect(losses.at(-1)?.retryMs).toBe(30_000);
    expect(connection.isOpen).toBe(false);
    connection.retryNow();
    await pass(60_000);
    expect(rooms).toHaveLength(2);
    connection.dispose();
  });

  test('is noticed by five pings without any message, though the socket is open', async () => {
    const { connection, losses } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    await vi.advanceTimersByTimeAsync(7_000);
    expect(connection.isOpen).toBe(true);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(losses).toMatchObject([null, { text: 'The connection was lost.' }]);
    connection.dispose();
  });

  test('says nothing more: strokes are refused, and acknowledgements do not reach the next one', async () => {
    const { connection } = await setUp();
    const stroke = { id: 1, tool: 'ablate', radius: 1, points: [1, 1] } as const;
    expect(connection.stroke(stroke)).toBe(true);
    connection.acknowledge(7);
    connection.acknowledge(8);
    connection.abandon();
    expect(connection.stroke(stroke)).toBe(false);
    connection.retryNow();
    await pass(5_000);
    expect(rooms[0].sentOf(ClientMessageType.ack)).toEqual([{ frame: 7 }]);
    expect(rooms[1].sentOf(ClientMessageType.ack)).toEqual([]);
    connection.dispose();
  });
});

describe('while it is open', () => {
  test('the newest viewport is sent every 120 ms while a pan brings new pages, and only when it has changed', async () => {
    const { connection } = await setUp();
    rooms[0].say(ServerMessageType.hello, { ...hello, width: 4_096, height: 4_096 });
    for (let n = 0; n < 50; n++) {
      connection.look({ ...view, x: 10 * n }, 0);
      await vi.advanceTimersByTimeAsync(12);
    }
    await pass(10_000);
    const sent = rooms[0].sentOf(ClientMessageType.viewport) as { readonly x: number }[];
    expect(sent.map(({ x }) => x / 10)).toEqual([9, 19, 29, 39, 49]);
    connection.dispose();
  });

  test('a viewport is sent again to the next connection', async () => {
    const { connection } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    connection.look(view, 0);
    await pass(1_000);
    connection.abandon();
    connection.retryNow();
    await pass(1_000);
    rooms[1].say(ServerMessageType.hello, hello);
    expect(rooms.map((room) => room.sentOf(ClientMessageType.viewport).length)).toEqual([1, 1]);
    connection.dispose();
  });

  test('keyframes are asked for together, of the newest level only, and of no more pages than a viewport has', async () => {
    const { connection } = await setUp();
    connection.askKeyframes(0, [1, 2]);
    connection.askKeyframes(1, [3]);
    connection.askKeyframes(1, [3, 4]);
    await pass(1_000);
    expect(rooms[0].sentOf(ClientMessageType.keyframes)).toEqual([{ level: 1, pages: [3, 4] }]);
    connection.askKeyframes(
      1,
      Array.from({ length: MAX_VIEWPORT_PAGES + 1 }, (_, page) => page),
    );
    await pass(1_000);
    const [, many] = rooms[0].sentOf(ClientMessageType.keyframes) as { readonly pages: number[] }[];
    expect(many.pages).toHaveLength(MAX_VIEWPORT_PAGES);
    connection.dispose();
  });

  test('the newest cursor is sent at most every 66 ms, and once', async () => {
    const { connection } = await setUp();
    connection.moveCursor([1, 1]);
    connection.moveCursor([2, 2]);
    await pass(1_000);
    connection.moveCursor(null);
    await pass(1_000);
    expect(rooms[0].sentOf(ClientMessageType.cursor)).toEqual([{ at: [2, 2] }, { at: null }]);
    connection.dispose();
  });

  test('received bytes are averaged over the last three seconds', async () => {
    const { connection } = await setUp();
    for (let i = 0; i < 60; i++) rooms[0].say(ServerMessageType.frame, new Uint8Array(0));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(connection.bytesPerSecond).toBe(200);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connection.bytesPerSecond).toBe(0);
    connection.dispose();
  });
});

describe('a page that is hidden', () => {
  const presence = (room: FakeRoom): unknown[] => room.sentOf(ClientMessageType.presence);

  test('says so, once, and sends no pings; seen again, it says so and pings at once', async () => {
    const { connection, losses } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    connection.see(false);
    connection.see(false);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }]);
    const pings = rooms[0].sentOf(ClientMessageType.ping).length;
    // Nothing is heard for ten minutes, and the connection is not taken for dead.
    await vi.advanceTimersByTimeAsync(600_000);
    expect(rooms[0].sentOf(ClientMessageType.ping)).toHaveLength(pings);
    connection.see(true);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }, { isHidden: false }]);
    expect(rooms[0].sentOf(ClientMessageType.ping)).toHaveLength(pings + 1);
    rooms[0].say(ServerMessageType.pong, { time: performance.now() });
    await pass(5_000);
    expect(rooms).toHaveLength(1);
    expect(losses).toEqual([null]);
    connection.dispose();
  });

  test('joins anew within a second of being seen when its connection has died meanwhile', async () => {
    const { connection, losses } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    connection.see(false);
    connection.see(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(rooms).toHaveLength(2);
    rooms[1].say(ServerMessageType.hello, hello);
    expect(losses.at(-1)).toBeNull();
    connection.dispose();
  });

  test('does not join again until it is seen, and then at once, and once', async () => {
    const { connection } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    rooms[0].drop(1006);
    connection.see(false);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(rooms).toHaveLength(1);
    connection.see(true);
    connection.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(rooms).toHaveLength(2);
    await pass(20_000);
    expect(rooms).toHaveLength(2);
    connection.dispose();
  });

  test('from its start tells each server that it is', async () => {
    const connection = new Connection('http://world.test');
    connection.see(false);
    connection.start();
    await vi.advanceTimersByTimeAsync(0);
    rooms[0].say(ServerMessageType.hello, hello);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }]);
    connection.dispose();
  });

  test('of another protocol is not joined again when it is seen', async () => {
    const { connection } = await setUp();
    rooms[0].say(ServerMessageType.hello, { ...hello, protocol: PROTOCOL_VERSION + 1 });
    connection.see(false);
    connection.see(true);
    connection.wake();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rooms).toHaveLength(1);
    connection.dispose();
  });
});

describe('a page whose world the drawing board covers', () => {
  const presence = (room: FakeRoom): unknown[] => room.sentOf(ClientMessageType.presence);

  test('is hidden to the server, but joins again at once when it is disconnected, and says it again', async () => {
    const { connection } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    connection.cover(true);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }]);
    rooms[0].drop(1006);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(rooms).toHaveLength(2);
    rooms[1].say(ServerMessageType.hello, hello);
    connection.cover(false);
    expect(presence(rooms[1])).toEqual([{ isHidden: true }, { isHidden: false }]);
    connection.dispose();
  });

  test('is seen again only when it is neither hidden nor covered', async () => {
    const { connection } = await setUp();
    rooms[0].say(ServerMessageType.hello, hello);
    connection.cover(true);
    connection.see(false);
    connection.see(true);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }]);
    connection.see(false);
    connection.cover(false);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }]);
    connection.see(true);
    expect(presence(rooms[0])).toEqual([{ isHidden: true }, { isHidden: false }]);
    connection.dispose();
  });
});

test('a drawing is submitted while there is a connection, and the answer is passed on', async () => {
  const { connection } = await setUp();
  const answers: SubmittedMessage[] = [];
  connection.submitted.on((answer) => answers.push(answer));
  const message = { name: 'Owl', drawing: 'AQgIAAA', isFree: true } as const;
  expect(connection.submit(message)).toBe(true);
  const room = rooms.at(-1)!;
  expect(room.sentOf(ClientMessageType.submit)).toEqual([message]);
  room.say(ServerMessageType.submitted, { reason: null, before: 2 });
  expect(answers).toEqual([{ reason: null, before: 2 }]);
  room.drop(1006);
  expect(connection.submit(message)).toBe(false);
  connection.dispose();
});

test('after dispose it leaves, and neither sends nor joins again', async () => {
  const { connection, losses } = await setUp();
  connection.look(view, 0);
  connection.dispose();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(losses).toEqual([]);
  expect(rooms[0].sent).toEqual([]);
  expect(rooms).toHaveLength(1);
});

describe('while the server has not answered a join yet', () => {
  test('dispose leaves the room as soon as it opens, and nothing is sent to it', async () => {
    joinMs = 500;
    const { connection, losses } = await setUp();
    connection.look(view, 0);
    connection.dispose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rooms).toHaveLength(1);
    expect(rooms[0].hasLeft).toBe(true);
    expect(connection.isOpen).toBe(false);
    rooms[0].say(ServerMessageType.hello, hello);
    expect(rooms[0].sent).toEqual([]);
    expect(losses).toEqual([]);
  });

  test('a refusal that comes after dispose is not told, and not tried again', async () => {
    joinMs = 500;
    const { connection, losses } = await setUp();
    connection.dispose();
    refusal = new Error('the world is full');
    await vi.advanceTimersByTimeAsync(60_000);
    connection.retryNow();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(losses).toEqual([]);
    expect(rooms).toEqual([]);
  });

  test('a player who asks to join now does not get a second seat', async () => {
    joinMs = 500;
    const { connection } = await setUp();
    connection.retryNow();
    await pass(5_000);
    expect(rooms).toHaveLength(1);
    connection.dispose();
  });
});
