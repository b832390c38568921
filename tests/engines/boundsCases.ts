/** Cases for the bounds' tests: rules that explode, states out of bounds, territories that cut through bodies. */
import {
  CHANNEL_LIMIT,
  type Engine,
  type EngineState,
  type OrganismId,
  type OrganismState,
  type PageState,
} from '../../server/engines/engine.ts';
import { CHANNELS, type Rule } from '../../server/rules/rule.ts';
import { PAGE_CELLS, PAGE_SHIFT, pagesAcross, type Rect, type Size } from '../../shared/geometry.ts';
import { RULES, randomRule, randomState, seededRandom, stillRule } from './fixtures.ts';
import type { CreateReference } from './stepCases.ts';

/** Four pages, two of them narrow. */
export const BOUNDS_WORLD: Size = { width: 80, height: 70 };

/** A rule under which every firing cell leaves the range: some channels in one step, others in several. */
function hugeRule(): Rule {
  const rule = randomRule(21, 8, 0.5);
  for (let c = 0; c < CHANNELS; c++) rule.b2[c] = (c % 2 === 0 ? -1 : 1) * (c % 3 === 0 ? 20 : 1000);
  return { ...rule, name: 'huge' };
}

/** A rule whose every update is infinite or NaN. */
function notANumberRule(): Rule {
  const rule = randomRule(22, 4, 0.5);
  rule.b2[7] = Number.NaN;
  return { ...rule, name: 'not-a-number' };
}

/** Channel 9 overflows where hidden unit 0 is above 1.13, is clamped where it is below, and stays where it is silent. */
function overflowingRule(): Rule {
  const rule = randomRule(23, 8, 0.7, 0.1);
  for (let i = 0; i < rule.w1.length / rule.hidden; i++) rule.w1[i] *= 3; // unit 0 alone
  for (let u = 0; u < rule.hidden; u++) rule.w2[9 * rule.hidden + u] = u === 0 ? 3e38 : 0;
  return { ...rule, name: 'overflowing' };
}

/** Weights of a spreading rule times 50. */
export function explosiveRule(): Rule {
  const rule = randomRule(24, 8, 0.5, 0.3);
  const times50 = (values: Float32Array) => values.map((value) => value * 50);
  return { ...rule, name: 'explosive', w1: times50(rule.w1), w2: times50(rule.w2), b2: times50(rule.b2) };
}

/** A rule that adds nothing to an opaque cell, and infinity to an empty one. */
export function edgeRule(): Rule {
  const rule = { ...stillRule(), name: 'edge', fireRate: 0.9 };
  rule.w1[3] = -4;
  rule.b1[0] = 2; // unit 0: 2 - 4 alpha
  rule.w2[9 * rule.hidden] = 3e38;
  return rule;
}

/** Slots 0..4 are `RULES`, the others explode. */
const EXPLODING: readonly Rule[] = [hugeRule(), notANumberRule(), overflowingRule()];

/** @param maxWeight - rules with larger weights, which the engine refuses, are left out */
export function setBoundsRules(engine: Engine, maxWeight = Number.POSITIVE_INFINITY): void {
  const fitting = EXPLODING.filter(({ w2 }) => w2.every((weight) => Math.abs(weight) <= maxWeight));
  const rules = [...RULES, ...EXPLODING.map((rule) => (fitting.includes(rule) ? rule : fitting[0]))];
  rules.forEach((rule, slot) => {
    engine.setRule(slot, rule);
  });
}

const cellPlace = (page: number, cell: number, { width }: Size): readonly [x: number, y: number] => [
  (page % pagesAcross(width)) * PAGE_CELLS + (cell & (PAGE_CELLS - 1)),
  Math.floor(page / pagesAcross(width)) * PAGE_CELLS + (cell >> PAGE_SHIFT),
];

/** The box of each organism's cells. */
function boxes(state: EngineState, world: Size): Map<OrganismId, Rect> {
  const found = new Map<OrganismId, { left: number; top: number; right: number; bottom: number }>();
  for (const { page, owners } of state.pages) {
    for (const [cell, owner] of owners.entries()) {
      if (owner === 0) continue;
      const [x, y] = cellPlace(page, cell, world);
      const box = found.get(owner) ?? { left: x, top: y, right: x, bottom: y };
      found.set(owner, {
        left: Math.min(box.left, x),
        top: Math.min(box.top, y),
        right: Math.max(box.right, x),
        bottom: Math.max(box.bottom, y),
      });
    }
  }
  const asRect = ({
    left,
    top,
    right,
    bottom,
  }: {
    left: number;
    top: number;
    right: number;
    bottom: number;
  }) => ({
    x: left,
    y: top,
    width: right - left + 1,
    height: bottom - top + 1,
  });
  return new Map(Array.from(found, ([id, box]) => [id, asRect(box)]));
}

/** A territory about a box: it cuts the box, holds it, or extends beyond the world. Neighbours' territories overlap. */
export function randomTerritory({ x, y, width, height }: Rect, random: () => number): Rect | undefined {
  if (random() < 0.15) return undefined;
  const shift = () => Math.floor(random() * 9) - 4;
  if (random() < 0.2) return { x: x - 300, y: y + shift(), width: 600, height: height + 2 };
  return {
    x: x + shift(),
    y: y + shift(),
    width: Math.max(1, width + shift()),
    height: Math.max(1, height + shift()),
  };
}

/** A random state whose bodies extend beyond their territories; some cells are out of range, some not finite. */
export function unboundedState(seed: number, blobs: number): EngineState {
  const random = seededRandom(seed + 1000);
  const state = randomState(seed, BOUNDS_WORLD, blobs);
  const found = boxes(state, BOUNDS_WORLD);
  const organisms = state.organisms.map(({ id }): OrganismState => {
    const rule = Math.floor(random() * (RULES.length + EXPLODING.length));
    const box = found.get(id);
    const territory = box && randomTerritory(box, random);
    return territory === undefined ? { id, rule } : { id, rule, territory };
  });
  for (const page of state.pages) spoil(page, random);
  return { ...state, organisms };
}

function spoil({ cells, owners }: PageState, random: () => number): void {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [cell, owner] of owners.entries()) {
    if (owner === 0) continue;
    const from = cell * CHANNELS;
    const kind = random();
    if (kind < 0.1) cells[from + Math.floor(random() * CHANNELS)] = odd[Math.floor(random() * odd.length)];
    else if (kind < 0.4) for (let c = from; c < from + CHANNELS; c++) cells[c] *= 100;
  }
}

/** A state within the bounds, and the state one step later. */
export interface BoundsCase {
  readonly before: EngineState;
  readonly after: EngineState;
}

/** Cached, because the reference is slow: each test file takes its steps once for all engines. */
const made = new Map<
  string,
  { readonly create: CreateReference; readonly cases: Promise<readonly BoundsCase[]> }
>();

export function makeBoundsCases(create: CreateReference, maxWeight: number): Promise<readonly BoundsCase[]> {
  const key = `${maxWeight}`;
  const known = made.get(key);
  if (known?.create === create) return known.cases;
  const cases = takeSteps(create, maxWeight);
  made.set(key, { create, cases });
  return cases;
}

async function takeSteps(create: CreateReference, maxWeight: number): Promise<BoundsCase[]> {
  const reference = await create({ ...BOUNDS_WORLD, randomSeed: 1 });
  setBoundsRules(reference, maxWeight);
  const cases: BoundsCase[] = [];
  for (let seed = 0; seed < 12; seed++) {
    await reference.restore(unboundedState(seed, 1 + seed));
    for (let step = 0; step < 2; step++) {
      const before = await reference.save();
      await reference.step(1);
      cases.push({ before, after: await reference.save() });
    }
  }
  return cases;
}

/** Describes where a state breaks the bounds; null: nowhere. */
export function brokenBound({ organisms, pages }: EngineState, world: Size): string | null {
  const territories = new Map(organisms.map(({ id, territory }) => [id, territory]));
  for (const { page, cells, owners } of pages) {
    for (let cell = 0; cell < owners.length; cell++) {
      const owner = owners[cell];
      if (owner === 0) continue;
      const [x, y] = cellPlace(page, cell, world);
      for (let c = cell * CHANNELS; c < (cell + 1) * CHANNELS; c++)
        if (!(Math.abs(cells[c]) <= CHANNEL_LIMIT)) return `cell (${x}, ${y}) of ${owner} holds ${cells[c]}`;
      const home = territories.get(owner);
      if (home === undefined) continue;
      if (x < home.x || y < home.y || x >= home.x + home.width || y >= home.y + home.height)
        return `cell (${x}, ${y}) of ${owner} lies outside its territory`;
    }
  }
  return null;
}
