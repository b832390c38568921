import { describe, expect, test } from 'vitest';
import type { Capsule } from '../../server/engines/engine.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { Doses, goesOn } from '../../server/world/doses.ts';
import { capsulesOf, NOISE_AMPLITUDE } from '../../server/world/perturb.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { doer } from './doer.ts';
import { loadBlob, makeWorld, type SmallWorld } from './makeWorld.ts';

const noise = (...points: number[]): StrokeMessage => ({ id: 1, tool: 'noise', radius: 4, points });

describe('a message of noise', () => {
  const drag = noise(30.25, 30, 34, 31);

  test('goes on with the stroke that ended where it begins', () => {
    expect(goesOn(noise(30.25, 30), drag)).toBe(true);
    expect(goesOn(drag, noise(34, 31, 30.25, 30))).toBe(true);
  });

  test('begins a stroke when it is a dab, begins elsewhere, or is drawn with another brush', () => {
    expect(goesOn(noise(30.25, 30), noise(30.25, 30))).toBe(false);
    expect(goesOn(noise(30.26, 30), drag)).toBe(false);
    expect(goesOn({ ...noise(30.25, 30), radius: 5 }, drag)).toBe(false);
    expect(goesOn({ ...noise(30.25, 30), tool: 'ablate' }, drag)).toBe(false);
  });
});

describe('a stroke of noise in several messages', () => {
  /** The largest change of a channel by the messages, with no step between them. */
  async function mostChanged(...messages: [player: string, StrokeMessage][]): Promise<number> {
    await loadBlob();
    const small = await makeWorld();
    await deal(small, 'Ann', { id: 1, tool: 'plant', radius: 1, points: [30, 30], species: 'blob' });
    await small.engine.step(60);
    const before = (await small.engine.save()).pages[0].cells;
    for (const [player, message] of messages) await deal(small, player, message);
    const { cells } = (await small.engine.save()).pages[0];
    expect(cells.length % CHANNELS).toBe(0);
    return cells.reduce((most, value, i) => Math.max(most, Math.abs(value - before[i])), 0);
  }

  async function deal({ world }: SmallWorld, player: string, message: StrokeMessage): Promise<void> {
    const outcome = world.queueStroke(doer(player), message);
    await world.applyStrokes();
    expect(await outcome).toMatchObject({ ok: true });
  }

  const parts = [noise(27, 30), noise(27, 30, 33, 30), noise(33, 30, 27, 31)];

  test('gives each cell its noise once, also where it crosses itself', async () => {
    const most = await mostChanged(...parts.map((part): [string, StrokeMessage] => ['Ann', part]));
    expect(most).toBeLessThanOrEqual(NOISE_AMPLITUDE);
    expect(most).toBeGreaterThan(0.49);
  });

  test('is each player’s own: two players’ strokes add up', async () => {
    expect(await mostChanged(['Ann', parts[1]], ['Bob', parts[2]])).toBeGreaterThan(0.7);
  });

  test('adds up with the next stroke', async () => {
    expect(await mostChanged(['Ann', parts[0]], ['Ann', parts[0]])).toBeGreaterThan(0.7);
  });
});

test('the noise that a stroke has given is remembered for its last 64 capsules, and only near the new ones', () => {
  const doses = new Doses();
  const dab = (x: number): Capsule => ({ x0: x, y0: 0, x1: x, y1: 0, radius: 4 });
  doses.add('Ann', noise(0, 0), capsulesOf([0, 0], 4));
  for (let x = 1; x <= 70; x++) doses.add('Ann', noise(x - 1, 0, x, 0), [dab(x)]);
  const all = { x0: 0, y0: 0, x1: 70, y1: 0, radius: 4 };
  expect(doses.shaken('Ann', noise(70, 0, 71, 0), [all])).toEqual(
    Array.from({ length: 64 }, (_, i) => dab(i + 7)),
  );
  expect(doses.shaken('Ann', noise(70, 0, 71, 0), [dab(71)])[0]).toEqual(dab(63));
  expect(doses.shaken('Bob', noise(70, 0, 71, 0), [all])).toEqual([]);
});

test('the strokes of the last 256 players are remembered', () => {
  const doses = new Doses();
  for (let player = 0; player < 257; player++) doses.add(`P${player}`, noise(0, 0), capsulesOf([0, 0], 4));
  const next = noise(0, 0, 1, 0);
  expect(doses.shaken('P0', next, capsulesOf([0, 0], 4))).toEqual([]);
  expect(doses.shaken('P1', next, capsulesOf([0, 0], 4))).toHaveLength(1);
});
