/** The nursery: what the world learns now, what waits, and what has been learned. Asks the server only while it is open. */
import './nursery.css';
import { unpackDrawing } from '../../shared/drawing/packed.ts';
import {
  type GrownDrawing,
  HEALED_KINDS,
  type LearningView,
  type NurseryView,
  type OwnDrawing,
  PASSES,
  type ShownDrawing,
} from '../../shared/nursery.ts';
import { h, setText } from '../dom.ts';
import { thumbnail } from '../draw/thumbnail.ts';
import { formatAge, formatHealth } from '../format.ts';
import { curve } from './curve.ts';
import { FilmScreen } from './film.ts';
import { aboutTime, kindText, ownText, stageText } from './words.ts';

const ASK_EVERY_MS = 3_000;
/** Shown while nothing is learned. */
const MAX_FILMS = 6;
const OVER: readonly OwnDrawing['state'][] = ['refused', 'withdrawn', 'withered', 'removed'];

/** What a player does from here. */
export interface NurseryHands {
  /** Takes the species in hand, to be planted. */
  plant(species: string): void;
  /** Opens the drawing board. */
  draw(): void;
  /** Takes back a drawing of the player's own. */
  withdraw(drawing: number): void;
  /** Tells why the page does not open, for the player to read. */
  failed(reason: string): void;
}

export class NurseryPage {
  readonly #hands: NurseryHands;
  readonly #dialog = h('dialog', {
    class: 'whole-page nursery',
    'aria-labelledby': 'nursery-title',
    tabindex: '-1',
  });
  readonly #now = h('section', { class: 'nursery__now panel', 'aria-label': 'What is learned now' });
  readonly #moment = h('div', { class: 'nursery__moment', role: 'status', 'aria-live': 'polite' });
  readonly #own = h('section', { class: 'nursery__part panel', 'aria-label': 'Your drawings', hidden: '' });
  readonly #queue = h('section', { class: 'nursery__part panel', 'aria-label': 'The queue' });
  readonly #grown = h('section', { class: 'nursery__part panel', 'aria-label': 'What has been learned' });
  readonly #said = h('p', { class: 'nursery__said', role: 'status', 'aria-live': 'polite' });
  readonly #film = new FilmScreen();
  readonly #shown = new Map<string, string>();
  #view: NurseryView | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isAsking = false;

  constructor(hands: NurseryHands) {
    this.#hands = hands;
    const back = h('button', { class: 'button nursery__back', type: 'button' }, '← World');
    back.addEventListener('click', () => this.#dialog.close());
    const draw = h('button', { class: 'button', type: 'button' }, 'Draw');
    draw.addEventListener('click', () => this.#leaveFor(() => hands.draw()));
    this.#dialog.append(
      h('header', { class: 'nursery__bar' }, back, h('h2', { id: 'nursery-title' }, 'Nursery'), draw),
      h(
        'div',
        { class: 'nursery__body' },
        h('div', { class: 'nursery__main' }, this.#moment, this.#now, this.#said),
        h('div', { class: 'nursery__side' }, this.#own, this.#queue, this.#grown),
      ),
    );
    this.#dialog.addEventListener('close', () => {
      // Told some time after it has closed: it may be open again.
      if (!this.#dialog.open) this.#rest();
    });
    document.addEventListener('visibilitychange', () => {
      if (!this.#dialog.open) return;
      if (document.hidden) this.#pause();
      else this.#wake();
    });
    document.body.append(this.#dialog);
  }

  open(): void {
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#wake();
  }

  /** The player's own drawings. */
  showOwn(drawings: readonly OwnDrawing[]): void {
    this.#own.hidden = drawings.length === 0;
    // Also the same again: what could not be taken back can be tried again.
    this.#shown.delete('own');
    this.#put('own', this.#own, drawings, () => [
      h('h3', {}, 'Yours'),
      h('ul', { class: 'nursery__list' }, ...drawings.map((one) => this.#ownRow(one))),
    ]);
  }

  #leaveFor(work: () => void): void {
    this.#dialog.close();
    work();
  }

  #wake(): void {
    this.#film.play();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS);
    void this.#ask();
  }

  #pause(): void {
    this.#film.stop();
    clearInterval(this.#timer);
  }

  #rest(): void {
    this.#pause();
    this.#moment.replaceChildren();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      // The browser asks whether its copy is still good; mostly it is.
      const response = await fetch('api/nursery', { cache: 'no-cache' });
      if (!response.ok) throw new Error(String(response.status));
      this.#show((await response.json()) as NurseryView);
      setText(this.#said, '');
    } catch {
      setText(this.#said, 'The nursery does not answer at the moment.');
    } finally {
      this.#isAsking = false;
    }
  }

  /** Makes a part again only if what it shows has changed. */
  #put(name: string, root: HTMLElement, shown: unknown, make: () => HTMLElement[]): void {
    const key = JSON.stringify(shown);
    if (this.#shown.get(name) === key) return;
    this.#shown.set(name, key);
    root.replaceChildren(...make());
  }

  #show(view: NurseryView): void {
    this.#celebrate(this.#view, view);
    this.#view = view;
    const { learning, queue, queued, waiting, grown } = view;
    if (learning === null) {
      this.#film.show(null);
      this.#put('now', this.#now, grown, () => this.#idle(grown));
    } else {
      this.#film.show(
        learning.film === null ? null : `api/nursery/films/${learning.id}-${learning.film}.png`,
      );
      this.#put('now', this.#now, learning, () => this.#learning(learning));
    }
    this.#put('queue', this.#queue, [queue, queued, waiting], () => [
      h('h3', {}, 'Waiting'),
      h(
        'ol',
        { class: 'nursery__list' },
        ...queue.map((one) =>
          this.#row(one, h('p', { class: 'nursery__note' }, `${aboutTime(one.waitSeconds)}`)),
        ),
      ),
      h('p', { class: 'nursery__note' }, queueText(view)),
    ]);
    this.#put('grown', this.#grown, grown, () => [
      h('h3', {}, 'Learned'),
      ...(grown.length === 0
        ? [h('p', { class: 'nursery__note' }, 'Nothing yet: yours may be the first.')]
        : []),
      h('ul', { class: 'nursery__list' }, ...grown.map((one) => this.#grownRow(one))),
    ]);
  }

  /** What was learned last became ready since the last look, however short its learning was. */
  #celebrate(before: NurseryView | null, now: NurseryView): void {
    const [grown] = now.grown;
    if (before === null || grown === undefined || before.grown.some(({ id }) => id === grown.id)) return;
    const plant = h('button', { class: 'button', type: 'button' }, `Plant ${grown.name}`);
    plant.addEventListener('click', () => this.#plant(grown));
    const text = grown.isPassed
      ? `${grown.name} passes! After ${grown.iterations} lessons it grows, stays and heals.`
      : `${grown.name} has learned what it can: ${grown.lacks.join('; ')}.`;
    this.#moment.replaceChildren(
      h('div', { class: 'moment panel' }, this.#picture(grown, 'moment__picture'), h('p', {}, text), plant),
    );
  }

  #plant({ species }: Pick<GrownDrawing, 'species'>): void {
    this.#leaveFor(() => this.#hands.plant(species));
  }

  /** The films of what was learned last. */
  #idle(grown: readonly GrownDrawing[]): HTMLElement[] {
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
            h('img', {
              src: `api/nursery/${id}/growth.gif`,
              alt: `${name} grows, is torn, and heals`,
              loading: 'lazy',
            }),
            name,
          ),
        ),
      ),
    ];
  }

  #learning(view: LearningView): HTMLElement[] {
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
          this.#picture(view, 'lesson__target'),
          h(
            'div',
            {},
            h('p', { class: 'nursery__headline' }, name),
            h('p', { class: 'nursery__note' }, `drawn by ${maker}`),
            h('p', { class: 'lesson__stage' }, stageText(view)),
            h('p', { class: 'nursery__note' }, seconds > 0 ? `${formatAge(seconds)} so far` : ''),
          ),
        ),
        this.#film.root,
        h(
          'div',
          { class: 'lesson__plots' },
          h(
            'figure',
            { class: 'plot' },
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
            { class: 'plot' },
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

  #picture({ drawing, name }: ShownDrawing, className: string): HTMLElement {
    try {
      return thumbnail(unpackDrawing(drawing), className);
    } catch {
      return h('span', { class: className }, name.slice(0, 1));
    }
  }

  #row(one: ShownDrawing, ...more: HTMLElement[]): HTMLElement {
    return h(
      'li',
      { class: 'nursery__row' },
      this.#picture(one, 'nursery__thumb'),
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

  #grownRow(one: GrownDrawing): HTMLElement {
    const { id, species, isPassed, lacks, iterations, seconds, hasFilm } = one;
    const plant = h('button', { class: 'button button--small', type: 'button' }, 'Plant');
    plant.addEventListener('click', () => this.#plant(one));
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
    return this.#row(
      one,
      h(
        'p',
        { class: 'nursery__note' },
        isPassed
          ? `passed after ${iterations} lessons, ${formatAge(seconds)}`
          : `not perfect: ${lacks.join('; ')}`,
      ),
      h('div', { class: 'nursery__acts' }, plant, home),
    );
  }

  #ownRow(one: OwnDrawing): HTMLElement {
    const acts: HTMLElement[] = [];
    if (one.state === 'ready' && one.species !== null) {
      const { species } = one;
      const plant = h('button', { class: 'button button--small', type: 'button' }, 'Plant');
      plant.addEventListener('click', () => this.#plant({ species }));
      acts.push(plant);
    } else if (!OVER.includes(one.state)) {
      const back = h('button', { class: 'plain', type: 'button' }, 'Take it back');
      back.addEventListener('click', () => {
        back.disabled = true;
        this.#hands.withdraw(one.id);
      });
      acts.push(back);
    }
    const row = h(
      'li',
      { class: 'nursery__row', 'data-state': one.state },
      this.#picture({ ...one, maker: '' }, 'nursery__thumb'),
      h(
        'div',
        { class: 'nursery__text' },
        h('p', { class: 'nursery__name' }, one.name),
        h('p', { class: 'nursery__note' }, ownText(one)),
        ...(acts.length > 0 ? [h('div', { class: 'nursery__acts' }, ...acts)] : []),
      ),
    );
    return row;
  }
}

/** A mean square error as the share of the picture that is right, as eyes judge it: its root, in percent. */
const likeness = (error: number): string => `${(100 * (1 - Math.sqrt(Math.max(0, error)))).toFixed(1)} %`;

function queueText({ queue, queued, waiting, mode }: NurseryView): string {
  const more = queued - queue.length;
  const parts = [
    ...(queued === 0 ? ['Nobody waits.'] : more > 0 ? [`And ${more} more.`] : []),
    ...(mode === 'approve' && waiting > 0
      ? [`${waiting === 1 ? 'One drawing waits' : `${waiting} drawings wait`} for a moderator's word.`]
      : []),
  ];
  return parts.join(' ');
}
