/**
 * `npm run starters`: pictures of the starters, and rules that grow them (`--learn FOLDER`). It writes one of all of them
 * (`--svg FILE`; by default weights/starters.svg, which weights/README.md shows), one of the dragon's growth (`--growth
 * FILE`; weights/growth.svg is shown by README.md), or with `--png FOLDER` a PNG of each, one pixel per cell, as `npm run
 * train -- --image` reads it.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encode } from 'fast-png';
import type { Drawing } from '../../shared/drawing/drawing.ts';
import { pictureToGrow } from '../../shared/drawing/growth.ts';
import { packDrawing } from '../../shared/drawing/packed.ts';
import { STARTERS } from '../../shared/starters/starters.ts';
import { cellPaths } from './cellPaths.ts';

/** Pixels per cell, and cells from one starter to the next. */
const SCALE = 3;
const PITCH = 36;
const ACROSS = 7;

const HELP = `npm run starters [-- flags]: pictures of the starters, or rules that grow them

  --svg FILE    where the picture of all of them is written; default: weights/starters.svg
  --growth FILE instead: a picture of the dragon as it grows, is torn and heals, by its rule in weights/starters
  --png FOLDER  instead: a PNG of each, one pixel per cell
  --learn FOLDER  instead: learns a rule for each and writes those that pass the gates of the nursery; what is there
                stays, and a learning that was interrupted goes on
  --only NAMES  with --learn: these, separated by commas
  --threads N   with --learn; default: 1
  --help        prints this
`;

const { values } = parseArgs({
  options: {
    png: { type: 'string' },
    growth: { type: 'string' },
    svg: { type: 'string' },
    learn: { type: 'string' },
    only: { type: 'string' },
    threads: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
});
if (values.help) process.stdout.write(HELP);
else if (values.png !== undefined) writePngs(values.png);
else if (values.growth !== undefined) await writeGrowth(values.growth);
else if (values.learn !== undefined) await learnAll(values.learn, values.only, Number(values.threads));
else writeSvg(values.svg ?? join(import.meta.dirname, '../../weights/starters.svg'));

function writeSvg(file: string): void {
  writeFileSync(file, svgOf());
  console.log(`wrote ${file}`);
}

async function writeGrowth(file: string): Promise<void> {
  const { growthSvg } = await import('./growth.ts');
  const rule = join(import.meta.dirname, '../../weights/starters/dragon.safetensors');
  writeFileSync(file, await growthSvg(rule));
  console.log(`wrote ${file}`);
}

function writePngs(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, drawing } of STARTERS)
    writeFileSync(join(folder, `${name.toLowerCase()}.png`), pngOf(drawing));
  console.log(`wrote ${STARTERS.length} pictures to ${folder}`);
}

/** One after another, each with the random seed 1. */
async function learnAll(folder: string, only: string | undefined, threads: number): Promise<void> {
  const { learnCreature } = await import('../nursery/learn.ts');
  const { drawnTarget } = await import('../training/learning.ts');
  const { readStart } = await import('../nursery/start.ts');
  const { writeRule } = await import('../rules/load.ts');
  const names = only?.split(',');
  for (const { name: title, drawing } of STARTERS) {
    const name = title.toLowerCase();
    const file = join(folder, `${name}.safetensors`);
    if (existsSync(file) || names?.includes(name) === false) continue;
    const drawn = { title, drawing: packDrawing(drawing) };
    const target = drawnTarget(drawn);
    const checkpoint = join(folder, `${name}.checkpoint`);
    const learned = await learnCreature(target, { name, start: readStart(), threads, checkpoint });
    const { outcome, missed, iterations, elapsedMs, evaluation } = learned;
    console.log(
      `${name}: ${outcome} after ${iterations} iterations, ${Math.round(elapsedMs / 1_000)} s` +
        `${missed.length > 0 ? `; ${missed.map(({ told }) => told).join('; ')}` : ''}`,
    );
    rmSync(checkpoint, { force: true });
    if (outcome !== 'passed') continue;
    const { mse, recovery, deaths, runaways, changingCells } = evaluation;
    const metrics = JSON.stringify({ mse, recovery, deaths, runaways, changingCells }, (_key, value) =>
      typeof value === 'number' ? Number(value.toPrecision(4)) : value,
    );
    const trainingCommand = `npm run starters -- --learn weights/starters --only ${name}`;
    writeRule(file, {
      ...learned.rule,
      metadata: { ...learned.rule.metadata, ...drawn, trainingCommand, metrics },
    });
  }
}

function pngOf(drawing: Drawing): Uint8Array {
  const { width, height, rgba } = pictureToGrow(drawing) ?? drawing;
  return encode({ width, height, channels: 4, depth: 8, data: rgba });
}

function colourOf({ width, rgba }: Drawing, x: number, y: number): string | null {
  const at = (y * width + x) * 4;
  return rgba[at + 3] === 0 ? null : `#${Buffer.from(rgba.subarray(at, at + 3)).toString('hex')}`;
}

function svgOf(): string {
  const rows = Math.ceil(STARTERS.length / ACROSS);
  const [width, height] = [ACROSS * PITCH, rows * PITCH];
  const bodies = STARTERS.map(({ name, drawing }, i) => {
    const x = (i % ACROSS) * PITCH + Math.floor((PITCH - drawing.width) / 2);
    const y = Math.floor(i / ACROSS) * PITCH + Math.floor((PITCH - drawing.height) / 2);
    const paths = cellPaths(drawing.width, drawing.height, (cx, cy) => colourOf(drawing, cx, cy));
    return `<g transform="translate(${x} ${y})"><title>${name}</title>${paths}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width * SCALE}" height="${height * SCALE}" shape-rendering="crispEdges">`,
    '<title>The starters</title>',
    '<!-- CC0 1.0; made by `npm run starters` -->',
    ...bodies,
    '</svg>\n',
  ].join('\n');
}
