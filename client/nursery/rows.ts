/** A drawing in the nursery's lists: its picture, name and maker, what is to be said of it, and what can be done with it. */
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import type { GrownDrawing, ShownDrawing } from '../../shared/nursery.ts';
import { h } from '../dom.ts';
import { thumbnail } from '../draw/thumbnail.ts';
import { formatAge } from '../format.ts';

/** Takes a species in hand, to be planted. */
export type PlantSpecies = (species: string) => void;

/** A drawing that cannot be read is shown by the first letter of its name. */
export function picture(
  { drawing, name }: Pick<ShownDrawing, 'drawing' | 'name'>,
  className: string,
): HTMLElement {
  try {
    return thumbnail(unpackDrawing(drawing), className);
  } catch {
    return h('span', { class: className }, name.slice(0, 1));
  }
}

export function row(one: ShownDrawing, ...more: HTMLElement[]): HTMLElement {
  return h(
    'li',
    { class: 'nursery__row' },
    picture(one, 'nursery__thumb'),
    h(
      'div',
      { class: 'nursery__text' },
      h(
        'p',
        { class: 'nursery__name' },
        one.name,
        h('span', { class: 'nursery__maker' }, ` by ${one.maker}`),
      ),
      ...more,
    ),
  );
}

export function plantButton(species: string, plant: PlantSpecies): HTMLElement {
  const button = h('button', { class: 'button button--small', type: 'button' }, 'Plant');
  button.addEventListener('click', () => plant(species));
  return button;
}

/** What has been learned: anybody may plant it and take it home. */
export function grownRow(one: GrownDrawing, plant: PlantSpecies): HTMLElement {
  const { id, species, isPassed, lacks, iterations, seconds, hasFilm } = one;
  const link = (file: string, text: string): HTMLElement =>
    h(
      'a',
      { href: `api/nursery/${id}/${file}`, download: `${species}${file.slice(file.indexOf('.'))}` },
      text,
    );
  const home = h(
    'details',
    { class: 'home' },
    h('summary', {}, 'Take it home'),
    h(
      'p',
      { class: 'home__links' },
      ...(hasFilm ? [link('growth.gif', 'its growth as a film'), link('card.png', 'a card')] : []),
      link('rule.safetensors', 'its rule'),
      link('distill.json', "its rule as Distill's JSON"),
    ),
  );
  return row(
    one,
    h(
      'p',
      { class: 'nursery__note' },
      isPassed
        ? `passed after ${iterations} lessons, ${formatAge(seconds)}`
        : `not perfect: ${lacks.join('; ')}`,
    ),
    h('div', { class: 'nursery__acts' }, plantButton(species, plant), home),
  );
}
