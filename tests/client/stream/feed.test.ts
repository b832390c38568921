import { describe, expect, test } from 'vitest';
import { Feed } from '../../../client/stream/feed.ts';
import { BATCH_PAGES, BATCHES, type Batch, type FromWorker } from '../../../client/stream/messages.ts';
import { Pyramid } from '../../../client/stream/pyramid.ts';
import type { PageUpdate } from '../../../shared/frame.ts';
import { PAGE_BYTES, type PageRect } from '../../../shared/geometry.ts';
import { delta, empty, key, picture, wire } from './pages.ts';

const world = { width: 2_048, height: 2_048 };
const pyramid = new Pyramid(world);
const everything: PageRect = { left: 0, top: 0, right: 31, bottom: 31 };

function setUp(view: PageRect = everything, level = 0) {
  const sent: FromWorker[] = [];
  const feed = new Feed(world, (message) => sent.push(message));
  feed.handle({ type: 'join', epoch: 1 });
  feed.handle({ type: 'look', level, pages: view });
  const frame = (number: number, updates: readonly PageUpdate[], epoch = 1): void =>
    feed.handle({ type: 'frame', epoch, bytes: wire({ frame: number, step: 0, updates }) });
  const of = <T extends FromWorker['type']>(type: T) =>
    sent.filter((message): message is Extract<FromWorker, { type: T }> => message.type === type);
  const give = ({ buffer }: Batch, released: number[] = []): void =>
    feed.handle({ type: 'give', buffer, released });
  return { feed, sent, frame, of, give };
}

const keys = (count: number, version: number): PageUpdate[] =>
  Array.from({ length: count }, (_, i) =>
    key({ px: i % 32, py: Math.floor(i / 32) }, version, picture(0, 1 + (i % 200))),
  );

describe('frames', () => {
  test('are reported by their number once decoded, and pages in view that changed go to the view', () => {
    const { frame, of } = setUp();
    frame(7, [key({ px: 2 }, 7, picture(3, 90)), key({ px: 3 }, 7, empty)]);
    expect(of('decoded')).toMatchObject([{ epoch: 1, frame: 7, gaps: [] }]);
    const [batch] = of('pages');
    expect(batch.keys).toEqual([pyramid.key(0, 2, 0)]);
    expect(batch.blanks).toEqual([pyramid.key(0, 3, 0)]);
    expect(new Uint8Array(batch.buffer, 0, PAGE_BYTES)).toEqual(picture(3, 90));
  });

  test('with gaps are reported with the keys of those pages, which do not go to the view', () => {
    const { frame, of } = setUp();
    frame(9, [delta({ px: 5 }, 9, 8, empty, picture(0, 1))]);
    expect(of('decoded')[0].gaps).toEqual([pyramid.key(0, 5, 0)]);
    expect(of('pages')).toEqual([]);
  });

  test('of an earlier connection are not decoded and not reported', () => {
    const { frame, sent } = setUp();
    frame(7, [key({}, 7, picture(3, 90))], 0);
    expect(sent).toEqual([]);
  });

  test('that are cut short break the connection, and nothing is decoded until the next join', () => {
    const bytes = wire({ frame: 3, step: 0, updates: [key({}, 3, picture(0, 1))] }).slice(0, -1);
    const { feed, frame, of } = setUp();
    feed.handle({ type: 'frame', epoch: 1, bytes });
    expect(of('broken')).toMatchObject([{ epoch: 1 }]);
    frame(5, [key({}, 5, picture(0, 1))]);
    expect(of('decoded')).toEqual([]);
    feed.handle({ type: 'join', epoch: 2 });
    frame(5, [key({}, 5, picture(0, 1))], 2);
    expect(of('decoded')).toHaveLength(1);
  });
});

describe('a view that does not draw', () => {
  test('has at most two batches waiting, and later gets a page’s newest state once', () => {
    const { frame, of, give } = setUp();
    frame(1, keys(BATCH_PAGES * 3, 1));
    expect(of('pages').map((batch) => batch.keys.length)).toEqual([BATCH_PAGES, BATCH_PAGES]);
    expect(of('pages')).toHaveLength(BATCHES);
    // The last page changes ten times while nothing is drawn.
    const last = { px: (BATCH_PAGES * 3 - 1) % 32, py: Math.floor((BATCH_PAGES * 3 - 1) / 32) };
    for (let i = 2; i < 12; i++) frame(i, [key(last, i, picture(0, i))]);
    expect(of('decoded')).toHaveLength(11);
    expect(of('pages')).toHaveLength(BATCHES);
    give(of('pages')[0]);
    const third = of('pages')[2];
    expect(third.keys).toHaveLength(BATCH_PAGES);
    const at = third.keys.indexOf(pyramid.key(0, last.px, last.py)) * PAGE_BYTES;
    expect(new Uint8Array(third.buffer)[at]).toBe(11);
    give(of('pages')[1]);
    expect(of('pages')).toHaveLength(3);
  });
});

describe('looking elsewhere', () => {
  test('sends the pages that are held there and that the view lacks, and no others', () => {
    const left: PageRect = { left: 0, top: 0, right: 1, bottom: 0 };
    const { feed, frame, of, give } = setUp(left);
    frame(1, [key({ px: 0 }, 1, picture(0, 1)), key({ px: 5 }, 1, picture(0, 2))]);
    expect(of('pages')[0].keys).toEqual([pyramid.key(0, 0, 0)]);
    give(of('pages')[0]);
    feed.handle({ type: 'look', level: 0, pages: { left: 0, top: 0, right: 9, bottom: 0 } });
    expect(of('pages')[1].keys).toEqual([pyramid.key(0, 5, 0)]);
    give(of('pages')[1]);
    feed.handle({ type: 'look', level: 0, pages: left });
    expect(of('pages')).toHaveLength(2);
  });

  test('at another level sends pages of that level', () => {
    const { feed, frame, of } = setUp();
    frame(1, [key({ level: 2, px: 1 }, 1, picture(0, 1))]);
    expect(of('pages')).toEqual([]);
    feed.handle({ type: 'look', level: 2, pages: { left: 0, top: 0, right: 7, bottom: 7 } });
    expect(of('pages')[0].keys).toEqual([pyramid.key(2, 1, 0)]);
  });

  test('sends a page that the view has dropped again while it is in view', () => {
    const { frame, of, give } = setUp();
    frame(1, [key({ px: 4 }, 1, picture(0, 1))]);
    give(of('pages')[0], [pyramid.key(0, 4, 0), pyramid.key(3, 0, 0)]);
    expect(of('pages')[1].keys).toEqual([pyramid.key(0, 4, 0)]);
  });
});

test('light and map are sent when they have changed; otherwise the answer has neither', () => {
  const { feed, frame, of } = setUp();
  frame(1, [key({}, 1, new Uint8Array(PAGE_BYTES).fill(100))]);
  feed.handle({ type: 'light' });
  feed.handle({ type: 'light' });
  const [first, second] = of('light');
  expect(first.glow?.cells).toEqual({ x: 0, y: 0, ...world });
  expect(first.map?.pixels[3]).toBe(160);
  expect(second).toEqual({ type: 'light', glow: null, map: null });
});
