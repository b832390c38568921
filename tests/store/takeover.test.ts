/** Real owners and spares of one world, with a real PostgreSQL between them. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Postgres } from '../../server/store/postgres.ts';
import { ClientMessageType } from '../../shared/protocol.ts';
import { Cable } from '../links/cable.ts';
import { joinWorld, plant, stroke } from '../player.ts';
import { type RunningServer, until } from '../serverProcess.ts';
import { noPostgres } from './cluster.ts';
import { ADMIN_TOKEN, hasEnded, LEASE_SECONDS, LIMIT_MS, Machines, organismsAt, pause } from './machines.ts';

describe.skipIf(noPostgres !== null)('a world whose state is in PostgreSQL', () => {
  let machines: Machines;

  beforeAll(async () => {
    machines = await Machines.open();
  });
  afterAll(() => machines?.close());
  beforeEach(() => machines.beginWorld());
  afterEach(() => machines.kill());

  test('a spare goes on with the world of an owner that was killed: nothing acknowledged is lost', {
    timeout: 120_000,
  }, async () => {
    const owner = await machines.start();
    const waiting = machines.start(['--spare', 'yes']);
    const room = await joinWorld(owner.url);
    const answers: boolean[] = [];
    for (let i = 0; i < 5; i++)
      answers.push((await stroke(room, { tool: 'ablate', radius: 4, points: [60 + 10 * i, 128] })).ok);
    expect(answers).toEqual([true, true, true, true, true]);
    const before = await organismsAt(owner);
    await owner.kill();
    const spare = await waiting;
    const after = await organismsAt(spare);
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after[0].ageSteps).toBeGreaterThanOrEqual(before[0].ageSteps - 60);
    const isTold = async () => (/taken again, with \d+ entries/.test(spare.output()) ? true : undefined);
    await until('the operator is told', isTold, LIMIT_MS);
    expect(
      (await stroke(await joinWorld(spare.url), { tool: 'ablate', radius: 4, points: [128, 128] })).ok,
    ).toBe(true);
  });

  test('an owner that was paused for three lease times ends when it is continued, and has changed nothing', {
    timeout: 120_000,
  }, async () => {
    const owner = await machines.start();
    const waiting = machines.start(['--spare', 'yes']);
    const room = await joinWorld(owner.url);
    process.kill(owner.pid, 'SIGSTOP');
    const spare = await waiting;
    const before = await organismsAt(spare);
    // It finds this when it is continued.
    room.send(ClientMessageType.stroke, { id: 2, tool: 'ablate', radius: 20, points: [128, 128] });
    await pause(2 * LEASE_SECONDS * 1_000);
    process.kill(owner.pid, 'SIGCONT');
    await hasEnded(owner);
    expect(owner.output()).toMatch(/taken the world \w+ over|could not be renewed/);
    expect((await organismsAt(spare)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(
      (await stroke(await joinWorld(spare.url), { tool: 'ablate', radius: 4, points: [128, 128] })).ok,
    ).toBe(true);
  });

  test('an owner that is cut off from the store acknowledges nothing, and ends with its lease', {
    timeout: 120_000,
  }, async () => {
    const cable = await Cable.lay(machines.cluster.port);
    const owner = await machines.start([], cable.to(machines.cluster.url));
    const waiting = machines.start(['--spare', 'yes']);
    const room = await joinWorld(owner.url);
    expect((await stroke(room, { tool: 'ablate', radius: 4, points: [60, 60] })).ok).toBe(true);
    cable.cut();
    let acknowledged = false;
    void stroke(room, { tool: 'ablate', radius: 4, points: [90, 90] }).then(({ ok }) => {
      acknowledged = ok;
    });
    await hasEnded(owner);
    expect(acknowledged).toBe(false);
    expect(owner.output()).toContain(
      `the lease of the world ${machines.world} could not be renewed within ${LEASE_SECONDS} s`,
    );
    const spare = await waiting;
    expect(
      (await stroke(await joinWorld(spare.url), { tool: 'ablate', radius: 4, points: [128, 128] })).ok,
    ).toBe(true);
    await cable.remove();
  });

  test('a process without --spare does not start while another owns the world', async () => {
    await machines.start();
    await expect(machines.start()).rejects.toThrow(`the world ${machines.world} is owned by`);
  });

  test('a world moves from its data directory into the store, and to another machine, with its admins and records', {
    timeout: 120_000,
  }, async () => {
    const home = join(machines.folder, 'home');
    const before = await machines.runAlone(home);
    const room = await joinWorld(before.url);
    await plant(room, 40, 200);
    const ids = (await organismsAt(before)).map(({ id }) => id);
    expect(await before.stop()).toBe(0);

    const moved = await machines.start([], machines.cluster.url, home);
    const isTold = async () => (moved.output().includes('has been copied into the store') ? true : undefined);
    await until('the operator is told', isTold, LIMIT_MS);
    expect((await organismsAt(moved)).map(({ id }) => id)).toEqual(ids);
    const ban = await ask(moved, 'sanctions', {
      kind: 'ban',
      address: '198.51.100.7',
      minutes: 60,
      reason: 'a test',
    });
    expect(ban.status).toBe(200);
    const [record] = readdirSync(join(home, 'sessions'));
    expect(record).toMatch(/Z\.json$/);
    const database = new Postgres(machines.cluster.url, 'regrow test');
    const isCopied = async () => {
      const { count } = await database.ask(
        'select from regrow.file where world = $1 and path = $2',
        machines.world,
        'kept/index',
      );
      return count > 0 || undefined;
    };
    await until('records are copied', isCopied, LIMIT_MS);
    database.close();
    await moved.kill();

    const elsewhere = await machines.start();
    expect(readdirSync(join(machines.newest, 'sessions'))).toContain(record);
    expect((await organismsAt(elsewhere)).map(({ id }) => id)).toEqual(ids);
    expect(await (await ask(elsewhere, 'audit')).text()).toContain('198.51.100.7');
    expect(await elsewhere.stop()).toBe(0);
  });
});

/** Asks as an admin. @param body - of a POST; default: it is a GET */
async function ask({ url }: RunningServer, path: string, body?: object): Promise<Response> {
  const json = { 'Content-Type': 'application/json' };
  const login = await fetch(`${url}/admin/api/login`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });
  const [Cookie] = login.headers.get('set-cookie')!.split(';');
  const method = body === undefined ? 'GET' : 'POST';
  return fetch(`${url}/admin/api/${path}`, {
    method,
    headers: { ...json, Cookie },
    body: body && JSON.stringify(body),
  });
}
