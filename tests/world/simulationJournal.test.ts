import { beforeAll, describe, expect, test } from 'vitest';
import { SaveError } from '../../server/storage/saves.ts';
import type { FromWorld } from '../../server/world/messages.ts';
import { doer } from './doer.ts';
import { FakeJournal } from './fakeJournal.ts';
import { makeSimulation, ofType } from './makeSimulation.ts';
import { loadBlob } from './makeWorld.ts';

beforeAll(loadBlob);

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

  test('a speed is acknowledged when it is on disk, and holds at once', async () => {
    const journal = new FakeJournal(false);
    const { world, posted, ask, counted, runUntil } = await makeSimulation({ journal });
    world.log.start();
    const before: number[] = [];
    await runUntil(1_000, (nowMs) => {
      if (nowMs === 0) ask(1, { kind: 'control', control: { kind: 'speed', stepsPerSecond: 0 } });
      if (nowMs !== 900) return;
      before.push(answers(posted).length);
      journal.flush();
    });
    expect([before, answers(posted)]).toEqual([[0], [0]]);
    expect(counted.steps).toBeLessThan(3);
  });

  test('in trouble, a world is paused without its disk', async () => {
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
