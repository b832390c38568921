/** The server's real stream and the client's real feed, over a line that loses, doubles, swaps and cuts. */
import { describe, expect, test } from 'vitest';
import { Feed } from '../../../client/stream/feed.ts';
import { BATCHES, type Batch, type FromWorker } from '../../../client/stream/messages.ts';
import { Pyramid } from '../../../client/stream/pyramid.ts';
import { HEADROOM_BYTES } from '../../../server/stream/deliver/composer.ts';
import type { FrameSocket } from '../../../server/stream/deliver/flow.ts';
import { Stream } from '../../../server/stream/deliver/stream.ts';
import type { Viewer } from '../../../server/stream/deliver/viewer.ts';
import { PAGE_BYTES, PAGE_CELLS, type PageRect, type Rect } from '../../../shared/geometry.ts';
import { seededRandom } from '../../engines/fixtures.ts';
import { FakeWorld } from '../../rooms/fakeWorld.ts';

const SIDE = 512;
const size = { width: SIDE, height: SIDE };
const pyramid = new Pyramid(size);

class Line {
  readonly #random: () => number;
  readonly world: FakeWorld;
  readonly stream: Stream;
  readonly feed: Feed;
  /** Page → the pixels that the view has drawn. */
  readonly drawn = new Map<number, Uint8Array>();
  readonly #batches: Batch[] = [];
  readonly #inbox: Uint8Array<ArrayBuffer>[] = [];
  #viewer: Viewer;
  #epoch = 0;
  #view: { level: number; cells: Rect; pages: PageRect };
  #nowMs = 0;
  isFaulty = true;
  readonly faults = { lost: 0, doubled: 0, swapped: 0, cut: 0, gaps: 0 };

  constructor(seed: number, epsilon: number) {
    this.#random = seededRandom(seed);
    this.world = new FakeWorld(SIDE, SIDE, epsilon);
    this.stream = new Stream(this.world, { now: () => this.#nowMs });
    this.world.onFrame = (frame) => this.stream.publish(frame);
    this.feed = new Feed(size, (message) => this.#hear(message));
    this.#view = {
      level: 0,
      cells: { x: 0, y: 0, ...size },
      pages: pyramid.pagesOf({ x: 0, y: 0, ...size }, 0, 0),
    };
    this.#viewer = this.#join();
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick(most: number): number {
    return Math.floor(this.#random() * most);
  }

  look(level: number, cells: Rect): void {
    this.#view = { level, cells, pages: pyramid.pagesOf(cells, level, 0.5) };
    this.stream.look(this.#viewer, { ...cells, level });
    this.feed.handle({ type: 'look', level, pages: this.#view.pages });
  }

  cut(): void {
    this.faults.cut++;
    this.stream.leave(this.#viewer);
    // Half of the frames that were on their way still arrive, after the client has joined again.
    const late = this.#inbox.splice(0).filter(() => this.chance(0.5));
    const epoch = this.#epoch;
    this.#viewer = this.#join();
    for (const bytes of late) this.feed.handle({ type: 'frame', epoch, bytes });
  }

  /** Publishes one frame of the world, and delivers what the line lets through. */
  tick(): void {
    this.#nowMs += 50;
    this.world.tick(this.#nowMs);
    this.stream.sweep();
    while (this.#inbox.length > 0) {
      const isSwapped = this.isFaulty && this.#inbox.length > 1 && this.chance(0.3);
      if (isSwapped) this.faults.swapped++;
      const [bytes] = this.#inbox.splice(isSwapped ? 1 : 0, 1);
      if (this.isFaulty && this.chance(0.1)) {
        this.faults.lost++;
        continue;
      }
      const isDoubled = this.isFaulty && this.chance(0.1);
      if (isDoubled) this.faults.doubled++;
      for (let i = 0; i <= (isDoubled ? 1 : 0); i++)
        this.feed.handle({ type: 'frame', epoch: this.#epoch, bytes: bytes.slice() });
      // The client is slow: the rest waits for another tick.
      if (this.isFaulty && this.chance(0.3)) break;
    }
    if (!this.isFaulty || this.chance(0.4)) this.draw();
  }

  draw(): void {
    for (const { buffer, keys, blanks } of this.#batches.splice(0)) {
      keys.forEach((key, i) => {
        this.drawn.set(key, new Uint8Array(buffer, i * PAGE_BYTES, PAGE_BYTES).slice());
      });
      for (const key of blanks) this.drawn.set(key, new Uint8Array(PAGE_BYTES));
      const released = this.isFaulty ? [...this.drawn.keys()].filter(() => this.chance(0.05)) : [];
      for (const key of released) this.drawn.delete(key);
      this.feed.handle({ type: 'give', buffer, released });
    }
  }

  /** @returns the largest difference between the view's drawn pixels and the averages of the world's true cells */
  worst(): number {
    const { level, pages } = this.#view;
    const scale = 2 ** level;
    let most = 0;
    for (let py = pages.top; py <= pages.bottom; py++) {
      for (let px = pages.left; px <= pages.right; px++) {
        const page = this.drawn.get(pyramid.key(level, px, py));
        if (page === undefined) return Number.POSITIVE_INFINITY;
        for (let i = 0; i < PAGE_CELLS * PAGE_CELLS; i += 7) {
          const x = (px * PAGE_CELLS + (i % PAGE_CELLS)) * scale;
          const y = (py * PAGE_CELLS + Math.floor(i / PAGE_CELLS)) * scale;
          for (let c = 0; c < 4; c++)
            most = Math.max(most, Math.abs(page[i * 4 + c] - this.#average(x, y, scale, c)));
        }
      }
    }
    return most;
  }

  #average(x: number, y: number, scale: number, channel: number): number {
    let sum = 0;
    for (let v = y; v < y + scale; v++) {
      for (let u = x; u < x + scale; u++) {
        const index = Math.floor(v / PAGE_CELLS) * this.world.across + Math.floor(u / PAGE_CELLS);
        const at = ((v % PAGE_CELLS) * PAGE_CELLS + (u % PAGE_CELLS)) * 4 + channel;
        sum += this.world.truth.get(index)?.[at] ?? 0;
      }
    }
    return sum / scale ** 2;
  }

  #join(): Viewer {
    this.#inbox.length = 0;
    const socket: FrameSocket = {
      bufferedBytes: 0,
      send: (bytes) => this.#inbox.push(new Uint8Array(bytes.subarray(HEADROOM_BYTES))),
    };
    const viewer = this.stream.join(socket);
    this.feed.handle({ type: 'join', epoch: ++this.#epoch });
    this.stream.look(viewer, { ...this.#view.cells, level: this.#view.level });
    this.feed.handle({ type: 'look', level: this.#view.level, pages: this.#view.pages });
    return viewer;
  }

  #hear(message: FromWorker): void {
    if (message.type === 'pages') {
      this.#batches.push(message);
      expect(this.#batches.length).toBeLessThanOrEqual(BATCHES);
      return;
    }
    if (message.type !== 'decoded') throw new Error(`unexpected: ${JSON.stringify(message)}`);
    expect(message.epoch).toBe(this.#epoch);
    this.stream.acknowledge(this.#viewer, message.frame);
    const gaps = message.gaps.filter((key) => pyramid.levelOf(key) === this.#view.level);
    this.faults.gaps += gaps.length;
    if (gaps.length > 0)
      this.stream.lost(this.#viewer, {
        level: this.#view.level,
        pages: gaps.map((key) => pyramid.indexOf(key)),
      });
  }
}

describe.each([0, 2])('with ε = %i, over a line that loses, doubles, swaps and cuts', (epsilon) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'the drawn pixels are the server’s once the line is good and every page has changed again (random seed %i)',
    (seed) => {
      const line = new Line(seed, epsilon);
      const stir = (page: number): void => {
        const x = (page % 8) * PAGE_CELLS + line.pick(PAGE_CELLS);
        const y = Math.floor(page / 8) * PAGE_CELLS + line.pick(PAGE_CELLS);
        line.world.paint(x, y, [line.pick(256), line.pick(256), line.pick(256), 255]);
      };
      for (let round = 0; round < 250; round++) {
        // Some pages change often, some now and then, and some never.
        for (let i = 0; i < 6; i++) stir(line.pick(40));
        if (line.chance(0.06)) {
          const level = line.pick(pyramid.top + 1);
          const width = 64 + line.pick(448);
          line.look(level, {
            x: line.pick(SIDE - width + 1),
            y: line.pick(SIDE - width + 1),
            width,
            height: width,
          });
        }
        if (line.chance(0.03)) line.cut();
        line.tick();
      }
      const { lost, doubled, swapped, cut, gaps } = line.faults;
      expect(Math.min(lost, doubled, cut)).toBeGreaterThan(0);
      expect(lost + swapped + gaps).toBeGreaterThan(10);
      line.isFaulty = false;
      // A lost update is noticed when its page changes again: here every page of every level does.
      for (let page = 0; page < 64; page++) for (let i = 0; i < 8; i++) stir(page);
      for (let i = 0; i < 80; i++) line.tick();
      // An average is rounded once.
      expect(line.worst()).toBeLessThanOrEqual(0.5);
    },
  );
});
