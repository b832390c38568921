/** What a finished training leaves beside the rule: figures, a contact sheet, plots. */
import { join } from 'node:path';
import { writeRule, writeWhole } from '../rules/load.ts';
import { CHANNELS, type Rule, RuleError } from '../rules/rule.ts';
import { meanSquareError } from '../training/states.ts';
import type { Target } from '../training/target.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { evaluationPage } from './page.ts';
import { contactSheet } from './sheet.ts';
import { describeEvaluations } from './verdict.ts';

/** A finished training run. */
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

/**
 * Judges a rule that was just trained; writes it with its figures, a contact sheet and plots, and prints the figures.
 *
 * @throws RuleError when its bodies are less like the picture than an empty world; nothing is written then
 */
export async function report(rule: Rule, trained: Trained, places: ReportPlaces): Promise<Evaluation> {
  const { sprite, image, scale } = rule.metadata;
  const label = sprite === undefined ? (image ?? 'its picture') : `sprite ${sprite} at ${scale}x`;
  const evaluated = await evaluate(rule, { label, target: trained.target }, { threads: places.threads });
  const { evaluation } = evaluated;
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
  const { mse, recovery, deaths, runaways, changingCells } = evaluation;
  const metrics = JSON.stringify({ mse, recovery, deaths, runaways, changingCells }, rounded);
  writeRule(places.out, { ...rule, metadata: { ...rule.metadata, metrics } });
  writeWhole(join(places.report, 'sheet.png'), contactSheet([evaluated]));
  writeWhole(join(places.report, 'page.html'), evaluationPage([evaluated]));
  writeWhole(join(places.report, 'loss.svg'), lossPlot(rule.name, trained.losses, trained.curriculumDone));
  process.stdout.write(`${describeEvaluations([evaluation])}\n`);
  return evaluation;
}

/** By this step a body is whole. One that is worse than an empty world has not grown. */
const GROWN_STEP = 200;

const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value;

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

/** The smallest and the largest. Spread arguments of many thousands of values would overflow the stack. */
function extent(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    values.length > 0 ? [values[0], values[0]] : [1e-3, 1],
  );
}
