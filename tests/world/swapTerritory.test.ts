import { describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import type { MatureForm } from '../../server/world/mature.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { World } from '../../server/world/world.ts';
import type { Rect } from '../../shared/geometry.ts';
import { loadBlob } from './makeWorld.ts';

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
