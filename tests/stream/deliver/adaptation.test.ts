/** One viewer behind a connection that is too slow for what it looks at, and later is not. */
import { expect, test } from 'vitest';
import { HEADROOM_BYTES } from '../../../server/stream/deliver/composer.ts';
import { type FrameSocket, WINDOW_BYTES } from '../../../server/stream/deliver/flow.ts';
import { Stream } from '../../../server/stream/deliver/stream.ts';
import type { Viewer } from '../../../server/stream/deliver/viewer.ts';
import { Lane, laneOf, pageKey } from '../../../server/stream/pageKey.ts';
import { ACK_EVERY_MS } from '../../../shared/limits.ts';
import { pagesEqual } from '../../../shared/pageCodec.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { FakeWorld } from '../../rooms/fakeWorld.ts';
import { Mirror } from '../mirror.ts';

const FRAME_MS = 50;

/** Delivers in order at a limited rate, and acknowledges arrived frames as often as a client does. */
class Link implements FrameSocket {
  bytesPerSecond: number;
  readonly mirror: Mirror;
  readonly delaysMs: number[] = [];
  sentBytes = 0;
  frames = 0;
  viewer!: Viewer;
  #decoded = 0;
  #said = 0;
  #saidMs = Number.NEGATIVE_INFINITY;
  readonly #clock: { nowMs: number };
  readonly #queue: { bytes: Uint8Array; sentMs: number; left: number }[] = [];

  constructor(world: FakeWorld, clock: { nowMs: number }, bytesPerSecond: number) {
    this.mirror = new Mirror(world.ready);
    this.#clock = clock;
    this.bytesPerSecond = bytesPerSecond;
  }

  readonly bufferedBytes = 0;

  send(message: Buffer): void {
    this.sentBytes += message.length;
    this.frames++;
    const bytes = new Uint8Array(message.subarray(HEADROOM_BYTES));
    this.#queue.push({ bytes, sentMs: this.#clock.nowMs, left: message.length });
  }

  #acknowledge(stream: Stream): void {
    const { nowMs } = this.#clock;
    if (this.#decoded === this.#said || nowMs - this.#saidMs < ACK_EVERY_MS) return;
    this.#said = this.#decoded;
    this.#saidMs = nowMs;
    stream.acknowledge(this.viewer, this.#said);
  }

  deliver(stream: Stream): void {
    this.#acknowledge(stream);
    let room = (this.bytesPerSecond * FRAME_MS) / 1_000;
    while (room > 0 && this.#queue.length > 0) {
      const first = this.#queue[0];
      const took = Math.min(room, first.left);
      room -= took;
      first.left -= took;
      if (first.left > 0) return;
      this.#queue.shift();
      this.delaysMs.push(this.#clock.nowMs - first.sentMs);
      this.#decoded = this.mirror.apply(first.bytes);
      this.#acknowledge(stream);
    }
  }
}

/** 12 x 12 pages in view; each of the middle 64 has a body of 20 x 20 cells, some of which flicker in every frame. */
function setUp(bytesPerSecond: number, cap?: number) {
  const clock = { nowMs: 0 };
  const world = new FakeWorld(768, 768, 2);
  const stream = new Stream(world, { now: () => clock.nowMs, bytesPerSecond: cap });
  world.onFrame = (frame) => stream.publish(frame);
  const link = new Link(world, clock, bytesPerSecond);
  link.viewer = stream.join(link);
  stream.look(link.viewer, { x: 0, y: 0, width: 768, height: 768, level: 0 });
  const draw = seededRandom(3);
  const cell = (): number => 128 + 64 * Math.floor(draw() * 8) + Math.floor(draw() * 20);
  const run = (seconds: number, cellsAFrame: number): void => {
    for (let frame = 0; frame < seconds * 20; frame++) {
      clock.nowMs += FRAME_MS;
      for (let n = 0; n < cellsAFrame; n++) world.paint(cell(), cell(), [100 + draw() * 10, 9, 9, 255]);
      world.tick(clock.nowMs);
      if (frame % 4 === 0) stream.sweep();
      link.deliver(stream);
    }
  };
  const holdsTheTruth = (): void => {
    expect(link.viewer.pages.length).toBe(144);
    for (const page of link.viewer.pages)
      expect(pagesEqual(link.mirror.pages.get(page)!.pixels, world.pixels(page))).toBe(true);
    expect(link.mirror.gaps.size).toBe(0);
  };
  return { clock, world, stream, link, run, holdsTheTruth };
}

test('a fast connection gets every page in the fine lane and loses no frame', () => {
  const { link, run, holdsTheTruth } = setUp(10_000_000);
  run(10, 300);
  expect(link.viewer.coarse).toBe(0);
  expect(link.frames).toBeGreaterThan(10 * 20 - 5);
  expect(Math.max(...link.delaysMs)).toBe(0);
  run(3, 0);
  holdsTheTruth();
});

test('a slow connection gets the coarse lane and little lag, and the fine lane again once it is fast', () => {
  const { link, run, holdsTheTruth } = setUp(30_000);
  run(40, 300);
  expect(link.viewer.coarse).toBeGreaterThan(20);
  // It lags, but has no backlog: the bytes in flight arrive within a second.
  link.delaysMs.length = 0;
  run(20, 300);
  expect(Math.max(...link.delaysMs)).toBeLessThan(1_000);
  expect(link.delaysMs.length).toBeGreaterThan(20);
  // The same connection, and the world rests: it catches up with exactly the truth.
  run(20, 0);
  holdsTheTruth();

  link.bytesPerSecond = 10_000_000;
  run(90, 300);
  expect(link.viewer.coarse).toBe(0);
  link.frames = 0;
  run(10, 300);
  expect(link.frames).toBe(200);
  run(3, 0);
  holdsTheTruth();
});

test('the cap of bytes per second holds on any connection, and every page arrives once the world rests', () => {
  const cap = 25_000;
  const { link, run, holdsTheTruth } = setUp(10_000_000, cap);
  run(20, 900);
  expect(link.sentBytes).toBeLessThan(20 * cap + WINDOW_BYTES + 20_000);
  run(20, 900);
  expect(link.viewer.coarse).toBeGreaterThan(0);
  const before = link.sentBytes;
  run(20, 900);
  expect(link.sentBytes - before).toBeLessThan(20 * cap + 20_000);
  run(20, 0);
  holdsTheTruth();
});

test('the coarse lane takes less than half of the bytes of the fine lane for the same world', () => {
  const { world, run } = setUp(10_000_000);
  world.watch(
    Array.from({ length: 144 }, (_, page) => pageKey(0, page, Lane.coarse)),
    [],
  );
  const bytes = { [Lane.fine]: 0, [Lane.coarse]: 0 };
  world.onFrame = ({ updates }) => {
    for (const { key, length } of updates) bytes[laneOf(key)] += length;
  };
  run(10, 300);
  expect(bytes[Lane.coarse]).toBeGreaterThan(0);
  expect(bytes[Lane.coarse] / bytes[Lane.fine]).toBeLessThan(0.5);
});
