import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { MAX_BLOWS } from '../../server/world/wound.ts';
import {
  type BlowShape,
  blowsOf,
  QUIET_STEPS,
  type WoundEvent,
  WoundWatch,
} from '../../server/world/woundWatch.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { doer } from './doer.ts';
import { loadBlob, makeWorld, type SmallWorld } from './makeWorld.ts';

const body = { id: 7, species: 'pikachu', label: 'pikachu v4', health: 0.98 };
const cut: BlowShape = { tool: 'ablate', radius: 3, points: [1, 2] };

/** All events but the reports of health on the way. */
const closings = (events: readonly WoundEvent[] | null) =>
  (events ?? []).filter(({ type }) => type === 'closed');

describe('a wound', () => {
  test('opens with the first blow and takes in the next ones, in steps since the first', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 100);
    watch.measured(7, 0.5, 100);
    watch.strike({ ...body, health: 0.5 }, [{ ...cut, tool: 'noise' }], 112);
    watch.measured(7, 0.4, 112);
    expect(watch.take()).toEqual([
      { type: 'open', wound: 1, organism: 7, species: 'pikachu', rule: 'pikachu@4', healthBefore: 0.98 },
      { type: 'blow', wound: 1, blow: { afterSteps: 0, ...cut } },
      { type: 'look', wound: 1, healthLeast: 0.5, healthAfter: 0.5 },
      { type: 'blow', wound: 1, blow: { afterSteps: 12, ...cut, tool: 'noise' } },
      { type: 'look', wound: 1, healthLeast: 0.4, healthAfter: 0.4 },
    ]);
    expect(watch.take()).toBeNull();
  });

  test('closes when the body has 0.95 of its health back, counted from the last blow', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 100);
    watch.strike(body, [cut], 110);
    watch.measured(7, 0.3, 110);
    for (const [step, health] of [
      [118, 0.6],
      [150, 0.93],
      [158, 0.932],
    ]) {
      watch.measured(7, health, step);
      watch.tick(step);
    }
    const closed = { healthLeast: 0.3, healthAfter: 0.932, healedInSteps: 48 };
    expect(closings(watch.take())).toEqual([{ type: 'closed', wound: 1, ...closed }]);
    expect(watch.isOpen(7)).toBe(false);
  });

  test('is not judged between two blows of one drag', () => {
    const watch = new WoundWatch();
    for (let step = 100; step < 200; step += 5) {
      watch.strike(body, [cut], step);
      watch.measured(7, 0.98 - (step - 100) / 500, step);
      watch.tick(step + 4);
    }
    expect(closings(watch.take())).toEqual([]);
    watch.tick(195 + QUIET_STEPS);
    expect(watch.isOpen(7)).toBe(true);
  });

  test('that was whole for a moment only is not healed', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    watch.measured(7, 0.3, 0);
    watch.measured(7, 0.95, 8);
    watch.measured(7, 0.9, 14);
    watch.tick(QUIET_STEPS);
    expect(closings(watch.take())).toEqual([]);
    watch.measured(7, 0.96, 40);
    watch.tick(40);
    expect(closings(watch.take())).toMatchObject([{ healedInSteps: 40 }]);
  });

  test('is given up when the health has been the same for 600 steps, however often it is looked at', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    watch.measured(7, 0.3, 5);
    watch.measured(7, 0.7, 100);
    watch.measured(7, 0.71, 400);
    watch.measured(7, 0.69, 699);
    watch.tick(699);
    expect(watch.isOpen(7)).toBe(true);
    watch.measured(7, 0.7, 700);
    watch.tick(700);
    const closed = { healthLeast: 0.3, healthAfter: 0.7, healedInSteps: null };
    expect(closings(watch.take())).toEqual([{ type: 'closed', wound: 1, ...closed }]);
  });

  test('stays open while the health rises, and has its full time again after each blow', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    for (let step = 0, health = 0.3; step < 1_500; step += 100, health += 0.025) {
      watch.measured(7, health, step);
      watch.tick(step);
    }
    expect(watch.isOpen(7)).toBe(true);
    watch.strike(body, [cut], 1_500);
    for (const step of [1_505, 2_100]) {
      watch.measured(7, 0.65, step);
      watch.tick(step);
      expect(watch.isOpen(7)).toBe(true);
    }
    watch.measured(7, 0.65, 2_105);
    watch.tick(2_105);
    expect(watch.isOpen(7)).toBe(false);
  });

  test('is given up 1,800 steps after the last blow, with its last health; a pause does not count', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    watch.measured(7, 0.3, 0);
    watch.measured(7, 0.8, 900);
    watch.tick(1_799);
    watch.tick(1_799);
    expect(closings(watch.take())).toEqual([]);
    watch.tick(1_800);
    expect(closings(watch.take())).toEqual([
      { type: 'closed', wound: 1, healthLeast: 0.3, healthAfter: 0.8, healedInSteps: null },
    ]);
  });

  test('of a body that dies ends with health 0', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    watch.measured(7, 0.97, 3);
    watch.died(7);
    watch.died(7);
    expect(closings(watch.take())).toEqual([
      { type: 'closed', wound: 1, healthLeast: 0, healthAfter: 0, healedInSteps: null },
    ]);
  });

  test('ends with its last health when something else happens to the body, or the session ends', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    watch.measured(7, 0.5, 10);
    watch.leave(7);
    watch.strike({ ...body, id: 8 }, [cut], 20);
    watch.measured(8, 0.97, 24);
    watch.endAll();
    expect(closings(watch.take())).toMatchObject([
      { wound: 1, healthAfter: 0.5, healedInSteps: null },
      { wound: 2, healthAfter: 0.97, healedInSteps: 4 },
    ]);
  });

  test('of more than 64 blows is one wound after another', () => {
    const watch = new WoundWatch();
    for (let step = 0; step < 3 * MAX_BLOWS; step++)
      watch.strike({ ...body, health: 1 - step / 1_000 }, [cut], step);
    watch.endAll();
    const events = watch.take()!;
    expect(closings(events)).toHaveLength(3);
    const blowsOfWounds = [1, 2, 3].map(
      (wound) => events.filter((event) => event.type === 'blow' && event.wound === wound).length,
    );
    expect(blowsOfWounds).toEqual([MAX_BLOWS, MAX_BLOWS, MAX_BLOWS]);
    expect(events.filter(({ type }) => type === 'open')).toMatchObject([
      { healthBefore: 1 },
      { healthBefore: 0.936 },
      { healthBefore: 0.872 },
    ]);
  });

  test('reports its health at most every 60 steps, and only when it has changed', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0);
    for (let step = 0; step < 600; step += 8) watch.measured(7, Math.min(0.9, 0.2 + step / 500), step);
    const looks = watch.take()!.filter(({ type }) => type === 'look');
    expect(looks.length).toBeGreaterThan(4);
    expect(looks.length).toBeLessThanOrEqual(10);
  });

  test('goes on where step numbers wrap', () => {
    const watch = new WoundWatch();
    watch.strike(body, [cut], 0xffff_fff0);
    watch.measured(7, 0.3, 0xffff_fff0);
    watch.strike(body, [cut], 4);
    watch.measured(7, 0.97, 24);
    watch.tick(30);
    const events = watch.take()!;
    expect(events[3]).toMatchObject({ blow: { afterSteps: 20 } });
    expect(closings(events)).toMatchObject([{ healedInSteps: 20 }]);
  });

  test('that is not open costs nothing: nothing is kept or reported', () => {
    const watch = new WoundWatch();
    watch.measured(7, 0.5, 1);
    watch.tick(2);
    watch.died(7);
    watch.leave(7);
    watch.endAll();
    expect(watch.take()).toBeNull();
  });
});

describe('the part of a stroke that touched a body', () => {
  const ablate = (x0: number, y0: number, x1: number, y1: number) =>
    ({ kind: 'ablate', x0, y0, x1, y1, radius: 2 }) as const;
  const path = [
    ablate(10, 10, 20, 10),
    ablate(20, 10, 20, 40),
    ablate(20, 40, 40, 40),
    ablate(40, 40, 40, 10),
  ];
  const seed = { x: 20, y: 12 };

  test('is one blow of consecutive capsules, and several where it left and came back', () => {
    expect(blowsOf(path, [0, 1, 3], seed)).toEqual([
      { tool: 'ablate', radius: 2, points: [-10, -2, 0, -2, 0, 28] },
      { tool: 'ablate', radius: 2, points: [20, 28, 20, -2] },
    ]);
  });

  test('is one blow for noise, with the whole line, also where it left the body and came back', () => {
    const capsules = path.map(({ x0, y0, x1, y1, radius }) => ({ x0, y0, x1, y1, radius }));
    const noise = { kind: 'noise', capsules, amplitude: 0.5, salt: 9 } as const;
    expect(blowsOf([noise], [0], seed)).toEqual([
      { tool: 'noise', radius: 2, points: [-10, -2, 0, -2, 0, 28, 20, 28, 20, -2] },
    ]);
    const dab = { ...noise, capsules: [{ x0: 21, y0: 13, x1: 21, y1: 13, radius: 3 }] };
    expect(blowsOf([dab], [0], seed)).toEqual([{ tool: 'noise', radius: 3, points: [1, 1] }]);
  });

  test('is one point for a dab, and the seed for a truncation', () => {
    expect(blowsOf([ablate(21, 13, 21, 13)], [0], seed)).toEqual([
      { tool: 'ablate', radius: 2, points: [1, 1] },
    ]);
    const truncate = { kind: 'truncate', organism: 7, x: 20, y: 12, radius: 5.5 } as const;
    expect(blowsOf([truncate], [0], seed)).toEqual([{ tool: 'truncate', radius: 5.5, points: [0, 0] }]);
  });
});

describe('in a living world', () => {
  beforeAll(loadBlob);

  async function grown(...seeds: [x: number, y: number][]): Promise<SmallWorld> {
    const small = await makeWorld(128, 64, ['blob'], createWasmEngine);
    for (const [x, y] of seeds) small.world.plantAt('blob', x, y);
    await live(small, 120);
    return small;
  }

  /** Frames of two steps, 1/15 s each. */
  async function live({ engine, world }: SmallWorld, steps: number): Promise<void> {
    for (let done = 0; done < steps; done += 2) {
      await engine.step(2);
      await world.observe(2 / 30);
    }
  }

  async function stroke({ world }: SmallWorld, message: Omit<StrokeMessage, 'id'>): Promise<void> {
    const outcome = world.queueStroke(doer('Ann'), { id: 1, ...message });
    await world.applyStrokes();
    expect(await outcome).toMatchObject({ ok: true });
  }

  test('a cut is reported in the coordinates of each body, with its full depth, and heals', async () => {
    const small = await grown([30, 30], [60, 30]);
    const before = small.world.overview.summaries().map(({ health }) => health);
    // From above the first body through it, around, and into the second from below.
    await stroke(small, {
      tool: 'ablate',
      radius: 1.5,
      points: [27.9, 2.2, 27.9, 60, 57.3, 60, 57.3, 30.1],
    });
    const [open, blow, look, otherOpen, otherBlow] = small.world.wounds.take()!;
    expect(open).toMatchObject({ organism: 1, species: 'blob', rule: 'blob@1' });
    expect(open).toHaveProperty('healthBefore', expect.closeTo(before[0], 1));
    expect(blow).toEqual({
      type: 'blow',
      wound: 1,
      blow: { afterSteps: 0, tool: 'ablate', radius: 1.5, points: [-3, -28, -3, 30] },
    });
    expect(look).toHaveProperty('healthLeast', expect.any(Number));
    expect((look as { healthLeast: number }).healthLeast).toBeLessThan(0.95);
    expect(otherOpen).toMatchObject({ organism: 2 });
    expect(otherBlow).toMatchObject({ blow: { points: [-3, 30, -3, 0] } });

    await live(small, 300);
    const closed = closings(small.world.wounds.take());
    expect(closed.map(({ wound }) => wound).sort()).toEqual([1, 2]);
    for (const one of closed)
      expect(one).toMatchObject({ healedInSteps: expect.any(Number), healthAfter: expect.any(Number) });
  });

  test('a body that is erased whole is dead at the next count', async () => {
    const small = await grown([30, 30]);
    await stroke(small, { tool: 'ablate', radius: 24, points: [30, 30] });
    await live(small, 20);
    expect(closings(small.world.wounds.take())).toMatchObject([{ healthLeast: 0, healthAfter: 0 }]);
  });

  test("a swap, a rollback and an admin's clearing end a wound, and are not blows", async () => {
    const small = await grown([30, 30], [80, 30]);
    const half = { tool: 'ablate', radius: 4, points: [26, 20, 26, 40] } as const;
    await stroke(small, half);
    small.world.wounds.take();
    const { rule, ...rest } = await loadBlob();
    const other = { ...rest, rule: { ...rule, fireRate: 0.6 }, sha256: 'other', label: 'blob v2' };
    const order = { id: 1, species: 'blob', scope: 'species', who: 'Ann' } as const;
    expect(await small.world.swap(order, other)).toMatchObject({ ok: true });
    expect(small.world.wounds.take()).toMatchObject([{ type: 'closed', wound: 1, healedInSteps: null }]);

    await stroke(small, { ...half, radius: 1, points: [33, 20, 33, 40] });
    expect(small.world.wounds.take()).toMatchObject([{ wound: 2, rule: 'blob@2' }, {}, {}]);
    await small.world.removals.clear(30, 30, 6);
    expect(small.world.wounds.take()).toMatchObject([{ type: 'closed', wound: 2, healedInSteps: null }]);
    await live(small, 60);
    expect(small.world.wounds.take()).toBeNull();
  });
});
