import { beforeEach, describe, expect, test } from 'vitest';
import { Intake, MAX_FRAME_AGE_MS } from '../../server/links/intake.ts';
import type { FramePart } from '../../server/links/wire.ts';

const FRAME_MS = 50;
const TERM = 7;

let nowMs: number;
let shown: number[];
let gaps: number;
let intake: Intake;
beforeEach(() => {
  nowMs = 1_000;
  shown = [];
  gaps = 0;
  intake = new Intake(
    { now: () => nowMs, onFrame: ({ frame }) => shown.push(frame), onGap: () => gaps++ },
    TERM,
    0,
  );
});

const frame = (
  serial: number,
  sentAtMs = serial * FRAME_MS,
  part = 0,
  parts = 1,
  term = TERM,
): FramePart => ({
  ...{ type: 'frame', term, serial, sentAtMs, part, parts },
  frame: { type: 'frame', frame: serial, step: 0, updates: [], bytes: new Uint8Array(0) },
});

/** Takes frames as they are sent, each a frame's time after the one before. */
function take(from: number, to: number, lateMs = 0): void {
  for (let serial = from; serial <= to; serial++) {
    nowMs = serial * FRAME_MS + lateMs;
    intake.take(frame(serial));
  }
}

describe('frames on their way into a relay', () => {
  test('that come in order and in time are shown', () => {
    take(1, 5);
    expect([shown, gaps]).toEqual([[1, 2, 3, 4, 5], 0]);
  });

  test('after a pause, old ones are dropped, however many; the fresh ones are shown, and a gap is told', () => {
    take(1, 10);
    // 200 frames came while the relay was stopped; all are read at once.
    nowMs = 210 * FRAME_MS;
    for (let serial = 11; serial <= 210; serial++) intake.take(frame(serial));
    const fresh = shown.slice(10);
    expect(fresh.at(-1)).toBe(210);
    expect(fresh[0]).toBeGreaterThanOrEqual(210 - MAX_FRAME_AGE_MS / FRAME_MS - 2);
    expect(intake.dropped).toBe(200 - fresh.length);
    expect(gaps).toBeGreaterThan(0);
  });

  test('are not old because two clocks differ', () => {
    for (const lateMs of [3_600_000, -3_600_000]) {
      shown.length = 0;
      intake = new Intake(
        { now: () => nowMs, onFrame: ({ frame }) => shown.push(frame), onGap: () => gaps++ },
        TERM,
        0,
      );
      take(1, 5, lateMs);
      expect(shown).toHaveLength(5);
    }
  });

  test('are shown again within a minute when their way has become longer for good', () => {
    take(1, 10);
    take(11, 1_210, 2 * MAX_FRAME_AGE_MS);
    expect(shown.at(-1)).toBe(1_210);
    expect(shown.length).toBeGreaterThan(200);
  });

  test('of which one is lost leave a gap, and the others are shown', () => {
    take(1, 3);
    take(5, 6);
    expect([shown, gaps]).toEqual([[1, 2, 3, 5, 6], 1]);
  });

  test('that nothing follows are missed by the next pulse', () => {
    take(1, 3);
    intake.heardOf(TERM, 3);
    expect(gaps).toBe(0);
    intake.heardOf(TERM, 4);
    expect(gaps).toBe(1);
    nowMs = 5 * FRAME_MS;
    intake.take(frame(5));
    expect(shown).toEqual([1, 2, 3, 5]);
  });

  test('in parts are shown when all parts are there', () => {
    nowMs = FRAME_MS;
    for (const part of [0, 1]) intake.take(frame(1, FRAME_MS, part, 3));
    expect(shown).toEqual([]);
    intake.take(frame(1, FRAME_MS, 2, 3));
    expect([shown, gaps]).toEqual([[1], 0]);
  });

  test('of which a part is lost are not shown', () => {
    nowMs = FRAME_MS;
    for (const part of [0, 2]) intake.take(frame(1, FRAME_MS, part, 3));
    take(2, 2);
    expect([shown, gaps]).toEqual([[2], 1]);
  });

  test('twice are shown once', () => {
    take(1, 2);
    take(1, 2);
    expect([shown, gaps]).toEqual([[1, 2], 0]);
  });

  test('of another term are not shown', () => {
    take(1, 2);
    for (const term of [TERM - 1, TERM + 1]) intake.take(frame(3, 3 * FRAME_MS, 0, 1, term));
    expect([shown, gaps]).toEqual([[1, 2], 0]);
  });
});
