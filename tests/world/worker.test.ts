/** The real simulation thread: the wasm engine, rule files and saves on disk. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../../server/config.ts';
import { startWorld } from '../../server/links/threadLink.ts';
import { writeRule } from '../../server/rules/load.ts';
import type { PublishedFrame } from '../../server/stream/published.ts';
import { encodeEntry } from '../../server/world/acts.ts';
import { WorldFiles } from '../../server/world/worldFiles.ts';
import type { WoundEvent } from '../../server/world/woundWatch.ts';
import { blobRule } from './blob.ts';
import { doer } from './doer.ts';

let folder: string;
let config: Config;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  config = {
    ...readConfig(['--size', '256', '--garden', '6', '--engine', 'wasm', '--steps-per-second', '60'], {}),
    dataDir: join(folder, 'data'),
    weightsDir: join(folder, 'weights'),
  };
  writeRule(join(config.weightsDir, 'blob.safetensors'), blobRule('blob'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('the simulation thread', () => {
  test('plants, steps, takes strokes, streams, saves, and is restored as it was', async () => {
    const world = await startWorld(config);
    expect(world.ready).toMatchObject({ width: 256, height: 256, species: [{ name: 'blob' }] });
    expect(world.ready.engine).toContain('wasm');
    expect(world.ready.notes.join()).toContain('garden of 6');
    const frames: PublishedFrame[] = [];
    world.onFrame = (frame) => frames.push(frame);
    const events: WoundEvent[] = [];
    world.onWounds = (more) => events.push(...more);
    const middle = 4 * 1 + 1;
    world.watch([middle, middle + 1, middle + 4, middle + 5], []);

    const healthiest = async () => Math.max(...(await world.ask({ kind: 'organisms' })).map((o) => o.health));
    await until(async () => frames.length > 3 && (await healthiest()) > 0.9);
    expect(frames[0].bytes.length).toBeGreaterThan(0);

    const { x, y } = world.ready.start;
    const stroke = { id: 1, tool: 'truncate', radius: 1, points: [x, y] } as const;
    expect(await world.ask({ kind: 'stroke', by: doer('Ann'), stroke })).toMatchObject({ ok: true });
    const pixels = await world.ask({ kind: 'pixels', rect: { x, y, width: 1, height: 1 } });
    expect(pixels[3]).toBeGreaterThan(200);
    expect(await world.ask({ kind: 'save' })).toBeNull();
    await world.stop();
    const files = readdirSync(config.dataDir).map((name) => name.replace(/\d+(?=\.(log|pack))/, 'N'));
    expect([...new Set(files)].sort()).toEqual([
      'journal-N.log',
      'mature',
      'pages-N.pack',
      'registry.db',
      'world.regrow',
      'world.regrow.1',
    ]);
    // The wound that the stop closed was reported, too.
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['open', 'blow', 'look', 'closed']),
    );
    expect(events.find(({ type }) => type === 'blow')).toMatchObject({
      blow: { tool: 'truncate', radius: 1, points: [0, 0] },
    });

    const again = await startWorld(config);
    expect(again.ready.notes.join()).toMatch(/restored at step \d+ with 6 organisms/);
    const [oldest] = await again.ask({ kind: 'organisms' });
    expect(oldest.ageSteps).toBeGreaterThan(10);
    await again.stop();
  });

  test('with a corrupt save starts from the save before it and the journal, as it was', async () => {
    const first = await startWorld(config);
    const stroke = { id: 1, tool: 'plant', radius: 1, points: [30, 30], species: 'blob' } as const;
    expect(await first.ask({ kind: 'stroke', by: doer('Ann'), stroke })).toMatchObject({ ok: true });
    await first.stop();
    const before = await first.stats;
    writeFileSync(join(config.dataDir, 'world.regrow'), 'nonsense');
    const world = await startWorld(config);
    expect(world.ready.notes.join()).toMatch(/world\.regrow.*using .*world\.regrow\.1/s);
    const planters = (await world.ask({ kind: 'organisms' })).map(({ planter }) => planter);
    expect(planters).toContain('Ann');
    expect(world.stats?.step ?? before?.step ?? 0).toBeGreaterThanOrEqual(before?.step ?? 0);
    await world.stop();
  });

  test('says when the steps that it repeats were taken by another kernel', async () => {
    const first = await startWorld(config);
    await first.stop();
    const files = await WorldFiles.open({ folder: config.dataDir, durability: 'os', log: () => {} });
    const { stepNumber, runSeconds, nextId } = files.state!;
    await files.begin('wasm of another machine');
    files.append(encodeEntry({ acts: [], step: stepNumber + 7, runSeconds, nextId }), true);
    await files.close();
    const world = await startWorld(config);
    const notes = world.ready.notes.join('\n');
    expect(notes).toContain('7 steps since the last save taken again, with 1 entries');
    expect(notes).toContain('another kernel (wasm of another machine)');
    await world.stop();
  });

  test('with no sound save refuses to start, and touches nothing', async () => {
    await (await startWorld(config)).stop();
    for (const name of ['world.regrow', 'world.regrow.1'])
      writeFileSync(join(config.dataDir, name), 'nonsense');
    const files = readdirSync(config.dataDir);
    await expect(startWorld(config)).rejects.toThrow(/world\.regrow.*world\.regrow\.1/s);
    expect(readdirSync(config.dataDir)).toEqual(files);
  });

  test('refuses a save of another size, and a start without rules, and says why', async () => {
    await (await startWorld(config)).stop();
    const before = readFileSync(join(config.dataDir, 'world.regrow'));
    await expect(startWorld({ ...config, width: 512 })).rejects.toThrow('start with --size 256x256');
    expect(readFileSync(join(config.dataDir, 'world.regrow'))).toEqual(before);
    rmSync(join(config.weightsDir, 'blob.safetensors'));
    await expect(startWorld(config)).rejects.toThrow('no rule in');
    writeFileSync(join(config.weightsDir, 'bad.safetensors'), 'nonsense');
    await expect(startWorld(config)).rejects.toThrow('bad.safetensors');
  });
});
