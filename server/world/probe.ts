/**
 * A rule's trial in an engine of its own: what it grows from a seed, how it heals a cut, and whether living bodies can
 * live by it. The world is not touched.
 */
import type { FilmShape, ProbeFigures } from '../../shared/adminApi.ts';
import type { Engine } from '../engines/engine.ts';
import { toByte } from '../engines/engine.ts';
import { HEALTH_MARGIN, healthOf, healthRect } from './likeness.ts';
import { type EngineFactory, MATURE_STEPS, MatureError, type MatureForm, matureCells } from './mature.ts';
import type { LoadedRule } from './ruleSlots.ts';
import { VERDICT_STEPS } from './swapWatch.ts';
import { World } from './world.ts';

export const FILM_FRAMES = 60;
const STEPS_A_FRAME = 8;
/** Half of the body is cut off before this frame, at step 280, when it is grown. */
export const CUT_FRAME = 35;
/** Keeps a film of 60 frames under 4 MB. */
const MAX_FILM_SIDE = 128;
/** Free cells around the body in the film. */
const FILM_MARGIN = HEALTH_MARGIN;
/** Steps between two looks, as in the world. */
const OBSERVE_STEPS = 2;

export interface Film extends FilmShape {
  /** [frames, height, width, 4], premultiplied. */
  readonly rgba: Uint8Array<ArrayBuffer>;
}

export interface Probe {
  readonly film: Film;
  readonly figures: ProbeFigures;
}

/**
 * Grows a body from a seed, then cuts half of it off.
 *
 * @param mature - what the rule grows
 * @throws MatureError when the body holds NaN or infinite values
 */
export async function filmGrowth(rule: LoadedRule, createEngine: EngineFactory): Promise<Probe> {
  const { mature } = rule;
  const rect = healthRect(mature, 0, 0);
  const side = Math.max(rect.width, rect.height, 64) + 2 * FILM_MARGIN;
  const seed = {
    x: Math.round(side / 2 - mature.x - mature.width / 2),
    y: Math.round(side / 2 - mature.y - mature.height / 2),
  };
  const engine = await createEngine({ width: side, height: side, randomSeed: 2 });
  try {
    engine.setRule(0, rule.rule);
    engine.plant(1, 0, seed.x, seed.y);
    const look = new Float32Array(rect.width * rect.height * 4);
    const stride = Math.ceil(Math.max(rect.width, rect.height) / MAX_FILM_SIDE);
    const width = Math.ceil(rect.width / stride);
    const height = Math.ceil(rect.height / stride);
    const rgba = new Uint8Array(FILM_FRAMES * width * height * 4);
    const health = async (): Promise<number> => {
      await engine.readOrganism(1, healthRect(mature, seed.x, seed.y), look);
      if (!look.every(Number.isFinite))
        throw new MatureError(`${rule.label} produced NaN or infinite values`);
      return healthOf(look, mature);
    };
    let healthGrown = 0;
    let healthCut = 0;
    for (let frame = 0; frame < FILM_FRAMES; frame++) {
      if (frame === CUT_FRAME) {
        healthGrown = await health();
        cutLeftHalf(engine, mature, seed);
        healthCut = await health();
      } else if (frame > 0) await engine.step(STEPS_A_FRAME);
      await health();
      for (let p = 0; p < width * height; p++) {
        const cell = (Math.floor(p / width) * rect.width + (p % width)) * stride * 4; // look[y, x, 0]
        const pixel = (frame * width * height + p) * 4; // rgba[frame, y, x, 0]
        for (let c = 0; c < 4; c++) rgba[pixel + c] = toByte(look[cell + c]);
      }
    }
    return {
      film: { width, height, frames: FILM_FRAMES, stepsPerFrame: STEPS_A_FRAME, cutFrame: CUT_FRAME, rgba },
      figures: { cells: matureCells(mature), healthGrown, healthCut, healthHealed: await health() },
    };
  } finally {
    engine.dispose();
  }
}

/** Cuts the half without the seed's cell: some rules cannot live without that cell. */
function cutLeftHalf(
  engine: Engine,
  { x, y, width, height }: MatureForm,
  seed: { x: number; y: number },
): void {
  const radius = Math.max(width, height) / 2;
  const toLeft = x + width / 2 >= 0;
  const edge = toLeft ? seed.x - 1 : seed.x + 1;
  const middle = toLeft ? edge - radius : edge + radius;
  const top = seed.y + y;
  engine.perturb({
    kind: 'ablate',
    x0: middle,
    y0: top - radius,
    x1: middle,
    y1: top + height + radius,
    radius,
  });
}

/**
 * Lets a grown body of the rule in force live by another rule, and watches it as the world would.
 *
 * @returns what went wrong, for people; null: nothing
 */
export async function rehearse(
  now: LoadedRule,
  next: LoadedRule,
  createEngine: EngineFactory,
  rest = 0,
): Promise<string | null> {
  const boxes = [now.mature, next.mature].map((mature) => Math.max(mature.width, mature.height));
  const side = 2 * Math.max(64, ...boxes);
  const engine = await createEngine({ width: side, height: side, randomSeed: 3, rest });
  try {
    const world = new World(engine, [now]);
    let fault: string | null = null;
    world.swaps.onOutcome = ({ verdict, reason }) => {
      if (verdict === 'rolled back') fault = reason;
    };
    world.plantAt(now.card.name, side / 2, side / 2);
    await live(world, MATURE_STEPS, () => false);
    const order = { id: 0, species: now.card.name, scope: 'species', who: '' } as const;
    const answer = await world.swap(order, { ...next, card: { ...next.card, name: now.card.name } });
    if (!answer.ok) return answer.reason;
    await live(world, VERDICT_STEPS + OBSERVE_STEPS, () => fault !== null);
    return fault;
  } finally {
    engine.dispose();
  }
}

async function live(world: World, steps: number, isEnough: () => boolean): Promise<void> {
  for (let done = 0; done < steps && !isEnough(); done += OBSERVE_STEPS) {
    await world.engine.step(OBSERVE_STEPS);
    await world.observe(OBSERVE_STEPS / 30);
  }
}
