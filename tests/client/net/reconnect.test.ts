import { describe, expect, test } from 'vitest';
import { explainClose, explainRefusal, retryDelayMs } from '../../../client/net/reconnect.ts';
import { CloseCode } from '../../../shared/protocol.ts';

describe('a lost connection', () => {
  test('is tried again after a wait that doubles from 0.5 s to 10 s, ±25 %', () => {
    expect(retryDelayMs(0, 0.5)).toBe(500);
    expect(retryDelayMs(1, 0.5)).toBe(1_000);
    expect(retryDelayMs(0, 0)).toBe(375);
    expect(retryDelayMs(99, 1)).toBe(12_500);
  });

  test('has a text of its own for every close code of ours', () => {
    const texts = Object.values(CloseCode).map((code) => explainClose(code).text);
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts).not.toContain(explainClose(1006).text);
  });

  test('is explained in the server’s words when it answered, else as a server that cannot be reached', () => {
    const full = Object.assign(new Error('the world is full'), { code: 503 });
    expect(explainRefusal(full).text).toBe('The world is full.');
    expect(explainRefusal(new TypeError('fetch failed')).text).toBe('The world cannot be reached.');
  });
});
