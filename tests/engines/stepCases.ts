/** Many states, and the reference's state one step after each. */
import type { Engine, EngineOptions, EngineState } from '../../server/engines/engine.ts';
import type { Size } from '../../shared/geometry.ts';
import { changedPages, randomState, setRules } from './fixtures.ts';

export type CreateReference = (options: EngineOptions) => Promise<Engine>;

/** A state, the state one step later, and the pages whose pixels the step changes. */
export interface StepCase {
  readonly world: Size;
  readonly before: EngineState;
  readonly after: EngineState;
  readonly changed: ReadonlyMap<number, Uint8Array>;
}

export const WORLDS: readonly Size[] = [
  { width: 150, height: 130 },
  { width: 64, height: 64 },
  { width: 65, height: 200 },
  { width: 3, height: 70 },
  { width: 1, height: 1 },
];
/** The world of all tests except those of single steps. */
export const SHARED: Size = WORLDS[0];

async function stepCase(reference: Engine, before: EngineState): Promise<StepCase> {
  await reference.restore(before);
  await changedPages(reference);
  await reference.step(1);
  return { world: reference, before, after: await reference.save(), changed: await changedPages(reference) };
}

/** Cached, because the reference is slow: each test file takes its steps once for all engines. */
const made = new Map<CreateReference, Promise<readonly StepCase[]>>();
export function makeStepCases(create: CreateReference): Promise<readonly StepCase[]> {
  const found = made.get(create) ?? takeSteps(create);
  made.set(create, found);
  return found;
}

async function takeSteps(create: CreateReference): Promise<StepCase[]> {
  const cases: StepCase[] = [];
  for (const [w, world] of WORLDS.entries()) {
    const reference = await create({ ...world, randomSeed: 1 });
    setRules(reference);
    // In a world of a few columns there is less to vary.
    const isNarrow = world.width < 8;
    for (let i = 0; i < (w === 0 ? 10 : isNarrow ? 3 : 5); i++) {
      cases.push(await stepCase(reference, randomState(w * 100 + i, world, 2 + i)));
    }
    // Grown together from seeds; where the world has four pages, at their common corner.
    for (const [i, x] of [60, 66, 62, world.width - 1, 0].entries()) {
      await reference.restore({ stepNumber: 5, randomSeed: 9, organisms: [], pages: [] });
      for (let n = 0; n <= i; n++) {
        const seedX = Math.min(world.width - 1, x + n);
        const seedY = Math.min(world.height - 1, 58 + 5 * n);
        if (n > 0 && world.height === 1) break;
        reference.plant(n + 1, [0, 2, 3][n % 3], seedX, seedY);
      }
      for (let round = 0; round < (isNarrow ? 1 : 2); round++) {
        await reference.step(4);
        const before = await reference.save();
        cases.push(await stepCase(reference, before));
      }
    }
  }
  return cases;
}
