/** Attackers that are let in, and misuse what every player may do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import {
  BUDGET_CELLS,
  MAX_BRUSH_RADIUS,
  MIN_BRUSH_RADIUS,
  PLANT_COST_CELLS,
} from '../../../shared/limits.ts';
import {
  ClientMessageType,
  type HelloMessage,
  type PlayersMessage,
  ServerMessageType,
  type StrokeResultMessage,
} from '../../../shared/protocol.ts';
import { reserveSeat, seatAddress } from '../load/seat.ts';
import type { Body } from '../soak/sizes.ts';
import { hostileNames, nameFault } from './hostileNames.ts';
import type { Attack, Raider, Siege } from './siege.ts';

const MAX_ANSWERS_MS = 2_000;

/** Sends strokes at once, and waits for their answers, which are counted. */
async function strike(siege: Siege, raider: Raider, strokes: readonly object[], did: string): Promise<void> {
  let answers = 0;
  const hear = raider.onMessage;
  raider.onMessage = (type, payload) => {
    hear(type, payload);
    if (type !== ServerMessageType.strokeResult) return;
    answers++;
    const { ok, reason = '' } = decodeMsgpack(payload) as StrokeResultMessage;
    // Seconds to wait differ from answer to answer.
    siege.add(ok ? did : `refused: ${reason.replaceAll(/\d+/g, 'n')}`);
  };
  for (const [i, stroke] of strokes.entries())
    raider.send(ClientMessageType.stroke, { id: i + 1, ...stroke });
  const deadlineMs = performance.now() + MAX_ANSWERS_MS;
  while (answers < strokes.length && raider.isOpen && performance.now() < deadlineMs && !siege.signal.aborted)
    await sleep(10);
  raider.onMessage = hear;
}

const DAB_COST = Math.ceil(Math.PI * MAX_BRUSH_RADIUS ** 2);

const wipe: Attack = {
  what: '24 short connections per address that spend all their energy on dabs of the widest brush at bodies, and come back; half of them as the same guest',
  async run(siege) {
    let bodies: Body[] = [];
    const looking = siege.loops(1, async () => {
      const seen = await siege.bodies(0);
      if (seen.length > 0) bodies = seen;
      await siege.pause(500);
    });
    let at = 0;
    const striking = siege.loops(siege.count(24, 48), async (index) => {
      if (bodies.length === 0) return siege.pause(100);
      const raider = siege.client(index, index % 2 === 0 ? `guest ${index}` : null);
      for (let visits = 0; visits < 20 && !siege.signal.aborted; visits++) {
        await siege.turn(100);
        await raider.enter();
        const dabs = Array.from({ length: Math.floor(BUDGET_CELLS / DAB_COST) }, () => {
          const { x, y } = bodies[at++ % bodies.length];
          return { tool: 'ablate', radius: MAX_BRUSH_RADIUS, points: [x, y] };
        });
        await strike(siege, raider, dabs, 'dab');
        raider.drop();
      }
    });
    await Promise.all([looking, striking]);
  },
};

/** Places on a grid, each a little farther on than the last, so that all of the world is tried. */
function placeAt(n: number, { width, height }: HelloMessage): [x: number, y: number] {
  const across = Math.floor(width / 37);
  const down = Math.floor(height / 41);
  const i = (n * 61) % (across * down);
  return [(i % across) * 37 + 18.5, Math.floor(i / across) * 41 + 20.5];
}

const fill: Attack = {
  what: 'hundreds of connections, one after the other, that plant wherever there is room',
  async run(siege) {
    let planted = 0;
    await siege.loops(siege.count(32, 64), async (index) => {
      await siege.turn(60);
      const raider = siege.client(index);
      const hello = await raider.enter();
      const seeds = Array.from({ length: BUDGET_CELLS / PLANT_COST_CELLS }, () => ({
        tool: 'plant',
        radius: 1,
        points: placeAt(planted++, hello),
        species: siege.pick(hello.species).name,
      }));
      await strike(siege, raider, seeds, 'planted');
      raider.drop();
    });
  },
};

const TICK_MS = 50;
const STROKES_PER_SECOND = 110;

const starve: Attack = {
  what: '45 players per address, half of them tabs of one guest, with 110 tiny strokes per second each, the most that messages allow',
  async run(siege) {
    const bodies = await siege.bodies(0);
    await siege.loops(siege.count(45, 160), async (index) => {
      await siege.turn(100);
      const raider = siege.client(index, index % 2 === 0 ? siege.addressOf(index) : null);
      let answered = 0;
      let refused = 0;
      const hear = raider.onMessage;
      raider.onMessage = (type, payload) => {
        hear(type, payload);
        if (type !== ServerMessageType.strokeResult) return;
        answered++;
        if ((decodeMsgpack(payload) as StrokeResultMessage).ok) return;
        refused++;
      };
      const hello = await raider.enter();
      const { x, y } = siege.pick(bodies) ?? { x: hello.width / 2, y: hello.height / 2 };
      let sent = 0;
      const startMs = performance.now();
      while (raider.isOpen && !siege.signal.aborted) {
        const due = ((performance.now() - startMs) * STROKES_PER_SECOND) / 1_000;
        for (; sent < due; sent++) {
          const points = [x + siege.draw() * 20 - 10, y + siege.draw() * 20 - 10];
          raider.send(ClientMessageType.stroke, {
            id: sent + 1,
            tool: 'ablate',
            radius: MIN_BRUSH_RADIUS,
            points,
          });
        }
        await siege.pause(TICK_MS);
      }
      siege.tally.add('strokes sent', sent);
      siege.tally.add('strokes answered', answered);
      siege.tally.add('strokes refused', refused);
      await siege.pause(200);
    });
  },
};

const names: Attack = {
  what: 'a thousand hostile names; what others then read is judged',
  async run(siege) {
    const all = hostileNames(siege.draw);
    let next = 0;
    const watcher = siege.client(0);
    const seen = new Set<string>();
    const watching = siege.loops(1, async () => {
      if (!watcher.isOpen) {
        await watcher.enter();
        const hear = watcher.onMessage;
        watcher.onMessage = (type, payload) => {
          hear(type, payload);
          if (type !== ServerMessageType.players) return;
          for (const { name } of (decodeMsgpack(payload) as PlayersMessage).players) {
            const fault = nameFault(name);
            if (fault === null || seen.has(name)) continue;
            seen.add(name);
            siege.add(`shown: ${fault}`);
          }
        };
      }
      await siege.pause(500);
    });
    const naming = siege.loops(siege.count(8, 16), async (index) => {
      const raider = siege.client(index + 1);
      await raider.enter();
      while (raider.isOpen && !siege.signal.aborted) {
        // Names travel at most ten times per second: slower, so that each is seen.
        await siege.pause(150);
        const payload = all[next++ % all.length];
        raider.sendBytes(Buffer.concat([Uint8Array.of(13, ClientMessageType.name), payload]));
        siege.add('sent');
      }
      await siege.pause(200);
    });
    await Promise.all([watching, naming]);
  },
};

const storm: Attack = {
  what: 'joins that are broken off at every moment: before the handshake, after it, at the JOIN, after the hello',
  run: (siege) =>
    siege.loops(siege.count(24, 64), async (index) => {
      await siege.turn(120);
      const moment = Math.floor(siege.draw() * 5);
      // New guests are soon told to wait: half of the joins are of one whom the server knows.
      const guest = `guest ${index}`;
      const isKnown = siege.draw() < 0.5;
      if (isKnown && !siege.tokens.has(guest)) {
        const raider = siege.client(index, guest);
        await raider.enter();
        raider.drop();
      }
      const options = isKnown ? { token: siege.tokens.get(guest) } : {};
      const seat = await reserveSeat(siege.task.url, options, siege.addressOf(index), siege.signal);
      siege.add('seat');
      const socket = new WebSocket(seatAddress(siege.task.url, seat), {
        localAddress: siege.addressOf(index),
      });
      socket.on('error', () => {});
      const heard = new Promise<void>((resolve) => {
        socket.once(moment === 1 ? 'open' : 'message', () => resolve());
        socket.once('close', () => resolve());
      });
      if (moment > 0) await Promise.race([heard, siege.pause(2_000)]);
      if (moment >= 3 && socket.readyState === WebSocket.OPEN) {
        socket.send(Uint8Array.of(10));
        if (moment === 4) {
          await siege.pause(30);
          if (socket.readyState === WebSocket.OPEN) socket.send(Uint8Array.of(12));
        }
      }
      if (siege.draw() < 0.5) socket.terminate();
      else socket.close();
      siege.add(`broken off at ${moment}`);
    }),
};

const seats: Attack = {
  what: 'seats that are reserved and never taken, as fast as they are given',
  run: (siege) =>
    siege.loops(siege.count(16, 32), async (index) => {
      await siege.turn(150);
      await siege.ask(index, 'matchmake/join/world', {
        method: 'POST',
        body: '{}',
        headers: { 'Content-Type': 'application/json' },
        isKept: true,
      });
    }),
};

export const PLAYERS: Readonly<Record<string, Attack>> = { wipe, fill, starve, names, storm, seats };
