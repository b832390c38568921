/**
 * What is done to a grown body so that its rule learns to heal. Sizes are parts of the body's *reach*, half its longer
 * side, so that a small body is not destroyed and a large one not merely scratched.
 */
import type { Blow } from '../world/wound.ts';
import type { GridShape } from './kernel.ts';
import { drawPlayed } from './played.ts';
import type { Random } from './random.ts';
import { addNoise, clearWhere, seedX, seedY } from './states.ts';

export interface Wounded {
  /** [cellCount, 16], changed in place. */
  readonly state: Float32Array;
  readonly shape: GridShape;
  /** Half the body's longer side, cells. */
  readonly reach: number;
}

type Hurt = (body: Wounded, random: Random) => void;
/** Blows that take time: the body heals between them. */
type Deal = (reach: number, random: Random) => readonly Blow[];

/** Kinds of damage: their weights in the draw, and what they do, at once (`hurt`) or blow by blow (`deal`). */
const KINDS = {
  /** A circle, anywhere. */
  circle: { weight: 0.16, hurt: circle },
  /** Everything on one side of a line near the middle, at any angle. */
  half: { weight: 0.28, hurt: halfPlane },
  /** A square around the middle: what is left is a ring, which must close. */
  centre: { weight: 0.16, hurt: centreHole },
  /** One to five lines across the whole body: crossing, or side by side. */
  swipes: { weight: 0.12, hurt: swipes },
  /**
   * One to three strokes of a round eraser, as a player draws them: they end within the body and leave scraps beside
   * it.
   */
  strokes: { weight: 0.18, hurt: strokes },
  /** A stroke of a round eraser right across, as a hand draws it: the body heals at its beginning before it ends. */
  drag: { weight: 0.18, deal: drag },
  /** One or two strokes drawn by hand (`played.ts`), with any of the page's tools: noise, erase, shrink. */
  batter: { weight: 0.3, deal: batter },
  /** All but a circle around the seed. */
  truncate: { weight: 0.05, hurt: truncate },
  noise: { weight: 0.05, hurt: noisePatch },
} as const satisfies Record<string, { weight: number } & ({ hurt: Hurt } | { deal: Deal })>;

export type DamageKind = keyof typeof KINDS;
export const DAMAGE_KINDS = Object.keys(KINDS) as DamageKind[];

/** @param kinds - allowed kinds, at least one */
export function drawKind(kinds: readonly DamageKind[], random: Random): DamageKind {
  const whole = kinds.reduce((sum, kind) => sum + KINDS[kind].weight, 0);
  let draw = random.unit() * whole;
  const kind = kinds.find((one) => {
    draw -= KINDS[one].weight;
    return draw < 0;
  });
  return kind ?? kinds[kinds.length - 1];
}

/**
 * Hurts the body, if the kind acts at once. @returns the blows of a kind that takes time; they are still to be dealt
 */
export function damage(body: Wounded, kind: DamageKind, random: Random): readonly Blow[] {
  const does: { hurt: Hurt } | { deal: Deal } = KINDS[kind];
  if ('deal' in does) return does.deal(body.reach, random);
  does.hurt(body, random);
  return [];
}

const around = ({ shape, reach }: Wounded, part: number, random: Random): [number, number] => [
  seedX(shape) + random.between(-part, part) * reach,
  seedY(shape) + random.between(-part, part) * reach,
];

function circle(body: Wounded, random: Random): void {
  const radius = random.between(0.2, 0.7) * body.reach;
  const [x, y] = around(body, 0.9, random);
  clearWhere(body.state, body.shape, (u, v) => Math.hypot(u - x, v - y) < radius);
}

/** A third of the lines are parallel to an axis. */
function halfPlane({ state, shape, reach }: Wounded, random: Random): void {
  const straight = random.unit() < 1 / 3;
  const angle = straight ? (random.whole(0, 3) * Math.PI) / 2 : random.between(0, 2 * Math.PI);
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const beyond = random.between(-0.2, 0.2) * reach;
  clearWhere(state, shape, (u, v) => (u - seedX(shape)) * nx + (v - seedY(shape)) * ny > beyond);
}

function centreHole(body: Wounded, random: Random): void {
  const half = random.between(0.2, 0.55) * body.reach;
  const [x, y] = around(body, 0.2, random);
  clearWhere(body.state, body.shape, (u, v) => Math.abs(u - x) < half && Math.abs(v - y) < half);
}

function swipes({ state, shape, reach }: Wounded, random: Random): void {
  const count = random.whole(1, 5);
  const parallel = random.unit() < 0.5 ? random.between(0, Math.PI) : null;
  const half = random.between(0.05, 0.17) * reach;
  for (let i = 0; i < count; i++) {
    const angle = parallel ?? random.between(0, Math.PI);
    const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
    const beyond =
      parallel === null ? random.between(-0.75, 0.75) * reach : ((i + 0.5) / count - 0.5) * 1.8 * reach;
    clearWhere(
      state,
      shape,
      (u, v) => Math.abs((u - seedX(shape)) * nx + (v - seedY(shape)) * ny - beyond) < half,
    );
  }
}

/** Radius of an eraser, cells. The page's eraser begins at 0.38 of the reach, and players widen it. */
const eraser = (reach: number, random: Random): number => random.between(0.12, 0.75) * reach;

function strokes(body: Wounded, random: Random): void {
  const { state, shape, reach } = body;
  const radius = eraser(reach, random);
  for (let count = random.whole(1, 3); count > 0; count--) {
    const [x, y] = around(body, 0.9, random);
    const angle = random.between(0, 2 * Math.PI);
    const length = random.between(0.5, 2) * reach;
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    clearWhere(state, shape, (u, v) => {
      const along = Math.min(length, Math.max(0, (u - x) * dx + (v - y) * dy));
      return Math.hypot(u - x - along * dx, v - y - along * dy) < radius;
    });
  }
}

function drag(reach: number, random: Random): Blow[] {
  const radius = eraser(reach, random);
  const angle = random.between(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const beside = random.between(-0.5, 0.5) * reach;
  const [x, y] = [-dy * beside, dx * beside];
  const count = random.whole(3, 6);
  const pace = random.whole(1, 6);
  const at = (part: number): [number, number] => [x + part * 1.3 * reach * dx, y + part * 1.3 * reach * dy];
  return Array.from({ length: count }, (_, i) => ({
    afterSteps: i * pace,
    tool: 'ablate',
    radius,
    points: [...at((2 * i) / count - 1), ...at((2 * (i + 1)) / count - 1)],
  }));
}

const BATTER_TOOLS = ['noise', 'noise', 'noise', 'ablate', 'ablate', 'truncate'] as const;
const MAX_STEPS_BETWEEN_STROKES = 60;

function batter(reach: number, random: Random): Blow[] {
  const blows: Blow[] = [];
  let first = 0;
  for (let count = random.whole(1, 2); count > 0; count--) {
    const tool = BATTER_TOOLS[random.whole(0, BATTER_TOOLS.length - 1)];
    const stroke = drawPlayed(tool, reach, random);
    blows.push(...stroke.map((blow) => ({ ...blow, afterSteps: first + blow.afterSteps })));
    first += stroke[stroke.length - 1].afterSteps + random.whole(0, MAX_STEPS_BETWEEN_STROKES);
  }
  return blows;
}

function truncate({ state, shape, reach }: Wounded, random: Random): void {
  const radius = random.between(0.15, 0.7) * reach;
  clearWhere(state, shape, (u, v) => Math.hypot(u - seedX(shape), v - seedY(shape)) > radius);
}

function noisePatch(body: Wounded, random: Random): void {
  const radius = random.between(0.2, 1) * body.reach;
  const [x, y] = around(body, 0.9, random);
  const strength = random.between(0.05, 0.4);
  addNoise(body.state, body.shape, strength, random, (u, v) => Math.hypot(u - x, v - y) < radius);
}
