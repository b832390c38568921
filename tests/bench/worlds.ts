/** The worlds that the step benchmark measures. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, PageState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { loadRules } from '../../server/rules/load.ts';
import { CHANNELS, PERCEPTION, type Rule } from '../../server/rules/rule.ts';
import { TERRITORY_MARGIN } from '../../server/world/mature.ts';
import { PAGE_CELLS, pagesAcross, type Rect } from '../../shared/geometry.ts';
import { StateBuilder, seededRandom } from '../engines/fixtures.ts';

const CELLS = PAGE_CELLS * PAGE_CELLS;
export const HIDDEN = 128;
export const FIRE_RATE = 0.5;

/** A rule with 128 hidden units and fire rate 0.5 whose changes are so small that every cell stays alive. */
export function steadyRule(name = 'steady'): Rule {
  const random = seededRandom(1);
  const draw = (length: number, scale: number) =>
    Float32Array.from({ length }, () => (random() * 2 - 1) * scale);
  const w2 = draw(CHANNELS * HIDDEN, 1e-4);
  w2.fill(0, 3 * HIDDEN, 4 * HIDDEN); // alpha stays
  return {
    name,
    hidden: HIDDEN,
    w1: draw(HIDDEN * PERCEPTION, 0.3),
    b1: draw(HIDDEN, 0.1),
    w2,
    b2: new Float32Array(CHANNELS),
    fireRate: FIRE_RATE,
    metadata: {},
  };
}

/** A square world in which every cell lives. @param side - a multiple of 64 */
export async function denseWorld(side: number, threads: number): Promise<Engine> {
  return fillDense(await createWasmEngine({ width: side, height: side, randomSeed: 1, threads }));
}

/** @param engine - with an empty world whose sides are multiples of 64 */
export async function fillDense<E extends Engine>(engine: E): Promise<E> {
  engine.setRule(0, steadyRule());
  const random = seededRandom(2);
  const cells = Float32Array.from({ length: CELLS * CHANNELS }, (_, i) =>
    i % CHANNELS === 3 ? 1 : random(),
  );
  const owners = new Uint16Array(CELLS).fill(1);
  const pages = Array.from({ length: pagesAcross(engine.width) * pagesAcross(engine.height) }, (_, page) => ({
    page,
    cells,
    owners,
  }));
  await engine.restore({ stepNumber: 0, randomSeed: 1, organisms: [{ id: 1, rule: 0 }], pages });
  return engine;
}

/** A grown body: its cells, relative to its seed. */
export interface Body {
  readonly rule: Rule;
  readonly cells: readonly { readonly x: number; readonly y: number; readonly channels: Float32Array }[];
}

/** The body of each rule in a folder after 1,000 steps, half a minute; without rules, steady discs of 700 cells. */
export async function grownBodies(
  folder = join(import.meta.dirname, '../../weights'),
): Promise<{ readonly source: string; readonly bodies: Body[] }> {
  const rules = existsSync(folder) ? loadRules(folder) : [];
  if (rules.length > 0) {
    const bodies = [];
    for (const rule of rules) bodies.push(await grow(rule));
    return { source: rules.map(({ name }) => name).join(', '), bodies };
  }
  const random = seededRandom(3);
  const cells = [];
  for (let y = -15; y <= 15; y++) {
    for (let x = -15; x <= 15; x++) {
      if (x * x + y * y > 223) continue;
      const channels = Float32Array.from({ length: CHANNELS }, (_, c) => (c === 3 ? 1 : random()));
      cells.push({ x, y, channels });
    }
  }
  return {
    source: `no rules in weights/: steady discs of ${cells.length} cells`,
    bodies: [{ rule: steadyRule(), cells }],
  };
}

async function grow(rule: Rule): Promise<Body> {
  const side = 4 * PAGE_CELLS;
  const middle = side / 2;
  const engine = await createWasmEngine({ width: side, height: side, randomSeed: 7 });
  engine.setRule(0, rule);
  engine.plant(1, 0, middle, middle);
  await engine.step(1000);
  const cells = [];
  for (const { page, cells: state, owners } of (await engine.save()).pages) {
    for (let cell = 0; cell < CELLS; cell++) {
      if (owners[cell] === 0) continue;
      cells.push({
        x: (page % 4) * PAGE_CELLS + (cell % PAGE_CELLS) - middle,
        y: Math.floor(page / 4) * PAGE_CELLS + Math.floor(cell / PAGE_CELLS) - middle,
        channels: state.slice(cell * CHANNELS, (cell + 1) * CHANNELS),
      });
    }
  }
  engine.dispose();
  return { rule, cells };
}

/** The territory of a body whose seed is at (left, top). */
function territoryOf({ cells }: Body, left: number, top: number): Rect {
  const xs = cells.map(({ x }) => x);
  const ys = cells.map(({ y }) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return {
    x: left + x - TERRITORY_MARGIN,
    y: top + y - TERRITORY_MARGIN,
    width: Math.max(...xs) - x + 1 + 2 * TERRITORY_MARGIN,
    height: Math.max(...ys) - y + 1 + 2 * TERRITORY_MARGIN,
  };
}

/**
 * A square world with grown organisms on a grid, each in its territory. At any distance each lies in the same place of
 * its pages, so that worlds of different sizes have the same work.
 */
export async function gardenWorld(
  side: number,
  organisms: number,
  bodies: Body[],
  threads: number,
  rest = 0,
  bounds = true,
): Promise<Engine> {
  const engine = await createWasmEngine({ width: side, height: side, randomSeed: 1, threads, rest, bounds });
  return fillGarden(engine, organisms, bodies);
}

/** @param engine - with an empty, square world */
export async function fillGarden<E extends Engine>(engine: E, organisms: number, bodies: Body[]): Promise<E> {
  bodies.forEach(({ rule }, slot) => {
    engine.setRule(slot, rule);
  });
  const perRow = Math.ceil(Math.sqrt(organisms));
  const spacing = Math.floor(engine.width / perRow / PAGE_CELLS) * PAGE_CELLS;
  const builder = new StateBuilder(engine);
  const listed = [];
  for (let n = 0; n < organisms; n++) {
    const slot = n % bodies.length;
    const left = (n % perRow) * spacing + ((n * 37) % PAGE_CELLS);
    const top = Math.floor(n / perRow) * spacing + ((n * 53) % PAGE_CELLS);
    listed.push({ id: n + 1, rule: slot, territory: territoryOf(bodies[slot], left, top) });
    for (const { x, y, channels } of bodies[slot].cells) builder.put(left + x, top + y, n + 1, channels);
  }
  await engine.restore(builder.build(0, 1, listed));
  return engine;
}

/** How many cells are alive in all. */
export async function population(engine: Engine): Promise<number> {
  return (await engine.census()).reduce((sum, { cells }) => sum + cells, 0);
}

export type { PageState };
