import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../server/engines/engine.ts';
import type { StrokeOutcome } from '../../server/world/messages.ts';
import type { World } from '../../server/world/world.ts';
import { decodeFrame } from '../../shared/frame.ts';
import { decodePage } from '../../shared/pageCodec.ts';
import { doer } from './doer.ts';
import { makeSimulation, ofType, wholeFrame } from './makeSimulation.ts';
import { loadBlob } from './makeWorld.ts';

beforeAll(loadBlob);

describe('questions', () => {
  test('are answered, or refused with the reason', async () => {
    const { posted, ask, runUntil } = await makeSimulation();
    ask(1, { kind: 'organisms' });
    ask(2, { kind: 'pixels', rect: { x: 0, y: 0, width: 2, height: 1 } });
    ask(3, { kind: 'pixels', rect: { x: 0, y: 0, width: 9_999, height: 1 } });
    ask(4, { kind: 'inspectAt', x: 5, y: 5 });
    ask(5, { kind: 'inspect', organism: 77 });
    await runUntil(100);
    const answers = ofType(posted, 'answer').map(({ request, value }) => [request, value]);
    expect(answers).toEqual([
      [1, []],
      [2, new Uint8Array(8)],
      [4, null],
      [5, null],
    ]);
    expect(ofType(posted, 'refused')).toMatchObject([
      { request: 3, message: expect.stringContaining('2048') },
    ]);
  });

  test('that meet a bug are refused like others, and the log says so', async () => {
    const { world, posted, ask, runUntil } = await makeSimulation();
    world.overview.summaries = () => {
      throw new TypeError('x is not a function');
    };
    ask(1, { kind: 'organisms' });
    await runUntil(100);
    expect(ofType(posted, 'refused')).toMatchObject([{ request: 1, message: 'x is not a function' }]);
    expect(ofType(posted, 'log')[0].line).toMatch(/question organisms failed: TypeError: x is not/);
  });

  test('a stroke that comes while steps are computed is seen in their frame', async () => {
    const { engine, posted, ask, simulation, runUntil } = await makeSimulation({ lives: true });
    simulation.receive({ type: 'watch', add: [0], remove: [] });
    const step = engine.step.bind(engine);
    let batches = 0;
    (engine as { step: Engine['step'] }).step = async (steps) => {
      const stroke = { id: 1, tool: 'plant', radius: 1, points: [20, 20], species: 'blob' } as const;
      // A message from another thread: received when this thread turns to its queue.
      if (++batches === 3) setImmediate(() => ask(1, { kind: 'stroke', by: doer('Ann'), stroke }));
      await step(steps);
    };
    await runUntil(500);
    const [outcome] = ofType(posted, 'answer').map(({ value }) => value as StrokeOutcome);
    const frame = ofType(posted, 'frame').find(
      ({ bytes, updates }) => bytes.length > 0 && updates[0].base > 0,
    )!;
    expect(outcome).toMatchObject({ ok: true, step: frame.step });
    const held = new Uint8Array(64 * 64 * 4);
    decodePage(decodeFrame(wholeFrame(frame)).updates[0].payload, held);
    expect(held[(20 * 64 + 20) * 4 + 3]).toBe(255);
  });

  test('a stroke is answered with the step it was applied before, also when the world stops', async () => {
    const { posted, ask, simulation, clock } = await makeSimulation();
    const stroke = { id: 1, tool: 'plant', radius: 1, points: [20, 20], species: 'blob' } as const;
    ask(1, { kind: 'stroke', by: doer('Ann'), stroke });
    let frames = 0;
    clock.beforeSleep = () => {
      if (++frames < 3) return;
      ask(2, { kind: 'stroke', by: doer('Ann'), stroke: { ...stroke, points: [20, 20] } });
      simulation.receive({ type: 'stop' });
    };
    await simulation.run();
    const outcomes = ofType(posted, 'answer').map(({ value }) => value as StrokeOutcome);
    expect(outcomes).toMatchObject([
      { ok: true, step: 0 },
      { ok: false, reason: 'Somebody lives there already.' },
    ]);
  });
});

describe('wounds', () => {
  const stroke = { id: 1, tool: 'truncate', radius: 1, points: [20, 20] } as const;

  test('are reported in the frames in which they change, and in no other', async () => {
    const { world, posted, ask, runUntil } = await makeSimulation({ lives: true });
    world.plantAt('blob', 20, 20);
    await runUntil(6_000, (nowMs) => {
      if (nowMs === 3_000) ask(1, { kind: 'stroke', by: doer('Ann'), stroke });
    });
    const told = ofType(posted, 'wounds');
    expect(told[0].events).toMatchObject([{ type: 'open', organism: 1 }, { type: 'blow' }, { type: 'look' }]);
    expect(told.every(({ events }) => events.length > 0)).toBe(true);
    expect(told.flatMap(({ events }) => events).filter(({ type }) => type === 'closed')).toHaveLength(1);
    expect(told.length).toBeLessThan(12);
  });

  test('that are to end are reported before the answer; wounds still open at the end before `stopped`', async () => {
    const { world, posted, ask, runUntil } = await makeSimulation({ lives: true });
    world.plantAt('blob', 20, 20);
    await runUntil(3_300, (nowMs) => {
      if (nowMs === 3_000) ask(1, { kind: 'stroke', by: doer('Ann'), stroke });
      if (nowMs === 3_100) ask(2, { kind: 'endWounds' });
      if (nowMs === 3_250) ask(3, { kind: 'stroke', by: doer('Ann'), stroke: { ...stroke, radius: 0.5 } });
    });
    const order = posted.flatMap((message) => {
      if (message.type === 'wounds') return message.events.map(({ type }) => type);
      return message.type === 'answer'
        ? [`answer ${message.request}`]
        : message.type === 'stopped'
          ? ['stopped']
          : [];
    });
    expect(order).toEqual([
      ...['open', 'blow', 'look', 'answer 1', 'closed', 'answer 2'],
      ...['open', 'blow', 'look', 'answer 3', 'closed', 'stopped'],
    ]);
  });
});

test('bodies that begin to wilt are reported once, in that frame', async () => {
  const { world, posted, runUntil } = await makeSimulation();
  const bodies = [{ organism: 1, cause: 'too large' }] as unknown as ReturnType<World['wilting']['take']>;
  const begun = [null, bodies, null];
  world.wilting.take = () => begun.shift() ?? null;
  await runUntil(1_000);
  expect(ofType(posted, 'wilted')).toEqual([{ type: 'wilted', bodies }]);
});

test('whether a seed has room is answered with the reason', async () => {
  const { posted, ask, runUntil } = await makeSimulation();
  ask(1, { kind: 'room', species: 'blob', x: 1, y: 30 });
  ask(2, { kind: 'room', species: 'blob', x: 30, y: 30 });
  await runUntil(100);
  expect(ofType(posted, 'answer')).toEqual([
    { type: 'answer', request: 1, value: 'A Blob needs 3 free cells on its left: the world ends here.' },
    { type: 'answer', request: 2, value: null },
  ]);
});
