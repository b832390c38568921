/** Who only watches while the server is busy. */
import { expect, test } from 'vitest';
import { Sight, SPECTATOR_MS } from '../../server/rooms/sight.ts';
import { HEADROOM_BYTES } from '../../server/stream/deliver/composer.ts';
import { SPECTATOR_FRAMES, Stream } from '../../server/stream/deliver/stream.ts';
import { decodeFrame } from '../../shared/frame.ts';
import { ACK_EVERY_MS } from '../../shared/limits.ts';
import { ClientMessageType, type PaceMessage, ServerMessageType } from '../../shared/protocol.ts';
import { pack } from '../bench/load/pack.ts';
import { FakeWorld } from './fakeWorld.ts';

function setUp() {
  const clock = { nowMs: 0 };
  const now = (): number => clock.nowMs;
  const world = new FakeWorld();
  const stream = new Stream(world, { now });
  world.onFrame = (frame) => stream.publish(frame);
  const paces: PaceMessage[] = [];
  const frames: number[] = [];
  const handled: string[] = [];
  const sight = new Sight(
    {
      isPatient: false,
      bufferedBytes: 0,
      send: (bytes) => frames.push(decodeFrame(bytes.subarray(HEADROOM_BYTES)).frame),
      post: (type: number, message: object) => {
        if (type === ServerMessageType.pace) paces.push(message as PaceMessage);
        return true;
      },
      close: (_, reason) => {
        throw new Error(reason);
      },
    },
    {
      start: () => {},
      handle: ({ type }) => handled.push(type),
      misbehaved: () => {},
      end: () => {},
    },
    { stream, world, now },
  );
  sight.start();
  const say = (type: number, message: object): void => sight.receive(type, pack(message));
  say(ClientMessageType.viewport, { x: 0, y: 0, width: 200, height: 200, level: 0 });
  let ticks = 0;
  /** A page that is open, and does by itself what pages do. */
  const watch = (seconds: number, isBusy: boolean): void => {
    for (let n = 0; n < seconds * 20; n++) {
      clock.nowMs += 50;
      world.paint(50, 50, [(8 * ticks++) & 255, 1, 2, 255]);
      world.tick(clock.nowMs);
      if (n % 20 !== 0) continue;
      say(ClientMessageType.ack, { frame: frames.at(-1) ?? 0 });
      say(ClientMessageType.ping, { time: clock.nowMs });
      sight.attend(isBusy);
    }
  };
  /** How many frames came in the next second. */
  const framesPerSecond = (isBusy: boolean): number => {
    frames.splice(0, frames.length - 1);
    watch(1, isBusy);
    return frames.length - 1;
  };
  return { sight, say, watch, framesPerSecond, paces, handled };
}

test('a guest who does nothing for a minute gets one frame of four while the server is busy, and is told', () => {
  const { watch, framesPerSecond, paces } = setUp();
  watch(SPECTATOR_MS / 1_000 - 2, true);
  expect(paces.filter(({ frames }) => frames > 1)).toEqual([]);
  watch(5, true);
  expect(paces.at(-1)?.frames).toBe(SPECTATOR_FRAMES);
  expect(framesPerSecond(true)).toBe(20 / SPECTATOR_FRAMES);
});

test.each([
  ['points', ClientMessageType.cursor, { at: [3, 4] }],
  ['pans', ClientMessageType.viewport, { x: 64, y: 0, width: 200, height: 200, level: 0 }],
  ['hurts', ClientMessageType.stroke, { id: 1, tool: 'ablate', radius: 3, points: [5, 5] }],
])('a spectator who %s gets every frame again at once', (_, type, message) => {
  const { say, watch, framesPerSecond, paces, handled } = setUp();
  watch(SPECTATOR_MS / 1_000 + 5, true);
  handled.length = 0;
  say(type, message);
  expect(paces.at(-1)?.frames).toBe(1);
  expect(handled).toHaveLength(1);
  watch(1, true);
  expect(framesPerSecond(true)).toBe(20);
});

test('spectators get every frame again when the server is not busy any more', () => {
  const { watch, framesPerSecond, paces } = setUp();
  watch(SPECTATOR_MS / 1_000 + 5, true);
  watch(2, false);
  expect(paces.at(-1)?.frames).toBe(1);
  expect(framesPerSecond(false)).toBe(20);
});

test('a guest is told a pace only when it changes', () => {
  const { watch, paces } = setUp();
  watch(30, false);
  expect(paces.length).toBeLessThanOrEqual(3);
  expect(paces.every(({ frames }) => frames === 1)).toBe(true);
  expect(paces.every(({ ackMs }) => ackMs >= ACK_EVERY_MS)).toBe(true);
});
