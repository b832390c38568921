/** The real registry, world and probes. What a swap does to cells is tested in `tests/world/swap.test.ts`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../../server/config.ts';
import { startWorld, type WorldThread } from '../../server/links/threadLink.ts';
import { serializeRule } from '../../server/rules/format.ts';
import { writeRule } from '../../server/rules/load.ts';
import { type Actor, Registry } from '../../server/rules/registry.ts';
import { PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { makeProber } from '../../server/swaps/prober.ts';
import { SwapDesk } from '../../server/swaps/swapDesk.ts';
import { blobRule } from '../world/blob.ts';

const ann: Actor = { who: 'Ann', address: '10.0.0.1' };
let folder: string;
let config: Config;
let world: WorldThread;
let desk: SwapDesk;
let announced: string[];
let complaints: string[];

async function start(): Promise<void> {
  world = await startWorld(config);
  announced = [];
  complaints = [];
  desk = new SwapDesk({
    world,
    dataDir: config.dataDir,
    probe: makeProber(config),
    announce: (text) => announced.push(text),
    log: (text) => complaints.push(text),
  });
  world.onSwap = (outcome) => desk.settle(outcome);
}

async function stop(): Promise<void> {
  desk.dispose();
  await world.stop();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  const flags = ['--size', '256', '--garden', '4', '--engine', 'wasm', '--steps-per-second', '120'];
  config = { ...readConfig(flags, {}), dataDir: join(folder, 'data'), weightsDir: join(folder, 'weights') };
  writeRule(join(config.weightsDir, 'blob.safetensors'), forgetfulBlob());
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

const OTHER_HEART = 7;

/** A blob that forgets channel 7, which the seed brings along. */
function forgetfulBlob(): Rule {
  const rule = blobRule('blob');
  const unit = 7;
  rule.w1[unit * PERCEPTION + OTHER_HEART] = 1;
  rule.w2[OTHER_HEART * rule.hidden + unit] = -0.5;
  return rule;
}

/** Grows well from a seed; its heart is in channel 7, where the bodies of the forgetful have none. */
function heartlessBlob(): Rule {
  const rule = blobRule('blob');
  const unit = 5;
  rule.w1[unit * PERCEPTION + unit] = 0;
  rule.w1[unit * PERCEPTION + OTHER_HEART] = 1;
  return rule;
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};
const add = (rule: Rule) =>
  desk.ask((registry) => registry.add({ bytes: serializeRule(rule), origin: 'uploaded' }, ann));
const rulesOfAll = async (): Promise<string[]> => {
  const all = await world.ask({ kind: 'organisms' });
  const asked = all.map(({ id }) => world.ask({ kind: 'inspect', organism: id }));
  return (await Promise.all(asked)).map((one) => one?.rule ?? 'gone');
};
const inForce = () => desk.ask((registry) => registry.inForce().get('blob')!);
const grown = () =>
  until(async () => (await world.ask({ kind: 'organisms' })).every(({ health }) => health > 0.9));

describe('a swap', () => {
  test('is probed, done, announced, and stays when it has passed its watch; a later start lives by it', async () => {
    await grown();
    const added = await add({ ...blobRule('blob'), fireRate: 0.75 });
    const result = await desk.swap({ species: 'blob', rule: added.id, scope: 'species' }, ann);
    expect(result).toEqual({ ok: true, swap: result.swap, organisms: 4 });
    expect(await rulesOfAll()).toEqual(Array(4).fill('blob v2'));
    expect(announced).toEqual(['Ann swapped blob to blob v2']);
    await until(async () => (await desk.ask((registry) => registry.swap(result.swap))).status === 'in force');
    expect(await inForce()).toMatchObject({ version: 2, origin: 'uploaded' });

    await stop();
    await start();
    expect(await rulesOfAll()).toEqual(Array(4).fill('blob v2'));
    const audit = await desk.ask((registry) => registry.audit.entries(20));
    expect(audit.filter(({ who }) => who === 'Ann').map(({ action }) => action)).toEqual([
      'swap in force',
      'swap',
      'add rule',
    ]);
    expect(complaints).toEqual([]);
  });

  test.each([
    [
      'dead',
      () => ({ ...blobRule('blob'), b2: new Float32Array(16).fill(-1) }),
      'blob does not grow: 0 living cells',
    ],
    ['wild', () => ({ ...blobRule('blob'), b2: new Float32Array(16).fill(1) }), 'does not stop growing'],
    ['no good to the living', heartlessBlob, 'a grown blob cannot live by blob v2: it dies'],
  ])('to a rule that is %s is refused by the probe, and nothing has changed', async (_, rule, reason) => {
    const added = await add(rule());
    const result = await desk.swap({ species: 'blob', rule: added.id, scope: 'species' }, ann);
    expect(result).toEqual({ ok: false, swap: result.swap, reason: expect.stringContaining(reason) });
    expect(await rulesOfAll()).toEqual(Array(4).fill('blob v1'));
    expect(await inForce()).toMatchObject({ version: 1 });
    await until(async () => (await desk.ask((registry) => registry.swap(result.swap))).status === 'refused');
    expect(announced).toEqual([]);
  });
});

test('a swap that another program writes is noticed and done', async () => {
  const added = await add({ ...blobRule('blob'), fireRate: 0.75 });
  const other = new Registry(config.dataDir, 2_000);
  other.wantSwap(
    { species: 'blob', rule: added.id, scope: 'species' },
    { who: 'bob', address: 'command line' },
  );
  other.close();
  await until(() => announced.length > 0);
  expect(announced).toEqual(['bob swapped blob to blob v2']);
  expect(await rulesOfAll()).toEqual(Array(4).fill('blob v2'));
});

describe('a registry in trouble', () => {
  test('that is locked is tried again, and the world goes on', async () => {
    const added = await add({ ...blobRule('blob'), fireRate: 0.75 });
    const other = new DatabaseSync(join(config.dataDir, 'registry.db'));
    other.exec('BEGIN IMMEDIATE');
    let frames = 0;
    world.onFrame = () => frames++;
    world.watch([5, 6, 9, 10], []);
    const result = desk.swap({ species: 'blob', rule: added.id, scope: 'species' }, ann);
    await until(() => frames > 10);
    other.exec('ROLLBACK');
    other.close();
    expect(await result).toMatchObject({ ok: true });
  });

  test('that stays locked is reported, and nothing has changed', async () => {
    const added = await add({ ...blobRule('blob'), fireRate: 0.75 });
    const other = new DatabaseSync(join(config.dataDir, 'registry.db'));
    other.exec('BEGIN IMMEDIATE');
    const wanted = { species: 'blob', rule: added.id, scope: 'species' } as const;
    await expect(desk.swap(wanted, ann)).rejects.toThrow('registry.db is locked by another program');
    other.exec('ROLLBACK');
    other.close();
    expect(await rulesOfAll()).toEqual(Array(4).fill('blob v1'));
    expect(await desk.ask((registry) => registry.swaps('blob').length)).toBe(1);
  });
});
