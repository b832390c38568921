/** What the nursery learns now: its stage, its film, and how like and how healing it is. While it learns nothing: films. */
import { type GrownDrawing, HEALED_KINDS, type LearningView, PASSES } from '../../shared/nursery.ts';
import { h } from '../dom.ts';
import { formatAge, formatHealth } from '../format.ts';
import { curve } from './curve.ts';
import { picture } from './rows.ts';
import { kindText, stageText } from './words.ts';

/** Shown while nothing is learned. */
const MAX_FILMS = 6;

/** The films of what was learned last. */
export function idle(grown: readonly GrownDrawing[]): HTMLElement[] {
  const films = grown.filter(({ hasFilm }) => hasFilm).slice(0, MAX_FILMS);
  return [
    h(
      'div',
      { class: 'nursery__idle' },
      h('p', { class: 'nursery__headline' }, 'Nothing is being learned.'),
      h(
        'p',
        { class: 'nursery__note' },
        'Draw a creature and send it here. The world trains a network of a few thousand numbers, the same in each of its cells, until it grows from one cell and heals whatever is torn off. You can watch.',
      ),
    ),
    h(
      'ul',
      { class: 'gallery', 'aria-label': 'How they grow' },
      ...films.map(({ id, name }) =>
        h(
          'li',
          { class: 'gallery__film' },
          h(
            'picture',
            {},
            // The drawing and the grown body, side by side.
            h('source', { media: '(prefers-reduced-motion: reduce)', srcset: `api/nursery/${id}/card.png` }),
            h('img', {
              src: `api/nursery/${id}/growth.gif`,
              alt: `${name} grows, is torn, and heals`,
              loading: 'lazy',
            }),
          ),
          name,
        ),
      ),
    ),
  ];
}

/** @param film - shows the bodies while they learn */
export function lesson(view: LearningView, film: HTMLElement): HTMLElement[] {
  const { name, maker, errors, healing, recovery, iterations, seconds } = view;
  const last = errors.at(-1)?.[1];
  const worst = healing.at(-1)?.[1];
  const maxX = Math.max(iterations, 200);
  return [
    h(
      'div',
      { class: 'lesson' },
      h(
        'div',
        { class: 'lesson__head' },
        picture(view, 'lesson__target'),
        h(
          'div',
          {},
          h('p', { class: 'nursery__headline' }, name),
          h('p', { class: 'nursery__note' }, `drawn by ${maker}`),
          h('p', { class: 'lesson__stage' }, stageText(view)),
          h('p', { class: 'nursery__note' }, seconds > 0 ? `${formatAge(seconds)} so far` : ''),
        ),
      ),
      film,
      h(
        'div',
        { class: 'lesson__plots' },
        h(
          'figure',
          { class: 'lesson__plot' },
          h(
            'figcaption',
            {},
            h('span', {}, 'Likeness'),
            h('strong', {}, last === undefined ? '–' : likeness(last)),
          ),
          curve({
            label: `Error of grown bodies, falling to ${PASSES.maxError}`,
            points: errors,
            bar: PASSES.maxError,
            isError: true,
            maxX,
          }),
        ),
        h(
          'figure',
          { class: 'lesson__plot' },
          h(
            'figcaption',
            {},
            h('span', {}, 'Healing'),
            h('strong', {}, worst === undefined ? '–' : `${formatHealth(worst)} %`),
          ),
          curve({
            label: `Recovery from the wound that heals worst, rising to ${PASSES.minRecovery}`,
            points: healing,
            bar: PASSES.minRecovery,
            isError: false,
            maxX,
          }),
        ),
        h(
          'ul',
          { class: 'wounds', 'aria-label': 'How well each wound heals' },
          ...HEALED_KINDS.map((kind) => {
            const value = recovery[kind];
            const bar = h('span', { class: 'wounds__bar', 'aria-hidden': 'true' });
            bar.style.setProperty('--share', `${Math.max(0, Math.min(1, value ?? 0)) * 100}%`);
            const item = h(
              'li',
              { class: 'wounds__kind' },
              h('span', {}, kindText(kind)),
              bar,
              h('span', { class: 'wounds__value' }, value === undefined ? '–' : `${formatHealth(value)} %`),
            );
            item.toggleAttribute('data-passes', (value ?? 0) >= PASSES.minRecovery);
            return item;
          }),
        ),
      ),
    ),
  ];
}

/** A mean square error as the share of the picture that is right, as eyes judge it: its root, in percent. */
const likeness = (error: number): string => `${(100 * (1 - Math.sqrt(Math.max(0, error)))).toFixed(1)} %`;
