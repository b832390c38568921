/** Rules, states and comparisons for the engines' tests. All randomness is seeded. */
import { createRequire } from 'node:module';
import { expect } from 'vitest';
import { type Engine, type EngineState, isSameBytes, type PageState } from '../../server/engines/engine.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { PAGE_CELLS, pagesAcross, type Size } from '../../shared/geometry.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;

/** Whether an optional package is installed. */
export function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return false;
  }
}

/** Uniform in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A rule with random weights.
 *
 * @param growth - about what every firing cell adds to alpha: positive rules spread, negative ones die
 */
export function randomRule(seed: number, hidden: number, fireRate = 0.5, growth = 0.05): Rule {
  const random = seededRandom(seed);
  const draw = (length: number, scale: number) =>
    Float32Array.from({ length }, () => (random() * 2 - 1) * scale);
  const b2 = draw(CHANNELS, 0.02);
  b2[3] = growth;
  return {
    name: `random-${seed}`,
    hidden,
    w1: draw(hidden * PERCEPTION, 0.3),
    b1: draw(hidden, 0.1),
    w2: draw(CHANNELS * hidden, 0.1 / Math.sqrt(hidden)),
    b2,
    fireRate,
    metadata: {},
  };
}

/** A rule that changes nothing. */
export function stillRule(): Rule {
  const rule = randomRule(1, 4, 1);
  for (const weights of [rule.w1, rule.b1, rule.w2, rule.b2]) weights.fill(0);
  return rule;
}

/** Rules of slots 0..4: several sizes, fire rates, spreading and dying. */
export const RULES: readonly Rule[] = [
  randomRule(11, 16),
  randomRule(12, 4, 1, -0.04),
  randomRule(13, 32, 0.7),
  randomRule(14, 128, 0.25, 0.15),
  randomRule(15, 8, 0.5, -0.1),
];

export function setRules(engine: Engine): void {
  RULES.forEach((rule, slot) => {
    engine.setRule(slot, rule);
  });
}

/** Builds pages: cells are written by world coordinates; those outside the world are dropped. */
export class StateBuilder {
  private readonly pages = new Map<number, PageState>();
  private readonly world: Size;

  constructor(world: Size) {
    this.world = world;
  }

  /** @param channels - [16] */
  put(x: number, y: number, owner: number, channels: ArrayLike<number>): void {
    if (x < 0 || y < 0 || x >= this.world.width || y >= this.world.height) return;
    const page = Math.floor(y / PAGE_CELLS) * pagesAcross(this.world.width) + Math.floor(x / PAGE_CELLS);
    const cell = (y % PAGE_CELLS) * PAGE_CELLS + (x % PAGE_CELLS);
    const found = this.pages.get(page) ?? {
      page,
      cells: new Float32Array(CELLS * CHANNELS),
      owners: new Uint16Array(CELLS),
    };
    this.pages.set(page, found);
    found.owners[cell] = owner;
    found.cells.set(channels, cell * CHANNELS);
  }

  build(stepNumber: number, randomSeed: number, organisms: EngineState['organisms']): EngineState {
    return { stepNumber, randomSeed, organisms, pages: [...this.pages.values()] };
  }
}

/**
 * Ragged blobs of several organisms, many of them in contact, on corners and borders of pages and of the
 * world; alpha between -0.3 and 1.3, so that some cells die, some are not opaque and some saturate.
 */
export function randomState(seed: number, world: Size, blobs: number): EngineState {
  const random = seededRandom(seed);
  const builder = new StateBuilder(world);
  const organisms = Array.from({ length: blobs }, (_, i) => ({
    id: i === 0 ? 65_535 : 1 + i * 257,
    rule: Math.floor(random() * RULES.length),
  }));
  const snap = (side: number) =>
    random() < 0.6 ? Math.round((random() * side) / PAGE_CELLS) * PAGE_CELLS : Math.floor(random() * side);
  let x0 = snap(world.width);
  let y0 = snap(world.height);
  for (const { id } of organisms) {
    const radius = 1 + random() * 5;
    for (let y = Math.floor(y0 - radius); y <= y0 + radius; y++) {
      for (let x = Math.floor(x0 - radius); x <= x0 + radius; x++) {
        if (random() < 0.15) continue;
        const channels = Float32Array.from({ length: CHANNELS }, () => random() * 2 - 1);
        channels[3] = random() * 1.6 - 0.3;
        builder.put(x, y, id, channels);
      }
    }
    // The next one is usually close by.
    x0 = random() < 0.7 ? x0 + Math.round(random() * 12 - 6) : snap(world.width);
    y0 = random() < 0.7 ? y0 + Math.round(random() * 12 - 6) : snap(world.height);
  }
  const stepNumber = Math.floor(random() * 2 ** 32);
  return builder.build(stepNumber, Math.floor(random() * 2 ** 32), organisms);
}

const alphaAt = (pages: Map<number, PageState>, world: Size, x: number, y: number): number => {
  if (x < 0 || y < 0 || x >= world.width || y >= world.height) return 0;
  const page = Math.floor(y / PAGE_CELLS) * pagesAcross(world.width) + Math.floor(x / PAGE_CELLS);
  const cell = (y % PAGE_CELLS) * PAGE_CELLS + (x % PAGE_CELLS);
  return pages.get(page)?.cells[cell * CHANNELS + 3] ?? 0;
};

/**
 * Expects two states of a world after the same step to agree. A cell may differ by `tolerance`. With a tolerance, a
 * cell that an alpha within 1e-4 (and twice the tolerance) of the alive threshold decides may live in only one of them.
 */
export function expectSameState(got: EngineState, want: EngineState, world: Size, tolerance: number): void {
  expect(got.stepNumber).toBe(want.stepNumber);
  expect(got.randomSeed).toBe(want.randomSeed);
  expect(sorted(got.organisms)).toEqual(sorted(want.organisms));
  const gotPages = new Map(got.pages.map((page) => [page.page, page]));
  const wantPages = new Map(want.pages.map((page) => [page.page, page]));
  const across = pagesAcross(world.width);
  for (const index of new Set([...gotPages.keys(), ...wantPages.keys()])) {
    const a = gotPages.get(index) ?? EMPTY;
    const b = wantPages.get(index) ?? EMPTY;
    if (isSameBytes(a.cells, b.cells) && isSameBytes(a.owners, b.owners)) continue;
    for (let cell = 0; cell < CELLS; cell++) {
      const owners = [a.owners[cell], b.owners[cell]];
      let worst = 0;
      for (let c = cell * CHANNELS; c < (cell + 1) * CHANNELS; c++) {
        // NaN and infinities may be equal, too.
        if (!Object.is(a.cells[c], b.cells[c])) worst = Math.max(worst, Math.abs(a.cells[c] - b.cells[c]));
      }
      if (worst <= tolerance && owners[0] === owners[1]) continue;
      const x = (index % across) * PAGE_CELLS + (cell % PAGE_CELLS);
      const y = Math.floor(index / across) * PAGE_CELLS + Math.floor(cell / PAGE_CELLS);
      const margin = Math.max(1e-4, 2 * tolerance);
      if (tolerance > 0 && hangsOnThreshold(gotPages, wantPages, world, x, y, margin)) continue;
      expect.fail(`cell (${x}, ${y}) differs by ${worst}, owners ${owners[0]} and ${owners[1]}`);
    }
  }
}

const EMPTY: Omit<PageState, 'page'> = {
  cells: new Float32Array(CELLS * CHANNELS),
  owners: new Uint16Array(CELLS),
};

function hangsOnThreshold(
  got: Map<number, PageState>,
  want: Map<number, PageState>,
  world: Size,
  x: number,
  y: number,
  margin: number,
): boolean {
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      for (const pages of [got, want]) {
        if (Math.abs(alphaAt(pages, world, x + dx, y + dy) - 0.1) < margin) return true;
      }
    }
  }
  return false;
}

const sorted = (organisms: EngineState['organisms']) => [...organisms].sort((a, b) => a.id - b.id);

/** Copies the pixels of every page that an engine reports as changed. */
export async function changedPages(engine: Engine): Promise<Map<number, Uint8Array>> {
  const changed = new Map<number, Uint8Array>();
  await engine.visitChanged((page, rgba) => {
    if (changed.has(page)) throw new Error(`page ${page} was visited twice`);
    changed.set(page, rgba.slice());
  });
  return changed;
}
