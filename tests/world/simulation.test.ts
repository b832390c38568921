import { beforeAll, describe, expect, test } from 'vitest';
import { type Engine, EngineError } from '../../server/engines/engine.ts';
import { pageKey } from '../../server/stream/pageKey.ts';
import { decodeFrame } from '../../shared/frame.ts';
import { decodePage } from '../../shared/pageCodec.ts';
import { doer } from './doer.ts';
import { makeSimulation, ofType, wholeFrame } from './makeSimulation.ts';
import { brush, loadBlob, plant } from './makeWorld.ts';

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

  test('that is paused says so in its stats, until it runs again', async () => {
    const { posted, runUntil, ask } = await makeSimulation();
    const speedAt = new Map([
      [2_000, 0],
      [4_000, 30],
    ]);
    await runUntil(6_000, (nowMs) => {
      const stepsPerSecond = speedAt.get(nowMs);
      if (stepsPerSecond !== undefined)
        ask(1, { kind: 'control', control: { kind: 'speed', stepsPerSecond } });
    });
    const told = ofType(posted, 'stats').map(({ stats }) => stats.isPaused === true);
    expect(told[0]).toBe(false);
    expect(told).toContain(true);
    expect(told.at(-1)).toBe(false);
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
    const { world, simulation, runUntil } = await makeSimulation({ lives: true });
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
