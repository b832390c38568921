/**
 * The damage that every rule is measured on, whatever it was trained on. All draws depend on the random seed alone.
 */
import { FIRST_RADIUS_SHARE } from '../../shared/stroke.ts';
import { ALIVE_THRESHOLD, CHANNELS } from '../rules/rule.ts';
import type { DamageKind } from '../training/damage.ts';
import { Random } from '../training/random.ts';
import { addNoise, type CellTest, clearWhere, forEachCell } from '../training/states.ts';
import type { Target } from '../training/target.ts';
import type { Blow } from '../world/wound.ts';

const HOLE_CELLS = 16;
const CIRCLES = 3;
const SWIPES = 5;
const NOISE = 0.25;
/** Largest distance of the stroke's line from the middle, in parts of the body's longer side. */
const STROKE_BESIDE = 0.2;
/** How far the stroke reaches to each side of the middle, in the same parts. */
const STROKE_REACH = 0.6;
/** About 0.27 s of the world. */
const STROKE_STEPS = 8;

/** Changes a grown state in place, or returns blows that are dealt while it lives on. */
type Harm = (state: Float32Array, target: Target, random: Random) => readonly Blow[];
const AT_ONCE: readonly Blow[] = [];

/** Removes cells by their place in the padded grid, whose middle is the picture's middle. */
const cut =
  (removes: (x: number, y: number, target: Target) => boolean): Harm =>
  (state, target) => {
    clearWhere(state, target.shape, (x, y) => removes(x + 0.5, y + 0.5, target));
    return AT_ONCE;
  };

const middleX = ({ shape }: Target): number => shape.width / 2;
const middleY = ({ shape }: Target): number => shape.height / 2;

const SUITE = {
  /** Halves of the grid. */
  left: cut((x, _y, target) => x < middleX(target)),
  right: cut((x, _y, target) => x > middleX(target)),
  top: cut((_x, y, target) => y < middleY(target)),
  bottom: cut((_x, y, target) => y > middleY(target)),
  /** A square of 16 cells around the middle. */
  centre: cut(
    (x, y, target) => Math.max(Math.abs(x - middleX(target)), Math.abs(y - middleY(target))) < HOLE_CELLS / 2,
  ),
  /** Three circles around random cells of the body, radius 0.1-0.4 of half its longer side (as Distill's). */
  circles,
  /** Five straight swipes across the body, as wide as the stripes that are left between them. */
  scrub: cut((_x, y, target) => {
    const rows = target.height / (2 * SWIPES + 1);
    return Math.floor((y - middleY(target) + target.height / 2) / rows) % 2 === 1;
  }),
  /** One stroke across the body as a hand draws it: with the page's first eraser, at any angle, over 8 steps. */
  stroke,
  /** Normal noise of deviation 0.25 on every channel of every living cell. */
  noise: (state, target, random) => {
    addNoise(state, target.shape, NOISE, random);
    return AT_ONCE;
  },
  /** Leaves only what lies within half the body's radius. */
  truncate,
} as const satisfies Record<string, Harm>;

export type Harmed = keyof typeof SUITE;
export const HARMS = Object.keys(SUITE) as Harmed[];

/** The damage in training that teaches to heal each kind. */
const TAUGHT_BY: Readonly<Record<Harmed, DamageKind>> = {
  left: 'half',
  right: 'half',
  top: 'half',
  bottom: 'half',
  centre: 'centre',
  circles: 'circle',
  scrub: 'swipes',
  stroke: 'drag',
  truncate: 'truncate',
  noise: 'noise',
};

/** Damage to add to a training for kinds that heal badly: two of each. @param kinds - names of no kind are left out */
export const lessonsFor = (kinds: readonly string[]): DamageKind[] =>
  kinds
    .filter((kind) => Object.hasOwn(TAUGHT_BY, kind))
    .flatMap((kind) => Array<DamageKind>(2).fill(TAUGHT_BY[kind as Harmed]));

/**
 * @param randomSeed - the rollout's: each body is hurt in its own way
 * @returns blows of a kind that takes time; they are still to be dealt
 */
export function harm(kind: Harmed, state: Float32Array, target: Target, randomSeed: number): readonly Blow[] {
  const apply: Harm = SUITE[kind];
  return apply(state, target, new Random(randomSeed));
}

function circles(state: Float32Array, target: Target, random: Random): readonly Blow[] {
  const { shape } = target;
  const body: { x: number; y: number }[] = [];
  forEachCell(shape, (x, y, cell) => {
    if (state[cell * CHANNELS + 3] > ALIVE_THRESHOLD) body.push({ x, y });
  });
  if (body.length === 0) return AT_ONCE;
  const reach = Math.max(target.width, target.height) / 2;
  for (let circle = 0; circle < CIRCLES; circle++) {
    const middle = body[random.whole(0, body.length - 1)];
    const radiusCells = random.between(0.1, 0.4) * reach;
    const within: CellTest = (x, y) => Math.hypot(x - middle.x, y - middle.y) < radiusCells;
    clearWhere(state, shape, within);
  }
  return AT_ONCE;
}

function truncate(state: Float32Array, target: Target): readonly Blow[] {
  // Asked once: it looks at every cell of the picture.
  const reach = radius(target) / 2;
  const [left, top] = [middleX(target), middleY(target)];
  clearWhere(state, target.shape, (x, y) => Math.hypot(x + 0.5 - left, y + 0.5 - top) > reach);
  return AT_ONCE;
}

function stroke(_state: Float32Array, target: Target, random: Random): Blow[] {
  const side = Math.max(target.width, target.height);
  const angle = random.between(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const beside = random.between(-STROKE_BESIDE, STROKE_BESIDE) * side;
  const at = (step: number): [number, number] => {
    const along = ((2 * step) / STROKE_STEPS - 1) * STROKE_REACH * side;
    return [along * dx - beside * dy, along * dy + beside * dx];
  };
  return Array.from({ length: STROKE_STEPS }, (_, step) => ({
    afterSteps: step,
    tool: 'ablate',
    radius: FIRST_RADIUS_SHARE * side,
    points: [...at(step), ...at(step + 1)],
  }));
}

/** From the middle to the farthest cell of the picture. */
function radius(target: Target): number {
  let most = 0;
  forEachCell(target.shape, (x, y, cell) => {
    if (target.rgba[cell * 4 + 3] <= ALIVE_THRESHOLD) return;
    most = Math.max(most, Math.hypot(x + 0.5 - middleX(target), y + 0.5 - middleY(target)));
  });
  return most;
}
