/** A hundred swaps in a row before fifty viewers. `bench -- swap` measures how long frames take meanwhile. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Admin } from '../../server/admin/admin.ts';
import { type Config, readConfig } from '../../server/config.ts';
import { startWorld, type WorldThread } from '../../server/links/threadLink.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { writeRule } from '../../server/rules/load.ts';
import { serveWorld } from '../../server/serve/serveWorld.ts';
import { ServerMessageType, type SpeciesMessage } from '../../shared/protocol.ts';
import { LoadClient } from '../bench/load/client.ts';
import { join as joinWorld, type TestServer } from '../rooms/harness.ts';
import { blobRule } from '../world/blob.ts';

const SWAPS = 100;
const VIEWERS = 50;
/** Viewers that decode every page; the others only count frames. */
const PROBES = 5;

let folder: string;
let config: Config;
let world: WorldThread;
let admin: Admin;
let server: Awaited<ReturnType<typeof serveWorld>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  // Cells that never rest: every frame has changes.
  const flags = ['--size', '256', '--garden', '6', '--engine', 'wasm', '--rest', '0', '--port', '0'];
  config = {
    ...readConfig(
      [...flags, '--host', '127.0.0.1', '--per-address', '1000', '--guests-per-address', '1000'],
      {},
    ),
    adminToken: 'of no use in this test',
    dataDir: join(folder, 'data'),
    weightsDir: join(folder, 'weights'),
  };
  writeRule(join(config.weightsDir, 'blob.safetensors'), blobRule('blob'));
  world = await startWorld(config);
  admin = new Admin(world, config);
  server = await serveWorld(world, config, { admin });
});
afterAll(async () => {
  await world?.stop();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a hundred swaps in a row: every viewer hears of each in order, and no frame comes twice, late or torn', {
  timeout: 180_000,
}, async () => {
  const frames: number[][] = Array.from({ length: VIEWERS }, () => []);
  const clients = frames.map(
    (heard, i) =>
      new LoadClient(i, config, i < PROBES, { x: 128, y: 128 }, (_client, _bytes, frame) => {
        if (frame > 0) heard.push(frame);
      }),
  );
  await Promise.all(clients.map((client) => client.join(server.url)));
  const { room } = await joinWorld({ url: server.url } as TestServer);
  const notices: string[] = [];
  const cards: string[] = [];
  room.onMessage(ServerMessageType.notice, ({ text }: { text: string }) => notices.push(text));
  room.onMessage(ServerMessageType.species, ({ species }: SpeciesMessage) =>
    cards.push(species[0].thumbnail),
  );

  const actor = { who: 'Ann', address: '' };
  const bytes = serializeRule({ ...blobRule('blob', 1.1), fireRate: 0.75 });
  await admin.desk.ask((registry) => registry.add({ bytes, origin: 'uploaded' }, actor));
  for (let n = 0; n < SWAPS; n++) {
    const rule = n % 2 === 0 ? 2 : 1;
    expect(await admin.desk.swap({ species: 'blob', rule, scope: 'species' }, actor)).toMatchObject({
      ok: true,
    });
  }
  const seen = frames.map(({ length }) => length);
  while (frames.some(({ length }, i) => length < seen[i] + 5))
    await new Promise((resolve) => setTimeout(resolve, 50));

  expect(notices).toEqual(
    Array.from({ length: SWAPS }, (_, n) => `Ann swapped blob to blob v${n % 2 === 0 ? 2 : 1}`),
  );
  expect(new Set(cards).size).toBe(2);
  expect(cards).toEqual(Array.from({ length: SWAPS }, (_, n) => cards[n % 2]));
  for (const heard of frames) expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
  expect(clients.map(({ gaps }) => gaps)).toEqual(Array(VIEWERS).fill(0));
  const all = await world.ask({ kind: 'organisms' });
  expect(all).toHaveLength(6);

  // A later client is greeted with the rules in force now.
  const late = await joinWorld({ url: server.url } as TestServer);
  expect(late.hello.species[0].thumbnail).toBe(cards.at(-1));
  const swaps = await admin.desk.ask((registry) => registry.swaps('blob'));
  expect(swaps.filter(({ status }) => status === 'superseded')).toHaveLength(SWAPS - 1);
  for (const client of clients) client.drop();
  await Promise.all([room.leave(), late.room.leave()]);
});
