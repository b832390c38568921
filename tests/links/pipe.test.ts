/** The world's end of pipes to relays that read, and that do not. */
import { duplexPair } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PipeHub, PipeRelay } from '../../server/links/pipe.ts';

const MIB = 1024 * 1024;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

test('the world waits for no relay: one that never reads is sent no more frames, and the others get all', async () => {
  const hub = new PipeHub();
  const gone: string[] = [];
  hub.onGone = (relay) => gone.push(relay);
  const [deafEnd] = duplexPair();
  const [wellEnd, itsEnd] = duplexPair();
  hub.add('deaf', deafEnd);
  hub.add('well', wellEnd);
  const well = new PipeRelay(itsEnd);
  let heard = 0;
  well.onMessage = () => heard++;
  const frame = new Uint8Array(32 * 1024);
  for (let n = 0; n < 400; n++) {
    // Returns at once, whatever waits.
    hub.broadcast(frame, true);
    vi.advanceTimersByTime(50);
    await turn();
  }
  expect(heard).toBe(400);
  expect(deafEnd.writableLength).toBeGreaterThan(MIB);
  expect(deafEnd.writableLength).toBeLessThan(2 * MIB);
  expect(gone).toEqual([]);
  await Promise.all([hub.close(), well.close()]);
});

test('a relay that does not read is cut off when 48 MB of letters wait for it', async () => {
  const hub = new PipeHub();
  const gone = new Promise<string>((resolve) => {
    hub.onGone = resolve;
  });
  const [deafEnd] = duplexPair();
  hub.add('deaf', deafEnd);
  for (let n = 0; n < 60; n++) hub.send('deaf', [new Uint8Array(MIB - 8)]);
  expect(await gone).toBe('deaf');
  await hub.close();
});

test('letters of one turn of the event loop leave in one write, in order and before a frame that follows', async () => {
  const hub = new PipeHub();
  const [hubEnd, relayEnd] = duplexPair();
  hub.add('relay', hubEnd);
  const relay = new PipeRelay(relayEnd);
  const heard: number[] = [];
  relay.onMessage = (message) => heard.push(message[0]);
  const uncork = vi.spyOn(hubEnd, 'uncork');
  for (let n = 1; n <= 5; n++) hub.send('relay', [Uint8Array.of(n)]);
  expect(uncork).not.toHaveBeenCalled();
  await turn();
  expect(uncork).toHaveBeenCalledTimes(1);
  hub.send('relay', [Uint8Array.of(6)]);
  hub.broadcast(Uint8Array.of(7), true);
  // The frame does not wait for the end of the turn.
  expect(uncork).toHaveBeenCalledTimes(2);
  await turn();
  await turn();
  expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(uncork).toHaveBeenCalledTimes(2);
  await Promise.all([hub.close(), relay.close()]);
});
