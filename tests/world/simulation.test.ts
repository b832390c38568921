import { beforeAll, describe, expect, test } from 'vitest';
import { type Engine, EngineError } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { SaveError } from '../../server/storage/saves.ts';
import { pageKey } from '../../server/stream/pageKey.ts';
import { Publisher } from '../../server/stream/publish/publisher.ts';
import type { PublishedFrame } from '../../server/stream/published.ts';
import type { FromWorld, StrokeOutcome, WorldQuery } from '../../server/world/messages.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import type { Clock } from '../../server/world/recorder.ts';
import { Simulation } from '../../server/world/simulation.ts';
import type { World } from '../../server/world/world.ts';
import { decodeFrame, FRAME_HEADER_BYTES, writeFrameHeader } from '../../shared/frame.ts';
import { decodePage } from '../../shared/pageCodec.ts';
import { doer } from './doer.ts';
import { FakeJournal } from './fakeJournal.ts';
import { brush, loadBlob, makeWorld, plant } from './makeWorld.ts';
import { wholeOf } from './wholeWorld.ts';

/** Time passes only while the loop sleeps, or as far as a test advances it. */
class FakeClock implements Clock {
  nowMs = 0;
  /** Called before every sleep; tests act here, between two frames. */
  beforeSleep: () => void | Promise<void> = () => {};

  now(): number {
    return this.nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.beforeSleep();
    // As a timer does: work that is ready goes first.
    await new Promise(setImmediate);
    if (!signal?.aborted) this.nowMs += ms;
  }
}

interface Setup {
  readonly stepsPerSecond?: number;
  readonly framesPerSecond?: number;
  /** Milliseconds that one step takes. */
  readonly stepMs?: number;
  readonly write?: (state: WorldState, segment: number, isLast: boolean) => Promise<void>;
  readonly saveSeconds?: number;
  readonly journal?: FakeJournal;
  /** false: steps are counted but not taken. */
  readonly lives?: boolean;
  /** Default: nobody sleeps. */
  readonly sleepSeconds?: number;
}

async function makeSimulation(setup: Setup = {}) {
  const create = setup.lives ? createWasmEngine : createReferenceEngine;
  const { world, engine } = await makeWorld(128, 64, ['blob'], create, {
    plantsPerGuest: 10_000,
    plantsPerAddress: 10_000,
    witherHours: 0,
    sleepSeconds: setup.sleepSeconds,
  });
  const clock = new FakeClock();
  const counted = { steps: 0, batches: [] as number[] };
  const step = engine.step.bind(engine);
  (engine as { step: Engine['step'] }).step = async (steps) => {
    counted.steps += steps;
    counted.batches.push(steps);
    clock.nowMs += steps * (setup.stepMs ?? 0);
    if (setup.lives) await step(steps);
  };
  if (!setup.lives) (engine as { visitChanged: Engine['visitChanged'] }).visitChanged = async () => {};
  const posted: FromWorld[] = [];
  const saved: WorldState[] = [];
  const journal = setup.journal ?? new FakeJournal();
  const simulation = new Simulation({
    world,
    clock,
    publisher: new Publisher({ world: engine, epsilon: 0 }),
    stepsPerSecond: setup.stepsPerSecond ?? 30,
    framesPerSecond: setup.framesPerSecond ?? 20,
    saveSeconds: setup.saveSeconds ?? 60,
    store: {
      canKeep: () => false,
      async write(save, { isLast = false, ready = async () => {} } = {}) {
        const state = await wholeOf(save);
        await setup.write?.(state, save.moment().segment, isLast);
        if (journal.isQuick) await ready();
        saved.push(state);
      },
    },
    journal,
    post: (message) => posted.push(message),
  });
  /** Runs until the clock reaches this time. */
  const runUntil = async (untilMs: number, act: (nowMs: number) => unknown = () => {}): Promise<void> => {
    clock.beforeSleep = async () => {
      await act(clock.nowMs);
      if (clock.nowMs >= untilMs) simulation.receive({ type: 'stop' });
    };
    await simulation.run();
  };
  const ask = (request: number, query: WorldQuery): void =>
    simulation.receive({ type: 'query', request, query });
  return { world, engine, clock, simulation, journal, posted, saved, counted, runUntil, ask };
}

const ofType = <T extends FromWorld['type']>(
  posted: FromWorld[],
  type: T,
): Extract<FromWorld, { type: T }>[] =>
  posted.filter((message) => message.type === type) as Extract<FromWorld, { type: T }>[];

beforeAll(loadBlob);

describe('the loop', () => {
  test('takes as many steps as time earns, fractions of a frame included', async () => {
    const { counted, posted, runUntil } = await makeSimulation({ stepsPerSecond: 30, framesPerSecond: 20 });
    await runUntil(10_000);
    expect(counted.steps).toBeGreaterThanOrEqual(298);
    expect(counted.steps).toBeLessThanOrEqual(303);
    expect(new Set(counted.batches)).toEqual(new Set([1, 2]));
    expect(ofType(posted, 'stats').at(-1)?.stats.stepsPerSecond).toBeCloseTo(30, 0);
  });

  test('tells its vitals once per second: totals that only grow, and each frame once', async () => {
    const { posted, counted, runUntil } = await makeSimulation({ stepMs: 10 });
    await runUntil(10_000);
    const vitals = ofType(posted, 'vitals').map((one) => one.vitals);
    expect(vitals.length).toBe(ofType(posted, 'stats').length);
    const last = vitals.at(-1)!;
    expect(counted.steps - last.steps).toBeLessThan(45);
    expect(vitals.map(({ frames }) => frames)).toEqual(
      vitals.map(({ frames }) => frames).sort((a, b) => a - b),
    );
    expect(vitals.flatMap(({ frameSeconds }) => frameSeconds).length).toBe(last.frames);
    for (const seconds of vitals.flatMap(({ lateSeconds }) => lateSeconds))
      expect(seconds).toBeLessThan(0.05);
    expect(Math.max(...last.frameSeconds)).toBeCloseTo(0.02, 3);
    expect(last).toMatchObject({ stepsDropped: 0, stepsPerSecondSet: 30, framesDropped: 0, energyScale: 1 });
  });

  test('tells in its vitals what it has dropped, and where the bodies are', async () => {
    const { world, posted, runUntil } = await makeSimulation({ stepMs: 100 });
    world.plantGarden(1, 1);
    await runUntil(3_000);
    const last = ofType(posted, 'vitals').at(-1)!.vitals;
    expect(last.stepsDropped).toBeGreaterThan(10);
    expect(last.framesDropped).toBeGreaterThan(10);
    const { awake, asleep, dissolving, waiting } = last.bodies;
    expect(awake + asleep + dissolving + waiting).toBe(1);
    expect(last.rules).toEqual([{ species: 'blob', label: expect.any(String) }]);
  });

  test('that cannot keep its speed refuses plantings and says so in its stats, until it can again', async () => {
    const setup = { stepMs: 100 };
    const { world, posted, runUntil, clock } = await makeSimulation(setup);
    const asked: (string | null)[] = [];
    await runUntil(60_000, async () => {
      if (clock.nowMs > 30_000) setup.stepMs = 0;
      const second = Math.floor(clock.nowMs / 1_000);
      if (asked.length <= second) asked[second] = await world.roomFault('blob', 30, 30, doer('Ann'));
    });
    expect(asked[5]).toBeNull();
    expect(asked[15]).toMatch(/^The world is busy/);
    expect(asked[59]).toBeNull();
    const scales = ofType(posted, 'stats').map(({ stats }) => stats.load?.energyScale ?? null);
    expect([...new Set(scales)]).toEqual([null, 1, 0.5, 0.25].slice(0, new Set(scales).size));
    expect(scales).toContain(0.5);
    expect(scales.at(-1)).toBeNull();
  });

  test('tells which seeds wait, at most four times per second and only when they have changed', async () => {
    const { world, engine, posted, runUntil } = await makeSimulation({ lives: true });
    world.plantAt('blob', 30, 30);
    let isKilled = false;
    await runUntil(20_000, (nowMs) => {
      if (isKilled || nowMs < 2_000) return;
      isKilled = true;
      engine.perturb({ kind: 'ablate', x0: 30, y0: 30, x1: 30, y1: 30, radius: 12 });
    });
    const told = ofType(posted, 'seeds').map(({ seeds }) => seeds);
    expect(told).toEqual([[{ id: 1, x: 30, y: 30, seconds: 15 }], []]);
    expect(world.overview.inspect(1)!.absence).toBeNull();
  });

  test('keeps from withering what guests who are here have planted', async () => {
    const { world, simulation, runUntil } = await makeSimulation();
    const answer = world.queueStroke(doer('Ann'), plant(30, 30));
    await runUntil(2_000, (nowMs) => {
      if (nowMs < 1_000 || nowMs > 1_060) return;
      world.organisms.get(1)!.visitedSeconds = -86_400;
      simulation.receive({ type: 'present', guests: [doer('Ann').guest] });
    });
    expect(await answer).toMatchObject({ ok: true });
    expect(world.organisms.get(1)!.visitedSeconds).toBeGreaterThan(0.9);
  });

  test('a speed below the frame rate is kept, too', async () => {
    const { counted, runUntil } = await makeSimulation({ stepsPerSecond: 0.5, framesPerSecond: 20 });
    await runUntil(20_000);
    expect(counted.steps).toBeGreaterThanOrEqual(9);
    expect(counted.steps).toBeLessThanOrEqual(11);
  });

  test('late timers cost no speed', async () => {
    const { counted, clock, runUntil } = await makeSimulation();
    let turn = 0;
    await runUntil(10_000, () => {
      clock.nowMs += turn++ % 3 === 0 ? 30 : 0;
    });
    expect(counted.steps).toBeGreaterThanOrEqual(298);
  });

  test('an engine that fails is not stepped again: the world is saved, the operator is told, and the thread ends', async () => {
    const { engine, posted, saved, runUntil } = await makeSimulation();
    let steps = 0;
    (engine as { step: Engine['step'] }).step = async () => {
      if (++steps > 10) throw new EngineError('thread 1 ended');
    };
    await expect(runUntil(10_000)).rejects.toThrow('thread 1 ended');
    expect(steps).toBe(11);
    expect(saved).toHaveLength(1);
    expect(ofType(posted, 'log')[0].line).toMatch(/thread 1 ended.*saved/);
  });

  test('steps that do not fit are dropped, and the true speed is reported', async () => {
    const { counted, posted, runUntil } = await makeSimulation({ stepsPerSecond: 1_000, stepMs: 5 });
    await runUntil(10_000);
    // 75 % of the time at 5 ms a step.
    expect(counted.steps).toBeGreaterThan(1_200);
    expect(counted.steps).toBeLessThan(1_600);
    expect(Math.max(...counted.batches.slice(1))).toBeLessThanOrEqual(8);
    const { stepsPerSecond } = ofType(posted, 'stats').at(-1)!.stats;
    expect(stepsPerSecond).toBeGreaterThan(120);
    expect(stepsPerSecond).toBeLessThan(160);
  });

  test('after a long stall it does not hurry', async () => {
    const { counted, clock, runUntil } = await makeSimulation();
    let stalled = false;
    await runUntil(70_000, (nowMs) => {
      if (nowMs < 1_000 || stalled) return;
      stalled = true;
      clock.nowMs += 60_000;
    });
    // 10 s of steps, and none for the stalled minute.
    expect(counted.steps).toBeLessThan(310);
    expect(Math.max(...counted.batches)).toBe(2);
  });
});

describe('a world in which everyone sleeps', () => {
  const idle = async () => {
    const made = await makeSimulation({ lives: true, sleepSeconds: 2 });
    made.world.plantAt('blob', 40, 30);
    return made;
  };

  test('has a frame about once per second, and its steps count on', async () => {
    const { counted, engine, posted, world, runUntil } = await idle();
    let frames = 0;
    let firstStep = 0;
    await runUntil(60_000, (nowMs) => {
      if (nowMs < 30_000) return;
      if (frames++ === 0) firstStep = engine.stepNumber;
    });
    expect(world.isIdle()).toBe(true);
    // A frame sleeps, and then rests.
    expect(frames).toBeLessThan(2 * 34);
    expect(frames).toBeGreaterThan(2 * 28);
    expect(engine.stepNumber - firstStep).toBeGreaterThan(870);
    expect(engine.stepNumber - firstStep).toBeLessThan(930);
    expect(counted.steps).toBe(engine.stepNumber);
    const stats = ofType(posted, 'stats').slice(-20);
    for (const one of stats) expect(one.stats.stepsPerSecond).toBeCloseTo(30, -1);
    expect(world.overview.inspect(1)!.ageSeconds).toBeCloseTo(60, 0);
  });

  test('answers a stroke in the next frame, at the step that its time has come to, and then has frames again', async () => {
    const { clock, engine, posted, runUntil, ask } = await idle();
    let askedMs = 0;
    let step = 0;
    let answeredMs = 0;
    let frames = 0;
    await runUntil(45_000, (nowMs) => {
      if (askedMs === 0 && nowMs > 30_000) {
        askedMs = nowMs;
        step = engine.stepNumber;
        ask(1, { kind: 'stroke', by: doer('Ann'), stroke: brush('ablate', 2, 43, 30) });
      }
      if (answeredMs === 0 && posted.some(({ type }) => type === 'answer')) answeredMs = clock.nowMs;
      if (askedMs > 0 && nowMs < askedMs + 2_000) frames++;
    });
    const [answer] = ofType(posted, 'answer');
    expect(answer.value).toMatchObject({ ok: true });
    expect(answeredMs - askedMs).toBeLessThanOrEqual(100);
    expect((answer.value as { step: number }).step - step).toBeLessThanOrEqual(30);
    expect(frames).toBeGreaterThan(36);
  });

  test('has frames while a newly watched page is not exact', async () => {
    const { posted, simulation, clock, runUntil } = await idle();
    let framesMs: number[] = [];
    await runUntil(40_000, (nowMs) => {
      if (framesMs.length === 0 && nowMs > 30_000) {
        simulation.receive({ type: 'watch', add: [pageKey(0, 0)], remove: [] });
        framesMs = [nowMs];
      }
      const frame = ofType(posted, 'frame').length;
      if (frame > 0 && framesMs.length === 1) framesMs.push(clock.nowMs);
    });
    expect(framesMs[1] - framesMs[0]).toBeLessThanOrEqual(100);
    expect(ofType(posted, 'frame').length).toBeLessThan(5);
  });
});

describe('frames', () => {
  test('give viewers the true pixels of what they watch, and nothing else', async () => {
    const { world, engine, posted, simulation, runUntil } = await makeSimulation({ lives: true });
    world.plantGarden(2, 1);
    simulation.receive({ type: 'watch', add: [1], remove: [] });
    await runUntil(2_000);
    const frames = ofType(posted, 'frame');
    expect(frames.length).toBeGreaterThan(10);
    expect(new Set(frames.flatMap(({ updates }) => updates.map(({ key }) => key)))).toEqual(new Set([1]));
    expect(frames.every(({ frame }, i) => i === 0 || frame > frames[i - 1].frame)).toBe(true);
    const held = new Uint8Array(64 * 64 * 4);
    for (const frame of frames)
      for (const { payload } of decodeFrame(wholeFrame(frame)).updates) decodePage(payload, held);
    const truth = new Uint8Array(held.length);
    await engine.readPage(1, truth);
    expect(truth.some((byte) => byte > 0)).toBe(true);
    expect(held).toEqual(truth);
  });

  test('only stats and vitals are posted when no page is watched', async () => {
    const { world, posted, runUntil } = await makeSimulation({ lives: true });
    world.plantGarden(1, 1);
    await runUntil(1_500);
    expect(new Set(posted.map(({ type }) => type))).toEqual(new Set(['stats', 'vitals', 'stopped']));
  });
});

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

describe('saving', () => {
  test('happens at the set interval, when asked, and at the end', async () => {
    const { saved, posted, ask, runUntil } = await makeSimulation({ saveSeconds: 2 });
    ask(1, { kind: 'save' });
    await runUntil(5_000);
    expect(saved).toHaveLength(1 + 2 + 1);
    expect(ofType(posted, 'answer')).toEqual([{ type: 'answer', request: 1, value: null }]);
    expect(posted.at(-1)).toEqual({ type: 'stopped' });
  });

  test('that fails at the end is tried again, and then an error', async () => {
    let saves = 0;
    const { posted, runUntil } = await makeSimulation({
      write: async () => {
        saves++;
        throw new Error('disk full');
      },
    });
    await expect(runUntil(2_500)).rejects.toThrow('disk full');
    expect(saves).toBe(3);
    expect(ofType(posted, 'stopped')).toEqual([]);
  });

  test('that fails twice at the end and then succeeds has saved the world', async () => {
    let saves = 0;
    const { posted, runUntil } = await makeSimulation({
      write: async () => {
        if (++saves < 3) throw new Error('too many open files');
      },
    });
    await runUntil(1_000);
    expect(posted.at(-1)).toEqual({ type: 'stopped' });
  });

  test('is written as the last one when it holds the state at the stop, also when it was asked for before', async () => {
    const lasts: boolean[] = [];
    let finish = (): void => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { ask, runUntil } = await makeSimulation({
      write: async (_state, _segment, isLast) => {
        lasts.push(isLast);
        if (lasts.length === 1) await first;
      },
    });
    ask(1, { kind: 'save' });
    await runUntil(1_000, (nowMs) => {
      // It waits for the first one, and the save of the stop is the same.
      if (nowMs === 500) ask(2, { kind: 'save' });
      if (nowMs >= 1_000) setTimeout(finish, 20);
    });
    expect(lasts).toEqual([false, true]);
  });

  test('does not hold up the frames', async () => {
    let finish: () => void = () => {};
    const slow = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { counted, runUntil } = await makeSimulation({ saveSeconds: 1, write: () => slow });
    await runUntil(5_000, (nowMs) => {
      if (nowMs >= 4_900) finish();
    });
    expect(counted.steps).toBeGreaterThan(140);
  });
});

describe('the journal', () => {
  const plant = { id: 1, tool: 'plant', radius: 1, points: [20, 20], species: 'blob' } as const;

  const answers = (posted: FromWorld[]): unknown[] => ofType(posted, 'answer').map(({ value }) => value);

  test('a stroke, a swap and a garden are acknowledged when their entries are on disk, and not before', async () => {
    const journal = new FakeJournal(false);
    const { world, posted, ask, runUntil } = await makeSimulation({ journal });
    const blob = await loadBlob();
    const before: number[] = [];
    world.log.start();
    const order = { id: 1, species: 'blob', scope: 'species', who: 'Ann' } as const;
    await runUntil(1_500, (nowMs) => {
      if (nowMs === 100) ask(1, { kind: 'stroke', by: doer('Ann'), stroke: plant });
      if (nowMs === 200) ask(2, { kind: 'swap', order, next: blob });
      if (nowMs === 300) ask(3, { kind: 'control', control: { kind: 'garden', count: 1, randomSeed: 1 } });
      if (nowMs === 900) {
        before.push(answers(posted).length);
        journal.flush();
      }
    });
    expect(before).toEqual([0]);
    expect(answers(posted)).toMatchObject([{ ok: true, step: 0 }, { ok: true, step: 0, organisms: 1 }, 1]);
    const acts = journal.segments[0].flatMap(({ entry }) => entry.acts.map(([, { act }]) => act));
    expect(acts.filter((act) => act === 'plant')).toHaveLength(2);
  });

  test('pause and speed need no disk', async () => {
    const journal = new FakeJournal(false);
    journal.trouble = 'no space left on device';
    const { posted, ask, counted, runUntil } = await makeSimulation({ journal });
    ask(1, { kind: 'control', control: { kind: 'speed', stepsPerSecond: 0 } });
    await runUntil(1_000);
    expect(answers(posted)).toEqual([0]);
    expect(counted.steps).toBeLessThan(3);
  });

  test('while the disk is in trouble, strokes are refused with the reason and change nothing', async () => {
    const journal = new FakeJournal();
    journal.trouble = 'no space left on device';
    const { world, posted, ask, runUntil } = await makeSimulation({ journal });
    ask(1, { kind: 'stroke', by: doer('Ann'), stroke: plant });
    await runUntil(500);
    expect(answers(posted)).toEqual([
      {
        ok: false,
        reason: 'Nothing can be changed now: the world cannot be saved (no space left on device).',
      },
    ]);
    expect(world.organisms.size).toBe(0);
  });

  test.each([
    ['does not take it within 5 s', () => {}, 5_000],
    ['loses it', (journal: FakeJournal) => journal.lose(), 300],
  ])('a stroke whose disk %s is answered with that', async (_how, lose, ms) => {
    const journal = new FakeJournal(false);
    const { posted, ask, runUntil } = await makeSimulation({ journal });
    const counts: number[] = [];
    await runUntil(ms + 400, (nowMs) => {
      if (nowMs === 100) ask(1, { kind: 'stroke', by: doer('Ann'), stroke: plant });
      if (nowMs === 300) lose(journal);
      if (nowMs === ms - 50) counts.push(answers(posted).length);
    });
    expect(counts).toEqual([0]);
    expect(answers(posted)).toEqual([{ ok: false, reason: expect.stringMatching(/it may be lost/) }]);
  });

  test('says once per second how far the world has come', async () => {
    const { world, journal, runUntil } = await makeSimulation();
    world.log.start();
    await runUntil(5_000);
    const steps = journal.segments[0].map(({ entry }) => entry.step);
    expect(steps.length).toBeGreaterThanOrEqual(5);
    expect(steps.length).toBeLessThanOrEqual(7);
    // Nobody waits for them, and a kill must not make the world much younger: they go to the disk.
    expect(journal.awaited.slice(0, 5)).toEqual([true, true, true, true, true]);
  });

  test('what happens by itself in every frame is on disk within a second, too', async () => {
    const { world, journal, clock, runUntil } = await makeSimulation();
    world.plantAt('blob', 20, 20);
    world.log.start();
    await runUntil(5_000, () => {
      world.organisms.get(1)!.plantedStep = clock.nowMs;
    });
    expect(journal.awaited.length).toBeGreaterThan(90);
    const flushed = journal.awaited.filter(Boolean).length;
    expect(flushed).toBeGreaterThanOrEqual(4);
    expect(flushed).toBeLessThanOrEqual(7);
  });

  test('is not longer than 3 s of steps, which a start takes again, but no save comes within 10 s of another', async () => {
    const { saved, runUntil } = await makeSimulation({ stepMs: 8, saveSeconds: 3_600 });
    // 240 ms of steps per second: 3 s after 12.5.
    await runUntil(30_000);
    expect(saved).toHaveLength(2 + 1);
    const busy = await makeSimulation({ stepMs: 25, saveSeconds: 3_600 });
    await busy.runUntil(35_000);
    expect(busy.saved).toHaveLength(3 + 1);
    const idle = await makeSimulation({ stepMs: 0, saveSeconds: 3_600 });
    await idle.runUntil(35_000);
    expect(idle.saved).toHaveLength(0 + 1);
  });

  test('begins a segment with each save, at the moment that the save holds', async () => {
    const journal = new FakeJournal();
    const written: [step: number, segment: number][] = [];
    const { world, runUntil } = await makeSimulation({
      journal,
      lives: true,
      saveSeconds: 1,
      write: async ({ stepNumber }, segment) => void written.push([stepNumber, segment]),
    });
    world.plantAt('blob', 20, 20);
    world.log.start();
    await runUntil(3_300);
    expect(written.map(([, segment]) => segment)).toEqual([2, 3, 4, 5]);
    for (const [step, segment] of written) {
      const [older, newer] = [journal.segments[segment - 2], journal.segments[segment - 1]];
      // The save before it leads to the same step.
      expect(older.at(-1)!.entry.step).toBe(step);
      for (const { entry } of newer) expect(entry.step).toBeGreaterThanOrEqual(step);
    }
  });

  test('that has lost entries causes one save at once, and not one per frame', async () => {
    const journal = new FakeJournal();
    let saves = 0;
    const { runUntil } = await makeSimulation({
      journal,
      write: async () => {
        saves++;
        throw new Error('disk full');
      },
    });
    journal.rotate = () => 2;
    journal.isBroken = true;
    await expect(runUntil(4_000)).rejects.toThrow('disk full');
    // At once, and three tries when the world stops.
    expect(saves).toBe(4);
  });

  test('saves that are asked for while one waits are one save', async () => {
    let finish = (): void => {};
    const first = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let saves = 0;
    const { posted, ask, runUntil } = await makeSimulation({
      write: async () => {
        if (++saves === 1) await first;
      },
    });
    for (let request = 1; request <= 20; request++) ask(request, { kind: 'save' });
    await runUntil(1_000, (nowMs) => {
      if (nowMs === 200) for (let request = 21; request <= 40; request++) ask(request, { kind: 'save' });
      if (nowMs === 500) finish();
    });
    expect(answers(posted)).toHaveLength(40);
    expect(saves).toBe(3);
  });
});

describe('disk trouble', () => {
  const plant = { id: 1, tool: 'plant', radius: 1, points: [20, 20], species: 'blob' } as const;
  const full = (): SaveError =>
    new SaveError('/data/pages-3.pack', Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', errno: -28 }));
  const REASON = 'pages-3.pack: no space left on device (ENOSPC)';
  const troubles = (posted: FromWorld[]) => ofType(posted, 'trouble').map(({ trouble }) => trouble);

  test('of the journal is told when it begins, changes and ends, once each', async () => {
    const journal = new FakeJournal();
    const { posted, runUntil } = await makeSimulation({ journal });
    await runUntil(2_000, (nowMs) => {
      if (nowMs === 500) journal.trouble = 'a full disk';
      if (nowMs === 1_000) journal.trouble = 'a bad disk';
      if (nowMs === 1_500) journal.trouble = null;
    });
    expect(troubles(posted)).toEqual(['a full disk', 'a bad disk', null]);
  });

  test('of a save names its file without the folder, and is over when a save succeeds, 5 s later', async () => {
    let isFull = true;
    const saves: number[] = [];
    const { posted, ask, clock, runUntil } = await makeSimulation({
      saveSeconds: 60,
      write: async () => {
        saves.push(clock.nowMs);
        if (isFull) throw full();
      },
    });
    ask(1, { kind: 'save' });
    const seen: unknown[] = [];
    await runUntil(20_000, (nowMs) => {
      if (nowMs === 1_000) ask(2, { kind: 'stroke', by: doer('Ann'), stroke: plant });
      if (nowMs === 12_000) {
        seen.push(...troubles(posted));
        isFull = false;
      }
      if (nowMs === 18_000) ask(3, { kind: 'stroke', by: doer('Ann'), stroke: plant });
    });
    expect(seen).toEqual([REASON]);
    expect(troubles(posted)).toEqual([REASON, null]);
    const reason = `Nothing can be changed now: the world cannot be saved (${REASON}).`;
    const answers = new Map(ofType(posted, 'answer').map(({ request, value }) => [request, value]));
    expect(answers.get(2)).toEqual({ ok: false, reason });
    expect(answers.get(3)).toMatchObject({ ok: true });
    // When asked, three more 5 s apart, and the one of the stop.
    expect(saves).toHaveLength(5);
    // Nobody reads a stack of it.
    expect(ofType(posted, 'log')).toEqual([]);
    expect(ofType(posted, 'refused')).toMatchObject([
      { request: 1, message: expect.stringContaining('/data/pages-3.pack') },
    ]);
  });

  test('of a journal that tries again by itself causes no save, because there is no room for that either', async () => {
    const journal = new FakeJournal();
    journal.trouble = 'a full disk';
    let saves = 0;
    const { ask, runUntil } = await makeSimulation({
      journal,
      write: async () => {
        if (++saves === 1) throw full();
      },
    });
    ask(1, { kind: 'save' });
    await runUntil(20_000);
    // When asked; then at the stop, twice: the journal does not lead to the first of them.
    expect(saves).toBe(3);
  });

  test('refuses swaps and gardens before they are done', async () => {
    const journal = new FakeJournal();
    journal.trouble = 'a full disk';
    const { world, posted, ask, runUntil } = await makeSimulation({ journal });
    ask(1, { kind: 'control', control: { kind: 'garden', count: 1, randomSeed: 1 } });
    const order = { id: 1, species: 'blob', scope: 'species', who: 'Ann' } as const;
    ask(2, { kind: 'swap', order, next: await loadBlob() });
    await runUntil(500);
    expect(ofType(posted, 'refused').map(({ request, message }) => [request, message])).toEqual([
      [1, expect.stringContaining('a full disk')],
      [2, expect.stringContaining('a full disk')],
    ]);
    expect(world.organisms.size).toBe(0);
    expect(ofType(posted, 'log')).toEqual([]);
  });
});

/** A stroke as a room sends it. */
function wholeFrame({ frame, step, updates, bytes }: PublishedFrame): Uint8Array {
  const whole = new Uint8Array(FRAME_HEADER_BYTES + bytes.length);
  writeFrameHeader(new DataView(whole.buffer), 0, frame, step, updates.length);
  whole.set(bytes, FRAME_HEADER_BYTES);
  return whole;
}
