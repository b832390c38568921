/**
 * How a hand erases: 24 gestures over a body, and where the pointer is at each moment of one. Pure.
 * Coordinates are in parts of half the body's longer side ("reach"), from the middle of its box.
 */
import type { Random } from '../../../server/training/random.ts';

export interface Gesture {
  readonly name: string;
  /** Where the hand presses, turns and lets go; a smooth curve runs through them. */
  readonly through: readonly Place[];
  readonly ms: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

type Shape = (random: Random) => { through: Place[]; ms: number };

const place = (x: number, y: number): Place => ({ x, y });

/** Points on a circle, from one angle (radians) to another. */
const arc = (middle: Place, radius: number, from: number, to: number): Place[] =>
  Array.from({ length: 7 }, (_, i) => {
    const angle = from + ((to - from) * i) / 6;
    return place(middle.x + radius * Math.cos(angle), middle.y + radius * Math.sin(angle));
  });

const SHAPES: Readonly<Record<string, Shape>> = {
  diagonal: (random) => ({
    through: [place(-0.95, -0.85), place(random.between(-0.15, 0.15), 0), place(0.95, 0.85)],
    ms: random.between(320, 620),
  }),
  backDiagonal: (random) => ({
    through: [place(0.9, -0.9), place(0, random.between(-0.15, 0.15)), place(-0.9, 0.85)],
    ms: random.between(420, 800),
  }),
  arcAcross: (random) => ({
    through: arc(place(0, 0.85), random.between(0.75, 0.95), Math.PI * 1.08, Math.PI * 1.92),
    ms: random.between(500, 850),
  }),
  arcAlongRim: (random) => ({
    through: arc(place(0, 0), random.between(0.8, 0.95), Math.PI * 1.1, Math.PI * 1.9),
    ms: random.between(500, 900),
  }),
  zigzag: (random) => {
    const height = random.between(0.4, 0.65);
    return {
      through: Array.from({ length: 5 }, (_, i) => place(-0.8 + 0.4 * i, i % 2 === 0 ? height : -height)),
      ms: random.between(900, 1_300),
    };
  },
  tap: (random) => {
    const at = place(random.between(-0.5, 0.5), random.between(-0.5, 0.5));
    return { through: [at, place(at.x + 0.01, at.y)], ms: random.between(60, 120) };
  },
  across: (random) => ({
    through: [place(-1.25, 0.1), place(0, random.between(-0.3, 0.3)), place(1.25, -0.1)],
    ms: random.between(300, 550),
  }),
  besideRim: (random) => ({
    through: [place(-0.85, -0.7), place(random.between(-1, -0.8), 0), place(-0.8, 0.75)],
    ms: random.between(350, 600),
  }),
};

/** How many gestures `drawGestures` draws. */
export const GESTURES = Object.keys(SHAPES).length;

/** The greatest angle by which a gesture is turned from its shape, radians. */
const MAX_TURN = 0.3;

/** One of each shape, mirrored or not, turned a little and a little larger or smaller. */
export function drawGestures(random: Random): Gesture[] {
  return Object.entries(SHAPES).map(([name, draw]) => {
    const { through, ms } = draw(random);
    const turn = random.between(-MAX_TURN, MAX_TURN) + (Math.PI / 2) * random.whole(0, 3);
    const scale = random.between(0.9, 1.08);
    const mirror = random.unit() < 0.5 ? -1 : 1;
    const [cos, sin] = [Math.cos(turn) * scale, Math.sin(turn) * scale];
    return {
      name,
      ms,
      through: through.map(({ x, y }) => place(mirror * x * cos - y * sin, mirror * x * sin + y * cos)),
    };
  });
}

/** Points of the curve between two places that a gesture goes through. */
const CURVE_POINTS = 40;
/** A hand slows down in bends: its speed falls with the cube root of the curvature (the two-thirds power law). */
const BEND_EXPONENT = 1 / 3;
/** The smallest curvature, in reach⁻¹, so that the speed on a straight line stays finite. */
const MIN_BEND = 0.6;
/** Tremor of a hand on a mouse: about 9 Hz, 1.2 % of the reach. */
const TREMOR_HZ = 9;
const TREMOR = 0.012;

/** @returns where the pointer is, by milliseconds since the press (0 … gesture.ms) */
export function moveHand(gesture: Gesture, random: Random): (ms: number) => Place {
  const curve = curveThrough(gesture.through);
  // Time spent up to each point, at even effort.
  const spent = [0];
  for (let i = 1; i < curve.length; i++) {
    const length = Math.hypot(curve[i].x - curve[i - 1].x, curve[i].y - curve[i - 1].y);
    spent.push(spent[i - 1] + length * (MIN_BEND + bendAt(curve, i)) ** BEND_EXPONENT);
  }
  const whole = spent[spent.length - 1];
  const phases = [random.between(0, 2 * Math.PI), random.between(0, 2 * Math.PI)];
  return (ms) => {
    const part = Math.min(1, Math.max(0, ms / gesture.ms));
    // The profile of least jerk: slow, fast, slow.
    const wanted = whole * part ** 3 * (10 - 15 * part + 6 * part ** 2);
    const at = Math.max(
      1,
      spent.findIndex((time) => time >= wanted),
    );
    const share = whole === 0 ? 0 : (wanted - spent[at - 1]) / (spent[at] - spent[at - 1]);
    const angle = 2 * Math.PI * TREMOR_HZ * (ms / 1_000);
    return {
      x: curve[at - 1].x + (curve[at].x - curve[at - 1].x) * share + TREMOR * Math.sin(angle + phases[0]),
      y: curve[at - 1].y + (curve[at].y - curve[at - 1].y) * share + TREMOR * Math.sin(angle + phases[1]),
    };
  };
}

/** A Catmull-Rom curve; its ends are straight. */
function curveThrough(through: readonly Place[]): Place[] {
  const curve = [through[0]];
  for (let i = 0; i + 1 < through.length; i++) {
    const [p1, p2] = [through[i], through[i + 1]];
    const [p0, p3] = [through[i - 1] ?? p1, through[i + 2] ?? p2];
    for (let n = 1; n <= CURVE_POINTS; n++) {
      const t = n / CURVE_POINTS;
      const along = (a: number, b: number, c: number, d: number): number =>
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
      curve.push(place(along(p0.x, p1.x, p2.x, p3.x), along(p0.y, p1.y, p2.y, p3.y)));
    }
  }
  return curve;
}

/** Curvature at a point, reach⁻¹; 0 at the end. */
function bendAt(curve: readonly Place[], i: number): number {
  if (i + 1 >= curve.length) return 0;
  const [before, at, after] = [curve[i - 1], curve[i], curve[i + 1]];
  const [dx0, dy0] = [at.x - before.x, at.y - before.y];
  const [dx1, dy1] = [after.x - at.x, after.y - at.y];
  const length = (Math.hypot(dx0, dy0) + Math.hypot(dx1, dy1)) / 2;
  if (length === 0) return 0;
  return Math.abs(Math.atan2(dx0 * dy1 - dy0 * dx1, dx0 * dx1 + dy0 * dy1)) / length;
}
