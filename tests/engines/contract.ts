/**
 * The contract of every engine. Compares single steps from many states with `reference.ts`, never long rollouts, which
 * drift apart at the alive threshold.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Engine,
  EngineError,
  type EngineOptions,
  type EngineState,
  type OrganismCensus,
  type Perturbation,
} from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { CHANNELS } from '../../server/rules/rule.ts';
import { PAGE_BYTES, type Rect, type Size } from '../../shared/geometry.ts';
import { describeBodies } from './bodies.ts';
import { describeBounds } from './bounds.ts';
import { describeChanges } from './changes.ts';
import {
  changedPages,
  expectSameState,
  RULES,
  randomRule,
  randomState,
  setRules,
  stillRule,
} from './fixtures.ts';
import { describeSleep } from './sleeping.ts';
import { type CreateReference, makeStepCases, SHARED, type StepCase, WORLDS } from './stepCases.ts';

export interface ContractOptions {
  /** Largest difference of a channel after one step; 0: equal to the bit. */
  readonly tolerance: number;
  /** The engine to compare with; default: the reference. An engine that rounds weights needs one with rounded rules. */
  readonly createReference?: CreateReference;
  /** Steps that the test with an exploding rule takes (`bounds.ts`); default 500. */
  readonly explosiveSteps?: number;
  /** Rounds of the test in which bodies sleep at random (`sleeping.ts`); default 40. */
  readonly sleepRounds?: number;
  /** The engine refuses rules with larger weights. Default: none. */
  readonly maxWeight?: number;
  /**
   * `steps`: only the rules of a step itself, for an engine that shares all other code with one that answers to the
   * whole contract. Default `whole`.
   */
  readonly scope?: 'whole' | 'steps';
}

const TOUCHING: readonly Perturbation[] = [
  { kind: 'ablate', x0: 64, y0: 64, x1: 64, y1: 64, radius: 3 },
  { kind: 'ablate', x0: 50.5, y0: 61.2, x1: 80.3, y1: 66.7, radius: 2.4 },
  { kind: 'ablate', x0: 0, y0: 0, x1: 0, y1: 0, radius: 0 },
  { kind: 'ablate', x0: -1e4, y0: 40, x1: 1e4, y1: 41, radius: 12 },
  {
    kind: 'noise',
    capsules: [{ x0: 60, y0: 60, x1: 70, y1: 70, radius: 5 }],
    amplitude: 0.3,
    salt: 77,
  },
  {
    kind: 'noise',
    capsules: [{ x0: 64, y0: 64, x1: 64, y1: 64, radius: 500 }],
    amplitude: 3,
    salt: 0xffffffff,
  },
  // Crosses itself and leaves a hole: rows of one, two and three spans, over four pages.
  {
    kind: 'noise',
    capsules: [
      { x0: 50, y0: 55, x1: 80, y1: 55, radius: 2 },
      { x0: 80, y0: 55, x1: 80, y1: 75, radius: 2 },
      { x0: 80, y0: 75, x1: 50, y1: 75, radius: 2 },
      { x0: 50, y0: 75, x1: 50, y1: 50, radius: 2 },
      { x0: 65, y0: 40, x1: 65, y1: 85, radius: 1.5 },
    ],
    amplitude: 0.5,
    salt: 3,
  },
  // Leaves out what crosses it: rows cut in the middle, at an end, and whole.
  {
    kind: 'noise',
    capsules: [{ x0: 50, y0: 60, x1: 80, y1: 68, radius: 5 }],
    except: [
      { x0: 60, y0: 50, x1: 60, y1: 80, radius: 2 },
      { x0: 78, y0: 66, x1: 90, y1: 66, radius: 4 },
      { x0: 40, y0: 69, x1: 90, y1: 69, radius: 1 },
    ],
    amplitude: 0.5,
    salt: 4,
  },
  { kind: 'truncate', organism: 65_535, x: 64, y: 64, radius: 2.5 },
  { kind: 'truncate', organism: 258, x: 60, y: 62, radius: 0 },
];

const NOWHERE: Rect = { x: -10, y: -20, width: 9, height: 300 };

/**
 * @param create - a fresh engine; the suite disposes of it
 */
export function describeEngineContract(
  name: string,
  create: (options: EngineOptions) => Promise<Engine>,
  {
    tolerance,
    createReference = createReferenceEngine,
    explosiveSteps = 500,
    sleepRounds,
    maxWeight = Number.POSITIVE_INFINITY,
    scope = 'whole',
  }: ContractOptions,
): void {
  describe(`engine contract: ${name}`, () => {
    if (scope === 'whole') {
      describeChanges(create);
      describeSleep(create, { rounds: sleepRounds });
      describeBodies(create);
    }
    describeBounds(create, { tolerance, createReference, explosiveSteps, maxWeight, scope });

    // Few engines: each reserves gigabytes of addresses.
    const engines = new Map<Size, Engine>();
    let engine: Engine;
    let reference: Engine;
    let stepCases: readonly StepCase[];

    beforeAll(async () => {
      for (const world of WORLDS) {
        const made = await create({ ...world, randomSeed: 1 });
        setRules(made);
        engines.set(world, made);
      }
      engine = engines.get(SHARED)!;
      reference = await createReference({ ...SHARED, randomSeed: 1 });
      setRules(reference);
      stepCases = await makeStepCases(createReference);
    });

    afterAll(() => {
      for (const made of engines.values()) made.dispose();
    });

    /** Puts both engines of the shared world into one state. */
    async function startFrom(seed: number, blobs = 6): Promise<EngineState> {
      const state = randomState(seed, SHARED, blobs);
      await reference.restore(state);
      await engine.restore(state);
      await changedPages(engine);
      await changedPages(reference);
      return state;
    }

    async function expectSame(allowed = 0): Promise<void> {
      expectSameState(await engine.save(), await reference.save(), SHARED, allowed);
    }

    async function stepBothOnce(): Promise<void> {
      await reference.step(1);
      await engine.step(1);
      await expectSame(tolerance);
    }

    // One test for two rules, because both need every case's step.
    test('one step equals the reference from random and grown states, with touching organisms, borders and odd sizes, and reports the pages whose RGBA8 changed once', async () => {
      for (const { world, before, after, changed } of stepCases) {
        const stepped = [...engines].find(
          ([size]) => size.width === world.width && size.height === world.height,
        )![1];
        await stepped.restore(before);
        await changedPages(stepped);
        await stepped.step(1);
        const got = await changedPages(stepped);
        if (tolerance > 0) {
          // A pixel may round the other way, so compare by value instead of by set.
          for (const [page, rgba] of changed) {
            const pixels = got.get(page) ?? (await pixelsOf(stepped, page));
            expect(largestDifference(pixels, rgba)).toBeLessThanOrEqual(1);
          }
        } else {
          expect([...got.keys()].sort()).toEqual([...changed.keys()].sort());
          for (const [page, rgba] of changed) expect(largestDifference(got.get(page)!, rgba)).toBe(0);
        }
        expect(await changedPages(stepped)).toEqual(new Map());
        expectSameState(await stepped.save(), after, world, tolerance);
      }
    });

    if (scope === 'steps') return;

    test('a page that loses all its cells is reported as zeros, once', async () => {
      await startFrom(3, 1);
      await engine.step(1);
      await changedPages(engine);
      const before = new Set<number>();
      await engine.visitAll((page, rgba) => {
        if (rgba.some((byte) => byte !== 0)) before.add(page);
      });
      expect(before.size).toBeGreaterThan(0);
      engine.perturb({ kind: 'ablate', x0: 75, y0: 65, x1: 75, y1: 65, radius: 500 });
      await engine.step(1);
      const changed = await changedPages(engine);
      expect(new Set(changed.keys())).toEqual(before);
      for (const rgba of changed.values()) expect(rgba.every((byte) => byte === 0)).toBe(true);
      expect(engine.pageCount).toBe(0);
      await engine.step(1);
      expect((await changedPages(engine)).size).toBe(0);
    });

    test.each(TOUCHING.map((perturbation, i) => ({ perturbation, i })))(
      'perturbation $i ($perturbation.kind) changes what the reference changes',
      async ({ perturbation, i }) => {
        for (const seed of [20 + i, 40 + i]) {
          await startFrom(seed);
          engine.perturb(perturbation);
          reference.perturb(perturbation);
          await expectSame();
          expect(await changedPages(engine)).toEqual(await changedPages(reference));
          await stepBothOnce();
        }
      },
    );

    test('a seed planted on another body takes the cell, and the census counts it', async () => {
      await startFrom(60);
      for (const made of [engine, reference]) {
        made.plant(7, 2, 64, 64);
        made.plant(8, 0, 149, 129);
        made.plant(9, 0, 65, 64);
      }
      await expectSame();
      await stepBothOnce();
      expect((await engine.census()).sort(byOrganism)).toEqual((await reference.census()).sort(byOrganism));
      expect(engine.pageCount).toBe(reference.pageCount);
    });

    test('takeMoved names the organisms that moved since the last call, where an engine has it', async () => {
      if (engine.takeMoved === undefined) return;
      for (const seed of [66, 67, 68]) {
        await startFrom(seed, 8);
        const ids = (await engine.census()).map(({ organism }) => organism);
        await engine.takeMoved();
        expect(await engine.takeMoved()).toEqual([]);
        let before = bodies(await engine.save());
        const acts = [
          () => engine.step(1),
          () => engine.perturb({ kind: 'ablate', x0: 64, y0: 64, x1: 70, y1: 60, radius: 4 }),
          () =>
            engine.perturb({
              kind: 'noise',
              capsules: [{ x0: 60, y0: 60, x1: 60, y1: 60, radius: 9 }],
              amplitude: 0.2,
              salt: 1,
            }),
          () => engine.plant(3, 0, 66, 66),
          () => engine.step(2),
          () => engine.setTerritory(ids[1], { x: 60, y: 0, width: 9, height: 500 }),
        ];
        for (const act of acts) {
          await act();
          const moved = await engine.takeMoved();
          const after = bodies(await engine.save());
          for (const id of ids) if (after.get(id) !== before.get(id)) expect(moved, `${act}`).toContain(id);
          before = after;
        }
        engine.setOrganismRule(ids[0], 1);
        expect(await engine.takeMoved()).toContain(ids[0]);
      }
    });

    test('removing an organism clears it alone and frees its id', async () => {
      await startFrom(61);
      for (const made of [engine, reference]) {
        made.remove(258);
        expect(() => made.remove(258)).toThrow(EngineError);
      }
      await expectSame();
      for (const made of [engine, reference]) made.plant(258, 0, 5, 5);
      await expectSame();
      await stepBothOnce();
    });

    test('a rule is swapped between steps, for a slot and for an organism; cells keep their state', async () => {
      await startFrom(62);
      try {
        for (const made of [engine, reference]) {
          made.setRule(0, randomRule(99, 64, 0.9));
          made.setOrganismRule(65_535, 3);
        }
        await expectSame();
        await stepBothOnce();
      } finally {
        for (const made of [engine, reference]) made.setRule(0, RULES[0]);
      }
    });

    test('rules that share one fire rate, for which engines may have a faster path, step as the reference does', async () => {
      try {
        for (const made of [engine, reference]) {
          for (let slot = 0; slot < 6; slot++) {
            made.setRule(slot, randomRule(slot, 8, 0.5, slot % 2 === 0 ? 0.05 : -0.05));
          }
        }
        for (let seed = 70; seed < 78; seed++) {
          await startFrom(seed, 1 + (seed % 8));
          await stepBothOnce();
        }
      } finally {
        for (const made of [engine, reference]) setRules(made);
      }
    });

    test('reads agree with the reference, also outside the world', async () => {
      await startFrom(63, 8);
      for (const rect of [
        { x: 40, y: 30, width: 70, height: 80 },
        { x: -5, y: 60, width: 300, height: 9 },
        NOWHERE,
      ]) {
        const size = rect.width * rect.height;
        const [a, b] = [new Uint16Array(size).fill(9), new Uint16Array(size)];
        await engine.readOwners(rect, a);
        await reference.readOwners(rect, b);
        expect(a).toEqual(b);
        const [c, d] = [new Float32Array(size * 4).fill(9), new Float32Array(size * 4)];
        await engine.readOrganism(65_535, rect, c);
        await reference.readOrganism(65_535, rect, d);
        expect(c).toEqual(d);
      }
      const all = new Map<number, Uint8Array>();
      await engine.visitAll((page, rgba) => {
        all.set(page, rgba.slice());
      });
      for (let page = 0; page < 9; page++) {
        const pixels = await pixelsOf(reference, page);
        expect(await pixelsOf(engine, page)).toEqual(pixels);
        expect(all.get(page) ?? new Uint8Array(PAGE_BYTES)).toEqual(pixels);
      }
    });

    test('a restored save is the same world and has the same future', async () => {
      const state = await startFrom(64);
      expectSameState(await engine.save(), state, SHARED, 0);
      await engine.step(5);
      const once = await engine.save();
      await engine.restore(state);
      await engine.step(2);
      await engine.restore(await engine.save());
      await engine.step(3);
      expectSameState(await engine.save(), once, SHARED, 0);
    });

    test('a restore replaces a living world, and every page that changed is reported', async () => {
      for (const [before, after] of [
        [80, 81],
        [82, 83],
      ]) {
        await startFrom(before, 8);
        const shown = new Map<number, Uint8Array>();
        await engine.visitAll((page, rgba) => {
          shown.set(page, rgba.slice());
        });
        await engine.step(1); // its changes have not been visited when the world is replaced
        const state = randomState(after, SHARED, 2);
        await engine.restore(state);
        await reference.restore(state);
        await expectSame();
        for (const [page, rgba] of await changedPages(engine)) shown.set(page, rgba);
        for (let page = 0; page < 9; page++) {
          expect(shown.get(page) ?? new Uint8Array(PAGE_BYTES)).toEqual(await pixelsOf(reference, page));
        }
        expect((await engine.census()).sort(byOrganism)).toEqual((await reference.census()).sort(byOrganism));
        // The third of eight organisms is gone, and its id is free.
        for (const made of [engine, reference]) {
          expect(() => made.remove(515)).toThrow(EngineError);
          made.plant(515, 0, 9, 9);
        }
        await stepBothOnce();
      }
    });

    test('an empty world steps, wraps its step number, and has an empty census', async () => {
      await engine.restore({ stepNumber: 0xffffffff, randomSeed: 3, organisms: [], pages: [] });
      await engine.step(2);
      expect(engine.stepNumber).toBe(1);
      expect(engine.pageCount).toBe(0);
      expect(await engine.census()).toEqual([]);
    });

    test('a body whose rule does nothing stays as it is and is never reported', async () => {
      await engine.restore({ stepNumber: 0, randomSeed: 3, organisms: [], pages: [] });
      engine.setRule(5, stillRule());
      engine.plant(1, 5, 63, 63);
      await changedPages(engine);
      await engine.step(3);
      expect((await changedPages(engine)).size).toBe(0);
      // The seed keeps the eight cells around it alive, and they stay zero.
      expect(await engine.census()).toEqual([{ organism: 1, cells: 9 }]);
    });

    test('an invalid call throws an EngineError, and the world is unchanged', async () => {
      const state = await startFrom(65);
      const circle = { x0: 64, y0: 64, x1: 64, y1: 64, radius: 3 };
      const rule = RULES[0];
      const wrongs: (() => void)[] = [
        () => engine.plant(65_535, 0, 5, 5),
        () => engine.plant(0, 0, 5, 5),
        () => engine.plant(65_536, 0, 5, 5),
        () => engine.plant(1.5, 0, 5, 5),
        () => engine.plant(1, 200, 5, 5),
        () => engine.plant(1, 256, 5, 5),
        () => engine.plant(1, -1, 5, 5),
        () => engine.plant(1, 0, 150, 5),
        () => engine.plant(1, 0, 5, -1),
        () => engine.plant(1, 0, Number.NaN, 5),
        () => engine.remove(1),
        () => engine.setOrganismRule(1, 0),
        () => engine.setOrganismRule(65_535, 200),
        () => engine.setRule(256, rule),
        () => engine.setRule(0, { ...rule, hidden: 20 }),
        () => engine.setRule(0, { ...rule, hidden: 260 }),
        () => engine.setRule(0, { ...rule, fireRate: 0 }),
        () => engine.perturb({ kind: 'ablate', ...circle, radius: -1 }),
        () => engine.perturb({ kind: 'ablate', ...circle, x1: Number.POSITIVE_INFINITY }),
        () => engine.perturb({ kind: 'noise', capsules: [circle], amplitude: Number.NaN, salt: 1 }),
        () => engine.perturb({ kind: 'noise', capsules: [], amplitude: 1, salt: 1 }),
        () =>
          engine.perturb({
            kind: 'noise',
            capsules: [circle, { ...circle, radius: -1 }],
            amplitude: 1,
            salt: 1,
          }),
        () =>
          engine.perturb({
            kind: 'noise',
            capsules: [circle],
            except: [{ ...circle, x0: Number.NaN }],
            amplitude: 1,
            salt: 1,
          }),
        () => engine.perturb({ kind: 'truncate', organism: 1, x: 0, y: 0, radius: 1 }),
        () => engine.perturb({ kind: 'truncate', organism: 65_535, x: 0, y: Number.NaN, radius: 1 }),
      ];
      for (const wrong of wrongs) expect(wrong, wrong.toString()).toThrow(EngineError);
      const [page] = state.pages;
      const orphan = { ...page, owners: page.owners.map((owner) => (owner === 0 ? 0 : 4)) };
      const unowned = { ...page, owners: new Uint16Array(page.owners.length) };
      const everywhere = { ...page, page: 8, owners: page.owners.map(() => 65_535) };
      const wrongStates: EngineState[] = [
        { ...state, pages: [{ ...page, page: 9 }] },
        { ...state, pages: [page, page] },
        { ...state, pages: [{ ...page, cells: page.cells.subarray(1) }] },
        { ...state, pages: [orphan] },
        { ...state, pages: [unowned] },
        { ...state, pages: [everywhere] },
        { ...state, organisms: [...state.organisms, { id: 3, rule: 100 }] },
        { ...state, organisms: [...state.organisms, state.organisms[0]] },
        { ...state, stepNumber: -1 },
        { ...state, randomSeed: 2 ** 32 },
      ];
      for (const wrong of wrongStates) await expect(engine.restore(wrong)).rejects.toThrow(EngineError);
      await expectSame();
      await stepBothOnce();
      for (const wrong of [
        { width: 0 },
        { height: 65_537 },
        { width: 1.5 },
        { randomSeed: -1 },
        { maxPages: 0 },
      ]) {
        await expect(create({ width: 8, height: 8, randomSeed: 0, ...wrong })).rejects.toThrow(EngineError);
      }
    });
  });
}

const byOrganism = (a: OrganismCensus, b: OrganismCensus): number => a.organism - b.organism;

/** An organism's cells in order, as one string. */
function bodies(state: EngineState): Map<number, string> {
  const parts = new Map<number, string[]>();
  for (const { page, cells, owners } of [...state.pages].sort((a, b) => a.page - b.page)) {
    for (let cell = 0; cell < owners.length; cell++) {
      if (owners[cell] === 0) continue;
      const part = parts.get(owners[cell]) ?? [];
      parts.set(owners[cell], part);
      part.push(`${page}/${cell}:${cells.subarray(cell * CHANNELS, (cell + 1) * CHANNELS)}`);
    }
  }
  return new Map([...parts].map(([id, part]) => [id, part.join(' ')]));
}

async function pixelsOf(engine: Engine, page: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(PAGE_BYTES).fill(9);
  await engine.readPage(page, pixels);
  return pixels;
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((worst, byte, i) => Math.max(worst, Math.abs(byte - b[i])), 0);
}
