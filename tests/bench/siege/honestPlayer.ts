/** A player who stays: drags small holes into bodies in view, as fast as people do, and comes back when thrown out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Page, type Surroundings } from '../soak/page.ts';
import { isInside, type Place, placeOn, within } from '../soak/path.ts';

/** Cells: small, because honest strokes must not be what bodies die of. */
const RADIUS = 2.5;
const DRAG_CELLS = 24;
/** One drag is sent in pieces, as the page does. */
const PIECES = 5;
const PIECE_MS = 150;
const MIN_PAUSE_MS = 600;
const MAX_PAUSE_MS = 1_600;
const AGAIN_MS = 1_000;
/** From looking at a place for a seed to the answer that there is room. */
const AIM_MS = 250;
const MAX_AIMS = 30;
const SCREEN = { width: 1366, height: 768 };

export class HonestPlayer {
  readonly #around: Surroundings;
  readonly #draw: () => number;
  readonly #page: Page;

  /** @param draw - 0..1 */
  constructor(index: number, around: Surroundings, draw: () => number) {
    this.#around = around;
    this.#draw = draw;
    this.#page = new Page(index, around, SCREEN);
  }

  get isHere(): boolean {
    return this.#page.client.isOpen;
  }

  /** Plays until the signal; resolves when the player has left. Rejects only for a bug. */
  async run(): Promise<void> {
    const { signal } = this.#around;
    try {
      while (!signal.aborted) {
        if (await this.#join())
          while (this.isHere) {
            await this.#drag();
            await this.#pause(MIN_PAUSE_MS + this.#draw() * (MAX_PAUSE_MS - MIN_PAUSE_MS));
          }
        await this.#pause(AGAIN_MS);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#page.client.leave();
    }
  }

  /** Comes, plants one body where it finds room, and leaves. @returns false when it found none */
  async plant(): Promise<boolean> {
    const { world, species } = this.#around;
    if (!(await this.#join())) return false;
    try {
      for (let aims = 0; aims < MAX_AIMS; aims++) {
        const kind = species[Math.floor(this.#draw() * species.length)].name;
        const at = { x: this.#draw() * world.width, y: this.#draw() * world.height };
        this.#page.aim(kind, at);
        await this.#pause(AIM_MS);
        if (!this.#page.hasRoom) continue;
        const { planted } = this.#page;
        this.#page.stroke('plant', 1, [at.x, at.y], kind);
        await this.#pause(AIM_MS);
        if (this.#page.planted > planted) return true;
      }
      return false;
    } finally {
      await this.#page.client.leave();
    }
  }

  async #join(): Promise<boolean> {
    try {
      await this.#page.join();
    } catch (error) {
      if (!this.#around.signal.aborted)
        this.#around.ledger.errors.add(`not let in: ${(error as Error).message}`);
      return false;
    }
    const bodies = this.#around.bodies();
    if (bodies.length > 0) this.#page.client.lookAt(bodies[Math.floor(this.#draw() * bodies.length)]);
    return true;
  }

  /** A short line across a body in view, beside its middle, so that no stroke takes a body apart. */
  async #drag(): Promise<void> {
    const { world, bodies } = this.#around;
    const { level: _, ...view } = this.#page.client.viewport;
    const inView = bodies().filter((body) => isInside(body, view));
    const body = inView[Math.floor(this.#draw() * inView.length)];
    if (body === undefined) return;
    const angle = this.#draw() * 2 * Math.PI;
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    const beside = (this.#draw() < 0.5 ? -1 : 1) * (4 + this.#draw() * 6);
    const along = (cells: number): Place =>
      within({ x: body.x + cells * dx - beside * dy, y: body.y + cells * dy + beside * dx }, world);
    const path = [along(-DRAG_CELLS / 2), along(DRAG_CELLS / 2)];
    this.#page.point(path[0], true);
    for (let piece = 0; piece < PIECES && this.isHere; piece++) {
      const [from, to] = [placeOn(path, piece / PIECES), placeOn(path, (piece + 1) / PIECES)];
      this.#page.point(to, false);
      this.#page.stroke('ablate', RADIUS, [from.x, from.y, to.x, to.y]);
      await this.#pause(PIECE_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#around.signal });
  }
}
