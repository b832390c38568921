/** A deterministic world on this thread: tests paint its pages, and a real publisher publishes them. */

import { LinkEvents } from '../../server/links/linkEvents.ts';
import { Publisher } from '../../server/stream/publish/publisher.ts';
import type { PublishedFrame } from '../../server/stream/published.ts';
import type {
  StrokeOutcome,
  WorldAnswers,
  WorldLink,
  WorldQuery,
  WorldReady,
} from '../../server/world/messages.ts';
import { encodeCensus } from '../../shared/census.ts';
import { PAGE_BYTES, PAGE_CELLS, pagesAcross } from '../../shared/geometry.ts';

export class FakeWorld extends LinkEvents implements WorldLink {
  readonly ready: WorldReady;
  readonly stats = null;
  vitals: WorldLink['vitals'] = null;
  readonly across: number;
  readonly truth = new Map<number, Uint8Array>();
  readonly publisher: Publisher;
  readonly asked: WorldQuery[] = [];
  /** `pageKey`s */
  readonly watched = new Set<number>();
  outcome: StrokeOutcome = { ok: true, step: 7, organisms: [] };
  /** Its answers to kinds of questions, where they are not the usual ones. */
  readonly answers = new Map<WorldQuery['kind'], unknown>();
  /** Its answer to `room` questions. */
  roomFault: string | null = null;
  /** true: it answers no question. */
  silent = false;
  /** Bytes published so far. */
  publishedBytes = 0;
  #frames = 0;
  trouble: string | null = null;
  readonly wilted = new Map<string, number>();
  #changed = new Set<number>();
  #timers: NodeJS.Timeout[] = [];
  /** Guests who are here, as it was told. */
  readonly presents: (readonly string[])[] = [];
  /** Its answer to `removeOwn`. */
  removalFault: string | null = null;

  constructor(width = 1024, height = 1024, epsilon = 2) {
    super();
    this.ready = {
      type: 'ready',
      engine: 'fake',
      reason: 'a test',
      width,
      height,
      species: [{ name: 'pikachu', x: -20, y: -20, width: 40, height: 40, thumbnail: 'data:,' }],
      start: { x: width / 2, y: height / 2 },
      stepsPerSecond: 30,
      watchedSwaps: [],
      notes: [],
    };
    this.across = pagesAcross(width);
    this.publisher = new Publisher({ world: { width, height }, epsilon });
  }

  /** How many frames it has made. */
  get frames(): number {
    return this.#frames;
  }

  /** Paints one cell. */
  paint(x: number, y: number, rgba: readonly number[]): void {
    const page = Math.floor(y / PAGE_CELLS) * this.across + Math.floor(x / PAGE_CELLS);
    this.pixels(page).set(rgba, ((y % PAGE_CELLS) * PAGE_CELLS + (x % PAGE_CELLS)) * 4);
    this.#changed.add(page);
  }

  /** Fills a page with other noise in every frame: the most bytes that a page can cost. */
  churn(page: number, seed: number): void {
    const cells = new Uint32Array(this.pixels(page).buffer);
    let state = Math.imul(seed, 2654435761) + page;
    for (let i = 0; i < cells.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      cells[i] = state;
    }
    this.#changed.add(page);
  }

  pixels(page: number): Uint8Array {
    let pixels = this.truth.get(page);
    if (pixels === undefined) {
      pixels = new Uint8Array(PAGE_BYTES);
      this.truth.set(page, pixels);
    }
    return pixels;
  }

  /** One frame of the simulation. */
  tick(nowMs = performance.now()): PublishedFrame | null {
    const { publisher } = this;
    publisher.begin(nowMs);
    for (const page of this.#changed) publisher.see(page, this.pixels(page));
    this.#changed.clear();
    if (publisher.startFill()) {
      for (const [page, pixels] of this.truth) publisher.fill(page, pixels);
      publisher.endFill();
    }
    for (const page of publisher.due()) publisher.read(page, this.pixels(page));
    this.#frames++;
    const frame = publisher.collect(this.#frames * 3);
    if (frame !== null) {
      this.publishedBytes += frame.bytes.length;
      this.onFrame(frame);
    }
    return frame;
  }

  /** Sends what a living world sends twice a second, also when nothing changes, until `stop`. */
  beat(): void {
    this.#timers.push(
      setInterval(
        () => this.onStats({ step: this.#frames * 3, stepsPerSecond: 60, organisms: 1, livingCells: 9 }),
        500,
      ),
    );
  }

  /** Ticks on a timer until `stop`. */
  run(hz: number, before: (frame: number) => void = () => {}): void {
    let n = 0;
    this.#timers.push(
      setInterval(() => {
        before(n++);
        this.tick();
      }, 1_000 / hz),
    );
  }

  watch(add: readonly number[], remove: readonly number[]): void {
    for (const page of add) this.watched.add(page);
    for (const page of remove) this.watched.delete(page);
    this.publisher.watch(add);
    this.publisher.unwatch(remove);
  }

  requestKeyframes(keys: readonly number[]): void {
    this.publisher.requestKeyframes(keys);
  }

  async ask<Q extends WorldQuery>(query: Q): Promise<WorldAnswers[Q['kind']]> {
    this.asked.push(query);
    if (this.silent) return new Promise(() => {});
    return (this.answers.get(query.kind) ?? this.#answer(query)) as WorldAnswers[Q['kind']];
  }

  #answer(query: WorldQuery): unknown {
    switch (query.kind) {
      case 'pixels': {
        const { x, y, width, height } = query.rect;
        const pixels = new Uint8Array(width * height * 4);
        for (let row = 0; row < height; row++)
          for (let column = 0; column < width; column++)
            pixels.set(this.#cell(x + column, y + row), (row * width + column) * 4);
        return pixels;
      }
      case 'organisms':
        return [{ id: 1, species: 'pikachu', x: 500, y: 500, ageSteps: 9, health: 1, cells: 9, planter: '' }];
      case 'census':
        return query.known === 1
          ? null
          : { version: 1, bytes: encodeCensus([{ x: 500, y: 500, isAsleep: false }]) };
      case 'meanHealth':
        return 1;
      case 'population':
        return { pikachu: 1 };
      case 'planters':
      case 'bodiesOf':
      case 'lost':
        return [];
      case 'bringBack':
        return { organisms: 1, refused: [], left: 0 };
      case 'inspectAt':
        return query.x === 500 ? this.#organism() : null;
      case 'inspect':
        return this.#organism();
      case 'stroke':
        return this.outcome;
      case 'room':
        return this.roomFault;
      case 'removeOwn':
        return this.removalFault;
      case 'save':
      case 'endWounds':
        return null;
      case 'control':
        return 1;
      case 'swap':
        return { ok: true, step: 1, organisms: 1 };
    }
  }

  #organism(): WorldAnswers['inspect'] {
    return {
      id: 1,
      species: 'pikachu',
      x: 500,
      y: 500,
      age: 9,
      ageSeconds: 1,
      health: 1,
      cells: 9,
      planter: '',
      history: [1],
      historySeconds: 0.25,
      rule: 'pikachu v1',
      marks: [],
      sinceSeconds: 1,
      absence: null,
      isAsleep: false,
      waitSeconds: null,
      lonely: null,
      guest: 'somebody',
    };
  }

  #cell(x: number, y: number): Uint8Array {
    const { width, height } = this.ready;
    if (x < 0 || y < 0 || x >= width || y >= height) return new Uint8Array(4);
    const page = Math.floor(y / PAGE_CELLS) * this.across + Math.floor(x / PAGE_CELLS);
    const at = ((y % PAGE_CELLS) * PAGE_CELLS + (x % PAGE_CELLS)) * 4;
    return this.pixels(page).subarray(at, at + 4);
  }

  present(guests: readonly string[]): void {
    this.presents.push(guests);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
  }
}
