/** What a relay holds of requests that the process of a world is to answer. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import {
  BodyRefusal,
  type ForwardedRequest,
  forwardRequest,
  HeldBodies,
} from '../../server/http/forwarding.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** As a socket delivers it. */
const CHUNK = 64 * KIB;

let bodies: HeldBodies;
/** Each answers one request that was passed on. */
let answers: (() => void)[];
beforeEach(() => {
  bodies = new HeldBodies();
  answers = [];
});

interface Kind {
  /** It breaks off at the end. */
  readonly isCutOff?: boolean;
  /** Nobody has said how long it is. */
  readonly isInChunks?: boolean;
}

function requestOf(bytes: number, { isCutOff = false, isInChunks = false }: Kind): IncomingMessage {
  const read = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes; at += CHUNK) yield Buffer.alloc(Math.min(CHUNK, bytes - at));
    if (isCutOff) throw new Error('aborted');
  };
  const headers = isInChunks ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bytes) };
  return Object.assign(Readable.from(read()), { method: 'POST', headers }) as unknown as IncomingMessage;
}

const forward = (bytes: number, address: string, kind: Kind = {}): Promise<string> =>
  forwardRequest(
    requestOf(bytes, kind),
    '/admin/api/rules',
    { address, isSecure: false },
    bodies,
    ({ body }: ForwardedRequest) =>
      new Promise<string>((resolve) => answers.push(() => resolve(`answered ${body.length}`))),
  ).catch((error: Error) => (error instanceof BodyRefusal ? String(error.status) : error.message));

/** Until all that can be read has been. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await turn();
}

test('of one address at most 4 MB wait for a world’s answer, and no other address notices', async () => {
  const flood = Array.from({ length: 10 }, () => forward(MIB, '192.0.2.1'));
  await settle();
  const passedOn = answers.length;
  expect(passedOn).toBe(4);
  expect(await forward(1, '192.0.2.1', { isInChunks: true })).toBe('429');
  expect(bodies.bytes).toBeLessThanOrEqual(4 * MIB);
  const other = forward(MIB, '192.0.2.2');
  await settle();
  for (const answer of answers) answer();
  expect(await other).toBe(`answered ${MIB}`);
  expect((await Promise.all(flood)).filter((one) => one === '429')).toHaveLength(10 - passedOn);
  expect(bodies.bytes).toBe(0);
});

test('addresses of one network share what waits', async () => {
  const flood = Array.from({ length: 10 }, (_, n) => forward(MIB, `2001:db8:1:${n}::`));
  await settle();
  expect(answers).toHaveLength(4);
  for (const answer of answers) answer();
  expect((await Promise.all(flood)).filter((one) => one === '429')).toHaveLength(6);
});

test('of all addresses together at most 16 MB wait, so that the way to the world is never cut off for them', async () => {
  const flood = Array.from({ length: 40 }, (_, n) => forward(MIB, `192.0.2.${n}`));
  await settle();
  expect(answers.length).toBeGreaterThan(10);
  expect(bodies.bytes).toBeLessThanOrEqual(16 * MIB);
  for (const answer of answers) answer();
  const outcomes = await Promise.all(flood);
  expect(outcomes.filter((one) => one === '503')).toHaveLength(40 - answers.length);
});

test('a login is passed on, however much is sent beside it', async () => {
  const flood = Array.from({ length: 40 }, (_, n) => forward(MIB, `192.0.2.${n}`));
  await settle();
  const login = forward(200, '192.0.2.1');
  await settle();
  for (const answer of answers) answer();
  expect(await login).toBe('answered 200');
  await Promise.all(flood);
});

test('a body that is too long or breaks off is let go', async () => {
  expect(await forward(MIB + 65 * KIB, '192.0.2.1')).toBe('413');
  expect(await forward(MIB + 65 * KIB, '192.0.2.1', { isInChunks: true })).toBe('413');
  expect(await forward(MIB, '192.0.2.1', { isCutOff: true })).toBe('aborted');
  expect(bodies.bytes).toBe(0);
});
