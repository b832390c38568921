/** What a finished training leaves beside the rule: its figures, a contact sheet, a loss plot. */
import { join } from 'node:path';
import { encode } from 'fast-png';
import { writeRule, writeWhole } from '../rules/load.ts';
import { CHANNELS, type Rule, RuleError } from '../rules/rule.ts';
import {
  applyCut,
  CUT_STEP,
  CUTS,
  describeEvaluation,
  type Evaluation,
  evaluate,
  open,
  RECOVERY_STEPS,
} from './evaluate.ts';
import { drawText, GLYPH_HEIGHT } from './font.ts';
import { cellIndex } from './kernel.ts';
import { meanSquareError, plantSeed } from './states.ts';
import type { Target } from './target.ts';

/** What is asked of a training run. */
export interface Trained {
  readonly target: Target;
  readonly losses: readonly number[];
  readonly curriculumDone: number;
}

export interface ReportPlaces {
  /** The rule file, written with its metrics. */
  readonly out: string;
  /** Folder of the pictures. */
  readonly report: string;
  readonly threads: number;
}

export async function report(rule: Rule, trained: Trained, places: ReportPlaces): Promise<Evaluation> {
  const { sprite, image, scale } = rule.metadata;
  const label = sprite === undefined ? (image ?? 'its picture') : `sprite ${sprite} at ${scale}x`;
  const evaluation = await evaluate(rule, { label, target: trained.target }, { threads: places.threads });
  const grown = evaluation.mse[GROWN_STEP].median;
  const nothing = meanSquareError(
    new Float32Array(trained.target.shape.cellCount * CHANNELS),
    trained.target.rgba,
    trained.target.shape,
  );
  if (!(grown < nothing))
    throw new RuleError(
      `${rule.name} does not grow into its picture (error ${grown.toPrecision(2)} at step ${GROWN_STEP}, an ` +
        `empty world has ${nothing.toPrecision(2)}): ${places.out} is not written, the checkpoint is kept`,
    );
  const metrics = JSON.stringify({ mse: evaluation.mse, recovery: evaluation.recovery }, rounded);
  writeRule(places.out, { ...rule, metadata: { ...rule.metadata, metrics } });
  writeWhole(join(places.report, 'sheet.png'), await contactSheet(rule, trained.target));
  writeWhole(join(places.report, 'loss.svg'), lossPlot(rule.name, trained.losses, trained.curriculumDone));
  process.stdout.write(`${describeEvaluation(evaluation)}\n`);
  return evaluation;
}

/** By then a body is whole; worse than nothing at all, it is none. */
const GROWN_STEP = 200;

const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value;

const GROWTH_STEPS = [0, 20, 40, 80, 200, 500, 1000] as const;
const HEALING_STEPS = [0, 10, 20, 40, 80, 120, RECOVERY_STEPS] as const;
const COLUMNS = 1 + GROWTH_STEPS.length;
const PIXELS_A_CELL = 3;
const TEXT_PIXELS = 2;
const LABEL_ROWS = (GLYPH_HEIGHT + 4) * TEXT_PIXELS;
const PAPER = [247, 245, 240] as const;
const INK = [70, 68, 64] as const;

/** First row: the target and its growth; then a row a cut: before, cut, healing. PNG bytes. */
export async function contactSheet(rule: Rule, target: Target): Promise<Uint8Array> {
  const { shape } = target;
  const rollouts = open(rule, target, 1, 0);
  const sheet = new Sheet(shape.width, shape.height, COLUMNS, 1 + Object.keys(CUTS).length);
  const state = rollouts.state(0);
  const visit = async (
    firstStep: number,
    steps: readonly number[],
    row: number,
    word: string,
  ): Promise<void> => {
    let at = 0;
    for (const [column, step] of steps.entries()) {
      await rollouts.run([{ steps: step - at, randomSeed: 1, firstStep: firstStep + at }]);
      at = step;
      sheet.draw(
        column + 1,
        row,
        `${word}${step}`,
        (x, y, c) => state[cellIndex(shape, x, y) * CHANNELS + c],
      );
    }
  };
  sheet.draw(0, 0, 'target', (x, y, c) => target.rgba[cellIndex(shape, x, y) * 4 + c]);
  plantSeed(state, shape);
  await visit(0, GROWTH_STEPS, 0, 'step ');
  const grown = state.slice();
  for (const [index, [cut, removes]] of Object.entries(CUTS).entries()) {
    state.set(grown);
    sheet.draw(0, index + 1, cut, (x, y, c) => state[cellIndex(shape, x, y) * CHANNELS + c]);
    applyCut(state, target, removes);
    await visit(CUT_STEP, HEALING_STEPS, index + 1, '+');
  }
  await rollouts.dispose();
  return sheet.png();
}

class Sheet {
  readonly #pixels: Uint8Array;
  readonly #width: number;
  readonly #height: number;
  readonly #cellsWide: number;
  readonly #cellsHigh: number;

  constructor(cellsWide: number, cellsHigh: number, columns: number, rows: number) {
    this.#cellsWide = cellsWide;
    this.#cellsHigh = cellsHigh;
    this.#width = cellsWide * PIXELS_A_CELL * columns;
    this.#height = (cellsHigh * PIXELS_A_CELL + LABEL_ROWS) * rows;
    this.#pixels = new Uint8Array(this.#width * this.#height * 3);
    for (let i = 0; i < this.#pixels.length; i++) this.#pixels[i] = PAPER[i % 3];
  }

  /** @param channel - premultiplied RGBA of a cell */
  draw(
    column: number,
    row: number,
    label: string,
    channel: (x: number, y: number, c: number) => number,
  ): void {
    const left = column * this.#cellsWide * PIXELS_A_CELL;
    const top = row * (this.#cellsHigh * PIXELS_A_CELL + LABEL_ROWS);
    drawText(label, (x, y) =>
      this.#square(left + (x + 3) * TEXT_PIXELS, top + (y + 2) * TEXT_PIXELS, TEXT_PIXELS, INK),
    );
    for (let y = 0; y < this.#cellsHigh; y++) {
      for (let x = 0; x < this.#cellsWide; x++) {
        const alpha = Math.min(1, Math.max(0, channel(x, y, 3)));
        const colour = PAPER.map((paper, c) => channel(x, y, c) * 255 + (1 - alpha) * paper);
        this.#square(left + x * PIXELS_A_CELL, top + LABEL_ROWS + y * PIXELS_A_CELL, PIXELS_A_CELL, colour);
      }
    }
  }

  #square(left: number, top: number, size: number, colour: readonly number[]): void {
    for (let y = top; y < top + size; y++) {
      for (let x = left; x < left + size; x++) {
        const pixel = (y * this.#width + x) * 3;
        for (let c = 0; c < 3; c++)
          this.#pixels[pixel + c] = Math.min(255, Math.max(0, Math.round(colour[c])));
      }
    }
  }

  png(): Uint8Array {
    return encode({ width: this.#width, height: this.#height, data: this.#pixels, channels: 3 });
  }
}

const PLOT = { width: 900, height: 420, left: 70, right: 20, top: 44, bottom: 44 } as const;

/** The loss of every iteration (pale) and its running mean, on a logarithmic scale. SVG. */
export function lossPlot(name: string, losses: readonly number[], curriculumDone: number): string {
  const { width, height, left, right, top, bottom } = PLOT;
  const finite = losses.filter((loss) => loss > 0);
  const low = Math.floor(Math.log10(Math.min(...extent(finite))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...extent(finite)))));
  const x = (i: number): number => left + ((width - left - right) * i) / Math.max(1, losses.length - 1);
  const y = (loss: number): number =>
    top + ((height - top - bottom) * (high - Math.log10(Math.max(loss, 1e-12)))) / (high - low);
  const line = (values: readonly number[]): string => {
    const every = Math.max(1, Math.floor(values.length / 1500));
    const points = values.flatMap((loss, i) =>
      i % every === 0 ? [`${x(i).toFixed(1)},${y(loss).toFixed(1)}`] : [],
    );
    return points.join(' ');
  };
  let mean = losses[0] ?? 1;
  const means = losses.map((loss) => {
    mean += 0.02 * (loss - mean);
    return mean;
  });
  const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const end = x(Math.min(curriculumDone, losses.length - 1)).toFixed(1);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13">
<rect width="100%" height="100%" fill="#fbfaf7"/>
<text x="${left}" y="26" font-size="15" fill="#222">${name}: mean square error of RGBA, ${losses.length} iterations</text>
${powers.map((p) => `<path d="M${left} ${y(10 ** p)}H${width - right}" stroke="#ddd"/><text x="${left - 10}" y="${y(10 ** p) + 4}" text-anchor="end" fill="#555">1e${p}</text>`).join('\n')}
<path d="M${end} ${top}V${height - bottom}" stroke="#999" stroke-dasharray="4 4"/>
<text x="${end}" y="${height - bottom + 18}" text-anchor="middle" fill="#555">seed reached at ${curriculumDone}</text>
<text x="${width - right}" y="${height - bottom + 18}" text-anchor="end" fill="#555">${losses.length}</text>
<polyline points="${line(losses)}" fill="none" stroke="#9fc3e0" stroke-width="0.8"/>
<polyline points="${line(means)}" fill="none" stroke="#14507a" stroke-width="1.8"/>
</svg>
`;
}

/** The smallest and the largest; spreading many thousands of arguments would overflow the stack. */
function extent(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    values.length > 0 ? [values[0], values[0]] : [1e-3, 1],
  );
}
