import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { MATURE_STEPS } from '../../server/world/mature.ts';
import type { Doer } from '../../server/world/messages.ts';
import { MAX_YOUNG } from '../../server/world/planting.ts';
import {
  CROWDED_SHARE,
  type Growing,
  MAX_ADDRESSES,
  MAX_IN_CROWD,
  PlantLimits,
} from '../../server/world/plantLimits.ts';
import { doer } from './doer.ts';
import { loadBlob, makeWorld, plant, type SmallWorld } from './makeWorld.ts';

beforeAll(loadBlob);

const NONE: Growing = { ofGuest: 0, ofAddress: 0, ofNetwork: 0, share: 0 };
const FEW = { plantsPerGuest: 3, plantsPerAddress: 5, witherHours: 0 };

/** Blobs in a row, far from each other. */
const place = (n: number): [x: number, y: number] => [10 + 20 * (n % 12), 12 + 24 * Math.floor(n / 12)];
const makeWide = (): Promise<SmallWorld> => makeWorld(256, 64, ['blob'], createWasmEngine, FEW);

async function plantAs({ world }: SmallWorld, by: Doer, n: number): Promise<string | null> {
  const answer = world.queueStroke(by, plant(...place(n)));
  await world.applyStrokes();
  const outcome = await answer;
  return outcome.ok ? null : outcome.reason;
}

/** Lets minutes of world time pass. */
async function pass({ world, engine }: SmallWorld, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await engine.step(1);
    await world.observe(60);
  }
}

const FULL = 'You have 3 bodies growing, and more are not allowed: remove one first.';

describe('a guest', () => {
  test('may have so many bodies growing, at whatever address, and is told what to do', async () => {
    const small = await makeWide();
    for (let n = 0; n < 3; n++)
      expect(await plantAs(small, { ...doer('Ann'), address: `of ${n}` }, n)).toBeNull();
    expect(await plantAs(small, { ...doer('Ann'), address: 'of another' }, 3)).toBe(FULL);
    expect(await small.world.roomFault('blob', ...place(3), doer('Ann'))).toBe(FULL);
    expect(await small.world.roomFault('blob', ...place(3), doer('Bob'))).toBeNull();
    expect(await plantAs(small, doer('Bob'), 3)).toBeNull();
  });

  test('has a body whose seed waits, and has none that was removed', async () => {
    const small = await makeWide();
    for (let n = 0; n < 3; n++) await plantAs(small, doer('Ann'), n);
    const [x, y] = place(0);
    small.engine.perturb({ kind: 'ablate', x0: x, y0: y, x1: x, y1: y, radius: 9 });
    await small.engine.step(1);
    await small.world.observe(1);
    expect(small.world.overview.inspect(1)!.absence).toBe('died');
    expect(await plantAs(small, doer('Ann'), 3)).toBe(FULL);
    expect(small.world.removals.removeOwn(doer('Ann').guest, 2)).toBeNull();
    expect(await plantAs(small, doer('Ann'), 3)).toBeNull();
  });

  test('is not charged for a planting that was refused', async () => {
    const small = await makeWide();
    await plantAs(small, doer('Bob'), 0);
    for (let again = 0; again < 20; again++) expect(await plantAs(small, doer('Ann'), 0)).not.toBeNull();
    for (let n = 1; n < 4; n++) expect(await plantAs(small, doer('Ann'), n)).toBeNull();
  });

  test('has the same limit after a restart', async () => {
    const small = await makeWide();
    for (let n = 0; n < 3; n++) await plantAs(small, doer('Ann'), n);
    const { stateOf } = await import('./wholeWorld.ts');
    const again = await makeWide();
    await again.world.restore(structuredClone(await stateOf(small.world)));
    expect(await plantAs(again, doer('Ann'), 3)).toBe(FULL);
  });
});

describe('an address', () => {
  test('may plant so many within an hour, by however many guests, also when they remove them', async () => {
    const small = await makeWide();
    for (let n = 0; n < 5; n++) {
      const ann = { ...doer(`Ann ${n}`), address: 'one' };
      expect(await plantAs(small, ann, n)).toBeNull();
      small.world.removals.removeByGuest(ann.guest);
    }
    const late = { ...doer('Bob'), address: 'one' };
    expect(await plantAs(small, late, 5)).toBe(
      'Your address has planted 5 within an hour, and more are not allowed: wait 60 min.',
    );
    await pass(small, 40);
    expect(await plantAs(small, late, 5)).toMatch(/wait 20 min\.$/);
    await pass(small, 20);
    expect(await plantAs(small, late, 5)).toBeNull();
  });

  test('has at most so many growing, however slowly they were planted, also after a restart', async () => {
    const small = await makeWide();
    const at = (n: number): Doer => ({ ...doer(`Ann ${n}`), address: '10.0.0.1' });
    for (let n = 0; n < 5; n++) {
      expect(await plantAs(small, at(n), n)).toBeNull();
      await pass(small, 61);
    }
    const full =
      'From your address, 5 bodies are growing, and more are not allowed: one of them must be removed first.';
    expect(await plantAs(small, at(5), 5)).toBe(full);
    const { stateOf } = await import('./wholeWorld.ts');
    const again = await makeWide();
    await again.world.restore(structuredClone(await stateOf(small.world)));
    expect(await plantAs(again, at(5), 5)).toBe(full);
    expect(await plantAs(again, { ...doer('Bob'), address: '10.0.0.2' }, 6)).toBeNull();
    expect(JSON.stringify([again.world.overview.summaries(), again.world.overview.inspect(1)])).not.toContain(
      '10.0.0',
    );
    again.world.removals.remove(1);
    expect(await plantAs(again, at(5), 5)).toBeNull();
  });

  test('of one network has 8 times as many, growing and within an hour', () => {
    const limits = new PlantLimits({ plantsPerGuest: 9, plantsPerAddress: 2 });
    const at = (n: number): Doer => ({ ...doer('Ann'), address: `2001:db8:1:${n}::` });
    expect(limits.fault(at(1), { ...NONE, ofNetwork: 15 }, 0)).toBeNull();
    expect(limits.fault(at(1), { ...NONE, ofNetwork: 16 }, 0)).toMatch(/^From your network, 16 bodies are/);
    for (let n = 0; n < 16; n++) limits.planted(at(n), 0);
    expect(limits.fault(at(99), NONE, 60)).toMatch(/^Your network has planted 16 .* wait 59 min\.$/);
    expect(limits.fault({ ...doer('Ann'), address: '2001:db8:2:1::' }, NONE, 60)).toBeNull();
  });

  test('is forgotten when more have planted since than are remembered', () => {
    const limits = new PlantLimits({ plantsPerGuest: 9, plantsPerAddress: 1 });
    const at = (n: number): Doer => ({ ...doer('Ann'), address: `of ${n}` });
    for (let n = 0; n < MAX_ADDRESSES; n++) limits.planted(at(n), n / 1_000);
    expect(limits.fault(at(0), NONE, 10)).not.toBeNull();
    limits.planted(at(MAX_ADDRESSES), 10);
    expect(limits.fault(at(0), NONE, 10)).toBeNull();
    expect(limits.fault(at(1), NONE, 10)).not.toBeNull();
  });
});

describe('in a crowded world', () => {
  const limits = new PlantLimits({ plantsPerGuest: 9, plantsPerAddress: 20 });
  const crowded = { ...NONE, share: CROWDED_SHARE };

  test('only who has nearly nothing may plant, as a guest and as an address', () => {
    const few = { ...crowded, ofGuest: MAX_IN_CROWD - 1, ofAddress: MAX_IN_CROWD - 1 };
    expect(limits.fault(doer('Ann'), few, 0)).toBeNull();
    for (const many of [{ ofGuest: MAX_IN_CROWD }, { ofAddress: MAX_IN_CROWD }])
      expect(limits.fault(doer('Ann'), { ...few, ...many }, 0)).toMatch(
        /^The world is crowded: .* fewer than 2/,
      );
    expect(limits.fault(doer('Ann'), { ...NONE, ofAddress: 9, share: CROWDED_SHARE - 0.01 }, 0)).toBeNull();
  });

  test('patient planters leave room for newcomers: their bodies cover half of it, and no more', async () => {
    const small = await makeWorld(64, 64, ['blob'], undefined, {
      plantsPerGuest: 50,
      plantsPerAddress: 50,
      witherHours: 0,
    });
    const { width, height } = small.world.rules.at(0).mature;
    const patient = doer('Cain');
    let planted = 0;
    for (let y = 4; y < 60; y += 4)
      for (let x = 4; x < 60; x += 4) {
        const answer = small.world.queueStroke(patient, plant(x, y));
        await small.world.applyStrokes();
        if ((await answer).ok) planted++;
        await small.world.observe(1);
      }
    const share = (planted * width * height) / (64 * 64);
    expect(share).toBeGreaterThanOrEqual(CROWDED_SHARE);
    expect(share).toBeLessThan(CROWDED_SHARE + (2 * width * height) / (64 * 64));
    let newcomers = 0;
    for (let n = 0; n < 3; n++)
      for (let x = 4; x < 60; x += 8)
        for (let y = 4; y < 60; y += 8) {
          if (newcomers > n) continue;
          const answer = small.world.queueStroke(doer(`newcomer ${n}`), plant(x, y));
          await small.world.applyStrokes();
          if ((await answer).ok) newcomers++;
        }
    expect(newcomers).toBe(3);
  });
});

test('the garden has no limit', async () => {
  const small = await makeWide();
  expect(small.world.plantGarden(6, 1)).toBe(6);
  expect(await small.world.plantMore(2, 2)).toBeGreaterThan(0);
});

test('while the world refuses plantings nobody may plant, and the `room` question says why', async () => {
  const small = await makeWide();
  small.world.refusePlantings('Busy.');
  expect(await plantAs(small, doer('Ann'), 0)).toBe('Busy.');
  expect(await small.world.roomFault('blob', ...place(0), doer('Ann'))).toBe('Busy.');
  small.world.refusePlantings(null);
  expect(await plantAs(small, doer('Ann'), 0)).toBeNull();
});

test('all guests together have so many young bodies, and may plant again when those are grown', async () => {
  const wide = await makeWorld(1_024, 128, ['blob'], createWasmEngine, {
    plantsPerGuest: 9,
    plantsPerAddress: 9,
    witherHours: 0,
  });
  const spot = (n: number): [x: number, y: number] => [12 + 24 * (n % 41), 20 + 40 * Math.floor(n / 41)];
  const plantNext = async (n: number): Promise<string | null> => {
    const answer = wide.world.queueStroke(doer(`guest ${n}`), plant(...spot(n)));
    await wide.world.applyStrokes();
    const outcome = await answer;
    return outcome.ok ? null : outcome.reason;
  };
  for (let n = 0; n < MAX_YOUNG; n++) expect(await plantNext(n)).toBeNull();
  const many = 'Many bodies are growing at the moment: wait until they are grown.';
  expect(await plantNext(MAX_YOUNG)).toBe(many);
  await wide.engine.step(MATURE_STEPS);
  expect(await plantNext(MAX_YOUNG)).toBeNull();
  // Somebody has killed them all, and their seeds were planted again.
  for (const one of wide.world.organisms) {
    one.plantedStep = wide.engine.stepNumber;
    one.plantedSeconds += 15;
  }
  expect(await plantNext(MAX_YOUNG + 1)).toBeNull();
  wide.engine.dispose();
});
