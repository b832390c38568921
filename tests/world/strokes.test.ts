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
    const hurt = small.world.inspect(1)!.health;
    expect(hurt).toBeLessThan(0.9);
    await small.engine.step(60);
    await small.world.observe(0.25);
    expect(small.world.inspect(1)!.health).toBeGreaterThan(0.9);
    expect(small.world.inspect(1)!.history).toHaveLength(3);
  });

  test('of noise changes living cells and leaves the empty ones empty', async () => {
    const small = await grown([30, 30]);
    const rect = { x: 20, y: 20, width: 20, height: 20 };
    const before = await small.world.pixels(rect);
    expect(await stroke(small, brush('noise', 12, 30, 30))).toMatchObject({ ok: true });
    const after = await small.world.pixels(rect);
    expect(after).not.toEqual(before);
    expect([...after.subarray(0, 16)]).toEqual(Array(16).fill(0));
  });

  test('that truncates keeps a circle around the seed of the organism near the point', async () => {
    const small = await grown([30, 30], [60, 30]);
    expect(await stroke(small, brush('truncate', 1, 32, 30))).toMatchObject({ ok: true });
    await small.world.observe(0.25);
    const [cut, whole] = small.world.summaries();
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

  test('of the eraser that leaves a scrap of a body kills it, so that it grows again in its place', async () => {
    const small = await grown([30, 30]);
    const ring = Array.from({ length: 33 }, (_, i) => [
      30 + 4 * Math.cos((i * Math.PI) / 16),
      30 + 4 * Math.sin((i * Math.PI) / 16),
    ]).flat();
    // All but the cell in the middle.
    await stroke(small, brush('ablate', 3.5, ...ring));
    await small.world.observe(0.25);
    expect(small.world.inspect(1)).toMatchObject({ absence: 'died', cells: 0 });
  });

  test('that shrinks a body to one cell leaves it alive: its centre grows again in its place', async () => {
    const small = await grown([30, 30]);
    await stroke(small, brush('truncate', 0.5, 30, 30));
    await small.world.observe(0.25);
    expect(small.world.inspect(1)).toMatchObject({ absence: null, cells: 1 });
  });

  test('of the eraser does not kill a seedling that is still smaller than a scrap of its form', async () => {
    const small = await makeWorld();
    await stroke(small, plant(30, 30));
    await small.engine.step(1);
    await small.world.observe(0.25);
    const { cells } = small.world.inspect(1)!;
    await stroke(small, brush('ablate', 0.5, 31, 31));
    await small.world.observe(0.25);
    expect(small.world.inspect(1)).toMatchObject({ absence: null });
    expect(small.world.inspect(1)!.cells).toBeLessThan(cells);
  });

  test('beyond the 512 that wait is refused with the reason', async () => {
    const { world } = await makeWorld();
    const outcomes = Array.from({ length: 513 }, () => world.queueStroke(doer(''), brush('ablate', 1, 5, 5)));
    expect(await outcomes[512]).toMatchObject({ ok: false, reason: expect.stringContaining('busy') });
    for (let frame = 0; frame < 8; frame++) await world.applyStrokes();
    expect((await Promise.all(outcomes)).filter(({ ok }) => ok)).toHaveLength(512);
  });
});
