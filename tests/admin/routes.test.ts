/** What is refused; rules, swaps and the world. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportDistill } from '../../server/rules/distill.ts';
import { ServerMessageType } from '../../shared/protocol.ts';
import { join as joinWorld, next, pause } from '../rooms/harness.ts';
import {
  bytesOf,
  call,
  folder,
  logIn,
  named,
  restart,
  server,
  TOKEN,
  useAdminServer,
  world,
} from './adminServer.ts';

useAdminServer();

describe('refused, with the fact named and nothing changed:', () => {
  test('a request without a cookie, or with a made-up one', async () => {
    for (const path of ['live', 'rules', 'audit', 'organisms', 'nothing']) {
      expect([path, (await call('GET', path)).status]).toEqual([path, 401]);
      const forged = { Cookie: `regrow_admin=${'a'.repeat(43)}` };
      expect((await call('GET', path, undefined, forged)).status).toBe(401);
    }
    expect((await call('POST', 'rules', bytesOf('moss'))).status).toBe(401);
  });

  test('a request from another site, with or without a cookie', async () => {
    const ann = await logIn();
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ]) {
      const { status, body } = await ann(
        'POST',
        'world',
        { kind: 'speed', stepsPerSecond: 0 },
        headers as never,
      );
      expect([status, body.error]).toEqual([403, 'another site may not ask for this']);
    }
    const form = await ann('POST', 'world', 'kind=speed', { 'Content-Type': 'text/plain' });
    expect(form.status).toBe(415);
    expect(world.asked).toEqual([]);
  });

  test('an upload that is too long, with or without a Content-Length', async () => {
    const ann = await logIn();
    const long = await ann('POST', 'rules', new Uint8Array(1_048_577));
    expect([long.status, long.body.error]).toEqual([413, 'more than 1048576 bytes']);
    const cookie = (await call('POST', 'login', { token: TOKEN })).headers.get('set-cookie')!.split(';')[0];
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
        if (sent > 64 * 2 ** 20) controller.close();
      },
    });
    const headers = { Cookie: cookie, 'Content-Type': 'application/octet-stream' };
    const request = { method: 'POST', body: endless, headers, duplex: 'half' } as RequestInit;
    // The server answers and closes; which of the two the client notices first depends on the network.
    const status = await fetch(`${server.url}admin/api/rules`, request).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    expect(sent).toBeLessThan(16 * 2 ** 20);
    expect((await ann('GET', 'rules')).body.rules).toEqual([]);
  });

  const nan = (): Uint8Array => {
    const bytes = bytesOf('moss').slice();
    new DataView(bytes.buffer).setFloat32(bytes.length - 4, Number.NaN, true);
    return bytes;
  };
  const header = (json: unknown, zeros = 0): Uint8Array => {
    const text = Buffer.from(JSON.stringify(json));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Uint8Array.from(Buffer.concat([length, text, Buffer.alloc(zeros)]));
  };
  const meta = { formatVersion: '1', name: 'moss', fireRate: '0.5' };
  test.each([
    ['nothing', () => new Uint8Array(0), 'rules', /0 bytes, too few/],
    ['a bomb of zeros', () => new Uint8Array(1_000_000), 'rules', /header is not JSON/],
    ['NaN', nan, 'rules', /w2 holds NaN|b2 holds NaN|b1 holds NaN/],
    [
      'a hidden size past the limit',
      () => header({ __metadata__: meta, ...shapes(260) }, 4 * (260 * 65 + 16)),
      'rules',
      /hidden a multiple of 4 from 4 to 256/,
    ],
    [
      'a wrong shape',
      () => header({ __metadata__: meta, w1: { dtype: 'F32', shape: [3, 3], data_offsets: [0, 36] } }, 36),
      'rules',
      /tensor b1 is missing/,
    ],
    [
      'a path for a name',
      () => header({ __metadata__: { ...meta, name: '../../etc/passwd' }, ...shapes(4) }, 4 * (4 * 65 + 16)),
      'rules',
      /is not a rule name/,
    ],
    ['a path in the query', () => bytesOf('moss'), 'rules?name=..%2F..%2Fx', /is not a rule name/],
    ['what does not grow', () => bytesOf('dead'), 'rules', /dead does not grow/],
  ])('an upload of %s', async (_, bytes, path, reason) => {
    const ann = await logIn();
    const { status, body } = await ann('POST', path, bytes());
    expect([status, body.error]).toEqual([422, expect.stringMatching(reason)]);
    expect((await ann('GET', 'rules')).body.rules).toEqual([]);
  });

  function shapes(hidden: number): Record<string, unknown> {
    let end = 0;
    const tensor = (...shape: number[]) => {
      const begin = end;
      end += 4 * shape.reduce((product, size) => product * size, 1);
      return { dtype: 'F32', shape, data_offsets: [begin, end] };
    };
    return { w1: tensor(hidden, 48), b1: tensor(hidden), w2: tensor(16, hidden), b2: tensor(16) };
  }

  test.each([
    ['POST', 'world', { kind: 'stop' }, 400, /kind must be one of speed, garden, save/],
    [
      'POST',
      'world',
      { kind: 'speed', stepsPerSecond: 1e9 },
      400,
      /stepsPerSecond must be a number from 0 to 1000/,
    ],
    ['POST', 'world', { kind: 'speed', stepsPerSecond: '1' }, 400, /stepsPerSecond must be a number/],
    ['POST', 'world/clear', { x: -1, y: 0, radius: 3 }, 400, /x must be a number from 0 to 1024/],
    ['POST', 'world', { kind: 'garden', count: 1.5 }, 400, /count must be a whole number/],
    ['POST', 'world', '[]', 400, /not a JSON object/],
    ['POST', 'world', '{', 400, /not JSON/],
    ['POST', 'world', `{"a":"${'x'.repeat(5_000)}"}`, 413, /more than 4096 bytes/],
    ['POST', 'swaps', { species: 'moss', rule: 1, scope: 'all' }, 400, /scope must be one of/],
    ['POST', 'swaps', { species: '../x', rule: 1, scope: 'species' }, 422, /is not a rule name/],
    ['POST', 'swaps', { species: 'moss', rule: 9, scope: 'species' }, 422, /no rule has the number 9/],
    [
      'POST',
      'swaps',
      { species: 'moss', rule: 1, scope: 'organism' },
      400,
      /organism must be a whole number/,
    ],
    ['POST', 'rollback', { species: 'moss' }, 422, /there is no species moss/],
    ['POST', 'guests/nobody', { action: 'kick', of: 'guest' }, 404, /no guest nobody is known/],
    ['POST', 'guests/nobody', { action: 'hug', of: 'guest' }, 400, /action must be one of kick, mute, ban/],
    ['POST', 'guests/nobody', { action: 'ban', of: 'all' }, 400, /of must be one of guest, address/],
    ['POST', 'sanctions', { kind: 'ban', address: 'home' }, 400, /address must be an IP address/],
    ['POST', 'sanctions', { kind: 'ban', address: '10.0.0.1', minutes: 0 }, 400, /minutes must be a whole/],
    ['POST', 'bodies/remove', { guest: '' }, 400, /that is the garden/],
    ['POST', 'bodies/bring-back', { of: 'guest', guest: '' }, 400, /guest must not be empty/],
    ['POST', 'bodies/bring-back', { of: 'loss', loss: 0 }, 400, /loss must be a whole number/],
    ['POST', 'bodies/bring-back', { of: 'all' }, 400, /of must be one of loss, organism, guest/],
    ['POST', 'reports/7', { outcome: 'handled' }, 409, /somebody has handled it already/],
    ['DELETE', 'sanctions/x', undefined, 404, /this mute or ban has ended already/],
    ['DELETE', 'sanctions/%E0%A4%A', undefined, 400, /the path cannot be decoded/],
    ['GET', 'rules/7/probe', undefined, 422, /no rule has the number 7/],
    ['GET', 'audit?before=x', undefined, 400, /before must be a whole number/],
    ['GET', 'nothing', undefined, 404, /there is no/],
    ['GET', 'rules/..%2f..%2fx/file', undefined, 404, /there is no/],
    ['PUT', 'rules', undefined, 405, /GET, POST is expected/],
  ])('%s %s %j', async (method, path, body, status, reason) => {
    const ann = await logIn();
    const answer = await ann(method, path, body);
    expect([answer.status, answer.body.error]).toEqual([status, expect.stringMatching(reason)]);
    expect(world.asked).toEqual([]);
  });
});

describe('rules', () => {
  test('are uploaded, probed, listed, shown as a film and handed out again', async () => {
    const ann = await logIn();
    const bytes = bytesOf('moss');
    const { status, body } = await ann('POST', 'rules', bytes);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      rule: { id: 1, label: 'moss v1', origin: 'uploaded' },
      figures: { cells: 9 },
      fault: null,
    });
    expect((await ann('POST', 'rules', bytes)).body.error).toBe(
      'the file is in the registry already: it is moss v1',
    );
    expect((await ann('POST', 'rules?name=fern', bytes)).body.rule.label).toBe('fern v1');
    const json = exportDistill(named('lizard', 3), 'planar');
    expect((await ann('POST', 'rules?name=lizard', json)).body.rule.label).toBe('lizard v1');
    expect((await ann('POST', 'rules', json)).body.error).toContain('?name= is missing');

    const { rules } = (await ann('GET', 'rules')).body;
    expect(rules.map(({ label }: { label: string }) => label)).toEqual(['fern v1', 'lizard v1', 'moss v1']);
    expect((await ann('GET', 'rules/1/probe')).body).toMatchObject({
      film: { frames: 2, cutFrame: 1 },
      thumbnail: 'data:,',
    });
    expect((await ann('GET', 'rules/1/film.png')).headers.get('content-type')).toBe('image/png');
    const file = await ann('GET', 'rules/1/file');
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="moss-v1.safetensors"');
    expect(Number(file.headers.get('content-length'))).toBe(bytes.length);
  });

  test('are swapped and rolled back, and everybody reads who did it', async () => {
    const ann = await logIn();
    for (const randomSeed of [1, 2]) await ann('POST', 'rules', bytesOf('moss', randomSeed));
    const { room } = await joinWorld(server);
    const told = next<{ text: string }>(room, ServerMessageType.notice);
    const swap = await ann('POST', 'swaps', { species: 'moss', rule: 1, scope: 'species' });
    expect(swap.body).toEqual({ ok: true, swap: 1, organisms: 1 });
    expect(await told).toEqual({ text: 'Ann swapped moss to moss v1' });
    await ann('POST', 'swaps', { species: 'moss', rule: 2, scope: 'species' });
    expect((await ann('POST', 'rollback', { species: 'moss' })).body).toMatchObject({ ok: true, swap: 3 });
    expect((await ann('POST', 'rollback', { species: 'moss', version: 2 })).body).toMatchObject({ swap: 4 });
    await pause(50);
    const { swaps, species } = (await ann('GET', 'rules')).body;
    expect(swaps.map(({ label, status }: Record<string, string>) => [label, status])).toEqual([
      ['moss v2', 'watched'],
      ['moss v1', 'watched'],
      ['moss v2', 'watched'],
      ['moss v1', 'watched'],
    ]);
    expect(species).toEqual([{ species: 'moss', rule: 2 }]);
    await room.leave();
  });

  test('that the world rolls back are rolled back in the registry, and everybody reads why', async () => {
    const ann = await logIn();
    await ann('POST', 'rules', bytesOf('moss'));
    await ann('POST', 'swaps', { species: 'moss', rule: 1, scope: 'species' });
    const { room } = await joinWorld(server);
    const told = next<{ text: string }>(room, ServerMessageType.notice);
    const outcome = { id: 1, species: 'moss', scope: 'species', who: 'Ann', rule: 'moss v1' } as const;
    world.onSwap({ ...outcome, verdict: 'rolled back', reason: 'it dies: 0 of 9 cells are left' });
    expect((await told).text).toBe('moss went back from moss v1: it dies: 0 of 9 cells are left');
    await pause(50);
    const { swaps, species } = (await ann('GET', 'rules')).body;
    expect(swaps[0]).toMatchObject({ status: 'rolled back', reason: 'it dies: 0 of 9 cells are left' });
    expect(species).toEqual([]);
    await room.leave();
  });
});

describe('the world', () => {
  test('is paused, cleared, planted and saved, and each act is audited with name and address', async () => {
    const ann = await logIn();
    const from = { 'X-Forwarded-For': '10.0.0.7' };
    await ann('POST', 'world', { kind: 'speed', stepsPerSecond: 0 }, from);
    await ann('POST', 'world/clear', { x: 5, y: 6, radius: 7 }, from);
    await ann('POST', 'world', { kind: 'garden', count: 3 }, from);
    await ann('POST', 'world', { kind: 'save' }, from);
    expect(world.asked).toMatchObject([
      { kind: 'control', control: { kind: 'speed', stepsPerSecond: 0 } },
      { kind: 'control', control: { kind: 'clear', x: 5, y: 6, radius: 7 } },
      { kind: 'control', control: { kind: 'garden', count: 3 } },
      { kind: 'save' },
    ]);
    world.wilted.set('pikachu v1', 3);
    expect((await ann('GET', 'live')).body).toMatchObject({
      stepsPerSecond: 0,
      width: 1024,
      wilted: { 'pikachu v1': 3 },
      players: [],
    });
    const { entries } = (await ann('GET', 'audit')).body;
    expect(
      entries.slice(0, 4).map(({ action, who, address }: Record<string, string>) => [action, who, address]),
    ).toEqual(['save', 'garden', 'clear', 'speed'].map((action) => [action, 'Ann', '10.0.0.7']));
    expect((await ann('GET', `audit?before=${entries[3].id}`)).body.entries[0].action).toBe('login');
  });

  test('goes on when the registry is corrupt, and the admin reads why', async () => {
    await restart(() => writeFileSync(join(folder, 'registry.db'), 'nonsense '.repeat(99)));
    const ann = await logIn(TOKEN);
    for (const answer of [await ann('GET', 'rules'), await ann('POST', 'rules', bytesOf('moss'))])
      expect([answer.status, answer.body.error]).toEqual([
        503,
        expect.stringContaining('is not a registry, or is corrupt'),
      ]);
    expect((await ann('GET', 'live')).status).toBe(200);
    const { room } = await joinWorld(server);
    expect((await ann('GET', 'live')).body.players).toHaveLength(1);
    await room.leave();
  });
});
