/** Attackers that hold connections: half-open, slow, or silent. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { ClientMessageType } from '../../../shared/protocol.ts';
import { assetsIn } from './downloads.ts';
import type { Attack, Siege } from './siege.ts';

const BYTE_MS = 1_000;
/** A connection that the server still keeps after this is counted. */
const LONG_MS = 18_000;
/** How long nothing is read, before a look at whether the server has ended it. */
const UNREAD_MS = 14_000;

/** Holds a connection until the server closes it, then counts for how long it was kept. */
async function hold(siege: Siege, socket: Socket, each: (() => boolean) | null): Promise<void> {
  const startMs = performance.now();
  let isLong = false;
  const timer = setInterval(() => {
    if (each !== null && !each()) clearInterval(timer);
  }, BYTE_MS);
  const long = setTimeout(() => {
    isLong = true;
    siege.add(`kept for ${LONG_MS / 1_000} s`);
  }, LONG_MS);
  // The server has ended its side; only writes show when it has let go of the socket, or that it keeps it half open.
  let probing: NodeJS.Timeout | undefined;
  socket.once('end', () => {
    probing = setInterval(() => socket.write('x'), BYTE_MS);
  });
  if (!socket.destroyed) await once(socket, 'close').catch(() => {});
  clearInterval(timer);
  clearInterval(probing);
  clearTimeout(long);
  if (siege.signal.aborted) return;
  const seconds = (performance.now() - startMs) / 1_000;
  siege.add(isLong ? 'closed late' : `closed after ${seconds < 1 ? 'under 1' : Math.round(seconds)} s`);
  await siege.pause(200);
}

/** Sends one byte per second. */
const slowly = (socket: Socket, bytes: string): (() => boolean) => {
  let at = 0;
  return () => {
    if (socket.destroyed || at >= bytes.length) return false;
    socket.write(bytes[at++]);
    return true;
  };
};

const PER_ADDRESS = 40;
const MAX_SOCKETS = 240;

export const SOCKETS: Readonly<Record<string, Attack>> = {
  halfOpen: {
    what: '40 connections per address that send half a request head, or one whole request, and then nothing',
    run: (siege) =>
      siege.loops(siege.count(PER_ADDRESS, MAX_SOCKETS), async (index) => {
        const socket = await siege.open(index);
        socket.resume();
        const isWhole = index % 4 === 0;
        socket.write(
          `GET /healthz HTTP/1.1\r\nHost: ${siege.host}:${siege.port}\r\n${isWhole ? '\r\n' : 'X-'}`,
        );
        // What the server says at its end of patience is read, and our end stays open.
        socket.allowHalfOpen = true;
        await hold(siege, socket, null);
      }),
  },
  slowHeads: {
    what: '40 connections per address that send one byte of a request head per second',
    run: (siege) =>
      siege.loops(siege.count(PER_ADDRESS, MAX_SOCKETS), async (index) => {
        const socket = await siege.open(index);
        socket.resume();
        socket.allowHalfOpen = true;
        const head = `GET / HTTP/1.1\r\nHost: ${siege.host}:${siege.port}\r\nX-Slow: ${'a'.repeat(600)}`;
        await hold(siege, socket, slowly(socket, head));
      }),
  },
  slowBodies: {
    what: '40 connections per address that send one byte of a body per second, for a seat or a login',
    run: (siege) =>
      siege.loops(siege.count(PER_ADDRESS, MAX_SOCKETS), async (index) => {
        const socket = await siege.open(index);
        socket.resume();
        socket.allowHalfOpen = true;
        const path = index % 2 === 0 ? 'matchmake/join/world' : 'admin/api/login';
        socket.write(
          `POST /${path} HTTP/1.1\r\nHost: ${siege.host}:${siege.port}\r\n` +
            'Content-Type: application/json\r\nContent-Length: 900\r\n\r\n',
        );
        await hold(siege, socket, slowly(socket, `{"token":"${'a'.repeat(880)}`));
      }),
  },
  slowReaders: {
    what: 'per address 24 downloads and 8 players with a wide view that never read',
    async run(siege) {
      const [largest] = assetsIn(siege.task.clientDir);
      const downloads = siege.loops(siege.count(24, 120), async (index) => {
        const socket = await siege.open(index);
        socket.pause();
        const path = index % 3 === 0 ? 'api/world.png?x=0&y=0&w=2048&h=2048' : largest;
        // Twenty answers, of which not one is read.
        socket.write(`GET /${path} HTTP/1.1\r\nHost: ${siege.host}:${siege.port}\r\n\r\n`.repeat(20));
        // A paused socket does not notice its end: it is looked at from time to time.
        await siege.pause(UNREAD_MS);
        socket.resume();
        await Promise.race([once(socket, 'close'), siege.pause(3_000)]);
        siege.add(socket.destroyed ? 'download ended by the server' : 'download kept for 14 s');
        socket.destroy();
      });
      const players = siege.loops(siege.count(8, 40), async (index) => {
        const raider = siege.client(index);
        const { width, height } = await raider.enter();
        raider.send(ClientMessageType.viewport, { x: 0, y: 0, width, height, level: 0 });
        raider.stall();
        await siege.pause(UNREAD_MS);
        raider.resume();
        await siege.pause(1_000);
        siege.add(raider.isOpen ? 'player kept for 14 s' : 'player ended by the server');
        raider.drop();
      });
      await Promise.all([downloads, players]);
    },
  },
  idle: {
    what: 'connections that send nothing: 70 per address, more than its cap',
    run: (siege) =>
      siege.loops(siege.count(siege.task.isShared ? 32 : 70, 1_400), async (index) => {
        await siege.turn(400);
        const socket = await siege.open(index);
        socket.resume();
        await hold(siege, socket, null);
      }),
  },
};
