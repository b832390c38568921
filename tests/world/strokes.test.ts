import { beforeAll, describe, expect, test } from 'vitest';
import { doer } from './doer.ts';
import { brush, grown, loadBlob, makeWorld, plant, stroke } from './makeWorld.ts';

beforeAll(loadBlob);

describe('a stroke', () => {
  test('that ablates half of a body shows in its health, and the half grows again', async () => {
    const small = await grown([30, 30]);
    const outcome = await stroke(small, brush('ablate', 3, 26, 24, 26, 36));
    expect(outcome).toMatchObject({ ok: true, step: 60 });
    await small.world.observe(0.25);
    const hurt = small.world.overview.inspect(1)!.health;
    expect(hurt).toBeLessThan(0.9);
    await small.engine.step(60);
    await small.world.observe(0.25);
    expect(small.world.overview.inspect(1)!.health).toBeGreaterThan(0.9);
    expect(small.world.overview.inspect(1)!.history).toHaveLength(3);
  });

  test('of noise changes living cells and leaves the empty ones empty', async () => {
    const small = await grown([30, 30]);
    const rect = { x: 20, y: 20, width: 20, height: 20 };
    const before = await small.world.overview.pixels(rect);
    expect(await stroke(small, brush('noise', 12, 30, 30))).toMatchObject({ ok: true });
    const after = await small.world.overview.pixels(rect);
    expect(after).not.toEqual(before);
    expect([...after.subarray(0, 16)]).toEqual(Array(16).fill(0));
  });

  test('that truncates keeps a circle around the seed of the organism near the point', async () => {
    const small = await grown([30, 30], [60, 30]);
    expect(await stroke(small, brush('truncate', 1, 32, 30))).toMatchObject({ ok: true });
    await small.world.observe(0.25);
    const [cut, whole] = small.world.overview.summaries();
    expect(cut.cells).toBe(5);
    expect(whole.cells).toBeGreaterThan(20);
    expect(await stroke(small, brush('truncate', 1, 100, 10))).toEqual({
      ok: false,
      reason: 'Nobody lives there.',
    });
  });

  test('is applied in order of arrival, and is a blow to each body that it touched', async () => {
    const small = await grown([30, 30], [60, 30]);
    const outcomes = [
      small.world.queueStroke(doer('Ann'), brush('ablate', 2, 20, 30, 70, 30)),
      small.world.queueStroke(doer('Bob'), brush('ablate', 2, 60, 30)),
      small.world.queueStroke(doer('Bob'), brush('ablate', 2, 100, 60)),
      small.world.queueStroke(doer('Bob'), brush('ablate', -2, 100, 60)),
    ];
    await small.world.applyStrokes();
    expect(await Promise.all(outcomes)).toMatchObject([
      { ok: true },
      { ok: true },
      { ok: true },
      { ok: false },
    ]);
    const blow = { tool: 'ablate', radius: 2 };
    const events = small.world.wounds.take()!;
    expect(events.filter(({ type }) => type === 'open')).toMatchObject([
      { wound: 1, organism: 1, species: 'blob', rule: 'blob@1' },
      { wound: 2, organism: 2 },
    ]);
    // Relative to each body's seed. The second stroke fell where the first had cut.
    expect(events.filter(({ type }) => type === 'blow')).toEqual([
      { type: 'blow', wound: 1, blow: { afterSteps: 0, ...blow, points: [-10, 0, 40, 0] } },
      { type: 'blow', wound: 2, blow: { afterSteps: 0, ...blow, points: [-40, 0, 10, 0] } },
    ]);
  });

  /** Goes round the middle: with a radius of 3.5, all but the cell in the middle is under it. */
  const ring = Array.from({ length: 33 }, (_, i) => [
    30 + 4 * Math.cos((i * Math.PI) / 16),
    30 + 4 * Math.sin((i * Math.PI) / 16),
  ]).flat();

  test('of the eraser takes the scraps that it leaves, and only those of the body that it tore', async () => {
    const small = await grown([20, 30], [45, 30]);
    const { engine, world } = small;
    const ownersOf = async (id: number): Promise<number[]> => {
      const owners = new Uint16Array(engine.width * engine.height);
      await engine.readOwners({ x: 0, y: 0, width: engine.width, height: engine.height }, owners);
      return [...owners.keys()].filter((cell) => owners[cell] === id);
    };
    const [left, other] = [await ownersOf(1), await ownersOf(2)];
    const columns = left.map((cell) => cell % engine.width);
    const first = Math.min(...columns);
    // A cut beside the rim leaves a sliver on the left.
    await stroke(small, brush('ablate', 1, first + 2, 10, first + 2, 50));
    await world.observe(0.25);
    const sliver = left.filter((cell) => cell % engine.width < first + 1);
    expect(sliver.length).toBeGreaterThan(0);
    const rest = left.filter((cell) => cell % engine.width > first + 3);
    expect(await ownersOf(1)).toEqual(rest);
    expect(await ownersOf(2)).toEqual(other);
    expect(world.overview.inspect(1)).toMatchObject({ absence: null, cells: rest.length });
  });

  test('of the eraser that leaves nothing but scraps kills the body, so that it grows again in its place', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('ablate', 3.5, ...ring));
    await small.world.observe(0.25);
    expect(small.world.overview.inspect(1)).toMatchObject({ absence: 'died', cells: 0 });
  });

  test('that shrinks a body to one cell leaves it alive: its centre grows again in its place', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('truncate', 0.5, 30, 30));
    await small.world.observe(0.25);
    expect(small.world.overview.inspect(1)).toMatchObject({ absence: null, cells: 1 });
  });

  test('of the eraser does not kill a seedling that is still smaller than a scrap of its form', async () => {
    const small = await makeWorld();
    await stroke(small, plant(30, 30));
    await small.engine.step(1);
    await small.world.observe(0.25);
    const { cells } = small.world.overview.inspect(1)!;
    await stroke(small, brush('ablate', 0.5, 31, 31));
    await small.world.observe(0.25);
    expect(small.world.overview.inspect(1)).toMatchObject({ absence: null });
    expect(small.world.overview.inspect(1)!.cells).toBeLessThan(cells);
  });

  test('beyond the 16 of a guest or the 64 of an address that wait is refused with the reason', async () => {
    const { world } = await makeWorld();
    const of = (guest: string, address = guest) => ({ guest, address, name: guest });
    const tiny = brush('ablate', 1, 5, 5);
    const own = Array.from({ length: 17 }, () => world.queueStroke(of('ann'), tiny));
    const theirs = Array.from({ length: 65 }, (_, i) => world.queueStroke(of(`guest ${i}`, 'one'), tiny));
    const busy = { ok: false, reason: expect.stringContaining('busy') };
    expect(await own[16]).toMatchObject(busy);
    expect(await theirs[64]).toMatchObject(busy);
    for (let frame = 0; frame < 2; frame++) await world.applyStrokes();
    expect((await Promise.all([...own, ...theirs])).filter(({ ok }) => ok)).toHaveLength(16 + 64);
  });

  test('of an honest guest is applied between the next two steps, however many of one address wait', async () => {
    const { world } = await makeWorld();
    const applied: string[] = [];
    for (let guest = 0; guest < 45; guest++)
      for (let i = 0; i < 8; i++)
        void world
          .queueStroke({ guest: `${guest}`, address: 'crowd', name: '' }, brush('ablate', 1, 5, 5))
          .then(({ ok }) => ok && applied.push('crowd'));
    void world.queueStroke(doer('Ann'), brush('ablate', 1, 9, 9)).then(() => applied.push('Ann'));
    await world.applyStrokes();
    expect(applied.slice(0, 64)).toContain('Ann');
    expect(applied.indexOf('Ann')).toBeLessThan(2);
  });

  test('waits when its guest has had 3,000 cells since the last step; a smaller one of somebody else passes', async () => {
    const { world } = await makeWorld();
    const applied: string[] = [];
    const queue = (name: string, radius: number): void =>
      void world.queueStroke(doer(name), brush('ablate', radius, 40, 40)).then(() => applied.push(name));
    for (let i = 0; i < 4; i++) queue('Ann', 24);
    queue('Bob', 1);
    await world.applyStrokes();
    expect(applied).toEqual(['Ann', 'Bob']);
    await world.applyStrokes();
    expect(applied).toEqual(['Ann', 'Bob', 'Ann']);
  });

  test('waits when all guests have had 24,000 cells since the last step', async () => {
    const { world } = await makeWorld();
    let applied = 0;
    for (let i = 0; i < 20; i++)
      void world.queueStroke(doer(`${i}`), brush('ablate', 24, 40, 40)).then(() => applied++);
    await world.applyStrokes();
    expect(applied).toBe(13);
    await world.applyStrokes();
    expect(applied).toBe(20);
  });
});
