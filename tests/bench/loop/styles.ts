/**
 * Styles of play, each of a player with one habit: how their strokes hurt one body. Cells are relative to the seed;
 * reach is half the body's longer side.
 */
import type { Random } from '../../../server/training/random.ts';
import type { Blow } from '../../../server/world/wound.ts';

type Draw = (reach: number, random: Random) => Blow[];

const STYLES = {
  /** One to three swipes of the widest eraser, right across or nearly, message by message. */
  swipes: (reach, random) =>
    series(random.whole(1, 3), random, [10, 40], (at) =>
      swept('ablate', at, random.between(0.35, 0.6) * reach, reach, random),
    ),
  /** Ten to twenty dabs of a small eraser, faster than the body heals. */
  dabs: (reach, random) =>
    series(random.whole(10, 20), random, [2, 8], (at) => [
      {
        afterSteps: at,
        tool: 'ablate',
        radius: rounded(random.between(0.2, 0.4) * reach),
        points: place(reach, 0.9, random),
      },
    ]),
  /** Two to four strokes of noise over the body. */
  noise: (reach, random) =>
    series(random.whole(2, 4), random, [10, 50], (at) =>
      swept('noise', at, random.between(0.3, 0.7) * reach, reach, random),
    ),
  /** Shrunk to a scrap one to three times, sooner each time than it can regrow. */
  shrink: (reach, random) =>
    series(random.whole(1, 3), random, [15, 60], (at) => [
      {
        afterSteps: at,
        tool: 'truncate',
        radius: rounded(random.between(0.12, 0.4) * reach),
        points: [0, 0],
      },
    ]),
  /** A half cut off with the widest eraser, and one to three times another half while it grows back. */
  halves: (reach, random) =>
    series(random.whole(2, 4), random, [15, 60], (at) => {
      const angle = (random.whole(0, 3) * Math.PI) / 2 + random.between(-0.3, 0.3);
      const radius = 0.55 * reach;
      return [0.62, 1.4].map((away, i) => ({
        ...stroke(angle, away * reach, 1.4 * reach, radius),
        afterSteps: at + 2 * i,
      }));
    }),
} as const satisfies Record<string, Draw>;

export type StyleName = keyof typeof STYLES;
export const STYLE_NAMES = Object.keys(STYLES) as StyleName[];

/** The blows of one wound of this style. */
export const drawWound = (style: StyleName, reach: number, random: Random): Blow[] =>
  STYLES[style](reach, random);

/** One act after another, with a pause of some steps between them. */
function series(
  count: number,
  random: Random,
  [shortest, longest]: readonly [number, number],
  act: (afterSteps: number) => Blow[],
): Blow[] {
  const blows: Blow[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    blows.push(...act(at));
    at = (blows.at(-1)?.afterSteps ?? at) + random.whole(shortest, longest);
  }
  return blows;
}

/** A stroke from one side of the body to the other, in three messages. */
function swept(tool: Blow['tool'], first: number, radius: number, reach: number, random: Random): Blow[] {
  const angle = random.between(0, 2 * Math.PI);
  const beside = random.between(-0.6, 0.6) * reach;
  const half = random.between(0.5, 1.2) * reach;
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const at = (along: number): [number, number] => [
    Math.round(dx * along - dy * beside),
    Math.round(dy * along + dx * beside),
  ];
  return [0, 1, 2].map((part) => ({
    afterSteps: first + 3 * part,
    tool,
    radius: rounded(radius),
    points: [...at(half * ((2 * part) / 3 - 1)), ...at(half * ((2 * (part + 1)) / 3 - 1))],
  }));
}

/** A stroke across the line from the seed at this angle, this far away. */
function stroke(angle: number, away: number, half: number, radius: number): Omit<Blow, 'afterSteps'> {
  const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
  const at = (along: number): [number, number] => [
    Math.round(nx * away - ny * along),
    Math.round(ny * away + nx * along),
  ];
  return { tool: 'ablate', radius: rounded(radius), points: [...at(-half), ...at(half)] };
}

const place = (reach: number, part: number, random: Random): [number, number] => [
  Math.round(random.between(-part, part) * reach),
  Math.round(random.between(-part, part) * reach),
];

/** A brush has a radius in halves of a cell. */
const rounded = (radius: number): number => Math.max(0.5, Math.round(radius * 2) / 2);
