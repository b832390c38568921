/** Bodies that are copied and put back. Part of the contract (`contract.ts`). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Engine,
  EngineError,
  type EngineOptions,
  type OrganismId,
  type PageState,
  type Piece,
} from '../../server/engines/engine.ts';
import { piecesIn } from '../../server/engines/pieces.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { PAGE_CELLS } from '../../shared/geometry.ts';
import { changedPages, expectSameState, setRules } from './fixtures.ts';

const WORLD = { width: 200, height: 130 };
const EMPTY = { stepNumber: 7, randomSeed: 3, organisms: [], pages: [] };

const byPage = (a: { readonly page: number }, b: { readonly page: number }): number => a.page - b.page;

/** In one order, whatever order an engine has. */
const sorted = (bodies: ReadonlyMap<OrganismId, readonly Piece[]>): unknown =>
  [...bodies].map(([id, pieces]) => [id, pieces.toSorted(byPage)] as const).sort(([a], [b]) => a - b);

/** @param create - fresh engines; disposed of at the end */
export function describeBodies(create: (options: EngineOptions) => Promise<Engine>): void {
  describe('bodies', () => {
    let engine: Engine;

    beforeAll(async () => {
      engine = await create({ ...WORLD, randomSeed: 1 });
      setRules(engine);
    });

    beforeEach(async () => {
      await engine.restore(EMPTY);
      // Over the corner of four pages, and alone in one.
      engine.plant(1, 0, 64, 64);
      engine.plant(2, 0, 150, 30);
      await engine.step(8);
      await changedPages(engine);
    });

    afterAll(() => engine.dispose());

    const ownersAt = async (x: number, y: number): Promise<number> => {
      const owner = new Uint16Array(1);
      await engine.readOwners({ x, y, width: 1, height: 1 }, owner);
      return owner[0];
    };

    test.each(['awake', 'asleep'])(
      'are the cells that a save has, of those that are asked for: %s',
      async (how) => {
        if (how === 'asleep') await engine.sleep(1);
        const { pages } = await engine.save();
        const bodies = await engine.copyBodies([1, 77]);
        expect(sorted(bodies)).toEqual(sorted(piecesIn(pages, [1])));
        expect(bodies.get(1)).toHaveLength(4);
      },
    );

    test.each(['awake', 'asleep'])('come back to the bit, and are awake: %s', async (how) => {
      const before = await engine.save();
      const bodies = await engine.copyBodies([1, 2]);
      await engine.step(6);
      engine.perturb({ kind: 'ablate', x0: 64, y0: 64, x1: 64, y1: 64, radius: 5 });
      if (how === 'asleep') for (const id of [1, 2]) await engine.sleep(id);
      await engine.takeChanges();
      await changedPages(engine);
      await engine.putBodies(bodies);
      expectSameState(await engine.save(), { ...before, stepNumber: 21 }, WORLD, 0);
      expect([...engine.awakeIds()].toSorted()).toEqual([1, 2]);
      const { changed } = await engine.takeChanges();
      expect(changed.toSorted()).toEqual(before.pages.map(({ page }) => page).toSorted());
      expect([...(await changedPages(engine)).keys()].length).toBeGreaterThan(0);
      // As a world that was restored lives.
      const model = await create({ ...WORLD, randomSeed: 1 });
      setRules(model);
      await model.restore({ ...before, stepNumber: 21 });
      for (const made of [engine, model]) await made.step(6);
      expectSameState(await engine.save(), await model.save(), WORLD, 0);
      model.dispose();
    });

    test('lose the cells that they have grown since', async () => {
      const bodies = await engine.copyBodies([2]);
      const { cells } = (await engine.census([2]))[0];
      await engine.step(20);
      expect((await engine.census([2]))[0].cells).toBeGreaterThan(cells);
      await engine.putBodies(bodies);
      expect((await engine.census([2]))[0].cells).toBe(cells);
    });

    test('leave cells to others, to those put before them, and outside their territory', async () => {
      const [one, two] = [1, 2].map((id) => new Map([[id, []]]));
      await engine.putBodies(new Map([...one, ...two]));
      engine.plant(3, 0, 10, 10);
      engine.setTerritory(2, { x: 0, y: 0, width: 13, height: 20 });
      const row = (...columns: number[]): Piece => ({
        page: 0,
        cells: Uint16Array.from(columns, (x) => 10 * PAGE_CELLS + x),
        values: new Float32Array(columns.length * CHANNELS).fill(0.5),
      });
      await engine.putBodies(
        new Map([
          [1, [row(9, 10, 11)]],
          [2, [row(10, 11, 12, 13)]],
        ]),
      );
      const owners = [];
      for (let x = 8; x < 15; x++) owners.push(await ownersAt(x, 10));
      expect(owners).toEqual([0, 1, 3, 1, 2, 0, 0]);
    });

    test('are brought into range', async () => {
      const values = new Float32Array(2 * CHANNELS).fill(1_000);
      values[CHANNELS + 3] = Number.NaN;
      const wild: Piece = { page: 0, cells: Uint16Array.of(70, 71), values };
      await engine.putBodies(new Map([[1, [wild]]]));
      expect(await engine.census([1])).toEqual([{ organism: 1, cells: 1 }]);
      const [piece] = (await engine.copyBodies([1])).get(1)!;
      expect(piece.values).toEqual(new Float32Array(CHANNELS).fill(64));
    });

    test('that do not fit the world are refused, and nothing is changed', async () => {
      const before = await engine.save();
      const piece: Piece = { page: 0, cells: Uint16Array.of(1), values: new Float32Array(CHANNELS) };
      const refused = async (id: OrganismId, wrong: Partial<Piece>): Promise<void> => {
        const bodies = new Map([
          [1, []],
          [id, [{ ...piece, ...wrong }]],
        ]);
        await expect(engine.putBodies(bodies)).rejects.toThrow(EngineError);
      };
      await refused(77, {});
      await refused(2, { page: 12 });
      await refused(2, { cells: Uint16Array.of(4_096) });
      await refused(2, { values: new Float32Array(3) });
      const pages = (state: { readonly pages: readonly PageState[] }) => state.pages.toSorted(byPage);
      expect(pages(await engine.save())).toEqual(pages(before));
    });
  });
}
