import { describe, expect, test } from 'vitest';
import { HEADROOM_BYTES } from '../../../server/stream/deliver/composer.ts';
import { FIRST_WINDOW_BYTES, type FrameSocket, WINDOW_BYTES } from '../../../server/stream/deliver/flow.ts';
import { Stream } from '../../../server/stream/deliver/stream.ts';
import type { Viewer } from '../../../server/stream/deliver/viewer.ts';
import { decodeFrame } from '../../../shared/frame.ts';
import { PAGE_BYTES, type Size } from '../../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../../shared/limits.ts';
import { pagesEqual } from '../../../shared/pageCodec.ts';
import type { ViewportMessage } from '../../../shared/protocol.ts';
import { FakeWorld } from '../../rooms/fakeWorld.ts';
import { Mirror } from '../mirror.ts';

/** The largest update: a page in which every pixel changed. */
const UPDATE_BYTES = PAGE_BYTES + 64;

class FakeClient implements FrameSocket {
  bufferedBytes = 0;
  readonly inbox: Uint8Array[] = [];
  readonly mirror: Mirror;
  sentBytes = 0;
  frames = 0;

  constructor(world: Size) {
    this.mirror = new Mirror(world);
  }

  send(bytes: Buffer): void {
    this.sentBytes += bytes.length;
    this.frames++;
    this.inbox.push(new Uint8Array(bytes.subarray(HEADROOM_BYTES)));
  }

  lastReceived(): number {
    const last = this.inbox.at(-1);
    return last === undefined ? 0 : decodeFrame(last).frame;
  }

  /** Decodes every message that arrived. @returns the last frame */
  read(): number {
    for (const bytes of this.inbox) this.mirror.apply(bytes);
    this.inbox.length = 0;
    return this.mirror.lastFrame;
  }
}

function setUp(epsilon = 0) {
  const clock = { nowMs: 0 };
  const world = new FakeWorld(1024, 1024, epsilon);
  const stream = new Stream(world, { now: () => clock.nowMs });
  world.onFrame = (frame) => stream.publish(frame);
  const join = (
    viewport: Partial<ViewportMessage> = { x: 64, y: 64, width: 512, height: 512 },
  ): [FakeClient, Viewer] => {
    const client = new FakeClient(world.ready);
    const viewer = stream.join(client);
    stream.look(viewer, { x: 0, y: 0, width: 0, height: 0, level: 0, ...viewport });
    return [client, viewer];
  };
  const tick = (): void => {
    clock.nowMs += 50;
    world.tick(clock.nowMs);
  };
  return { clock, world, stream, join, tick };
}

describe('a viewer', () => {
  test('gets its whole viewport at once, then only the pages that change', () => {
    const { world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    tick();
    expect(client.frames).toBe(1);
    stream.acknowledge(viewer, client.read());
    expect(client.mirror.pages.size).toBe(viewer.pages.length);
    expect(viewer.owed).toBe(0);
    tick();
    expect(client.frames).toBe(1);
    world.paint(100, 100, [1, 2, 3, 4]);
    tick();
    expect(client.frames).toBe(2);
    expect(client.inbox[0].length).toBeLessThan(10 + 18 + 16);
    client.read();
    expect(client.mirror.gaps.size).toBe(0);
  });

  test('that comes to a page that others watch gets a keyframe; the others are not sent the page again', () => {
    const { world, stream, join, tick } = setUp();
    const [first, firstViewer] = join();
    world.paint(100, 100, [9, 9, 9, 9]);
    tick();
    stream.acknowledge(firstViewer, first.read());
    const [second] = join();
    tick();
    second.read();
    expect(first.frames).toBe(1);
    expect(second.mirror.pages.size).toBe(first.mirror.pages.size);
    expect(pagesEqual(second.mirror.pages.get(17)!.pixels, world.pixels(17))).toBe(true);
  });

  test('that never acknowledges is sent at most one window', () => {
    const { clock, world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    for (let frame = 0; frame < 240; frame++) {
      for (const page of viewer.pages) world.churn(page, frame);
      tick();
    }
    expect(client.sentBytes).toBeGreaterThan(FIRST_WINDOW_BYTES / 2);
    expect(client.sentBytes).toBeLessThanOrEqual(WINDOW_BYTES + UPDATE_BYTES);
    expect(viewer.flow.bytesInFlight).toBe(client.sentBytes);
    expect(viewer.flow.stalledForMs(clock.nowMs)).toBeGreaterThan(11_000);
    // Its first acknowledgement ends the stall.
    stream.acknowledge(viewer, client.read());
    expect(viewer.flow.stalledForMs(clock.nowMs)).toBe(0);
  });

  test('that acknowledges frames it has not read is still limited by what its socket buffers', () => {
    const { world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    for (let frame = 0; frame < 60; frame++) {
      for (const page of viewer.pages) world.churn(page, frame);
      client.bufferedBytes = client.sentBytes;
      tick();
      stream.acknowledge(viewer, client.read());
    }
    expect(client.sentBytes).toBeLessThanOrEqual(WINDOW_BYTES + UPDATE_BYTES);
  });

  test('that is owed nothing does not count as stalled', () => {
    const { clock, world, join, tick } = setUp();
    const [, viewer] = join({ x: 64, y: 64, width: 64, height: 64 });
    for (let frame = 0; frame < 600; frame++) {
      world.paint(100, 100, [frame & 255, 1, 1, 255]);
      tick();
    }
    expect(viewer.flow.stalledForMs(clock.nowMs)).toBe(0);
  });

  test('that is slow gets the newest state later, without a backlog', () => {
    const { world, stream, join, tick } = setUp();
    const [slow, slowViewer] = join();
    const [fast, fastViewer] = join();
    for (let frame = 0; frame < 160; frame++) {
      for (let page = 0; page < 200; page++) if (page % 16 < 10) world.churn(page, frame);
      tick();
      stream.acknowledge(fastViewer, fast.read());
      if (frame % 16 === 15) stream.acknowledge(slowViewer, slow.read());
    }
    // It was sent at most a window per acknowledgement, of which there were ten, and a little more.
    expect(slow.sentBytes).toBeLessThanOrEqual(12 * (WINDOW_BYTES + UPDATE_BYTES));
    // The world rests: as soon as the cap of bytes per second allows, both hold exactly the truth.
    for (let trip = 0; trip < 80; trip++) {
      tick();
      stream.acknowledge(slowViewer, slow.read());
      stream.acknowledge(fastViewer, fast.read());
    }
    for (const page of slowViewer.pages) {
      expect(pagesEqual(slow.mirror.pages.get(page)!.pixels, world.pixels(page))).toBe(true);
      expect(pagesEqual(fast.mirror.pages.get(page)!.pixels, world.pixels(page))).toBe(true);
    }
    expect(slow.mirror.gaps.size + fast.mirror.gaps.size).toBe(0);
  });

  test('that stalls does not change what another viewer is sent', () => {
    const frames = (withStalled: boolean): number[] => {
      const { world, stream, join, tick } = setUp();
      if (withStalled) for (let n = 0; n < 5; n++) join();
      const [client, viewer] = join({ x: 128, y: 128, width: 64, height: 64 });
      const sizes: number[] = [];
      for (let frame = 0; frame < 100; frame++) {
        for (let x = 0; x < 640; x += 3) world.paint(x, 150, [frame, x & 255, 3, 255]);
        tick();
        sizes.push(client.inbox.at(-1)?.length ?? 0);
        stream.acknowledge(viewer, client.read());
      }
      return sizes;
    };
    expect(frames(true)).toEqual(frames(false));
  });

  test("whose network is behind gets its buffered bytes unchanged by other viewers' messages", () => {
    const { world, stream, join, tick } = setUp();
    const kept: { bytes: Buffer; asSent: Buffer }[] = [];
    const socket = {
      bufferedBytes: 0,
      send(bytes: Buffer): void {
        kept.push({ bytes, asSent: Buffer.from(bytes) });
        this.bufferedBytes += bytes.length;
      },
    };
    const behind = stream.join(socket);
    stream.look(behind, { x: 64, y: 64, width: 512, height: 512, level: 0 });
    const others = [join(), join()];
    for (let frame = 1; frame <= 20; frame++) {
      for (let x = 0; x < 640; x += 3) world.paint(x, 150, [frame, x & 255, 3, 255]);
      tick();
      for (const [client, viewer] of others) stream.acknowledge(viewer, client.read());
      // From time to time its network takes all bytes, and the sender may reuse their buffer.
      if (frame % 3 === 0) kept.length = socket.bufferedBytes = 0;
      for (const { bytes, asSent } of kept) expect(bytes.equals(asSent)).toBe(true);
    }
    expect(others.map(([client]) => client.mirror.gaps.size)).toEqual([0, 0]);
  });

  test('is sent the pages nearest to the centre first when not all fit', () => {
    const { world, join, tick } = setUp();
    for (let page = 0; page < 256; page++) world.churn(page, 1);
    const [client] = join({ x: 0, y: 0, width: 1024, height: 1024 });
    tick();
    client.read();
    const got = [...client.mirror.pages.keys()];
    const distance = (page: number): number => Math.hypot((page % 16) - 7.5, (page >> 4) - 7.5);
    expect(got.length).toBeGreaterThan(3);
    const farthest = Math.max(...got.map(distance));
    const nearestMissing = Math.min(
      ...Array.from({ length: 256 }, (_, page) => page)
        .filter((page) => !got.includes(page))
        .map(distance),
    );
    expect(farthest).toBeLessThanOrEqual(nearestMissing);
  });

  test('that lost a page gets a keyframe of it', () => {
    const { world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    tick();
    client.read();
    client.mirror.pages.delete(17);
    world.paint(100, 100, [1, 1, 1, 1]);
    tick();
    client.read();
    expect([...client.mirror.gaps]).toEqual([17]);
    stream.lost(viewer, { level: 0, pages: [17, 17, 255] });
    tick();
    client.read();
    expect(client.mirror.gaps.size).toBe(0);
    expect(pagesEqual(client.mirror.pages.get(17)!.pixels, world.pixels(17))).toBe(true);
  });

  test('cannot acknowledge a frame that it was not sent', () => {
    const { stream, join, tick } = setUp();
    const [client, viewer] = join();
    tick();
    expect(stream.acknowledge(viewer, client.read() + 1)).toBe(false);
    expect(stream.acknowledge(viewer, client.read())).toBe(true);
    expect(stream.acknowledge(viewer, 0)).toBe(true);
    expect(viewer.flow.bytesInFlight).toBe(0);
  });

  test('is sent the very bytes that others with its view are sent', () => {
    const { world, stream, tick } = setUp();
    const sent: Buffer[][] = [[], [], []];
    const view = { x: 64, y: 64, width: 512, height: 512, level: 0 };
    const viewers = sent.map((messages) => {
      const viewer = stream.join({ bufferedBytes: 0, send: (bytes) => void messages.push(bytes) });
      stream.look(viewer, view);
      return viewer;
    });
    tick();
    for (const viewer of viewers) expect(viewer.owed).toBe(0);
    world.paint(100, 100, [1, 2, 3, 4]);
    tick();
    expect(sent[0].length).toBe(2);
    expect(sent[1].at(-1)).toBe(sent[0].at(-1));
    expect(sent[2].at(-1)).toBe(sent[0].at(-1));
  });

  test('whose picture does not change is not even looked at', () => {
    const { world, stream, tick } = setUp();
    let looks = 0;
    const socket = {
      get bufferedBytes(): number {
        looks++;
        return 0;
      },
      send(): void {
        looks++;
      },
    };
    stream.look(stream.join(socket), { x: 64, y: 64, width: 128, height: 128, level: 0 });
    tick();
    expect(looks).toBeGreaterThan(0);
    looks = 0;
    for (let n = 0; n < 10; n++) {
      world.paint(700, 700, [n, 2, 3, 4]);
      tick();
      stream.sweep();
    }
    expect(looks).toBe(0);
  });

  test('holds the truth after frames between the world and its stream were lost', () => {
    const { world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    world.paint(100, 100, [1, 2, 3, 4]);
    tick();
    client.read();
    world.onFrame = () => {};
    world.paint(101, 100, [5, 6, 7, 8]);
    tick();
    world.onFrame = (frame) => stream.publish(frame);
    world.paint(102, 100, [9, 9, 9, 9]);
    tick();
    // The delta does not lead on from what it holds: it is not sent, and the page is owed.
    expect(viewer.owed).toBe(1);
    tick();
    client.read();
    expect(viewer.owed).toBe(0);
    expect(client.mirror.gaps.size).toBe(0);
    expect(pagesEqual(client.mirror.pages.get(17)!.pixels, world.pixels(17))).toBe(true);
  });

  test('that only watches gets the coarse lane in one frame of four, and every frame again when it takes part', () => {
    const { world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    const [other, otherViewer] = join();
    let n = 0;
    const run = (frames: number): { watching: number; others: number } => {
      const before = { watching: client.frames, others: other.frames };
      for (const end = n + frames; n < end; n++) {
        for (const x of [100, 200, 300, 400]) world.paint(x, 100 + (n % 64), [n & 255, 2, 3, 255]);
        tick();
        stream.acknowledge(viewer, client.read() || client.mirror.lastFrame);
        stream.acknowledge(otherViewer, other.read());
      }
      expect(client.mirror.gaps.size).toBe(0);
      return { watching: client.frames - before.watching, others: other.frames - before.others };
    };
    run(4);
    stream.spectate(viewer, true);
    run(8);
    expect(viewer.coarse).toBe(viewer.pages.length);
    expect(viewer.owed).toBe(0);
    expect(run(40)).toEqual({ watching: 10, others: 40 });
    run(1);
    stream.spectate(viewer, false);
    run(8);
    expect(viewer.coarse).toBe(0);
    expect(run(40)).toEqual({ watching: 40, others: 40 });
    for (const page of viewer.pages) {
      expect(client.mirror.pages.get(page)?.version).toBe(stream.versionOf(page));
      expect(pagesEqual(client.mirror.pages.get(page)!.pixels, world.pixels(page))).toBe(true);
    }
  });

  test('that only watches and loses frames, pans or has no room holds the truth in the end', () => {
    const { world, stream, join, tick } = setUp();
    const [client, viewer] = join();
    tick();
    client.read();
    stream.acknowledge(viewer, client.mirror.lastFrame);
    stream.spectate(viewer, true);
    const change = (n: number): void => {
      world.paint(100 + n, 100, [n, 2, 3, 255]);
      world.paint(500, 300 + n, [n, 2, 3, 255]);
      tick();
    };
    for (let n = 0; n < 3; n++) change(n);
    // Frames between the world and its stream are lost while deltas wait for the spectator.
    world.onFrame = () => {};
    change(3);
    world.onFrame = (frame) => stream.publish(frame);
    for (let n = 4; n < 7; n++) change(n);
    stream.look(viewer, { x: 128, y: 64, width: 512, height: 512, level: 0 });
    for (let n = 7; n < 9; n++) change(n);
    // It acknowledges nothing for three seconds.
    for (let n = 9; n < 69; n++) change(n);
    expect(viewer.owed).toBeGreaterThan(0);
    for (let n = 0; n < 12; n++) {
      tick();
      if (client.inbox.length > 0) stream.acknowledge(viewer, client.read());
    }
    expect(client.mirror.gaps.size).toBe(0);
    expect(viewer.owed).toBe(0);
    for (const page of viewer.pages)
      expect(pagesEqual(client.mirror.pages.get(page)!.pixels, world.pixels(page))).toBe(true);
  });

  test('that leaves ends its subscriptions', () => {
    const { clock, world, stream, join } = setUp();
    const [, viewer] = join();
    expect(world.watched.size).toBeGreaterThan(0);
    stream.leave(viewer);
    clock.nowMs = 4_000;
    stream.sweep();
    expect(world.watched.size).toBe(0);
  });
});

test('S1 clients that read, stall, pan and lose frames at random always end with the true pixels', () => {
  for (let seed = 1; seed <= 8; seed++) {
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const { world, stream, join, tick } = setUp();
    const clients = Array.from({ length: 4 }, () => join());
    for (let frame = 0; frame < 120; frame++) {
      for (let n = random(12); n > 0; n--) world.churn(random(256), frame);
      world.paint(random(1024), random(1024), [frame, 1, 2, 3]);
      tick();
      for (const [client, viewer] of clients) {
        if (random(3) > 0) continue;
        // This frame could not be decoded, but was received, and is acknowledged with the others.
        const received = client.lastReceived();
        if (random(6) === 0) client.inbox.splice(random(client.inbox.length), 1);
        client.read();
        stream.acknowledge(viewer, received);
        if (client.mirror.gaps.size > 0) stream.lost(viewer, { level: 0, pages: [...client.mirror.gaps] });
        if (random(8) === 0) stream.spectate(viewer, random(2) === 0);
        if (random(10) === 0) {
          stream.look(viewer, { x: random(1024), y: random(1024), width: 400, height: 300, level: 0 });
          const inView = viewer.pages;
          for (const page of client.mirror.pages.keys())
            if (!inView.includes(page)) client.mirror.pages.delete(page);
        }
      }
    }
    // A lost frame shows when its page moves again.
    for (let page = 0; page < 256; page++) world.churn(page, 1_000 + seed);
    // A megabyte each, at their cap of 1 MB per second.
    for (let trip = 0; trip < 60; trip++) {
      tick();
      for (const [client, viewer] of clients) {
        stream.acknowledge(viewer, client.read());
        if (client.mirror.gaps.size > 0) stream.lost(viewer, { level: 0, pages: [...client.mirror.gaps] });
      }
    }
    for (const [client, viewer] of clients)
      for (const page of viewer.pages) {
        expect(
          pagesEqual(client.mirror.pages.get(page)?.pixels ?? new Uint8Array(PAGE_BYTES), world.pixels(page)),
        ).toBe(true);
      }
  }
});

test('a viewport of a whole world of 65,536² is cut to MAX_VIEWPORT_PAGES at level 0 and complete at level 5', () => {
  const world = new FakeWorld(65_536, 65_536);
  const stream = new Stream(world, { now: () => 0 });
  world.onFrame = (frame) => stream.publish(frame);
  const client = new FakeClient(world.ready);
  const viewer = stream.join(client);
  const whole = { x: -1e300, y: -1e300, width: 2e300, height: 2e300 };
  stream.look(viewer, { ...whole, level: 0 });
  expect(viewer.pages.length).toBeLessThanOrEqual(MAX_VIEWPORT_PAGES);
  expect(viewer.pages.length).toBeGreaterThan(MAX_VIEWPORT_PAGES * 0.9);
  stream.look(viewer, { x: 0, y: 0, width: 65_536, height: 65_536, level: 5 });
  world.paint(40_000, 50_000, [255, 0, 0, 255]);
  for (let frame = 1; frame < 20; frame++) {
    world.tick(frame * 50);
    stream.acknowledge(viewer, client.read());
  }
  expect(client.mirror.pages.size).toBe(32 * 32);
  // In an empty world a page costs a header.
  expect(client.sentBytes).toBeLessThan(1_024 * 18 + 1_000);
});
