/** The data directory of a world in which thousands of grown bodies sleep: planting and growing them would take hours. */
import { join } from 'node:path';
import type { PageState } from '../../../server/engines/engine.ts';
import { createWasmEngine } from '../../../server/engines/wasm/engine.ts';
import { CHANNELS } from '../../../server/rules/rule.ts';
import { cachedGrower } from '../../../server/world/mature.ts';
import { matureFiles } from '../../../server/world/matureFiles.ts';
import type { OrganismRecord } from '../../../server/world/organismRecord.ts';
import { kernelOf } from '../../../server/world/savedFiles.ts';
import { startRules } from '../../../server/world/startRules.ts';
import { WorldFiles } from '../../../server/world/worldFiles.ts';
import { PAGE_CELLS, pagesAcross } from '../../../shared/geometry.ts';

/** Steps in which a body grows before it falls asleep. */
const GROWN_STEPS = 600;
/** Cells between two bodies' places: the widest is 40 cells. */
const SPACING = 64;
/** Of the engine in which one body grows. */
const NURSERY = 256;
/** World time: long enough that nobody is young. */
const RUN_SECONDS = 3_600;

/** A grown body: the cells of one page in which it lies, and where its seed was. */
interface Grown {
  readonly species: string;
  readonly sha256: string;
  readonly seed: { readonly x: number; readonly y: number };
  readonly cells: readonly { readonly x: number; readonly y: number; readonly channels: Float32Array }[];
}

export interface Crowd {
  /** Sides of the world, in cells. */
  readonly side: number;
  /** The places of the bodies. */
  readonly seeds: readonly { readonly x: number; readonly y: number }[];
  readonly cells: number;
}

/**
 * Writes a world of sleeping bodies, one in each page.
 *
 * @param dataDir - an empty folder
 */
export async function makeCrowd(dataDir: string, count: number): Promise<Crowd> {
  const weightsDir = join(import.meta.dirname, '../../../weights');
  const forms = matureFiles(join(dataDir, 'mature'));
  const rules = await startRules({ weightsDir, dataDir }, cachedGrower(forms, createWasmEngine));
  rules.close();
  const grown: Grown[] = [];
  const engine = await createWasmEngine({ width: NURSERY, height: NURSERY, randomSeed: 3 });
  for (const [slot, { rule, card, sha256, mature }] of rules.rules.entries()) {
    engine.setRule(slot, rule);
    // So that the mature form stands in the middle of a page.
    const x = 2 * PAGE_CELLS + Math.round((PAGE_CELLS - mature.width) / 2) - mature.x;
    const y = 2 * PAGE_CELLS + Math.round((PAGE_CELLS - mature.height) / 2) - mature.y;
    engine.plant(1, slot, x, y);
    await engine.step(GROWN_STEPS);
    const body = (await engine.copyBodies([1])).get(1) ?? [];
    const cells = body.flatMap(({ page, cells, values }) =>
      Array.from(cells, (cell, i) => ({
        x: ((page % pagesAcross(NURSERY)) - 2) * PAGE_CELLS + (cell % PAGE_CELLS),
        y: (Math.floor(page / pagesAcross(NURSERY)) - 2) * PAGE_CELLS + Math.floor(cell / PAGE_CELLS),
        channels: values.slice(i * CHANNELS, (i + 1) * CHANNELS),
      })).filter((cell) => cell.x >= 0 && cell.y >= 0 && cell.x < PAGE_CELLS && cell.y < PAGE_CELLS),
    );
    grown.push({
      species: card.name,
      sha256,
      seed: { x: x - 2 * PAGE_CELLS, y: y - 2 * PAGE_CELLS },
      cells,
    });
    engine.remove(1);
  }
  const kernel = kernelOf(engine);
  engine.dispose();

  const across = Math.ceil(Math.sqrt(count));
  const side = across * SPACING;
  const of = (n: number): Grown => grown[n % grown.length];
  const placeOf = (n: number): { x: number; y: number } => ({
    x: (n % across) * SPACING + of(n).seed.x,
    y: Math.floor(n / across) * SPACING + of(n).seed.y,
  });
  const organisms = Array.from(
    { length: count },
    (_, n): OrganismRecord => ({
      id: n + 1,
      species: of(n).species,
      rule: of(n).sha256,
      ...placeOf(n),
      planter: '',
      plantedStep: 0,
      plantedSeconds: 0,
      health: 1,
      history: Array(240).fill(1),
      isAsleep: true,
    }),
  );
  const pages = (async function* (): AsyncGenerator<PageState> {
    for (let n = 0; n < count; n++) {
      const page = {
        page: Math.floor(n / across) * pagesAcross(side) + (n % across),
        cells: new Float32Array(PAGE_CELLS * PAGE_CELLS * CHANNELS),
        owners: new Uint16Array(PAGE_CELLS * PAGE_CELLS),
      };
      for (const { x, y, channels } of of(n).cells) {
        page.owners[y * PAGE_CELLS + x] = n + 1;
        page.cells.set(channels, (y * PAGE_CELLS + x) * CHANNELS);
      }
      yield page;
    }
  })();
  const files = await WorldFiles.open({ folder: dataDir, durability: 'os', log: () => {} });
  const segment = await files.begin(kernel);
  const facts = {
    width: side,
    height: side,
    stepNumber: RUN_SECONDS * 30,
    randomSeed: 1,
    runSeconds: RUN_SECONDS,
    nextId: count + 1,
    organisms,
  };
  await files.write(
    {
      changed: pages,
      changedCount: () => count,
      moment: () => ({ facts, segment, isAfterGap: false, kept: [], gone: [], aside: [] }),
      written: () => {},
    },
    { isLast: true },
  );
  await files.close();
  return {
    side,
    seeds: organisms.map(({ x, y }) => ({ x, y })),
    cells: organisms.reduce((sum, _, n) => sum + of(n).cells.length, 0),
  };
}
