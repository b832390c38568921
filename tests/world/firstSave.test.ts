import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeEntry } from '../../server/world/acts.ts';
import { stillWorld } from '../../server/world/saving.ts';
import { WorldFiles } from '../../server/world/worldFiles.ts';
import { fixture } from '../fixtures/dataDirectory.ts';
import { loadBlob, makeWorld } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (): Promise<WorldFiles> => WorldFiles.open({ folder, durability: 'flush', log: () => {} });
const entry = encodeEntry({ acts: [], step: 12, runSeconds: 0.4, nextId: 3 });

test('a first start that is killed before its first save does not stop the next start', async () => {
  for (const expected of [1, 2, 3]) {
    const files = await open();
    expect(files.state).toBeNull();
    expect(await files.begin('wasm')).toBe(expected);
    await files.close();
  }
});

test('a journal without a save is not written over: the start is refused with what to do', async () => {
  const files = await open();
  await files.begin('wasm');
  files.append(entry, true);
  await files.close();
  await expect(open()).rejects.toThrow(/world\.regrow: .*journal/s);
});

test('what happens after a save of format 1 and before the first one of this format is replayed', async () => {
  cpSync(join(fixture('dataDirectory-1').folder, 'saved'), folder, { recursive: true });
  const files = await open();
  await files.begin('wasm');
  files.append(entry, true);
  await files.close();
  const again = await open();
  const steps: number[] = [];
  for await (const { entry } of again.entries()) steps.push(entry.step);
  expect(steps).toEqual([12]);
  expect(await again.begin('wasm')).toBe(2);
  await again.close();
});

test('a save holds what became of a swap, because the registry may learn of it much later', async () => {
  const small = await makeWorld(64, 64);
  const { world } = small;
  world.plantAt('blob', 32, 32);
  const order = { id: 4, species: 'blob', scope: 'species', who: 'Ann' } as const;
  expect(await world.swap(order, await loadBlob())).toMatchObject({ ok: true });
  expect(await world.swap({ ...order, id: 5 }, await loadBlob())).toMatchObject({ ok: true });
  const files = await open();
  const segment = await files.begin('wasm');
  await files.write(world.save(stillWorld({ segment, isAfterGap: false })));
  await files.close();
  const fates = await (await open()).swaps();
  expect(fates.get(4)).toMatchObject({ verdict: 'superseded' });
  expect(fates.get(5)).toBe('watched');

  const again = await makeWorld(64, 64);
  await again.world.restore((await open()).state!);
  expect((await stateOf(again.world)).outcomes).toEqual((await stateOf(world)).outcomes);
});
