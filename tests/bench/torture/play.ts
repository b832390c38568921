/** Players and an admin who act on a server until it ends, and remember what was acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeMsgpack } from '../../../server/rooms/msgpack.ts';
import type { RulesAnswer, SwapScope } from '../../../shared/adminApi.ts';
import type { Done, Sanction } from '../../../shared/adminPeople.ts';
import type { Size } from '../../../shared/geometry.ts';
import { ClientMessageType, ServerMessageType, type StrokeResultMessage } from '../../../shared/protocol.ts';
import { LoadClient } from '../load/client.ts';
import type { TortureServer } from './server.ts';

const PLAYERS = 3;
/** Players who come back as the guests that they were; the others are new each time, and what they planted is alone. */
const RETURNING = 1;
/** A part of the world: bodies that nobody sees wither. */
const VIEW: Size = { width: 96, height: 96 };

/** What somebody was told is done. */
export type Acknowledged =
  | { readonly kind: 'plant'; readonly x: number; readonly y: number; readonly step: number }
  /** `radius`: of no other stroke. */
  | {
      readonly kind: 'ablate' | 'noise' | 'truncate';
      readonly radius: number;
      readonly step: number;
    }
  | { readonly kind: 'clear'; readonly radius: number }
  /** `organisms`: how many found room. */
  | { readonly kind: 'garden'; readonly organisms: number }
  | { readonly kind: 'swap'; readonly swap: number }
  /** A body, by an admin. */
  | { readonly kind: 'removal'; readonly organism: number }
  /** A mute or a ban. One that an admin has begun to lift is not in the list. */
  | { readonly kind: 'sanction'; readonly sanction: string }
  | { readonly kind: 'lifted'; readonly sanction: string };

interface Place {
  readonly x: number;
  readonly y: number;
}

interface Body extends Place {
  readonly id: number;
}

export interface Surroundings {
  readonly server: TortureServer;
  readonly world: Size;
  /** What players plant. */
  readonly species: readonly string[];
  /** The first of them, in another version, which the admin swaps to besides the shipped one. */
  readonly rule: Uint8Array;
  /** Of guests who come back: null for those who come for the first time. Changed as they join. */
  readonly tokens: (string | null)[];
  /** 0..1 */
  readonly draw: () => number;
}

/** Acts until the server ends. @returns what was acknowledged */
export async function play(around: Surroundings): Promise<Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  const bodies: Body[] = [];
  const parts = [
    ...Array.from({ length: PLAYERS }, (_, i) => player(i + 1, around, bodies, acknowledged)),
    admin(around, bodies, acknowledged),
  ];
  const done = await Promise.allSettled(parts);
  const bug = done.find((one) => one.status === 'rejected' && isBug(one.reason));
  if (bug !== undefined) throw (bug as PromiseRejectedResult).reason;
  return acknowledged;
}

/** Everything else says that the server has ended. */
const isBug = (error: unknown): boolean =>
  (error instanceof TypeError && error.message !== 'fetch failed' && error.message !== 'terminated') ||
  error instanceof ReferenceError ||
  error instanceof RangeError;

async function player(
  index: number,
  { server, world, species, tokens, draw }: Surroundings,
  bodies: readonly Body[],
  acknowledged: Acknowledged[],
): Promise<void> {
  const whole = (most: number): number => Math.floor(draw() * most);
  const planted: Place[] = [];
  const client = new LoadClient(index, world, false, { x: world.width / 2, y: world.height / 2 }, () => {});
  client.view = VIEW;
  client.token = index <= RETURNING ? tokens[index - 1] : null;
  const waiting = new Map<number, (step: number) => Acknowledged>();
  const closed = new Promise<void>((resolve) => {
    client.onClose = () => resolve();
  });
  client.onMessage = (type, payload) => {
    if (type !== ServerMessageType.strokeResult) return;
    const { id, ok, step } = decodeMsgpack(payload) as StrokeResultMessage;
    if (ok) acknowledged.push(waiting.get(id)!(step!));
    waiting.delete(id);
  };
  await client.join(server.url);
  if (index <= RETURNING) tokens[index - 1] = client.token;
  client.send(ClientMessageType.name, { name: `player ${index}` });
  for (let id = 1; client.isOpen; id++) {
    const share = draw();
    const near = bodies.length > 0 && draw() < 0.8 ? bodies[whole(bodies.length)] : null;
    const x = near?.x ?? whole(world.width);
    const y = near?.y ?? whole(world.height);
    if (share < 0.05) {
      const mine = planted[whole(planted.length)];
      const body = bodies.find((one) => one.x === mine?.x && one.y === mine.y);
      // It is answered only when it is refused.
      if (body !== undefined) client.send(ClientMessageType.remove, { organism: body.id });
    } else if (share < 0.3) {
      const at = { x: whole(world.width), y: whole(world.height) };
      waiting.set(id, (step) => {
        planted.push(at);
        return { kind: 'plant', ...at, step };
      });
      client.send(ClientMessageType.stroke, {
        id,
        tool: 'plant',
        radius: 1,
        points: [at.x, at.y],
        species: species[whole(species.length)],
      });
    } else {
      const kind = share < 0.6 ? 'noise' : share < 0.85 ? 'ablate' : 'truncate';
      const radius = 1 + 6 * draw();
      const points = kind === 'truncate' ? [x, y] : [x, y, x + whole(9), y + whole(9)];
      waiting.set(id, (step) => ({ kind, radius, step }));
      client.send(ClientMessageType.stroke, { id, tool: kind, radius, points });
    }
    await Promise.race([closed, sleep(30 + draw() * 120)]);
  }
  // What the server has sent before it ended is still read.
  await closed;
}

async function admin(
  { server, world, species, rule, draw }: Surroundings,
  bodies: Body[],
  acknowledged: Acknowledged[],
): Promise<void> {
  const whole = (most: number): number => Math.floor(draw() * most);
  await server.logIn();
  const control = (body: object, path = 'world'): Promise<{ readonly organisms: number }> =>
    server.ask(`admin/api/${path}`, body);
  // Whoever came before may have paused it.
  if (draw() < 0.8) await control({ kind: 'speed', stepsPerSecond: 30 });
  const controls = async (): Promise<void> => {
    for (;;) {
      const found = await server.ask<Body[]>('admin/api/organisms');
      bodies.splice(0, bodies.length, ...found);
      await sleep(50 + draw() * 250);
      const share = draw();
      if (share < 0.3) {
        const stepsPerSecond = [0, 0, 20, 30, 60, 200][whole(6)];
        await control({ kind: 'speed', stepsPerSecond });
        if (stepsPerSecond > 0 || draw() < 0.2) continue;
        await sleep(100 + draw() * 300);
        await control({ kind: 'speed', stepsPerSecond: 30 });
      } else if (share < 0.5) {
        const radius = 2 + 10 * draw();
        await control({ x: whole(world.width), y: whole(world.height), radius }, 'world/clear');
        acknowledged.push({ kind: 'clear', radius });
      } else if (share < 0.7) {
        const { organisms } = await control({ kind: 'garden', count: 1 + whole(3) });
        acknowledged.push({ kind: 'garden', organisms });
      } else if (share < 0.75) {
        await control({ kind: 'save' });
      } else if (share < 0.8 && bodies.length > 0) {
        const { id } = bodies[whole(bodies.length)];
        const { organisms } = await control({ organism: id }, 'bodies/remove');
        if (organisms > 0) acknowledged.push({ kind: 'removal', organism: id });
      }
    }
  };
  const sanctions = async (): Promise<void> => {
    for (;;) {
      await sleep(100 + draw() * 700);
      const old = acknowledged.findIndex((act) => act.kind === 'sanction');
      if (old >= 0 && draw() < 0.4) {
        const [{ sanction }] = acknowledged.splice(old, 1) as (Acknowledged & { kind: 'sanction' })[];
        const done = await server.ask<Done>(`admin/api/sanctions/${sanction}`, undefined, 'DELETE');
        if (done.unwritten === undefined) acknowledged.push({ kind: 'lifted', sanction });
        continue;
      }
      const order = {
        kind: draw() < 0.5 ? 'mute' : 'ban',
        address: `10.${whole(256)}.${whole(256)}.${whole(256)}`,
        ...(draw() < 0.5 && { minutes: 60 }),
      };
      const done = await server.ask<Done & { readonly sanction: Sanction }>('admin/api/sanctions', order);
      if (done.unwritten === undefined) acknowledged.push({ kind: 'sanction', sanction: done.sanction.id });
    }
  };
  const swaps = async (): Promise<void> => {
    for (;;) {
      const { rules } = await server.ask<RulesAnswer>('admin/api/rules');
      const mine = rules.filter(({ name }) => name === species[0]);
      if (mine.length < 2) await server.ask('admin/api/rules', rule);
      else {
        const scope: SwapScope = (['species', 'planted', 'organism'] as const)[whole(3)];
        const organism = bodies[whole(bodies.length)] as Body | undefined;
        const order = {
          species: species[0],
          scope,
          rule: mine[whole(mine.length)].id,
          ...(scope === 'organism' && { organism: organism?.id ?? 1 }),
        };
        // Another swap may be watched, or the organism dead.
        const done = await server
          .ask<{ readonly swap: number }>('admin/api/swaps', order)
          .catch((error: Error) => (error.message.includes(': 422 ') ? null : Promise.reject(error)));
        if (done !== null) acknowledged.push({ kind: 'swap', swap: done.swap });
      }
      await sleep(100 + draw() * 700);
    }
  };
  // A request that the end of the server cuts off rejects; so does a refusal of one whose disk is full.
  await Promise.all([goOn(server, controls), goOn(server, swaps), goOn(server, sanctions)]);
}

/** Again and again while the server runs: what it refuses on a bad disk, it may do later. */
async function goOn(server: TortureServer, work: () => Promise<void>): Promise<void> {
  while (server.isRunning) {
    await work().catch((error: Error) => {
      if (isBug(error)) throw error;
    });
    await sleep(50);
  }
}
