/** A world that comes to rest and is disturbed again and again. */
import { expect } from 'vitest';
import type { Engine, EngineState, Perturbation } from '../../server/engines/engine.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { expectSameState, randomRule, seededRandom } from './fixtures.ts';

export const SIZE = { width: 100, height: 72 };
export const REST = 2e-3;

/** A rule whose channels fall towards zero, faster where neighbours differ; alpha falls only in the outermost cells. */
export function settlingRule(seed: number): Rule {
  const random = seededRandom(seed);
  const hidden = 2 * CHANNELS;
  const w1 = new Float32Array(hidden * PERCEPTION);
  const w2 = new Float32Array(CHANNELS * hidden);
  for (let c = 0; c < CHANNELS; c++) {
    // relu(x) and relu(-x), so that W2 sees the sign.
    for (const [unit, sign] of [
      [2 * c, 1],
      [2 * c + 1, -1],
    ]) {
      w1[unit * PERCEPTION + c] = sign;
      w1[unit * PERCEPTION + CHANNELS + c] = random() - 0.5;
      w2[c * hidden + unit] = c === 3 ? 0 : -0.3 * sign;
    }
  }
  return {
    name: 'settling',
    hidden,
    w1,
    b1: new Float32Array(hidden),
    w2,
    b2: new Float32Array(CHANNELS),
    fireRate: 0.5,
    metadata: {},
  };
}

/** Random edits of a world between steps. */
export function disturb(engines: readonly Engine[], random: () => number, round: number): void {
  const x = Math.floor(random() * SIZE.width);
  const y = Math.floor(random() * SIZE.height);
  const near = { x0: x, y0: y, x1: x + 3, y1: y + 1, radius: 1 + random() * 6 };
  const perturbations: readonly Perturbation[] = [
    { kind: 'ablate', ...near },
    { kind: 'noise', capsules: [near], amplitude: 0.2, salt: round },
    { kind: 'truncate', organism: 1, x: 63, y: 63, radius: 2 + random() * 8 },
  ];
  const reach = 2 + Math.floor(random() * 9);
  const territory = { x: 63 - reach, y: 60, width: 2 * reach, height: 3 + reach };
  const kind = Math.floor(random() * 8);
  for (const engine of engines) {
    if (kind < 3) engine.perturb(perturbations[kind]);
    else if (kind === 3) engine.plant(100 + round, round % 3, x, y);
    else if (kind === 4) engine.setRule(0, settlingRule(round));
    else if (kind === 5) engine.setOrganismRule(1, round % 3);
    else engine.setTerritory(1, round % 2 === 0 ? territory : undefined);
  }
}

/**
 * Sets territories among bodies that rest, some of them in contact: a random one, its own box or the whole world, for one
 * organism at a time. After each of the next steps all engines must equal the first to the bit.
 */
export async function expectSameTerritories(
  engines: readonly Engine[],
  seed: number,
  rounds: number,
): Promise<void> {
  const random = seededRandom(seed);
  const places = [
    [62, 62],
    [66, 60],
    [66, 68],
    [20, 20],
  ] as const;
  for (const engine of engines) {
    for (const slot of [0, 1]) engine.setRule(slot, settlingRule(slot + 1));
    engine.setRule(2, randomRule(11, 16)); // grows
    for (const [i, [x, y]] of places.entries()) engine.plant(i + 1, 2, x, y);
    await engine.step(20);
    for (const i of places.keys()) engine.setOrganismRule(i + 1, i % 2);
    await engine.step(60);
  }
  let grown = 0;
  for (let round = 0; round < rounds; round++) {
    const i = Math.floor(random() * places.length);
    const [x, y] = places[i];
    const reach = 1 + Math.floor(random() * 7);
    const shift = Math.floor(random() * 5) - 2;
    const rect = { x: x - reach + shift, y: y - reach, width: 2 * reach, height: 2 * reach + 1 };
    const territory = round % 4 === 3 ? undefined : rect;
    const before = await engines[0].save();
    for (const engine of engines) engine.setTerritory(i + 1, territory);
    for (const steps of [1, 1, 12]) {
      for (const engine of engines) await engine.step(steps);
      const want = await engines[0].save();
      for (const engine of engines.slice(1)) expectSameState(await engine.save(), want, SIZE, 0);
      grown += Number(ownedCells(want) > ownedCells(before));
    }
  }
  expect(grown).toBeGreaterThan(rounds / 2);
}

const ownedCells = ({ pages }: EngineState): number =>
  pages.reduce((all, { owners }) => all + owners.filter((owner) => owner !== 0).length, 0);

/** Steps and disturbs several engines of `SIZE` and `REST`; after each step all must equal the first to the bit. */
export async function expectSameRest(
  engines: readonly Engine[],
  seed: number,
  rounds: number,
): Promise<void> {
  const random = seededRandom(seed);
  for (const engine of engines) {
    engine.setRule(0, settlingRule(1));
    engine.setRule(1, settlingRule(2));
    engine.setRule(2, randomRule(11, 16)); // never rests
    engine.plant(1, 0, 63, 63);
    engine.plant(2, 1, 66, 60);
    engine.plant(3, 0, 20, 20);
  }
  for (let round = 0; round < rounds; round++) {
    // Sometimes long enough to come to rest, sometimes not.
    for (const engine of engines) await engine.step(round % 3 === 0 ? 25 : 4);
    const want = await engines[0].save();
    for (const engine of engines.slice(1)) expectSameState(await engine.save(), want, SIZE, 0);
    disturb(engines, random, round);
  }
}
