/** The card of the watched organism: name, state, facts, and the curve of its health in the last minute. */
import type { Size } from '../../shared/geometry.ts';
import type { Species } from '../../shared/protocol.ts';
import { h, setText, svg } from '../dom.ts';
import {
  formatAge,
  formatCount,
  formatHealth,
  formatRoughAge,
  formatSpecies,
  speciesTitle,
} from '../format.ts';
import type { InspectorCard, Organism } from '../hands/inspector.ts';
import { type Mood, moodOf, PLOT_SECONDS, plotHealth } from './healthPlot.ts';
import { icon } from './icons.ts';
import { Removal } from './removal.ts';

const MOOD_TEXT: Readonly<Record<Mood, string>> = {
  well: 'Healthy',
  healing: 'Regrowing',
  hurt: 'Hurt',
  growing: 'Growing up',
  wilting: 'Wilting',
  waiting: 'Will grow again',
  leaving: 'Dissolving',
};
/** Width of the axis' labels, in em. */
const AXIS_EM = 3.7;
/** Width of a letter of a mark's label, in em. */
const LETTER_EM = 0.6;
const LEVELS = [1, 0.5, 0] as const;

export interface CardActs {
  readonly close: () => void;
  /** Called when the player has asked twice to remove an organism that they planted. */
  readonly remove: (organism: number) => void;
  /** Reports the organism to the moderators. @param name - of its species */
  readonly report: (organism: number, name: string) => void;
}

const planterOf = ({ planter, isYours }: Organism): string =>
  isYours ? 'you' : planter === '' ? 'the garden' : planter;

/** What a player should know of it; null: nothing. */
function noteOf({ absence, waitSeconds, lonely }: Organism): string | null {
  if (absence === 'removed') return 'It was removed, and does not come back.';
  if (absence === 'withering') return 'Nobody has visited it for too long: it withers.';
  if (waitSeconds !== null && waitSeconds > 0)
    return `It grows again from its seed in ${Math.ceil(waitSeconds)} s.`;
  if (waitSeconds !== null) return 'It grows again as soon as the place of its seed is free.';
  if (absence === 'wilting') return 'It grows again from its seed.';
  if (lonely === null) return null;
  return `Nobody had visited it for ${formatAge(lonely.seconds)}. After ${formatAge(lonely.ofSeconds)} without a visit it withers.`;
}

export class Card implements InspectorCard {
  readonly #root: HTMLElement;
  readonly #image = h('img', { class: 'card__image', alt: '' });
  readonly #name = h('h2', { class: 'card__name' });
  readonly #state = h('p', { class: 'card__state' });
  readonly #note = h('p', { class: 'card__note' });
  readonly #removal: Removal;
  readonly #health = h('span');
  readonly #flag = h(
    'button',
    { class: 'icon-button card__flag', type: 'button', 'aria-label': 'Report it', title: 'Report' },
    icon('flag', true),
  );
  readonly #age = h('dd', { class: 'fact__value' });
  readonly #cells = h('dd', { class: 'fact__value' });
  readonly #planted = h('dt', { class: 'fact__name' });
  readonly #planter = h('dd', { class: 'fact__value' });
  readonly #plot = svg('svg', { class: 'plot', role: 'img' });
  readonly #area = svg('path', { class: 'plot__area' });
  readonly #drop = svg('path', { class: 'plot__drop' });
  readonly #line = svg('path', { class: 'plot__line' });
  /** Lines where its rule was swapped or it wilted. */
  readonly #marks = svg('path', { class: 'plot__mark' });
  readonly #markName = svg('text', { class: 'plot__label', 'text-anchor': 'middle' });
  readonly #dot = svg('circle', { class: 'plot__dot', r: '5' });
  readonly #levels = LEVELS.map((level) => ({
    level,
    line: svg('line', { class: 'plot__grid' }),
    label: svg('text', { class: 'plot__label', 'text-anchor': 'end', 'dominant-baseline': 'central' }),
  }));
  readonly #since = svg('text', { class: 'plot__label' }, '1 min ago');
  readonly #now = svg('text', { class: 'plot__label', 'text-anchor': 'end' }, 'now');

  constructor(root: HTMLElement, acts: CardActs) {
    this.#root = root;
    this.#removal = new Removal(acts.remove);
    const button = h(
      'button',
      { class: 'icon-button card__close', type: 'button', 'aria-label': 'Stop watching' },
      icon('close', true),
    );
    button.addEventListener('click', acts.close);
    this.#flag.addEventListener('click', () => {
      const organism = Number(root.dataset.organism);
      if (organism > 0) acts.report(organism, this.#name.textContent);
    });
    for (const { level, line, label } of this.#levels) {
      label.textContent = `${level * 100} %`;
      this.#plot.append(line, label);
    }
    const shade = svg(
      'linearGradient',
      { id: 'plot-shade', x1: '0', x2: '0', y1: '0', y2: '1' },
      svg('stop', { class: 'plot__shade', offset: '0' }),
      svg('stop', { class: 'plot__shade plot__shade--low', offset: '1' }),
    );
    this.#plot.append(
      shade,
      this.#since,
      this.#now,
      this.#area,
      this.#drop,
      this.#marks,
      this.#line,
      this.#dot,
      this.#markName,
    );
    const fact = (name: string, value: HTMLElement): HTMLElement =>
      h('div', { class: 'fact' }, h('dt', { class: 'fact__name' }, name), value);
    root.append(
      h(
        'div',
        { class: 'card__head' },
        this.#image,
        h('div', { class: 'card__titles' }, this.#name, this.#state),
        h('p', { class: 'card__health' }, this.#health, h('small', {}, ' %')),
        this.#flag,
        button,
      ),
      this.#note,
      this.#plot,
      h(
        'dl',
        { class: 'facts' },
        fact('Age', this.#age),
        fact('Cells', this.#cells),
        h('div', { class: 'fact fact--line' }, this.#planted, this.#planter),
      ),
      this.#removal.root,
    );
  }

  get isShown(): boolean {
    return !this.#root.hidden;
  }

  hide(): void {
    this.#root.hidden = true;
    this.#removal.hide();
  }

  show(organism: Organism, species: Species | undefined): void {
    this.#root.hidden = false;
    // Measured before anything is written: afterwards, the browser would have to lay out the page twice.
    const box = this.#plot.getBoundingClientRect();
    const em = Number.parseFloat(getComputedStyle(this.#since).fontSize);
    const mood = moodOf(organism.history, organism.historySeconds, organism.health, organism.absence);
    this.#root.dataset.mood = mood;
    this.#root.dataset.organism = String(organism.id);
    if (species !== undefined && this.#image.getAttribute('src') !== species.thumbnail)
      this.#image.src = species.thumbnail;
    this.#image.hidden = species === undefined;
    this.#flag.hidden = organism.isYours;
    setText(this.#name, species === undefined ? formatSpecies(organism.species) : speciesTitle(species));
    const isAsleep = organism.isAsleep && mood === 'well';
    this.#root.toggleAttribute('data-asleep', isAsleep);
    setText(this.#state, isAsleep ? 'Asleep' : MOOD_TEXT[mood]);
    this.#state.title = isAsleep ? 'Whole and still: it wakes when something touches it' : '';
    const note = noteOf(organism);
    this.#note.hidden = note === null;
    setText(this.#note, note ?? '');
    setText(this.#health, formatHealth(organism.health));
    setText(this.#age, formatAge(organism.ageSeconds));
    this.#age.title = `${formatCount(organism.age)} steps`;
    setText(this.#cells, formatCount(organism.cells));
    setText(this.#planted, `Planted ${formatRoughAge(organism.sinceSeconds)} ago`);
    this.#planted.title = `${formatAge(organism.sinceSeconds)} ago`;
    setText(this.#planter, `by ${planterOf(organism)}`);
    this.#planter.title = planterOf(organism);
    if (organism.isYours && mood !== 'leaving') this.#removal.show(organism.id);
    else this.#removal.hide();
    this.#draw(organism, box, em);
  }

  /** Says that the organism has died. */
  mourn(): void {
    this.#root.dataset.mood = 'hurt';
    this.#root.removeAttribute('data-asleep');
    setText(this.#state, 'Gone');
    this.#note.hidden = true;
    this.#removal.hide();
    setText(this.#health, '0');
    setText(this.#cells, '0');
  }

  /** @param em - pixels per em in the plot */
  #draw(organism: Organism, box: Size, em: number): void {
    const pad = 6;
    const axis = AXIS_EM * em;
    const foot = 1.5 * em;
    const width = Math.max(40, box.width - axis - pad);
    const height = Math.max(20, box.height - pad - foot);
    this.#plot.setAttribute('viewBox', `0 0 ${width + axis + pad} ${height + pad + foot}`);
    this.#plot.setAttribute(
      'aria-label',
      `Health over the last minute, now ${formatHealth(organism.health)} %`,
    );
    for (const { level, line, label } of this.#levels) {
      const y = String(pad + height * (1 - level));
      for (const [name, value] of Object.entries({ x1: '0', x2: String(width), y1: y, y2: y }))
        line.setAttribute(name, value);
      label.setAttribute('x', String(width + axis + pad));
      label.setAttribute('y', y);
    }
    for (const [label, x] of [
      [this.#since, 0],
      [this.#now, width],
    ] as const) {
      label.setAttribute('x', String(x));
      label.setAttribute('y', String(pad + height + foot - 2));
    }
    const plot = plotHealth(organism.history, organism.historySeconds, width, height);
    for (const element of [this.#area, this.#drop, this.#line, this.#dot])
      element.setAttribute('transform', `translate(0 ${pad})`);
    this.#area.setAttribute('d', plot?.area ?? '');
    this.#drop.setAttribute('d', plot?.drop ?? '');
    this.#line.setAttribute('d', plot?.line ?? '');
    const marks = organism.marks
      .filter(({ agoSeconds }) => agoSeconds < PLOT_SECONDS)
      .map(({ agoSeconds, label }) => ({ label, x: width * (1 - agoSeconds / PLOT_SECONDS) }));
    this.#marks.setAttribute('d', marks.map(({ x }) => `M${x.toFixed(1)} ${pad}V${pad + height}`).join(''));
    const newest = marks.at(-1);
    setText(this.#markName, newest?.label ?? '');
    const half = ((newest?.label.length ?? 0) * LETTER_EM * em) / 2;
    const nameX = Math.max(half, Math.min(newest?.x ?? 0, width - half));
    this.#markName.setAttribute('x', String(nameX));
    this.#markName.setAttribute('y', String(pad + height + foot - 2));
    // The label of the newest mark has the same line as those of the axis, which give way to it.
    this.#since.toggleAttribute('hidden', newest !== undefined && nameX - half < 6 * em);
    this.#now.toggleAttribute('hidden', newest !== undefined && nameX + half > width - 3 * em);
    this.#dot.setAttribute('cx', String(plot?.x ?? width));
    this.#dot.setAttribute('cy', String(plot?.y ?? height));
  }
}
