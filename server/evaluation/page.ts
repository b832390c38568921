/**
 * Evaluations as one self-contained HTML page: no script, no fonts, no requests. Light or dark, as the reader's system
 * is set.
 */
import { encode } from 'fast-png';
import { type Evaluation, type Frame, GROWTH_FRAMES, HEALING_FRAMES } from './evaluate.ts';
import type { Evaluated } from './sheet.ts';
import type { Spread } from './statistics.ts';
import type { Trial } from './trials.ts';
import {
  barOf,
  MAX_CHANGING_CELLS,
  MAX_ERROR,
  MIN_WHOLE_SOON,
  MIN_WORST_RECOVERY,
  missedBars,
} from './verdict.ts';

const CSS = `
:root { color-scheme: light dark;
  --paper: #faf8f4; --card: #fffdf9; --ink: #22211f; --soft: #77726a; --line: #e4dfd5; --grid: #eeeae2;
  --data: #1f6f8b; --band: #1f6f8b26; --good: #2f7d4f; --bad: #b3402e; --good-wash: #2f7d4f1c; --bad-wash: #b3402e1f }
@media (prefers-color-scheme: dark) { :root {
  --paper: #16171a; --card: #1d1f23; --ink: #e9e6df; --soft: #96938c; --line: #303338; --grid: #282b30;
  --data: #6cc0dc; --band: #6cc0dc2b; --good: #74c795; --bad: #f0897a; --good-wash: #74c79522; --bad-wash: #f0897a26 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 1180px; margin: 0 auto; padding: 40px 20px 80px }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.01em }
h2 { font-size: 20px; margin: 0 } h3 { font-size: 13px; font-weight: 600; color: var(--soft); margin: 0 0 8px }
p { margin: 0 0 12px; max-width: 75ch } .soft { color: var(--soft) } a { color: inherit }
.wide { overflow-x: auto; margin: 24px 0 36px }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; white-space: nowrap }
th { font-weight: 600; text-align: right; color: var(--soft); padding: 6px 8px; vertical-align: bottom }
th:first-child { text-align: left; color: var(--ink) }
td { text-align: right; padding: 6px 8px; border-top: 1px solid var(--line) }
tbody th { border-top: 1px solid var(--line) }
td small { display: block; color: var(--soft); font-size: 11px }
td.good { background: var(--good-wash) } td.bad { background: var(--bad-wash); color: var(--bad) }
td.bad small { color: inherit }
article { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 22px 24px; margin: 0 0 24px }
header.rule { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; margin-bottom: 18px }
.verdict { font-size: 13px } .good .mark { color: var(--good) } .bad .mark { color: var(--bad) }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 24px 32px; margin: 20px 0 }
svg { display: block; width: 100%; height: auto; overflow: visible } svg text { font-size: 11px; fill: var(--soft) }
svg text.value { fill: var(--ink) }
.strips { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 16px 20px }
figure { margin: 0 } figcaption { display: flex; font-size: 11px; color: var(--soft); justify-content: space-between }
figcaption b { color: var(--ink); font-weight: 600 }
.strip { width: 100%; display: block; image-rendering: pixelated }
.ticks { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; font-size: 11px; color: var(--soft); text-align: center }
`;

export function evaluationPage(evaluated: readonly Evaluated[]): string {
  const evaluations = evaluated.map(({ evaluation }) => evaluation);
  const { randomSeeds } = evaluations[0];
  const names = evaluations.map(({ rule }) => rule).join(', ');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(names)}: how they grow, keep and heal</title><style>${CSS}</style></head><body><main>
<h1>How they grow, keep and heal</h1>
<p class="soft">Each rule from one cell, with ${randomSeeds} random seeds. <em>MSE</em>: mean square error of RGBA over the
padded picture. <em>Recovery</em>: the part of the error made by damage at step 1,000 that is gone 200 steps later; 1 is whole
again. Large figures are medians, small ones the worst seed. Shaded: a bar is met or missed.</p>
${summary(evaluations)}
${evaluated.map(article).join('\n')}
</main></body></html>
`;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const exponent = (value: number): string =>
  Number.isFinite(value) ? value.toExponential(1).replace('e-', 'e−') : '–';
const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';

function summary(evaluations: readonly Evaluation[]): string {
  const steps = Object.keys(evaluations[0].mse);
  const kinds = Object.keys(evaluations[0].recovery);
  const cell = ({ median, worst }: Spread, show: (value: number) => string, met?: boolean): string => {
    const shade = met === undefined ? '' : ` class="${met ? 'good' : 'bad'}"`;
    return `<td${shade}>${show(median)}<small>${show(worst)}</small></td>`;
  };
  const count = (value: number): string =>
    `<td class="${value === 0 ? 'good' : 'bad'}">${value}<small>&nbsp;</small></td>`;
  const tried = Object.keys(evaluations[0].trials) as Trial[];
  const rows = evaluations.map((evaluation, i) => {
    const { rule, mse, recovery, deaths, runaways, changingCells, trials, play } = evaluation;
    const cells = [
      ...steps.map((step) => cell(mse[step], exponent, mse[step].median <= MAX_ERROR)),
      ...kinds.map((kind) => {
        const bar = barOf(kind);
        const { median, worst } = recovery[kind];
        const met = bar === undefined ? undefined : median >= bar && worst >= MIN_WORST_RECOVERY;
        return cell(recovery[kind], (value) => fixed(value, 3), met);
      }),
      count(deaths),
      count(runaways),
      cell(changingCells, (value) => fixed(value, 1), changingCells.median <= MAX_CHANGING_CELLS),
      ...tried.map((trial) => {
        const { explosions = 0, runaways: ran = 0, badlyHealed = 0 } = trials[trial] ?? {};
        const met = explosions + ran === 0;
        return `<td class="${met ? 'good' : 'bad'}">${explosions + ran}<small>${badlyHealed}</small></td>`;
      }),
      play === null
        ? ''
        : `<td class="${play.wholeSoon >= MIN_WHOLE_SOON ? 'good' : 'bad'}">${fixed(100 * play.wholeSoon, 0)} %<small>${fixed(play.steps, 0)}</small></td>`,
    ];
    return `<tr><th><a href="#rule-${i}">${escaped(rule)}</a></th>${cells.join('')}</tr>`;
  });
  const heads = [
    ...steps.map((step) => `MSE<br>${Number(step).toLocaleString('en')}`),
    ...kinds,
    'deaths',
    'run-<br>aways',
    'changing<br>a step',
    ...tried.map((trial) => `${trial}<br>wild, bad`),
    ...(evaluations[0].play === null ? [] : ['play<br>soon']),
  ];
  return `<div class="wide"><table><thead><tr><th>rule</th>${heads.map((head) => `<th>${head}</th>`).join('')}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function article({ evaluation, frames }: Evaluated, index: number): string {
  const { rule, target, width, height, cells } = evaluation;
  const missed = missedBars(evaluation);
  const verdict =
    missed.length === 0
      ? '<span class="verdict good"><span class="mark">●</span> meets every bar</span>'
      : `<span class="verdict bad"><span class="mark">▲</span> misses ${escaped(missed.join('; '))}</span>`;
  const growth = [frames.target, ...frames.growth];
  const ticks = ['target', ...GROWTH_FRAMES.map((step) => step.toLocaleString('en'))];
  const healing = Object.entries(frames.healing).map(
    ([kind, strip]) => `<figure>${stripImage(strip, `${rule} after damage: ${kind}`)}
<figcaption><b>${kind}</b><span>+${HEALING_FRAMES.slice(1).join(', +')} steps</span></figcaption></figure>`,
  );
  return `<article id="rule-${index}"><header class="rule"><h2>${escaped(rule)}</h2>
<span class="soft">${escaped(target)}, ${width} × ${height} cells; ${cells.median} live (target ${cells.target})</span>${verdict}</header>
${stripImage(growth, `${rule} growing`)}
<div class="ticks">${ticks.map((tick) => `<span>${tick}</span>`).join('')}</div>
<div class="plots"><div><h3>MSE by age, undisturbed: the median, and best to worst seed</h3>${errorPlot(evaluation)}</div>
<div><h3>Recovery 200 steps after damage: a dot a seed, a stroke the median</h3>${recoveryPlot(evaluation)}</div></div>
<div class="strips">${healing.join('\n')}</div></article>`;
}

/** Frames side by side, one pixel per cell; the browser enlarges them. */
function stripImage(frames: readonly Frame[], label: string): string {
  const [{ width, height }] = frames;
  const data = new Uint8Array(width * frames.length * height * 4);
  for (const [i, frame] of frames.entries()) {
    for (let y = 0; y < height; y++) {
      const row = frame.rgba.subarray(y * width * 4, (y + 1) * width * 4);
      data.set(row, (y * frames.length + i) * width * 4);
    }
  }
  const png = encode({ width: width * frames.length, height, channels: 4, data });
  return `<img class="strip" alt="${escaped(label)}" src="data:image/png;base64,${Buffer.from(png).toString('base64')}">`;
}

const PLOT = { width: 520, height: 300, left: 46, right: 12, top: 8, bottom: 26 } as const;

/** Both axes are logarithmic. */
function errorPlot({ curve }: Evaluation): string {
  const { width, height, left, right, top, bottom } = PLOT;
  const shown = curve.filter(({ best, worst }) => best > 0 && Number.isFinite(worst));
  if (shown.length === 0) return '<p class="soft">No error is a finite number: the bodies ran wild.</p>';
  const low = Math.floor(Math.log10(Math.min(MAX_ERROR, ...shown.map(({ best }) => best))));
  const high = Math.ceil(Math.log10(Math.max(MAX_ERROR, ...shown.map(({ worst }) => worst))));
  const [first, last] = [Math.log10(curve[0].step), Math.log10(curve[curve.length - 1].step)];
  const x = (step: number): string =>
    (left + ((width - left - right) * (Math.log10(step) - first)) / (last - first)).toFixed(1);
  const y = (error: number): string =>
    (top + ((height - top - bottom) * (high - Math.log10(error))) / (high - low)).toFixed(1);
  const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const upper = shown.map(({ step, worst }) => `${x(step)},${y(worst)}`);
  const lower = shown.map(({ step, best }) => `${x(step)},${y(best)}`).reverse();
  const line = shown.map(({ step, median }) => `${x(step)},${y(median)}`);
  const decades = [20, 100, 200, 1000, 10_000];
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="mean square error by age">
${powers.map((p) => `<path d="M${left} ${y(10 ** p)}H${width - right}" stroke="var(--grid)"/><text x="${left - 8}" y="${Number(y(10 ** p)) + 4}" text-anchor="end">1e${String(p).replace('-', '−')}</text>`).join('')}
${decades.map((step) => `<text x="${x(step)}" y="${height - 6}" text-anchor="middle">${step.toLocaleString('en')}</text>`).join('')}
<path d="M${left} ${y(MAX_ERROR)}H${width - right}" stroke="var(--good)" stroke-dasharray="3 4"/>
<text x="${width - right}" y="${Number(y(MAX_ERROR)) - 5}" text-anchor="end">bar ${exponent(MAX_ERROR)}</text>
<polygon points="${[...upper, ...lower].join(' ')}" fill="var(--band)"/>
<polyline points="${line.join(' ')}" fill="none" stroke="var(--data)" stroke-width="2" stroke-linejoin="round"/></svg>`;
}

function recoveryPlot({ samples, recovery }: Evaluation): string {
  const { width, height } = PLOT;
  const [left, right, top, bottom] = [66, 92, 8, 26];
  const kinds = Object.keys(recovery);
  const all = kinds.flatMap((kind) => samples.recovery[kind]).filter(Number.isFinite);
  // A lower value is drawn at the edge; its figure stands beside it.
  const low = Math.max(0, Math.floor(Math.min(0.8, ...all) * 5) / 5);
  const x = (value: number): string =>
    (left + (width - left - right) * ((Math.min(1.02, Math.max(low, value)) - low) / (1.02 - low))).toFixed(
      1,
    );
  const rowHeight = (height - top - bottom) / kinds.length;
  const ticks = Array.from({ length: 6 }, (_, i) => low + ((1 - low) * i) / 5);
  const rows = kinds.map((kind, row) => {
    const y = (top + (row + 0.5) * rowHeight).toFixed(1);
    const bar = barOf(kind);
    const { median, worst } = recovery[kind];
    const dots = samples.recovery[kind]
      .filter(Number.isFinite)
      .map((value) => `<circle cx="${x(value)}" cy="${y}" r="3.2"/>`);
    const reach = rowHeight * 0.32;
    const stroke = (at: number, colour: string, more: string): string =>
      `<path d="M${x(at)} ${Number(y) - reach}v${(2 * reach).toFixed(1)}" stroke="${colour}" ${more}/>`;
    return `<text class="value" x="${left - 10}" y="${Number(y) + 4}" text-anchor="end">${kind}</text>
<path d="M${left} ${y}H${width - right}" stroke="var(--grid)"/>
${bar === undefined ? '' : stroke(bar, 'var(--good)', 'stroke-dasharray="2 2"')}
<g fill="var(--data)" fill-opacity=".35">${dots.join('')}</g>
${Number.isFinite(median) ? stroke(median, 'var(--ink)', 'stroke-width="2"') : ''}
<text class="value" x="${width}" y="${Number(y) + 4}" text-anchor="end">${fixed(median, 3)} / ${fixed(worst, 3)}</text>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="recovery by kind of damage">
${ticks.map((tick) => `<path d="M${x(tick)} ${top}V${height - bottom}" stroke="var(--grid)"/><text x="${x(tick)}" y="${height - 6}" text-anchor="middle">${fixed(tick, 2)}</text>`).join('')}
${rows.join('\n')}</svg>`;
}
