/**
 * What changes faster than the server needs to hear of it: the viewport, the cursor, and pages that lack a keyframe. The
 * newest of each is sent, at its own pace.
 */
import type { Size } from '../../shared/geometry.ts';
import { MAX_VIEWPORT_PAGES } from '../../shared/limits.ts';
import { ClientMessageType, type ViewportMessage } from '../../shared/protocol.ts';
import { ViewportNews } from './viewportNews.ts';

const VIEWPORT_EVERY_MS = 120;
const KEYFRAMES_EVERY_MS = 200;
const CURSOR_EVERY_MS = 66;

export type ClientType = (typeof ClientMessageType)[keyof typeof ClientMessageType];

export class PacedMessages {
  readonly #send: (type: ClientType, message: object) => boolean;
  readonly #ticks: ReturnType<typeof setInterval>[] = [];
  #viewport: ViewportMessage | null = null;
  /** The world's size; null: not known yet. */
  #world: Size | null = null;
  readonly #viewportNews = new ViewportNews();
  /** undefined: as the server knows it. */
  #cursor: readonly [number, number] | null | undefined;
  /** Pages of `#gapLevel` that need a keyframe. */
  readonly #gaps = new Set<number>();
  #gapLevel = 0;

  /** @param send - returns false when there is no connection */
  constructor(send: (type: ClientType, message: object) => boolean) {
    this.#send = send;
  }

  start(): void {
    this.#ticks.push(
      setInterval(() => this.#flushViewport(), VIEWPORT_EVERY_MS),
      setInterval(() => this.#flushGaps(), KEYFRAMES_EVERY_MS),
      setInterval(() => this.#flushCursor(), CURSOR_EVERY_MS),
    );
  }

  dispose(): void {
    for (const tick of this.#ticks) clearInterval(tick);
  }

  look(viewport: ViewportMessage): void {
    this.#viewport = viewport;
  }

  moveCursor(at: readonly [number, number] | null): void {
    this.#cursor = at;
  }

  /** @param pages - row-major indexes in that level. Pages of another level that wait to be asked for are dropped. */
  askKeyframes(level: number, pages: readonly number[]): void {
    if (level !== this.#gapLevel) this.#gaps.clear();
    this.#gapLevel = level;
    for (const page of pages) this.#gaps.add(page);
  }

  /** The connection is new: the server knows no viewport, and no page is asked for. */
  forget(): void {
    this.#viewportNews.forget();
    this.#gaps.clear();
  }

  /** The server takes messages of this world from now on, and gets the viewport at once. */
  greeted(world: Size): void {
    this.#world = world;
    this.#flushViewport();
  }

  #flushViewport(): void {
    const viewport = this.#viewport;
    if (viewport === null || this.#world === null) return;
    if (!this.#viewportNews.isDue(viewport, this.#world, performance.now())) return;
    this.#send(ClientMessageType.viewport, viewport);
  }

  #flushCursor(): void {
    if (this.#cursor === undefined) return;
    this.#send(ClientMessageType.cursor, { at: this.#cursor });
    this.#cursor = undefined;
  }

  #flushGaps(): void {
    if (this.#gaps.size === 0) return;
    // The next update of a page that does not fit here reports it again.
    const pages = [...this.#gaps].slice(0, MAX_VIEWPORT_PAGES);
    this.#send(ClientMessageType.keyframes, { level: this.#gapLevel, pages });
    this.#gaps.clear();
  }
}
