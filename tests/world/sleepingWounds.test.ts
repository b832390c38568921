/**
 * The evaluation's suite grows bodies in rollouts, where nobody sleeps. So that its verdicts hold for the world, a wound
 * to a sleeper must heal to the bit as the same wound to a body that has never slept.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { HARMS, type Harmed } from '../../server/evaluation/suite.ts';
import { readRule } from '../../server/rules/load.ts';
import { growMature, type MatureForm, speciesOf } from '../../server/world/mature.ts';
import type { WorldState } from '../../server/world/oldSave.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { World } from '../../server/world/world.ts';
import type { WoundEvent } from '../../server/world/woundWatch.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { doer } from './doer.ts';
import { differences } from './facts.ts';
import { stateOf } from './wholeWorld.ts';

const SIDE = 128;
const PLACE = SIDE / 2;
const STEPS_PER_FRAME = 3;
const FRAME_SECONDS = 0.1;
/** 40 s: all of these wounds heal sooner. */
const MAX_FRAMES = 400;

type Blow = Pick<StrokeMessage, 'tool' | 'radius' | 'points'>;

/** The suite's kinds of damage, as strokes. @param form - in world cells */
function strokesOf(kind: Harmed, form: MatureForm): Blow[] {
  const { width, height } = form;
  const left = PLACE + form.x;
  const top = PLACE + form.y;
  const [x, y] = [left + width / 2, top + height / 2];
  const erase = (radius: number, ...points: number[]): Blow => ({ tool: 'ablate', radius, points });
  const column = (at: number): Blow => erase(width / 4, at, top, at, top + height);
  const row = (at: number): Blow => erase(height / 4, left, at, left + width, at);
  switch (kind) {
    case 'left':
      return [column(left + width / 4)];
    case 'right':
      return [column(left + (3 * width) / 4)];
    case 'top':
      return [row(top + height / 4)];
    case 'bottom':
      return [row(top + (3 * height) / 4)];
    case 'centre':
      return [erase(8, x, y)];
    case 'circles':
      return [erase(5, x - 8, y), erase(4, x + 7, y - 5), erase(3, x, y + 9)];
    case 'scrub':
      return [1, 3, 5, 7, 9].map((n) =>
        erase(1.5, left, top + (n * height) / 11, left + width, top + (n * height) / 11),
      );
    case 'stroke':
      return [erase(4, left, top + height / 4, left + width, top + (3 * height) / 4)];
    case 'noise':
      return [{ tool: 'noise', radius: 20, points: [x, y] }];
    case 'truncate':
      return [{ tool: 'truncate', radius: Math.hypot(width, height) / 4, points: [x, y] }];
    default:
      return kind satisfies never;
  }
}

let form: MatureForm;
let sleepy: World;
let sleepless: World;
/** One grown body that sleeps. */
let asleep: WorldState;

async function makeWorld(rule: LoadedRule, sleepSeconds: number): Promise<World> {
  const engine = await createWasmEngine({ width: SIDE, height: SIDE, randomSeed: 5, wideTiles: false });
  const limits = { plantsPerGuest: 9, plantsPerAddress: 9, witherHours: 0 };
  return new World(engine, [rule], { ...limits, sleepSeconds });
}

beforeAll(async () => {
  const rule = readRule(join(import.meta.dirname, '../../weights/eevee.safetensors'));
  form = await growMature(rule, (options) => createWasmEngine({ ...options, wideTiles: false }));
  const loaded = { rule, mature: form, card: speciesOf(rule, form), sha256: 'eevee', label: 'eevee v1' };
  sleepy = await makeWorld(loaded, 5);
  sleepless = await makeWorld(loaded, 0);
  sleepy.plantAt('eevee', PLACE, PLACE);
  await sleepy.engine.step(600);
  await sleepy.observe(1);
  await sleepy.engine.sleep(1);
  await sleepy.engine.step(100);
  asleep = await stateOf(sleepy);
});
afterAll(() => {
  for (const { engine } of [sleepy, sleepless]) engine.dispose();
});

/** Deals the blows, and lives until the wound is closed. @returns the events of the wound, and the world then */
async function heal(world: World, blows: readonly Blow[]) {
  const events: WoundEvent[] = [];
  const dealt = blows.map((blow, id) => world.queueStroke(doer('Ann'), { id, ...blow }));
  await world.applyStrokes();
  for (const outcome of await Promise.all(dealt)) expect(outcome).toMatchObject({ ok: true });
  expect(world.wounds.isOpen(1)).toBe(true);
  for (let frame = 0; frame < MAX_FRAMES && world.wounds.isOpen(1); frame++) {
    expect(world.engine.isAsleep(1)).toBe(false);
    await world.engine.step(STEPS_PER_FRAME);
    await world.observe(FRAME_SECONDS);
    events.push(...(world.wounds.take() ?? []));
  }
  const { pages } = await world.engine.save();
  // A page that was empty for a while comes later in one engine than in the other.
  const sorted = pages.toSorted((a, b) => a.page - b.page);
  return { events, pages: sorted, health: world.organisms.get(1)?.health };
}

/** Numbers of wounds go on from one to the next. */
const unnumbered = (events: readonly WoundEvent[]): unknown[] =>
  events.map(({ wound: _, ...event }) => event);

test.each(HARMS)(
  'a sleeper that is hurt by %s heals to the bit as one that has never slept',
  async (kind) => {
    await sleepy.restore(structuredClone(asleep));
    expect(sleepy.engine.isAsleep(1)).toBe(true);
    const awake = asleep.organisms.map(({ isAsleep: _, ...one }) => one);
    await sleepless.restore(structuredClone({ ...asleep, organisms: awake }));
    expect(sleepless.engine.isAsleep(1)).toBe(false);
    const blows = strokesOf(kind, form);
    const [hurt, model] = [await heal(sleepy, blows), await heal(sleepless, blows)];
    expect(unnumbered(hurt.events)).toEqual(unnumbered(model.events));
    expect(hurt.events.at(-1)).toMatchObject({ type: 'closed', healedInSteps: expect.any(Number) });
    expect(differences(hurt.pages, model.pages)).toEqual([]);
    expect(hurt.health).toBe(model.health);
  },
);
