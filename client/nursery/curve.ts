/** A curve with the line that it must cross. */
import { svg } from '../dom.ts';

export interface CurveOptions {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly bar: number;
  /** Logarithmic, falling towards the bar; else from 0 to 1, rising to it. */
  readonly isError: boolean;
  readonly maxX: number;
}

const WIDTH = 240;
const HEIGHT = 84;
const MAX_ERROR = 0.1;
const MIN_ERROR = 1e-4;

/** 0 at the bottom, 1 at the top. */
export function heightOf(value: number, isError: boolean): number {
  if (!isError) return Math.min(1, Math.max(0, value));
  const clamped = Math.min(MAX_ERROR, Math.max(MIN_ERROR, value));
  return Math.log(clamped / MIN_ERROR) / Math.log(MAX_ERROR / MIN_ERROR);
}

export function curve({ label, points, bar, isError, maxX }: CurveOptions): SVGElement {
  const y = (value: number): string => ((1 - heightOf(value, isError)) * (HEIGHT - 4) + 2).toFixed(1);
  const x = (value: number): string => ((value / Math.max(1, maxX)) * WIDTH).toFixed(1);
  const known = points.filter(([, value]) => Number.isFinite(value));
  const path = known.map(([at, value], i) => `${i === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`).join('');
  const last = known.at(-1);
  return svg(
    'svg',
    {
      class: 'curve',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': label,
    },
    svg('line', { class: 'curve__bar', x1: '0', x2: String(WIDTH), y1: y(bar), y2: y(bar) }),
    svg('path', { class: 'curve__line', d: path === '' ? 'M0 0' : path }),
    ...(last === undefined
      ? []
      : [svg('ellipse', { class: 'curve__dot', cx: x(last[0]), cy: y(last[1]), rx: '3', ry: '3' })]),
  );
}
