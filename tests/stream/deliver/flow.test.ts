import { describe, expect, test } from 'vitest';
import { Flow, WINDOW_BYTES } from '../../../server/stream/deliver/flow.ts';
import { ACK_EASY_MS, ACK_EVERY_MS } from '../../../shared/limits.ts';

const FRAME_MS = 50;

/** A connection whose client acknowledges as it is told to, after `delayMs`. */
function setUp(frameBytes: number) {
  const clock = { nowMs: 0, delayMs: 0 };
  const flow = new Flow({ bufferedBytes: 0, send: () => {} }, 0);
  let frame = 0;
  let ackedMs = Number.NEGATIVE_INFINITY;
  /** Frames that were sent, and when they arrive. */
  let onTheWay: { frame: number; atMs: number }[] = [];
  let refused = 0;
  const run = (seconds: number): void => {
    for (let n = 0; n < (seconds * 1_000) / FRAME_MS; n++) {
      clock.nowMs += FRAME_MS;
      if (flow.allows(frameBytes, clock.nowMs)) {
        flow.send(Buffer.alloc(frameBytes), ++frame, clock.nowMs);
        onTheWay.push({ frame, atMs: clock.nowMs + clock.delayMs });
        flow.judge(false, clock.nowMs);
      } else {
        refused++;
        flow.judge(true, clock.nowMs);
      }
      const arrived = onTheWay.filter(({ atMs }) => atMs <= clock.nowMs).at(-1);
      if (arrived === undefined || clock.nowMs - ackedMs < flow.ackMs) continue;
      onTheWay = onTheWay.filter((one) => one.frame > arrived.frame);
      ackedMs = clock.nowMs;
      flow.acknowledge(arrived.frame, clock.nowMs);
    }
  };
  return { clock, flow, run, refused: () => refused };
}

describe('a client is asked to acknowledge', () => {
  test('rarely while its frames take a small part of the window, and loses none for that', () => {
    const { flow, run, refused } = setUp(1_000);
    expect(flow.ackMs).toBe(ACK_EVERY_MS);
    run(2);
    expect(flow.ackMs).toBe(ACK_EASY_MS);
    run(60);
    expect(flow.ackMs).toBe(ACK_EASY_MS);
    expect(refused()).toBe(0);
  });

  test('often while what arrives between two rare ones would take most of the window', () => {
    const { flow, run, refused } = setUp(WINDOW_BYTES / 12);
    run(10);
    expect(flow.ackMs).toBe(ACK_EVERY_MS);
    expect(refused()).toBeGreaterThan(0);
  });

  test('often as soon as its frames are late', () => {
    const { clock, flow, run } = setUp(1_000);
    run(10);
    expect(flow.ackMs).toBe(ACK_EASY_MS);
    clock.delayMs = 3_000;
    run(4);
    expect(flow.ackMs).toBe(ACK_EVERY_MS);
  });
});

test('what a client was allowed by its last acknowledgement ends with its window, and when it is late', () => {
  const { clock, flow, run } = setUp(1_000);
  run(20);
  const { nowMs } = clock;
  // No acknowledgement comes any more.
  let frame = 1_000;
  let sent = 0;
  while (flow.allows(1_000, nowMs)) {
    flow.send(Buffer.alloc(1_000), frame++, nowMs);
    sent += 1_000;
  }
  expect(sent).toBeGreaterThan(0);
  expect(flow.bytesInFlight).toBeLessThanOrEqual(WINDOW_BYTES);
  flow.acknowledge(frame - 1, nowMs);
  flow.send(Buffer.alloc(1_000), frame, nowMs);
  expect(flow.allows(1_000, nowMs + ACK_EASY_MS)).toBe(true);
  expect(flow.allows(1_000, nowMs + ACK_EASY_MS + 5_000)).toBe(false);
});
