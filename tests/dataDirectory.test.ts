/** Data directories that earlier versions wrote, kept in `tests/fixtures/`, open in this one. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PageState } from '../server/engines/engine.ts';
import { SanctionTable } from '../server/guests/sanctionTable.ts';
import { Registry } from '../server/rules/registry.ts';
import { readSession } from '../server/sessions/record.ts';
import { Saves } from '../server/storage/saves.ts';
import { folderSource, makeBackup } from '../server/upkeep/backup.ts';
import { overview } from '../server/upkeep/overview.ts';
import { verify } from '../server/upkeep/verify.ts';
import { encodeEntry } from '../server/world/acts.ts';
import { readOld } from '../server/world/savedFiles.ts';
import { WorldFiles } from '../server/world/worldFiles.ts';
import { fixture, HEIGHT, hashPages, openWorld, WIDTH } from './fixtures/dataDirectory.ts';
import { startServer } from './serverProcess.ts';
import { orderOf } from './storage/pages.ts';

describe.each([
  ['dataDirectory-1', 1],
  ['dataDirectory-2', 2],
])('%s', (name, format) => {
  const { folder, expected } = fixture(name);
  const weightsDir = join(folder, 'weights');
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'regrow-'));
    cpSync(join(folder, 'saved'), dataDir, { recursive: true });
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  test('the world opens with the same step, organisms and cells', async () => {
    const { saved, savedStep, kernel, notes } = await openWorld(dataDir, weightsDir);
    expect(notes).toEqual([]);
    expect(savedStep).toBe(expected.savedStep ?? expected.step);
    const { pages, stepNumber, runSeconds, organisms } = saved;
    expect({ step: stepNumber, runSeconds, organisms }).toEqual({
      step: expected.step,
      runSeconds: expected.runSeconds,
      organisms: expected.organisms,
    });
    if ((expected.kernel ?? kernel) === kernel) expect(hashPages(pages)).toBe(expected.cells);
  });

  test('info, verify and backup work on it', async () => {
    const { world, saves, registry } = await overview(dataDir);
    expect([world!.step, world!.organisms]).toEqual([expected.step, expected.organisms.length]);
    expect(saves.map(({ isSound, format }) => [isSound, format])).toEqual([
      [true, format],
      [true, format],
    ]);
    expect(registry!.rows).toMatchObject({ swaps: expected.swaps.length, bans: expected.bans.length });
    expect((await verify(dataDir, weightsDir)).faults).toEqual([]);
    const to = `${dataDir}-backup`;
    try {
      await makeBackup({ source: folderSource(dataDir, true), to });
      expect((await overview(to)).world).toEqual(world);
    } finally {
      rmSync(to, { recursive: true, force: true });
    }
  });

  test('without its newest save, the world opens from the save before it', async () => {
    rmSync(join(dataDir, 'world.regrow'));
    const { saved } = await openWorld(dataDir, weightsDir);
    expect(saved.stepNumber).toBe(expected.previousStep);
  });

  test.runIf(format === 1)('its save becomes one of the present format, with the same cells', async () => {
    const open = async () => {
      const saves = new Saves(dataDir, { readOld });
      const { saved, notes } = await saves.read();
      const pages: PageState[] = [];
      for await (const one of saved!.pages()) pages.push(one);
      return { saves, facts: saved!.facts as { stepNumber: number }, pages, notes };
    };
    const { saves, facts, pages } = await open();
    expect(facts.stepNumber).toBe(expected.step);
    expect(hashPages(pages)).toBe(expected.cells);
    await saves.write(orderOf({ facts, journal: 1, changed: pages, kept: [] }));
    const again = await open();
    expect([again.notes, again.facts, hashPages(again.pages)]).toEqual([[], facts, expected.cells]);
    // What was the newest is now the one before.
    rmSync(join(dataDir, 'world.regrow'));
    expect(hashPages((await open()).pages)).toBe(expected.cells);
  });

  test.runIf(format === 1)('what happens before its first save is in the journal behind it', async () => {
    const open = () => WorldFiles.open({ folder: dataDir, durability: 'os', log: () => {} });
    const entry = { acts: [], step: expected.step + 1, runSeconds: 9, nextId: 9 };
    const files = await open();
    await files.begin('kernel');
    files.append(encodeEntry(entry), true);
    await files.flushed();
    const again: unknown[] = [];
    for await (const { entry } of (await open()).entries()) again.push(entry);
    expect(again).toEqual([entry]);
    await files.close();
  });

  test('a server opens it with its organisms, swaps, bans, sessions and token', async () => {
    const { previousStep, step, organisms, swaps, bans, session, openSession } = expected;
    // The journal leads on from the save before.
    if (format === 1) expect(previousStep).toBeLessThan(step);
    else expect(previousStep).toBe(step);
    // At this speed, the world takes its first step after 10 s.
    const flags = `--size ${WIDTH}x${HEIGHT} --engine wasm --threads 1 --steps-per-second 0.1 --tuner off`;
    const server = await startServer([...flags.split(' '), '--weights-dir', weightsDir], dataDir);
    const shown = (await (await fetch(`${server.url}/api/organisms`)).json()) as Record<string, unknown>[];
    expect(server.output()).toContain(`world restored at step ${step} with ${organisms.length} organisms`);
    expect(shown.map(({ id, x, y, species }) => ({ id, x, y, species }))).toEqual(
      organisms.map(({ id, x, y, species }) => ({ id, x, y, species })),
    );
    const token = readFileSync(join(folder, 'saved', 'admin-token'), 'utf8').trim();
    // The registry has a hash of it now.
    expect(existsSync(join(dataDir, 'admin-token'))).toBe(false);
    const login = await fetch(`${server.url}/admin/api/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    expect(login.status).toBe(200);
    expect(await server.stop()).toBe(0);

    const registry = new Registry(dataDir, 5_000);
    expect(registry.swaps()).toEqual(swaps);
    expect(registry.inForce().get('blob')?.id).toBe(swaps[0].rule);
    expect(new SanctionTable(registry).load()).toMatchObject(bans);
    registry.close();
    const { wounds, ...head } = await readSession(join(dataDir, 'sessions', `${session.id}.json`));
    expect([head, wounds.length]).toEqual([session, 1]);
    const killed = await readSession(join(dataDir, 'sessions', `${openSession}.json`));
    expect(killed).toMatchObject({ endedBy: 'crash', players: 1, strokes: 2 });
  });
});
