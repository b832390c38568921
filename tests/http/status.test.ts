import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Status } from '../../server/http/status.ts';

let world: { trouble: string | null };
let isStopping: boolean;
let status: Status;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  world = { trouble: null };
  isStopping = false;
  status = new Status({
    world,
    players: () => 3,
    isStopping: () => isStopping,
    version: { version: '1.2.3', commit: '', node: '24.0.0', engine: 'fake' },
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function ask(path: string): { code: number; body: Record<string, unknown> } {
  let code = 0;
  let text = '';
  const response = {
    writeHead: (status: number) => {
      code = status;
    },
    end: (bytes: Buffer) => {
      text = bytes.toString();
    },
  };
  status.answer(path, response as unknown as ServerResponse);
  return { code, body: JSON.parse(text) as Record<string, unknown> };
}

test('/readyz answers 200 while the world sends something at least every 5 s', () => {
  vi.advanceTimersByTime(5_000);
  expect(ask('/readyz')).toEqual({ code: 200, body: { ok: true, reason: null, disk: 'ok' } });
  vi.advanceTimersByTime(1);
  expect(ask('/readyz')).toMatchObject({ code: 503, body: { ok: false } });
  status.heard();
  expect(ask('/readyz').code).toBe(200);
});

test('/readyz answers 503 from the moment that the server has been asked to stop', () => {
  isStopping = true;
  expect(ask('/readyz')).toMatchObject({ code: 503, body: { reason: 'the server is stopping' } });
});

test('/readyz tells disk trouble with 200, because another server would not help', () => {
  world.trouble = 'journal-3.log: no space left on device (ENOSPC)';
  expect(ask('/readyz')).toEqual({ code: 200, body: { ok: true, reason: null, disk: world.trouble } });
});

test('/livez answers 503 after 60 s without a word of the world, but not during a stop', () => {
  vi.advanceTimersByTime(60_000);
  expect(ask('/livez')).toEqual({ code: 200, body: { ok: true, reason: null } });
  vi.advanceTimersByTime(1);
  expect(ask('/livez')).toMatchObject({ code: 503, body: { ok: false } });
  isStopping = true;
  expect(ask('/livez').code).toBe(200);
});

test('/version tells what runs', () => {
  expect(ask('/version')).toEqual({
    code: 200,
    body: { version: '1.2.3', commit: '', node: '24.0.0', engine: 'fake' },
  });
});
