import { describe, expect, test } from 'vitest';
import type { Engine, EngineState } from '../../server/engines/engine.ts';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import type { MatureForm } from '../../server/world/mature.ts';
import { allCellsOf } from '../../server/world/perturb.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { World } from '../../server/world/world.ts';
import type { Rect } from '../../shared/geometry.ts';
import { loadBlob } from './makeWorld.ts';
import { stateOf } from './wholeWorld.ts';

const PLACE = { x: 32, y: 30 };

/** The same form in a box that reaches `reach` cells from the seed. */
function padded({ x, y, width, height, rgba }: MatureForm, reach: number): MatureForm {
  const side = 2 * reach + 1;
  const form = { x: -reach, y: -reach, width: side, height: side, rgba: new Float32Array(side * side * 4) };
  for (let row = 0; row < height; row++) {
    const to = ((row + y + reach) * side + x + reach) * 4;
    form.rgba.set(rgba.subarray(row * width * 4, (row + 1) * width * 4), to);
  }
  return form;
}

async function blobOf(reach: number): Promise<LoadedRule> {
  const blob = await loadBlob();
  return { ...blob, mature: padded(blob.mature, reach), sha256: `reach ${reach}`, label: `reach ${reach}` };
}

interface Swapping {
  readonly world: World;
  readonly engine: Engine;
  readonly outcomes: string[];
  /** Cells from its place that the territory of organism 1 reaches. */
  reach(): Promise<number>;
  live(steps: number): Promise<void>;
  swap(next: LoadedRule): Promise<void>;
}

/** A grown blob, by a rule whose form reaches `reach` cells. */
async function grown(reach: number): Promise<Swapping> {
  const engine = await createWasmEngine({ width: 64, height: 64, randomSeed: 5 });
  const world = new World(engine, [await blobOf(reach)]);
  const outcomes: string[] = [];
  world.swaps.onOutcome = ({ rule, verdict }) => outcomes.push(`${rule} ${verdict}`);
  world.plantAt('blob', PLACE.x, PLACE.y);
  const live = async (steps: number): Promise<void> => {
    for (let step = 0; step < steps; step += 2) {
      await engine.step(2);
      await world.observe(2 / 30);
    }
  };
  await live(200);
  let swaps = 0;
  return {
    world,
    engine,
    outcomes,
    live,
    async reach() {
      const { x, y, width, height } = (await engine.save()).organisms[0].territory as Rect;
      const reaches = [PLACE.x - x, PLACE.y - y, x + width - 1 - PLACE.x, y + height - 1 - PLACE.y];
      expect(new Set(reaches).size).toBe(1);
      return reaches[0];
    },
    async swap(next) {
      const order = { id: ++swaps, species: 'blob', scope: 'species', who: '' } as const;
      expect(await world.swap(order, next)).toMatchObject({ ok: true });
    },
  };
}

describe('the territory of a body whose rule is swapped', () => {
  test('holds both forms while the swap is watched, then the new one', async () => {
    const swapping = await grown(12);
    expect(await swapping.reach()).toBe(20);
    await swapping.swap(await blobOf(5));
    expect(await swapping.reach()).toBe(20);
    await swapping.live(590);
    expect(await swapping.reach()).toBe(20);
    await swapping.live(20);
    expect(swapping.outcomes).toEqual(['reach 5 in force']);
    expect(await swapping.reach()).toBe(13);
  });

  test('grows at once when the new form is larger', async () => {
    const swapping = await grown(5);
    await swapping.swap(await blobOf(12));
    expect(await swapping.reach()).toBe(20);
  });

  test('holds the forms of all rules whose watch has not ended', async () => {
    const swapping = await grown(9);
    await swapping.swap(await blobOf(12));
    await swapping.swap(await blobOf(5));
    expect(swapping.outcomes).toEqual(['reach 12 superseded']);
    expect(await swapping.reach()).toBe(20);
    await swapping.live(602);
    expect(swapping.outcomes.at(-1)).toBe('reach 5 in force');
    expect(await swapping.reach()).toBe(13);
  });

  test('is the old form’s again when the rule is rolled back', async () => {
    const swapping = await grown(9);
    const large = await blobOf(12);
    // It grows no body and keeps no cell alive.
    const deadly = { ...large, rule: { ...large.rule, b2: new Float32Array(16).fill(-1) } };
    await swapping.swap(deadly);
    expect(await swapping.reach()).toBe(20);
    await swapping.live(60);
    expect(swapping.outcomes).toEqual(['reach 12 rolled back']);
    expect(await swapping.reach()).toBe(17);
    expect(swapping.world.overview.summaries()[0].cells).toBeGreaterThan(40);
  });
});

describe('a body that is followed while the swap of its rule is watched', () => {
  /** Moves every cell of the only page. */
  function moved({ pages: [{ page, cells, owners }], ...state }: EngineState, dx: number): EngineState {
    const after = { page, cells: new Float32Array(cells.length), owners: new Uint16Array(owners.length) };
    for (let cell = 0; cell < owners.length; cell++) {
      if (owners[cell] === 0) continue;
      after.owners[cell + dx] = owners[cell];
      after.cells.set(cells.subarray(cell * 16, cell * 16 + 16), (cell + dx) * 16);
    }
    return { ...state, pages: [after] };
  }

  /** Columns in which organism 1 has cells, and those of its territory: first and last. */
  async function columns(engine: Engine): Promise<[cells: [number, number], territory: [number, number]]> {
    const { organisms, pages } = await engine.save();
    const taken = Array.from(pages[0].owners.keys()).filter((cell) => pages[0].owners[cell] === 1);
    const xs = taken.map((cell) => cell % 64);
    const { x, width } = organisms[0].territory as Rect;
    return [
      [Math.min(...xs), Math.max(...xs)],
      [x, x + width - 1],
    ];
  }

  /** Followed to 12 cells beside its place: farther than its territory reached around its form. */
  async function followed(): Promise<Swapping> {
    const swapping = await grown(5);
    const { world, engine } = swapping;
    await swapping.swap(await blobOf(7));
    // Past the verdict on health, which a body that was moved by hand would fail.
    await swapping.live(130);
    for (let times = 1; times <= 3; times++) {
      await engine.restore(moved(await engine.save(), 4));
      await swapping.live(90);
      expect(world.organisms.get(1)!.x).toBe(PLACE.x + 4 * times);
      const [cells, territory] = await columns(engine);
      expect(cells[0]).toBeGreaterThanOrEqual(territory[0]);
      expect(cells[1]).toBeLessThanOrEqual(territory[1]);
      expect(territory).toEqual([PLACE.x + 4 * times - 15, PLACE.x + 4 * times + 15]);
    }
    return swapping;
  }

  async function expectRolledBack(
    { world, engine, outcomes, live }: Swapping,
    before: number,
  ): Promise<void> {
    engine.perturb(allCellsOf(1));
    await live(2);
    expect(outcomes).toEqual(['reach 7 rolled back']);
    expect(world.organisms.get(1)).toMatchObject({ ...PLACE, absence: null });
    const [, territory] = await columns(engine);
    expect(territory).toEqual([PLACE.x - 13, PLACE.x + 13]);
    expect((await engine.census())[0].cells).toBeGreaterThan(0.9 * before);
    await live(30);
    expect(world.organisms.get(1)!.health).toBeGreaterThan(0.9);
  }

  test('keeps its cells within its territory, and is put back whole, and to its old place, by a rollback', async () => {
    const swapping = await followed();
    const [{ cells }] = await swapping.engine.census();
    await expectRolledBack(swapping, cells);
  });

  test('is put back to its old place, also when the server was restarted meanwhile', async () => {
    const first = await followed();
    const [{ cells }] = await first.engine.census();
    const second = await grown(5);
    const next = await blobOf(7);
    await second.world.restore(structuredClone(await stateOf(first.world)), async () => next);
    expect(second.world.organisms.get(1)!.x).toBe(PLACE.x + 12);
    await expectRolledBack(second, cells);
  });

  test('goes back to where it stood under the last rule that passed its watch', async () => {
    const swapping = await followed();
    await swapping.swap({ ...(await blobOf(7)), sha256: 'another', label: 'another' });
    swapping.engine.perturb(allCellsOf(1));
    await swapping.live(2);
    expect(swapping.outcomes).toEqual(['reach 7 superseded', 'another rolled back']);
    expect(swapping.world.organisms.get(1)).toMatchObject(PLACE);
  });
});
