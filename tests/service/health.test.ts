import { spawn } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const script = join(import.meta.dirname, '../../server/service/health.ts');

/** Asks a server that answers so; null: none listens. */
async function ask(
  answer: RequestListener | null,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; said: string }> {
  const server = createServer(answer ?? undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  if (answer === null) await new Promise((done) => server.close(done));
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ...env, REGROW_PORT: String(port) },
  });
  let said = '';
  child.stderr.on('data', (part: Buffer) => {
    said += part.toString();
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  server.close();
  return { code, said };
}

test('a world that steps is well', async () => {
  const paths: (string | undefined)[] = [];
  const answer: RequestListener = ({ url }, response) => {
    paths.push(url);
    response.end('{"ok":true}');
  };
  expect(await ask(answer)).toEqual({ code: 0, said: '' });
  expect(paths).toEqual(['/healthz']);
});

test('a world that has stopped is not, and the answer says why', async () => {
  const { code, said } = await ask((_, response) => response.writeHead(503).end('the world has stopped'));
  expect({ code, said }).toEqual({ code: 1, said: '/healthz answers 503: the world has stopped\n' });
});

test('a server that does not listen is not', async () => {
  const { code, said } = await ask(null);
  expect(code).toBe(1);
  expect(said).toMatch(/^connect ECONNREFUSED/);
});

const STORE = { REGROW_STORE: 'postgres://regrow@127.0.0.1/regrow', REGROW_BLOBS: '/blobs' };
const WITHOUT_A_PORT: readonly Readonly<Record<string, string>>[] = [
  { ...STORE, REGROW_ROLE: 'worker' },
  { ...STORE, REGROW_SPARE: 'yes' },
];

test.each(WITHOUT_A_PORT)('a worker, and a spare that waits, are well without a port: %j', async (env) => {
  expect(await ask(null, env)).toEqual({ code: 0, said: '' });
});

test('a spare that has become the owner is asked like any other', async () => {
  const { code } = await ask((_, response) => response.writeHead(503).end(), WITHOUT_A_PORT[1]);
  expect(code).toBe(1);
});
