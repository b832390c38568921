import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Assets } from '../../server/http/assets.ts';
import { compress } from '../../server/http/variants.ts';
import { rawSocket, startServer, type TestServer } from '../rooms/harness.ts';
import { until } from '../serverProcess.ts';

const SCRIPT = `export const text = '${'a living world '.repeat(20_000)}';`;
const ASSET = 'assets/main-abc123.js';

let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-assets-'));
  mkdirSync(join(folder, 'assets'));
  mkdirSync(join(folder, 'admin'));
  writeFileSync(join(folder, 'index.html'), `<!doctype html><title>Regrow</title>${' '.repeat(2_000)}`);
  writeFileSync(join(folder, 'admin/index.html'), '<!doctype html><title>Admin</title>');
  writeFileSync(join(folder, ASSET), SCRIPT);
  writeFileSync(join(folder, 'assets/photo-1.png'), Buffer.alloc(5_000));
  // The build has made one variant; the server makes the others.
  writeFileSync(join(folder, `${ASSET}.gz`), await compress('gzip', Buffer.from(SCRIPT)));
  server = await startServer({ perAddress: 1_000 }, undefined, { pages: folder });
  await until(
    'every variant',
    async () => ((await ask(ASSET, 'br')).headers['content-encoding'] === 'br' ? true : undefined),
    10_000,
  );
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A plain client: it decodes nothing, and keeps no connection. */
function ask(path: string, accept = '', headers = {}, method = 'GET'): Promise<Answer> {
  const init = {
    method,
    agent: false,
    headers: { ...headers, ...(accept && { 'accept-encoding': accept }) },
  };
  return new Promise((resolve, reject) => {
    const request = httpGet(`${server.url}${path}`, init, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) });
    });
    request.once('error', reject);
  });
}

describe('what is sent', () => {
  test.each([
    ['', undefined],
    ['identity', undefined],
    ['br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0.5, gzip;q=0.9', 'gzip'],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['br;q=nonsense', undefined],
    [',;,=;q=1', undefined],
  ])('to a client that accepts %j is coded as %s, and is the file', async (accept, coding) => {
    const { status, headers, body } = await ask(ASSET, accept);
    expect([status, headers['content-encoding'], headers.vary]).toEqual([200, coding, 'Accept-Encoding']);
    expect(headers['content-length']).toBe(String(body.length));
    const decode = { br: brotliDecompressSync, gzip: gunzipSync }[coding ?? ''] ?? ((plain: Buffer) => plain);
    expect(decode(body).toString()).toBe(SCRIPT);
  });

  test.each([
    ['', 'text/html; charset=utf-8', 'no-cache'],
    ['index.html', 'text/html; charset=utf-8', 'no-cache'],
    ['admin/', 'text/html; charset=utf-8', 'no-cache'],
    [ASSET, 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['assets/photo-1.png', 'image/png', 'public, max-age=31536000, immutable'],
  ])('/%s is %s, cached %s', async (path, type, caching) => {
    const { headers } = await ask(path);
    expect([headers['content-type'], headers['cache-control']]).toEqual([type, caching]);
  });

  test('a picture is not compressed again, nor is what is small', async () => {
    for (const path of ['assets/photo-1.png', 'admin/'])
      expect((await ask(path, 'br')).headers['content-encoding']).toBeUndefined();
  });

  test('HEAD is answered as GET is, without the file', async () => {
    const [get, head] = await Promise.all([ask(ASSET, 'br'), ask(ASSET, 'br', {}, 'HEAD')]);
    const own = { date: '', 'x-request-id': '' };
    expect({ ...head.headers, ...own }).toEqual({ ...get.headers, ...own });
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  test('each variant has an ETag of its own; who holds it gets 304 without a body', async () => {
    const etags = await Promise.all(
      ['', 'br', 'gzip'].map(async (one) => (await ask(ASSET, one)).headers.etag!),
    );
    expect(new Set(etags).size).toBe(3);
    for (const etag of etags) expect(etag).toMatch(/^"[\w-]{22}"$/);
    const condition = (held: string) => ask(ASSET, 'br', { 'if-none-match': held });
    for (const held of [etags[1], `W/${etags[1]}`, `"other", ${etags[1]}`, '*']) {
      const { status, headers, body } = await condition(held);
      expect([status, headers.etag, headers.vary, body.length]).toEqual([
        304,
        etags[1],
        'Accept-Encoding',
        0,
      ]);
    }
    for (const held of [etags[0], etags[2], '"other"', '']) expect((await condition(held)).status).toBe(200);
  });

  test.each(['bytes=0-9', 'bytes=999999999-', 'bytes=9-1', 'bytes=-0', 'nonsense', 'bytes=0-1,2-3,4-5'])(
    'a range (%s) is ignored: the whole file is sent',
    async (range) => {
      const { status, body } = await ask(ASSET, '', { range });
      expect([status, body.length]).toEqual([200, SCRIPT.length]);
    },
  );

  test.each([
    'assets',
    'assets/',
    'admin/nothing',
    `${ASSET}.gz`,
    `${ASSET}/`,
    '%2e%2e/%2e%2e/etc/passwd',
    'assets/..%2findex.html',
    'constructor',
    '__proto__',
  ])('/%s is no file', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  test('a folder with a page is answered with its address, relative to where a proxy has put it', async () => {
    const { status, headers } = await ask('admin');
    expect([status, headers.location]).toEqual([308, 'admin/']);
  });
});

describe('the disk', () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;

  test('three hundred downloads that are reset at their first byte leave no descriptor open', async () => {
    const before = descriptors();
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 30 }, async () => {
          const socket = await rawSocket(server, `GET /${ASSET} HTTP/1.1\r\nHost: x\r\n\r\n`);
          await new Promise((resolve) => socket.once('data', resolve));
          socket.resetAndDestroy();
        }),
      );
    }
    await until('all are closed', async () => (descriptors() <= before ? true : undefined), 5_000);
    expect((await ask(ASSET)).status).toBe(200);
  });

  test('an asset that has gone from the disk, or was cut short there, is sent as it was', async () => {
    truncateSync(join(folder, 'index.html'), 3);
    rmSync(join(folder, 'assets'), { recursive: true });
    expect((await ask(ASSET)).body.toString()).toBe(SCRIPT);
    expect((await ask('')).body.toString()).toContain('Regrow');
  });
});

describe('a folder', () => {
  test('is refused when it is too large to be held in memory', () => {
    const large = mkdtempSync(join(tmpdir(), 'regrow-large-'));
    writeFileSync(join(large, 'index.html'), '');
    truncateSync(join(large, 'index.html'), 65 * 2 ** 20);
    expect(() => new Assets(large)).toThrow('has more than 64 MiB of files');
    rmSync(large, { recursive: true });
  });

  test('with a variant that is older than its file has none', async () => {
    const stale = mkdtempSync(join(tmpdir(), 'regrow-stale-'));
    writeFileSync(join(stale, 'index.html'), 'new'.repeat(1_000));
    writeFileSync(join(stale, 'index.html.br'), 'of an earlier build');
    utimesSync(join(stale, 'index.html.br'), 1, 1);
    const sent: Buffer[] = [];
    const response = {
      setHeader: () => {},
      writeHead: () => response,
      end: (bytes: Buffer) => sent.push(bytes),
    };
    new Assets(stale).handle({ headers: { 'accept-encoding': 'br' } } as never, response as never, '/');
    expect(sent[0].toString()).toBe('new'.repeat(1_000));
    rmSync(stale, { recursive: true });
  });
});
