import { decode } from 'fast-png';
import { beforeEach, expect, test } from 'vitest';
import { PortraitCopy, PortraitPainter } from '../../server/lobby/portrait.ts';
import { NoAnswerError } from '../../server/world/messages.ts';
import { FakeWorld } from '../rooms/fakeWorld.ts';

let world: FakeWorld;
let nowMs: number;
let painter: PortraitPainter;
const now = (): number => nowMs;
beforeEach(() => {
  world = new FakeWorld(1_024, 1_024);
  nowMs = 0;
  painter = new PortraitPainter({ world, now });
});

const asked = (kind: string): number => world.asked.filter((query) => query.kind === kind).length;

test('the picture shows the bodies near where newcomers look first, at one pixel per cell', async () => {
  // The fake's only body is at (500, 500).
  world.paint(500, 500, [10, 20, 30, 255]);
  const { picture } = await painter.paint(null);
  const { width, height, data } = decode(picture!.png);
  expect([width, height]).toEqual([384, 240]);
  expect([...data.subarray((120 * 384 + 192) * 4).subarray(0, 4)]).toEqual([10, 20, 30, 255]);
});

test('the picture of a small world is all of it, and that of bodies at an edge stays within', async () => {
  const small = new PortraitPainter({ world: new FakeWorld(128, 128), now });
  const { width, height } = decode((await small.paint(null)).picture!.png);
  expect([width, height]).toEqual([128, 128]);
  world.answers.set('organisms', [{ x: 1_020, y: 3 }]);
  await painter.paint(null);
  expect(world.asked).toContainEqual({ kind: 'pixels', rect: { x: 640, y: 0, width: 384, height: 240 } });
});

test('however many ask, the world is asked for a picture every 12 s and for its health every 4 s', async () => {
  for (let second = 0; second < 24; second++) {
    nowMs = second * 1_000;
    await Promise.all([painter.paint(null), painter.paint(null), painter.paint(null)]);
  }
  expect(asked('pixels')).toBe(2);
  expect(asked('meanHealth')).toBe(6);
});

test('who has the picture already is not sent it again', async () => {
  const { picture } = await painter.paint(null);
  expect(await painter.paint(picture!.hash)).toEqual({ picture: null, health: 1 });
  world.paint(500, 500, [1, 2, 3, 255]);
  nowMs = 12_000;
  const next = await painter.paint(picture!.hash);
  expect(next.picture!.hash).not.toBe(picture!.hash);
});

test('a relay keeps the last picture of a world that does not answer, and asks again later', async () => {
  let isThere = true;
  let calls = 0;
  const copy = new PortraitCopy(async (known) => {
    calls++;
    if (!isThere) throw new NoAnswerError('there is no such world at the moment');
    return painter.paint(known);
  }, now);
  await copy.refresh();
  const { picture } = copy;
  expect(picture).not.toBeNull();
  isThere = false;
  nowMs = 4_000;
  await expect(copy.refresh()).rejects.toThrow('no such world');
  // A failure is not repeated for each who asks.
  await expect(copy.refresh()).rejects.toThrow('no such world');
  expect(calls).toBe(2);
  expect(copy.picture).toBe(picture);
  isThere = true;
  nowMs = 8_000;
  await copy.refresh();
  expect(calls).toBe(3);
});
