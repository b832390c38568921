/**
 * A picture of a body that grows from one cell, is torn and heals, as an SVG. Without FMA, so that every machine draws the
 * same to the byte.
 */
import { createWasmEngine } from '../engines/wasm/engine.ts';
import { readRule } from '../rules/load.ts';
import { cellPaths } from './cellPaths.ts';

const SIDE = 64;
/** What is shown of the world, in cells; the seed is at the middle of the world. */
const FRAME = { x: 14, y: 15, width: 36, height: 34 };
/** What is ablated: all right of the middle of the body. */
const WOUND = { x0: 56, y0: 0, x1: 56, y1: SIDE, radius: 21 };
/** Pixels per cell, and cells below the frames for words. */
const SCALE = 2.5;
const WORDS = 6;
/** RGB, 0 to 15. */
const GROUND = [15, 15, 15];

/** Each frame: steps since the one before, and its words. The wound comes before the one of no step. */
const FRAMES: readonly (readonly [steps: number, words: string])[] = [
  [0, 'one cell'],
  [10, '10 steps'],
  [10, '20'],
  [15, '35'],
  [45, '80'],
  [0, 'torn'],
  [8, '8 steps later'],
  [16, '24'],
  [56, '80'],
];

/** @param file - a rule file @throws RuleError for a file that is none */
export async function growthSvg(file: string): Promise<string> {
  const engine = await createWasmEngine({ width: SIDE, height: SIDE, randomSeed: 1, relaxed: false });
  const frames: string[] = [];
  try {
    engine.setRule(0, readRule(file));
    engine.plant(1, 0, SIDE / 2, SIDE / 2);
    for (const [steps, words] of FRAMES) {
      if (steps > 0) await engine.step(steps);
      else if (frames.length > 0) engine.perturb({ kind: 'ablate', ...WOUND });
      const cells = new Float32Array(FRAME.width * FRAME.height * 4);
      await engine.readOrganism(1, FRAME, cells);
      frames.push(frameOf(cells, words, frames.length * FRAME.width));
    }
  } finally {
    engine.dispose();
  }
  const [width, height] = [frames.length * FRAME.width, FRAME.height + WORDS];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width * SCALE}" height="${height * SCALE}">`,
    '<title>A body grows from one cell, is torn, and heals</title>',
    '<!-- CC0 1.0; made by `npm run starters`, with its flag for growth -->',
    `<rect width="${width}" height="${height}" rx="3" fill="${hex(GROUND)}"/>`,
    ...frames,
    '</svg>\n',
  ].join('\n');
}

/** @param cells - [height, width, 4], premultiplied */
function frameOf(cells: Float32Array, words: string, left: number): string {
  const { width, height } = FRAME;
  const colourAt = (x: number, y: number): string | null => {
    const at = (y * width + x) * 4;
    const alpha = Math.min(1, Math.max(0, cells[at + 3]));
    const colour = hex(
      GROUND.map((ground, c) => {
        const value = Math.round(15 * cells[at + c] + ground * (1 - alpha));
        return Math.min(15, Math.max(0, value));
      }),
    );
    return colour === hex(GROUND) ? null : colour;
  };
  return [
    `<g transform="translate(${left} 0)">`,
    `<g shape-rendering="crispEdges">${cellPaths(width, height, colourAt)}</g>`,
    `<text x="${width / 2}" y="${height + 2}" text-anchor="middle" font-family="system-ui, sans-serif" font-size="4" fill="#555">${words}</text>`,
    '</g>',
  ].join('');
}

const hex = (rgb: readonly number[]): string => `#${rgb.map((part) => part.toString(16)).join('')}`;
