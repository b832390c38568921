/**
 * Connections that drop, double, reorder, delay and cut off frames, with clients that pan, zoom and are slow. A lost
 * update shows when its page moves again. So from time to time the faults stop, every page moves once more, and then
 * each client must hold what the server holds.
 */
import { expect, test } from 'vitest';
import { PageStore } from '../../client/stream/pageStore.ts';
import { Pyramid } from '../../client/stream/pyramid.ts';
import { HEADROOM_BYTES } from '../../server/stream/deliver/composer.ts';
import type { FrameSocket } from '../../server/stream/deliver/flow.ts';
import { Stream } from '../../server/stream/deliver/stream.ts';
import type { Viewer } from '../../server/stream/deliver/viewer.ts';
import { indexOf, levelOf } from '../../server/stream/pageKey.ts';
import { Levels } from '../../server/stream/publish/levels.ts';
import { COARSE_EVERY } from '../../server/stream/publish/publisher.ts';
import { decodeFrame, FrameError } from '../../shared/frame.ts';
import { PAGE_BYTES, type Size, topLevel } from '../../shared/geometry.ts';
import type { ViewportMessage } from '../../shared/protocol.ts';
import { seededRandom } from '../engines/fixtures.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';
import { Mirror } from './mirror.ts';

const EPSILON = 2;
const COARSE_EPSILON = 4 * EPSILON;
const ROUNDS = 480;
const ROUNDS_BETWEEN_CHECKS = 60;
const FRAME_MS = 50;
/** As in `rooms/worldRoom.ts`. */
const STALLED_MS = 10_000;
const WORLD: Size = { width: 512, height: 384 };
const ZEROS = new Uint8Array(PAGE_BYTES);

/** The pages of a client, in either implementation. */
interface Holder {
  /** @returns the `pageKey`s of pages with a gap */
  apply(bytes: Uint8Array): { frame: number; gaps: number[] };
  pixelsOf(key: number): Uint8Array | undefined;
  /** Forgets everything for a new connection. */
  reset(): void;
}

/** The small implementation of these tests. */
class MirrorHolder implements Holder {
  #mirror = new Mirror(WORLD);
  apply(bytes: Uint8Array) {
    const frame = this.#mirror.apply(bytes);
    const gaps = [...this.#mirror.gaps];
    this.#mirror.gaps.clear();
    return { frame, gaps };
  }
  pixelsOf(key: number) {
    return this.#mirror.pages.get(key)?.pixels;
  }
  reset(): void {
    this.#mirror = new Mirror(WORLD);
  }
}

/** The client's implementation. */
class StoreHolder implements Holder {
  readonly #store = new PageStore(new Pyramid(WORLD));
  apply(bytes: Uint8Array) {
    const { frame, updates } = decodeFrame(bytes);
    return { frame, gaps: this.#store.apply(updates).gaps };
  }
  pixelsOf(key: number) {
    return this.#store.get(key)?.pixels; // its keys are ours
  }
  reset(): void {
    this.#store.expire();
  }
}

class Client implements FrameSocket {
  readonly bufferedBytes = 0;
  readonly holder: Holder;
  readonly #stream: Stream;
  readonly #draw: () => number;
  #line: Uint8Array[] = [];
  viewer: Viewer;
  #viewport!: ViewportMessage;
  faults = 0;

  constructor(stream: Stream, holder: Holder, draw: () => number) {
    this.holder = holder;
    this.#stream = stream;
    this.#draw = draw;
    this.viewer = stream.join(this);
    this.look();
  }

  send(message: Buffer): void {
    this.#line.push(new Uint8Array(message.subarray(HEADROOM_BYTES)));
  }

  /** Whether it is owed pages, or frames to it are in flight. A client that joins again is answered at once. */
  get waits(): boolean {
    return this.viewer.owed > 0 || this.#line.length > 0;
  }

  look(): void {
    const draw = this.#draw;
    const level = Math.floor(draw() * (topLevel(WORLD) + 1));
    const width = (100 + draw() * 200) * 2 ** level;
    this.#viewport = { x: draw() * 400 - 50, y: draw() * 300 - 50, width, height: width, level };
    this.#stream.look(this.viewer, this.#viewport);
  }

  cut(): void {
    this.#stream.leave(this.viewer);
    this.#line = [];
    this.holder.reset();
    this.viewer = this.#stream.join(this);
    this.#stream.look(this.viewer, this.#viewport);
  }

  /** One round of a faulty connection. */
  suffer(): void {
    const draw = this.#draw;
    if (draw() < 0.3) return; // no frame gets through in this round
    const line = this.#line;
    this.#line = [];
    for (let i = 0; i < line.length; i++) {
      const fate = draw();
      if (fate > 0.3) continue;
      this.faults++;
      if (fate < 0.08) line.splice(i--, 1);
      else if (fate < 0.16) line.splice(Math.floor(draw() * line.length), 0, line[i++]);
      else if (fate < 0.28) line.push(...line.splice(i, 1));
      else line[i] = line[i].subarray(0, Math.floor(draw() * line[i].length));
    }
    this.#receive(line);
    if (draw() < 0.02) this.cut();
    if (draw() < 0.05) this.look();
  }

  /** One round of a good connection. */
  thrive(nowMs: number): void {
    const line = this.#line;
    this.#line = [];
    this.#receive(line);
    // Its last frame was lost and is never acknowledged: the room closes such a client, and it joins again.
    if (this.viewer.flow.stalledForMs(nowMs) > STALLED_MS) this.cut();
  }

  #receive(line: readonly Uint8Array[]): void {
    for (const bytes of line) {
      try {
        const { frame, gaps } = this.holder.apply(bytes);
        expect(this.#stream.acknowledge(this.viewer, frame)).toBe(true);
        const { level } = this.#viewport;
        const pages = gaps.filter((key) => levelOf(key) === level).map(indexOf);
        if (pages.length > 0) this.#stream.lost(this.viewer, { level, pages });
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        // As the client does: nothing after this can be trusted.
        this.cut();
        return;
      }
    }
  }
}

/** [64, 64, 4] of every watched page, by `pageKey`. */
function truths(world: FakeWorld, keys: Iterable<number>): Map<number, Uint8Array> {
  const levels = new Levels(WORLD);
  const wanted = [...keys];
  for (const key of wanted) if (levelOf(key) > 0) levels.watch(levelOf(key), indexOf(key));
  levels.startFill();
  for (const [page, pixels] of world.truth) levels.fill(page, pixels);
  levels.endFill();
  return new Map(
    wanted.map((key) => {
      const level = levelOf(key);
      return [
        key,
        (level > 0 ? levels.pixelsOf(level, indexOf(key)) : world.truth.get(indexOf(key))) ?? ZEROS,
      ];
    }),
  );
}

const worst = (a: Uint8Array, b: Uint8Array): number => {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};

test.each([1, 2, 3, 4, 5])(
  'S2 clients on faulty lines end with the pixels of the server (seed %i)',
  (seed) => {
    const draw = seededRandom(seed);
    const clock = { nowMs: 0 };
    const world = new FakeWorld(WORLD.width, WORLD.height, EPSILON);
    // Little room, so that many pages are owed and both lanes are in use.
    const stream = new Stream(world, { now: () => clock.nowMs, windowBytes: 12_000, bytesPerSecond: 80_000 });
    world.onFrame = (frame) => stream.publish(frame);
    const clients = [
      new Client(stream, new MirrorHolder(), draw),
      new Client(stream, new MirrorHolder(), draw),
      new Client(stream, new StoreHolder(), draw),
      new Client(stream, new StoreHolder(), draw),
    ];
    const tick = (): void => {
      clock.nowMs += FRAME_MS;
      world.tick(clock.nowMs);
      stream.sweep();
    };
    const paint = (x: number, y: number): void =>
      world.paint(x, y, [draw() * 255, draw() * 40, 128 + draw() * 12, draw() < 0.1 ? 0 : 255]);
    /** Runs at least `rounds` rounds on good connections, and until no client is owed a page. */
    const settle = (least: number): void => {
      const waits = (): boolean => clients.some((client) => client.waits);
      for (let n = 0; n < least || (n < 1_000 && waits()); n++) {
        tick();
        for (const client of clients) client.thrive(clock.nowMs);
      }
    };
    const check = (bound: number): void => {
      const all = truths(world, new Set(clients.flatMap(({ viewer }) => [...viewer.pages])));
      for (const { holder, viewer } of clients) {
        expect(viewer.owed).toBe(0);
        for (const key of viewer.pages)
          expect(worst(holder.pixelsOf(key)!, all.get(key)!)).toBeLessThanOrEqual(bound);
      }
    };

    let coarse = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      for (let n = Math.floor(draw() * 60); n > 0; n--)
        paint(Math.floor(draw() * WORLD.width), Math.floor(draw() * WORLD.height));
      tick();
      for (const client of clients) client.suffer();
      coarse += clients.reduce((sum, { viewer }) => sum + viewer.coarse, 0);
      if (round % ROUNDS_BETWEEN_CHECKS !== 0) continue;

      // The faults stop, and every page moves.
      for (const client of clients) client.thrive(clock.nowMs);
      for (let y = 0; y < WORLD.height; y += 64) {
        for (let x = 0; x < WORLD.width; x += 64) {
          // A block of 8 x 8 in a new colour shows at every level and in every lane.
          const red = (world.pixels(Math.floor(y / 64) * world.across + x / 64)[0] + 128) % 256;
          for (let i = 0; i < 64; i++) world.paint(x + (i & 7), y + (i >> 3), [red, 0, 0, 255]);
        }
      }
      settle(COARSE_EVERY + 4);
      check(COARSE_EPSILON);
      settle(25); // a second of rest
      check(0);
    }
    expect(clients.reduce((sum, { faults }) => sum + faults, 0)).toBeGreaterThan(200);
    expect(coarse).toBeGreaterThan(10);
  },
);
