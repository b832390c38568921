/**
 * The views that viewers have: those who look at the same pages share one, so that what they are sent of a frame is
 * looked up and put together once.
 */

import { pagesAcross, type Size } from '../../../shared/geometry.ts';
import { indexOf, type Lane, levelOf, pageKey } from '../pageKey.ts';
import type { Composer } from './composer.ts';
import type { Deltas } from './deltas.ts';
import { pagesOf, type View } from './view.ts';

export class SharedView<V> {
  readonly view: View;
  /** `pageKey`s in the fine lane, nearest to the middle first. */
  readonly pages: readonly number[];
  readonly viewers: V[] = [];
  /** How many of them are spectators. */
  spectators = 0;
  /** Spectators get their frames when it is this view's turn, so that not all of them get theirs at once. */
  readonly turn: number;
  readonly #across: number;
  #ranks: ReadonlyMap<number, number> | null = null;

  constructor(view: View, world: Size, turn: number) {
    this.view = view;
    this.turn = turn;
    this.#across = pagesAcross(world.width, view.level);
    this.pages = pagesOf(view, world).map((index) => pageKey(view.level, index));
  }

  /** @param key - in any lane */
  has(key: number): boolean {
    const { level, left, top, wide, high } = this.view;
    if (levelOf(key) !== level) return false;
    const index = indexOf(key);
    const py = Math.floor(index / this.#across);
    const px = index - py * this.#across;
    return px >= left && px < left + wide && py >= top && py < top + high;
  }

  /** @returns 0: the nearest to the middle @param page - in view, in the fine lane */
  rankOf(page: number): number {
    this.#ranks ??= new Map(this.pages.map((one, rank) => [one, rank]));
    return this.#ranks.get(page)!;
  }

  /** Calls with ranges of deltas, the end not included, that are together those of the pages in view in this lane. */
  eachRange(deltas: Deltas, lane: Lane, take: (from: number, to: number) => void): void {
    const { level, left, top, wide, high } = this.view;
    for (let py = top; py < top + high; py++) {
      const key = pageKey(level, py * this.#across + left, lane);
      const from = deltas.first(key);
      const to = deltas.first(key + wide);
      if (to > from) take(from, to);
    }
  }

  /** Adds the deltas of all pages in view to a message. */
  put(deltas: Deltas, lane: Lane, composer: Composer): void {
    const { bytes, starts, ends } = deltas;
    this.eachRange(deltas, lane, (from, to) => {
      for (let i = from; i < to; i++) composer.put(bytes, starts[i], ends[i], 1);
    });
  }
}

/** A viewer's place in the list of those who share its view. */
export interface Looking<V> {
  seen: SharedView<V> | null;
  place: number;
  isSpectator: boolean;
}

export class SharedViews<V extends Looking<V>> {
  readonly #views = new Map<string, SharedView<V>>();
  #made = 0;

  /** The views that somebody has. */
  get all(): Iterable<SharedView<V>> {
    return this.#views.values();
  }

  /** Gives a viewer another view. @param view - null: none */
  look(viewer: V, view: View | null, world: Size): void {
    const { seen } = viewer;
    if (seen !== null) {
      if (viewer.isSpectator) seen.spectators--;
      const last = seen.viewers.pop()!;
      if (last !== viewer) {
        seen.viewers[viewer.place] = last;
        last.place = viewer.place;
      }
      if (seen.viewers.length === 0) this.#views.delete(nameOf(seen.view));
    }
    viewer.seen = null;
    if (view === null) return;
    const name = nameOf(view);
    let shared = this.#views.get(name);
    if (shared === undefined) {
      shared = new SharedView<V>(view, world, this.#made++);
      this.#views.set(name, shared);
    }
    if (viewer.isSpectator) shared.spectators++;
    viewer.seen = shared;
    viewer.place = shared.viewers.push(viewer) - 1;
  }
}

const nameOf = ({ level, left, top, wide, high }: View): string => `${level} ${left} ${top} ${wide} ${high}`;
