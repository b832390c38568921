/** Small plots as SVG: curves that grow, and sparklines. */
import { h, setText, svg } from '../dom.ts';
import { formatCount } from '../format.ts';

export type Point = readonly [x: number, y: number];

export interface Curve {
  readonly points: readonly Point[];
  /** `was` is what the curve is compared with; it is drawn faintly. */
  readonly kind: 'now' | 'was';
  readonly name: string;
}

export interface CurveOptions {
  /** Text for screen readers; the newest value is added. */
  readonly label: string;
  /** Whether the y axis is logarithmic, for errors that span decades. */
  readonly isLog?: boolean;
  /** The range of y; by default that of the values. */
  readonly range?: readonly [low: number, high: number];
  readonly show: (value: number) => string;
}

const WIDTH = 320;
const HEIGHT = 120;
const LEFT = 46;
const BOTTOM = 16;
const TOP = 8;

/**
 * Places points in a box, 0..1 from its lower left corner. Points that are not finite, or not above 0 on a logarithmic
 * axis, are left out.
 *
 * @returns also the range of y (`low`, `high`) and the largest x (`end`)
 */
export function placed(
  curves: readonly (readonly Point[])[],
  isLog: boolean,
  range?: readonly [number, number],
): {
  readonly curves: readonly (readonly Point[])[];
  readonly low: number;
  readonly high: number;
  readonly end: number;
} {
  const clean = curves.map((points) =>
    points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y) && (!isLog || y > 0)),
  );
  const ys = clean.flat().map(([, y]) => y);
  const end = Math.max(1, ...clean.flat().map(([x]) => x));
  let [low, high] = range ?? [Math.min(...ys), Math.max(...ys)];
  if (ys.length === 0 && range === undefined) [low, high] = [isLog ? 0.1 : 0, 1];
  if (isLog && range === undefined) [low, high] = [low / 1.25, high * 1.25];
  if (low === high) [low, high] = isLog ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const scale = isLog ? Math.log : (value: number): number => value;
  const at = (y: number): number => (scale(y) - scale(low)) / (scale(high) - scale(low));
  return {
    curves: clean.map((points) =>
      points.map(([x, y]) => [x / end, Math.min(1, Math.max(0, at(y)))] as const),
    ),
    low,
    high,
    end,
  };
}

const pathOf = (
  points: readonly Point[],
  left: number,
  width: number,
  top: number,
  height: number,
): string =>
  points.length === 0
    ? ''
    : `M${points.map(([x, y]) => `${(left + x * width).toFixed(1)} ${(top + (1 - y) * height).toFixed(1)}`).join('L')}`;

/** A plot of curves; its element stays while the curves change. */
export class CurvePlot {
  readonly element: HTMLElement;
  readonly #svg = svg('svg', { class: 'curve', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  readonly #title: HTMLElement;
  readonly #options: CurveOptions;
  #shown = '';

  constructor(title: string, options: CurveOptions) {
    this.#options = options;
    this.#title = h('span', { class: 'curve__now' });
    this.element = h(
      'figure',
      { class: 'curve-box' },
      h('figcaption', {}, h('span', {}, title), this.#title),
      this.#svg,
    );
  }

  show(curves: readonly Curve[], xName: string): void {
    const { isLog = false, range, show, label } = this.#options;
    const newest = curves.find(({ kind }) => kind === 'now')?.points.at(-1);
    setText(this.#title, newest === undefined ? '–' : show(newest[1]));
    const key = JSON.stringify([curves, xName]);
    if (key === this.#shown) return;
    this.#shown = key;
    const box = placed(
      curves.map(({ points }) => points),
      isLog,
      range,
    );
    const [width, height] = [WIDTH - LEFT - 4, HEIGHT - TOP - BOTTOM];
    const text = (x: number, y: number, anchor: string, content: string): SVGElement =>
      svg('text', { x: String(x), y: String(y), class: 'curve__text', 'text-anchor': anchor }, content);
    this.#svg.setAttribute(
      'aria-label',
      `${label}: ${newest === undefined ? 'nothing yet' : show(newest[1])}`,
    );
    this.#svg.replaceChildren(
      ...[TOP, TOP + height].map((y) =>
        svg('line', {
          class: 'curve__grid',
          x1: String(LEFT),
          x2: String(LEFT + width),
          y1: String(y),
          y2: String(y),
        }),
      ),
      text(LEFT - 5, TOP + 4, 'end', show(box.high)),
      text(LEFT - 5, TOP + height + 3, 'end', show(box.low)),
      text(LEFT + width, HEIGHT - 3, 'end', `${formatCount(box.end)} ${xName}`),
      ...curves.map(({ kind, name }, i) =>
        svg(
          'path',
          { class: 'curve__line', 'data-kind': kind, d: pathOf(box.curves[i], LEFT, width, TOP, height) },
          svg('title', {}, name),
        ),
      ),
    );
  }
}

const SPARK = { width: 72, height: 18, points: 120 } as const;

/** A sparkline: the last 120 values of a figure. */
export class Spark {
  readonly element = svg('svg', {
    class: 'spark',
    viewBox: `0 0 ${SPARK.width} ${SPARK.height}`,
    'aria-hidden': 'true',
    preserveAspectRatio: 'none',
  });
  readonly #line = svg('path', { class: 'spark__line' });
  #values: number[] = [];

  constructor() {
    this.element.append(this.#line);
  }

  /** Adds a value; one that is not finite is left out. */
  add(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#values = [...this.#values.slice(1 - SPARK.points), value];
    const last = this.#values.length - 1;
    const highest = Math.max(...this.#values);
    const points = this.#values.map(
      (one, i): Point => [1 - (last - i) / (SPARK.points - 1), highest <= 0 ? 0 : Math.max(0, one / highest)],
    );
    this.#line.setAttribute('d', pathOf(points, 0, SPARK.width, 1.5, SPARK.height - 3));
  }
}
