/** The nursery: what the world learns now, what waits, and what has been learned. Asks the server only while it is open. */
import './nursery.css';
import type { NurseryView, OwnDrawing } from '../../shared/nursery.ts';
import { h, setText } from '../dom.ts';
import { FilmScreen } from './film.ts';
import { idle, lesson } from './lesson.ts';
import { OwnPanel } from './ownPanel.ts';
import { grownRow, picture, row } from './rows.ts';
import { aboutTime } from './words.ts';

const ASK_EVERY_MS = 3_000;

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
  readonly #queue = h('section', { class: 'nursery__part panel', 'aria-label': 'The queue' });
  readonly #grown = h('section', { class: 'nursery__part panel', 'aria-label': 'What has been learned' });
  readonly #said = h('p', { class: 'nursery__said', role: 'status', 'aria-live': 'polite' });
  readonly #film = new FilmScreen();
  readonly #shown = new Map<string, string>();
  readonly #plant = (species: string): void => this.#leaveFor(() => this.#hands.plant(species));
  readonly #own = new OwnPanel(this.#plant, (drawing) => this.#hands.withdraw(drawing));
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
        h('div', { class: 'nursery__side' }, this.#own.root, this.#queue, this.#grown),
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
    this.#own.show(drawings);
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
    this.#own.follow(view);
    if (learning === null) {
      this.#film.show(null);
      this.#put('now', this.#now, grown, () => idle(grown));
    } else {
      this.#film.show(
        learning.film === null ? null : `api/nursery/films/${learning.id}-${learning.film}.png`,
      );
      this.#put('now', this.#now, learning, () => lesson(learning, this.#film.root));
    }
    this.#put('queue', this.#queue, [queue, queued, waiting], () => [
      h('h3', {}, 'Waiting'),
      h(
        'ol',
        { class: 'nursery__list' },
        ...queue.map((one) => row(one, h('p', { class: 'nursery__note' }, `${aboutTime(one.waitSeconds)}`))),
      ),
      h('p', { class: 'nursery__note' }, queueText(view)),
    ]);
    this.#put('grown', this.#grown, grown, () => [
      h('h3', {}, 'Learned'),
      ...(grown.length === 0
        ? [h('p', { class: 'nursery__note' }, 'Nothing yet: yours may be the first.')]
        : []),
      h('ul', { class: 'nursery__list' }, ...grown.map((one) => grownRow(one, this.#plant))),
    ]);
  }

  /** What was learned last became ready since the last look, however short its learning was. */
  #celebrate(before: NurseryView | null, now: NurseryView): void {
    const [grown] = now.grown;
    if (before === null || grown === undefined || before.grown.some(({ id }) => id === grown.id)) return;
    const plant = h('button', { class: 'button', type: 'button' }, `Plant ${grown.name}`);
    plant.addEventListener('click', () => this.#plant(grown.species));
    const text = grown.isPassed
      ? `${grown.name} passes! After ${grown.iterations} lessons it grows, stays and heals.`
      : `${grown.name} has learned what it can: ${grown.lacks.join('; ')}.`;
    this.#moment.replaceChildren(
      h('div', { class: 'moment panel' }, picture(grown, 'moment__picture'), h('p', {}, text), plant),
    );
  }
}

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
