/**
 * One world for several who look at it, each through a `WorldLink` of its own. The world publishes the union of what
 * they watch; who starts to watch a page that is published already gets its keyframe in the next frame.
 */
import type { PublishedFrame } from '../stream/published.ts';
import type { WorldAnswers, WorldLink, WorldQuery } from '../world/messages.ts';
import { LinkEvents } from './linkEvents.ts';

/** A part of the union: ends with `close`. */
export interface WorldView extends WorldLink {
  /** Watches these pages, and no others. */
  watchOnly(keys: readonly number[]): void;
  /** Watches nothing, and hears nothing any more. */
  close(): void;
}

export class SharedWorld {
  readonly #world: WorldLink;
  readonly #views = new Set<View>();
  /** How many views watch each page. */
  readonly #watchers = new Map<number, number>();
  readonly #hearers = new Set<(frame: PublishedFrame) => void>();

  constructor(world: WorldLink) {
    this.#world = world;
    world.onFrame = (frame) => {
      for (const hear of this.#hearers) hear(frame);
      for (const view of this.#views) view.publish(frame);
    };
    world.onStats = (stats) => this.#tell((view) => view.onStats(stats));
    world.onVitals = (vitals) => this.#tell((view) => view.onVitals(vitals));
    world.onSpecies = (species) => this.#tell((view) => view.onSpecies(species));
    world.onSwap = (outcome) => this.#tell((view) => view.onSwap(outcome));
    world.onWounds = (events) => this.#tell((view) => view.onWounds(events));
    world.onWilted = (bodies) => this.#tell((view) => view.onWilted(bodies));
    world.onSeeds = (seeds) => this.#tell((view) => view.onSeeds(seeds));
    world.onTrouble = (trouble) => this.#tell((view) => view.onTrouble(trouble));
  }

  /** How many pages somebody watches. */
  get pages(): number {
    return this.#watchers.size;
  }

  /**
   * Hears every frame, with the pages of all views.
   *
   * @returns a function that ends it
   */
  hear(hearer: (frame: PublishedFrame) => void): () => void {
    this.#hearers.add(hearer);
    return () => this.#hearers.delete(hearer);
  }

  view(): WorldView {
    const view = new View(this.#world, {
      watch: (add, remove) => this.#watch(add, remove),
      close: () => this.#views.delete(view),
    });
    this.#views.add(view);
    return view;
  }

  #tell(tell: (view: View) => void): void {
    for (const view of this.#views) tell(view);
  }

  /** @param add - pages that a view did not watch; @param remove - pages that it did */
  #watch(add: readonly number[], remove: readonly number[]): void {
    const begun: number[] = [];
    const joined: number[] = [];
    const ended: number[] = [];
    for (const key of add) {
      const watchers = this.#watchers.get(key) ?? 0;
      this.#watchers.set(key, watchers + 1);
      (watchers === 0 ? begun : joined).push(key);
    }
    for (const key of remove) {
      const left = this.#watchers.get(key)! - 1;
      if (left > 0) this.#watchers.set(key, left);
      else {
        this.#watchers.delete(key);
        ended.push(key);
      }
    }
    if (begun.length + ended.length > 0) this.#world.watch(begun, ended);
    if (joined.length > 0) this.#world.requestKeyframes(joined);
  }
}

interface ViewPort {
  watch(add: readonly number[], remove: readonly number[]): void;
  close(): void;
}

class View extends LinkEvents implements WorldView {
  readonly #world: WorldLink;
  readonly #port: ViewPort;
  readonly #watched = new Set<number>();
  #isClosed = false;

  constructor(world: WorldLink, port: ViewPort) {
    super();
    this.#world = world;
    this.#port = port;
  }

  get ready(): WorldLink['ready'] {
    return this.#world.ready;
  }
  get stats(): WorldLink['stats'] {
    return this.#world.stats;
  }
  get vitals(): WorldLink['vitals'] {
    return this.#world.vitals;
  }
  get wilted(): WorldLink['wilted'] {
    return this.#world.wilted;
  }
  get trouble(): WorldLink['trouble'] {
    return this.#world.trouble;
  }

  publish(frame: PublishedFrame): void {
    this.onFrame(ofPages(frame, this.#watched));
  }

  watch(add: readonly number[], remove: readonly number[]): void {
    if (this.#isClosed) return;
    const left = remove.filter((key) => this.#watched.delete(key));
    const entered = add.filter((key) => !this.#watched.has(key) && this.#watched.add(key));
    if (entered.length + left.length > 0) this.#port.watch(entered, left);
  }

  watchOnly(keys: readonly number[]): void {
    const wanted = new Set(keys);
    this.watch(
      keys,
      [...this.#watched].filter((key) => !wanted.has(key)),
    );
  }

  requestKeyframes(keys: readonly number[]): void {
    if (!this.#isClosed) this.#world.requestKeyframes(keys);
  }

  present(guests: readonly string[]): void {
    this.#world.present(guests);
  }

  ask<Q extends WorldQuery>(query: Q): Promise<WorldAnswers[Q['kind']]> {
    return this.#world.ask(query);
  }

  stop(progress?: (text: string) => void): Promise<void> {
    return this.#world.stop(progress);
  }

  close(): void {
    if (this.#isClosed) return;
    this.watchOnly([]);
    this.#isClosed = true;
    this.#port.close();
  }
}

/** The frame without updates of pages that are not in the set; the same frame when it has none of those. */
export function ofPages(frame: PublishedFrame, pages: ReadonlySet<number>): PublishedFrame {
  if (frame.updates.every(({ key }) => pages.has(key))) return frame;
  return { ...frame, updates: frame.updates.filter(({ key }) => pages.has(key)) };
}
