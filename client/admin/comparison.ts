/** A tuned rule beside its parent: how much each heals, how fast, and a film of both healing the same wound. */

import {
  type ComparisonRecord,
  HEALING,
  HEALING_FILM_FRAMES,
  type RuleEntry,
} from '../../shared/adminApi.ts';
import { h, svg } from '../dom.ts';
import { formatCount, formatPercent } from '../format.ts';
import { healingFilmUrl } from './api.ts';
import { playStrip } from './film.ts';
import { CurvePlot, type Point } from './plots.ts';

/** @returns the comparison in a rule's metrics; null when there is none, or it has another form */
export function comparisonOf({ metrics }: Pick<RuleEntry, 'metrics'>): ComparisonRecord | null {
  const found = metrics.comparison as Partial<ComparisonRecord> | null | undefined;
  return Array.isArray(found?.figures) && Array.isArray(found.curveBefore) && Array.isArray(found.curveAfter)
    ? (found as ComparisonRecord)
    : null;
}

const FRAME_MS = 90;
const ROW = { height: 18, label: 150, bar: 150, value: 88 } as const;

export class Comparison {
  readonly element: HTMLElement;

  constructor(rule: RuleEntry, comparison: ComparisonRecord) {
    const { figures, randomSeeds, trainedWounds, heldOutWounds, iterations, seconds } = comparison;
    const curve = new CurvePlot('Error while held-out wounds heal', {
      label: 'Error while held-out wounds heal',
      isLog: true,
      show: (value) => value.toExponential(1),
    });
    curve.show(
      [
        { kind: 'was', name: 'before', points: steps(comparison.curveBefore) },
        { kind: 'now', name: 'after', points: steps(comparison.curveAfter) },
      ],
      'steps',
    );
    const recoveries = figures.filter(({ group, name }) => group === 'recovery' || name.endsWith('recovery'));
    const others = figures.filter((figure) => !recoveries.includes(figure));
    this.element = h(
      'div',
      { class: 'comparison' },
      h(
        'figure',
        { class: 'curve-box' },
        h('figcaption', {}, 'One held-out wound: before, after'),
        this.#film(rule),
      ),
      curve.element,
      h(
        'figure',
        { class: 'curve-box comparison__bars' },
        h(
          'figcaption',
          {},
          h('span', {}, 'Healed after 200 steps'),
          h('span', { class: 'soft' }, 'before · after'),
        ),
        bars(recoveries),
      ),
      h(
        'dl',
        { class: 'comparison__others' },
        ...others.flatMap(({ name, group, before, after, isWorse }) => [
          h('dt', {}, group === 'error' ? `error ${name}` : name),
          h('dd', isWorse ? { class: 'error' } : {}, `${short(before)} → ${short(after)}`),
        ]),
        h('dt', {}, 'learned from'),
        h(
          'dd',
          {},
          `${trainedWounds} wounds, ${formatCount(iterations)} iterations, ${Math.round(seconds)} s`,
        ),
        h('dt', {}, 'judged by'),
        h('dd', {}, `${heldOutWounds} other wounds, ${randomSeeds} random seeds`),
      ),
    );
  }

  /** A film of both rules healing the same wound. */
  #film(rule: RuleEntry): HTMLElement {
    const canvas = h('canvas', {
      class: 'film film--pair',
      role: 'img',
      'aria-label': `The rule in force, left, and ${rule.label}, right, heal the same wound`,
    });
    const strip = new Image();
    strip.addEventListener('error', () =>
      canvas.replaceWith(h('p', { class: 'soft' }, 'The film was deleted.')),
    );
    strip.addEventListener('load', () =>
      playStrip(canvas, strip, {
        frames: HEALING_FILM_FRAMES,
        held: [0, 1, HEALING_FILM_FRAMES - 1],
        frameMs: FRAME_MS,
      }),
    );
    strip.src = healingFilmUrl(rule.id);
    return canvas;
  }
}

const steps = (errors: readonly number[]): Point[] =>
  errors.map((error, i) => [i * HEALING.stepsPerPoint, error]);

const short = (value: number): string =>
  value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 1e5)
    ? String(Number(value.toPrecision(3)))
    : value.toExponential(1);

/** One row per kind of damage. The faint bar is before, the bright one after; 0 is at the left, 1 (whole) at the right. */
function bars(figures: ComparisonRecord['figures']): SVGElement {
  const width = ROW.label + ROW.bar + ROW.value;
  const x = (value: number): string => (ROW.bar * Math.min(1, Math.max(0, value))).toFixed(1);
  return svg(
    'svg',
    {
      class: 'bars',
      viewBox: `0 0 ${width} ${figures.length * ROW.height}`,
      role: 'img',
      'aria-label': 'Healed, by kind of damage, before and after',
    },
    ...figures.flatMap(({ name, before, after, isWorse }, i) => {
      const y = i * ROW.height;
      const rect = (value: number, top: number, kind: string): SVGElement =>
        svg('rect', {
          class: 'bars__bar',
          'data-kind': kind,
          x: String(ROW.label),
          y: String(y + top),
          width: x(value),
          height: '6',
          rx: '2',
        });
      const text = (at: number, anchor: string, content: string): SVGElement =>
        svg(
          'text',
          { class: 'curve__text', x: String(at), y: String(y + 12), 'text-anchor': anchor },
          content,
        );
      return [
        text(ROW.label - 8, 'end', name.replace(', recovery', '')),
        rect(before, 2, 'was'),
        rect(after, 9, isWorse ? 'worse' : 'now'),
        text(width, 'end', `${formatPercent(before)} · ${formatPercent(after)}`),
      ];
    }),
  );
}
