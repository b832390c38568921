/** Tests of the bounds for every engine: the range of channels, the death of cells that are not finite, territories. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CHANNEL_LIMIT,
  type Engine,
  EngineError,
  type EngineOptions,
  type EngineState,
  type OrganismCensus,
  type Perturbation,
} from '../../server/engines/engine.ts';
import type { Rect } from '../../shared/geometry.ts';
import {
  BOUNDS_WORLD,
  type BoundsCase,
  brokenBound,
  edgeRule,
  explosiveRule,
  makeBoundsCases,
  randomTerritory,
  setBoundsRules,
  unboundedState,
} from './boundsCases.ts';
import { changedPages, expectSameState, randomRule, seededRandom } from './fixtures.ts';
import type { CreateReference } from './stepCases.ts';

export interface BoundsOptions {
  /** Largest difference of a channel within 0..1; that of larger channels is larger in proportion. */
  readonly tolerance: number;
  readonly createReference: CreateReference;
  /** Steps of a rule that explodes. */
  readonly explosiveSteps: number;
  /** The engine refuses rules with larger weights. */
  readonly maxWeight: number;
  /** `steps`: only the rules of a step itself. */
  readonly scope: 'whole' | 'steps';
}

const CIRCLE = { x0: 40, y0: 34, x1: 40, y1: 34, radius: 500 };

/** @param create - a fresh engine; the suite disposes of it */
export function describeBounds(
  create: (options: EngineOptions) => Promise<Engine>,
  { tolerance, createReference, explosiveSteps, maxWeight, scope }: BoundsOptions,
): void {
  describe('bounds', () => {
    let engine: Engine;
    let reference: Engine;
    /** An engine with bounds off. */
    let plain: Engine;
    let cases: readonly BoundsCase[];
    const allowed = tolerance * CHANNEL_LIMIT;

    beforeAll(async () => {
      engine = await create({ ...BOUNDS_WORLD, randomSeed: 1 });
      plain = await create({ ...BOUNDS_WORLD, randomSeed: 1, bounds: false });
      reference = await createReference({ ...BOUNDS_WORLD, randomSeed: 1 });
      for (const made of [engine, plain, reference]) setBoundsRules(made, maxWeight);
      cases = await makeBoundsCases(createReference, maxWeight);
    });

    afterAll(() => {
      for (const made of [engine, plain, reference]) made?.dispose();
    });

    async function startFrom(seed: number, blobs = 6): Promise<EngineState> {
      const state = unboundedState(seed, blobs);
      for (const made of [engine, reference]) {
        await made.restore(state);
        await changedPages(made);
      }
      return state;
    }

    async function expectSame(most = 0): Promise<void> {
      const got = await engine.save();
      expect(brokenBound(got, engine)).toBeNull();
      expectSameState(got, await reference.save(), BOUNDS_WORLD, most);
    }

    test('one step equals the reference with territories that cut bodies, channels at the ends of the range, and huge, NaN and infinite updates', async () => {
      for (const { before, after } of cases) {
        await engine.restore(before);
        await engine.step(1);
        const got = await engine.save();
        expect(brokenBound(got, engine)).toBeNull();
        expectSameState(got, after, BOUNDS_WORLD, allowed);
        expect(sum(await engine.census())).toBe(ownedCells(got));
      }
    });

    test('a rule that explodes never leaves its territory and never breaks the engine', async () => {
      const territory: Rect = { x: 57, y: 58, width: 13, height: 12 };
      await engine.restore({ stepNumber: 0, randomSeed: 8, organisms: [], pages: [] });
      engine.setRule(0, explosiveRule());
      engine.plant(1, 0, 63, 63, territory);
      let most = 0;
      for (let step = 0; step < explosiveSteps; step += 10) {
        // It may die by itself; then it is planted again.
        const [{ cells }] = await engine.census();
        if (cells === 0) {
          engine.remove(1);
          engine.plant(1, 0, 63, 63, territory);
        }
        most = Math.max(most, cells);
        await engine.step(10);
        expect(brokenBound(await engine.save(), engine)).toBeNull();
      }
      expect(most).toBeGreaterThan(60);
      // The engine still works: with a harmless rule it steps as the reference does.
      setBoundsRules(engine, maxWeight);
      await reference.restore(await engine.save());
      await engine.step(1);
      await reference.step(1);
      await expectSame(allowed);
    });

    if (scope === 'steps') return;

    test('a state out of bounds is mended by its restore, and its territories are kept', async () => {
      for (const seed of [30, 31, 32]) {
        const raw = await startFrom(seed, 8);
        expect(brokenBound(raw, BOUNDS_WORLD)).not.toBeNull();
        await expectSame();
        const saved = await engine.save();
        expect(saved.organisms).toHaveLength(raw.organisms.length);
        for (const organism of raw.organisms) expect(saved.organisms).toContainEqual(organism);
        expect(await engine.census()).toEqual(expect.arrayContaining(await reference.census()));
        await engine.restore(saved);
        expectSameState(await engine.save(), saved, BOUNDS_WORLD, 0);
      }
    });

    test('setting the territory of a living body clears the cells outside at once, and the body grows into a wider one', async () => {
      for (const seed of [40, 41]) {
        const random = seededRandom(seed);
        const { organisms } = await startFrom(seed, 7);
        for (let round = 0; round < 6; round++) {
          const { id } = organisms[Math.floor(random() * organisms.length)];
          const around = { x: Math.floor(random() * 70), y: Math.floor(random() * 60), width: 12, height: 9 };
          const territory = round % 3 === 2 ? undefined : randomTerritory(around, random);
          for (const made of [engine, reference]) made.setTerritory(id, territory);
          await expectSame(tolerance === 0 ? 0 : allowed);
          if (tolerance > 0) await reference.restore(await engine.save());
          await engine.step(1);
          await reference.step(1);
          await expectSame(allowed);
          if (tolerance === 0) expect(await changedPages(engine)).toEqual(await changedPages(reference));
        }
      }
    });

    test('a territory moved away from a body kills it and leaves its id in use', async () => {
      await engine.restore({ stepNumber: 3, randomSeed: 3, organisms: [], pages: [] });
      engine.plant(4, 0, 63, 63, { x: 50, y: 50, width: 20, height: 20 });
      await engine.step(6);
      await changedPages(engine);
      engine.setTerritory(4, { x: 0, y: 0, width: 9, height: 9 });
      expect(await engine.census()).toEqual([{ organism: 4, cells: 0 }]);
      const changed = [...(await changedPages(engine)).values()];
      expect(changed.length).toBeGreaterThan(0);
      expect(changed.every((rgba) => rgba.every((byte) => byte === 0))).toBe(true);
      await engine.step(2);
      expect(engine.pageCount).toBe(0);
      expect(() => engine.plant(4, 0, 5, 5)).toThrow(EngineError);
    });

    test('noise stays within the range, and clears cells that it makes infinite', async () => {
      const noises: readonly Perturbation[] = [
        { kind: 'noise', capsules: [CIRCLE], amplitude: 90, salt: 5 },
        { kind: 'noise', capsules: [CIRCLE], amplitude: 1e39, salt: 6 },
      ];
      for (const noise of noises) {
        await startFrom(50, 8);
        for (const made of [engine, reference]) made.perturb(noise);
        await expectSame();
        expect(sum(await engine.census())).toBe(sum(await reference.census()));
        expect(await changedPages(engine)).toEqual(await changedPages(reference));
        await engine.step(1);
        await reference.step(1);
        await expectSame(allowed);
      }
    });

    test('through random steps and edits no cell leaves its territory or the range', async () => {
      for (const seed of [60, 61]) {
        const random = seededRandom(seed);
        await startFrom(seed, 6);
        for (let round = 0; round < 14; round++) {
          const act = randomAct(random, round, await engine.census());
          // Long rollouts drift apart, so only engines that are equal to the bit are compared.
          for (const made of tolerance === 0 ? [engine, reference] : [engine]) {
            act(made);
            await made.step(1 + (round % 3));
          }
          const state = await engine.save();
          expect(brokenBound(state, engine)).toBeNull();
          expect(sum(await engine.census())).toBe(ownedCells(state));
          if (tolerance === 0) await expectSame();
        }
      }
      setBoundsRules(engine, maxWeight);
      setBoundsRules(reference, maxWeight);
    });

    // Weights of at most 65,504 cannot overflow in this way.
    test.skipIf(maxWeight < 3e38)(
      'what explodes beside a body at rest is tried again in every step',
      async () => {
        const rule = edgeRule();
        const counts = new Set<number>();
        for (const made of [engine, reference]) {
          await made.restore({ stepNumber: 0, randomSeed: 6, organisms: [], pages: [] });
          made.setRule(0, rule);
          made.plant(1, 0, 63, 30);
        }
        for (let step = 0; step < 16; step++) {
          for (const made of [engine, reference]) await made.step(1);
          await expectSame();
          counts.add((await engine.census())[0].cells);
        }
        expect(counts.size).toBeGreaterThan(2);
        for (const made of [engine, reference]) setBoundsRules(made, maxWeight);
      },
    );

    test('a lone body in its territory equals the plain model to the bit', async () => {
      for (const made of [engine, plain]) {
        await made.restore({ stepNumber: 0, randomSeed: 2, organisms: [], pages: [] });
        made.setRule(0, randomRule(31, 12, 0.5, 0.06));
      }
      engine.plant(1, 0, 62, 40, { x: 43, y: 21, width: 400, height: 39 });
      plain.plant(1, 0, 62, 40);
      for (let round = 0; round < 3; round++) {
        await engine.step(6);
        await plain.step(6);
        const [got, want] = [await engine.save(), await plain.save()];
        expectSameState(got, { ...want, organisms: got.organisms }, BOUNDS_WORLD, 0);
      }
      expect((await engine.census())[0].cells).toBeGreaterThan(100);
      for (const made of [engine, plain]) setBoundsRules(made, maxWeight);
    });

    test('with bounds off channels take any value and territories have no effect', async () => {
      const model = await createReference({ ...BOUNDS_WORLD, randomSeed: 1, bounds: false });
      setBoundsRules(model, maxWeight);
      for (const seed of [70, 71, 72]) {
        const raw = unboundedState(seed, 6);
        // Engines with other arithmetic agree only on finite numbers.
        const state = tolerance === 0 ? raw : onlyNumbers(raw);
        for (const made of [plain, model]) await made.restore(state);
        expectSameState(await plain.save(), state, BOUNDS_WORLD, 0);
        for (const made of [plain, model]) {
          made.perturb({ kind: 'noise', capsules: [CIRCLE], amplitude: 90, salt: 5 });
          made.setTerritory(65_535, { x: 0, y: 0, width: 1, height: 1 });
        }
        expectSameState(await plain.save(), await model.save(), BOUNDS_WORLD, 0);
        expect(brokenBound(await plain.save(), BOUNDS_WORLD)).not.toBeNull();
        if (tolerance > 0) continue;
        for (const made of [plain, model]) await made.step(1);
        expectSameState(await plain.save(), await model.save(), BOUNDS_WORLD, 0);
      }
      model.dispose();
    });

    test('an invalid territory and a seed outside its territory are refused, and the world is unchanged', async () => {
      const state = await startFrom(80);
      const wrongs: readonly Rect[] = [
        { x: 0, y: 0, width: 0, height: 5 },
        { x: 0, y: 0, width: 5, height: -1 },
        { x: 0.5, y: 0, width: 5, height: 5 },
        { x: 0, y: Number.NaN, width: 5, height: 5 },
        { x: 0, y: 0, width: Number.POSITIVE_INFINITY, height: 5 },
      ];
      for (const wrong of wrongs) {
        expect(() => engine.setTerritory(65_535, wrong)).toThrow(EngineError);
        expect(() => engine.plant(1, 0, 0, 0, wrong)).toThrow(EngineError);
        const organisms = state.organisms.map((organism) => ({ ...organism, territory: wrong }));
        await expect(engine.restore({ ...state, organisms })).rejects.toThrow(/territory/);
      }
      expect(() => engine.setTerritory(1, undefined)).toThrow(EngineError);
      expect(() => engine.plant(1, 0, 5, 5, { x: 6, y: 0, width: 9, height: 9 })).toThrow(
        /cell \(5, 5\) is not inside the territory 9 x 9 at \(6, 0\)/,
      );
      await expectSame();
      for (const made of [engine, reference]) {
        made.plant(1, 0, 5, 5, { x: -20, y: 5, width: 26, height: 1 });
        await made.step(1);
      }
      await expectSame(allowed);
    });
  });
}

/** A random edit between two steps, the same for every engine. */
function randomAct(
  random: () => number,
  round: number,
  census: readonly OrganismCensus[],
): (engine: Engine) => void {
  const x = Math.floor(random() * BOUNDS_WORLD.width);
  const y = Math.floor(random() * BOUNDS_WORLD.height);
  const near = { x0: x, y0: y, x1: Math.floor(random() * 80), y1: y, radius: 1 + random() * 6 };
  const { organism } = census[Math.floor(random() * census.length)];
  const slot = Math.floor(random() * 8);
  const territory = randomTerritory({ x, y, width: 14, height: 11 }, random);
  const amplitude = 200 * random();
  switch (Math.floor(random() * 8)) {
    case 0:
      return (engine) => engine.perturb({ kind: 'ablate', ...near });
    case 1:
      return (engine) => engine.perturb({ kind: 'noise', capsules: [near], amplitude, salt: round });
    case 2:
      return (engine) => engine.perturb({ kind: 'truncate', organism, x, y, radius: 8 });
    case 3:
      return (engine) => engine.setOrganismRule(organism, slot);
    case 4:
      return (engine) => engine.setRule(slot, explosiveRule());
    case 5:
      return (engine) => engine.plant(100 + round, slot, x, y, { x: x - 3, y: y - 5, width: 9, height: 7 });
    case 6:
      return (engine) => (census.length > 1 ? engine.remove(organism) : engine.plant(200 + round, 0, x, y));
    default:
      return (engine) => engine.setTerritory(organism, territory);
  }
}

const onlyNumbers = (state: EngineState): EngineState => ({
  ...state,
  pages: state.pages.map((page) => ({
    ...page,
    cells: page.cells.map((value) => (Number.isFinite(value) ? value : 100)),
  })),
});

const sum = (census: readonly OrganismCensus[]): number => census.reduce((all, { cells }) => all + cells, 0);

const ownedCells = ({ pages }: EngineState): number =>
  pages.reduce((all, { owners }) => all + owners.filter((owner) => owner !== 0).length, 0);
