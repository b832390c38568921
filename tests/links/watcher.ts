/** A client of a real server that decodes what it sees, and comes back when it is disconnected. */
import { decode } from 'fast-png';
import { PAGE_CELLS, pagesAcross } from '../../shared/geometry.ts';
import { straightRow } from '../../shared/straight.ts';
import { LoadClient } from '../bench/load/client.ts';
import { until } from '../serverProcess.ts';

const JOIN_AGAIN_MS = 200;

let lives = 0;

export class Watcher {
  readonly client: LoadClient;
  /** How often it was disconnected. */
  losses = 0;
  readonly #url: string;
  readonly #side: number;
  #hasLeft = false;

  /** @param side - of the world, cells; all of it is in view */
  constructor(url: string, side: number) {
    this.#url = `${url}/`;
    this.#side = side;
    const middle = { x: side / 2, y: side / 2 };
    this.client = new LoadClient(0, { width: side, height: side }, true, middle, () => {});
    this.client.view = { width: side, height: side };
    this.#see();
    this.client.onClose = () => {
      this.losses++;
      this.#see();
      void this.#joinAgain();
    };
  }

  join(): Promise<void> {
    return this.client.join(this.#url);
  }

  /** What it has seen may be of another life of the world, in which updates had the same names. */
  #see(): void {
    this.client.eye!.of = `${this.#url} ${++lives}`;
  }

  leave(): void {
    this.#hasLeft = true;
    this.client.drop();
  }

  async #joinAgain(): Promise<void> {
    while (!this.#hasLeft) {
      await new Promise((resolve) => setTimeout(resolve, JOIN_AGAIN_MS));
      this.client.eye!.pages.clear();
      this.#see();
      try {
        await this.join();
        return;
      } catch {
        // The relay that it came to has just ended.
      }
    }
  }

  /** What is on its screen: straight RGBA, as PNG has it. */
  get #screen(): Uint8Array {
    const side = this.#side;
    const across = pagesAcross(side);
    const screen = new Uint8Array(side * side * 4);
    for (let row = 0; row < side; row++)
      for (let column = 0; column < across; column++) {
        const page = this.client.eye!.pages.get(Math.floor(row / PAGE_CELLS) * across + column);
        if (page === undefined) continue;
        const from = (row % PAGE_CELLS) * PAGE_CELLS * 4;
        straightRow(page.pixels, from, screen, (row * side + column * PAGE_CELLS) * 4, PAGE_CELLS);
      }
    return screen;
  }

  /** Resolves when the screen shows what the server says is true. @throws Error after the time */
  async seesTruth(limitMs = 30_000): Promise<void> {
    await until(
      'the true picture',
      async () => {
        const query = `x=0&y=0&w=${this.#side}&h=${this.#side}`;
        const answer = await fetch(`${this.#url}api/world.png?${query}`);
        // A busy world asks for another try.
        if (!answer.ok) return undefined;
        const truth = decode(await answer.arrayBuffer()).data as Uint8Array;
        const screen = this.#screen;
        return truth.some((value) => value > 0) && Buffer.compare(screen, truth) === 0 ? true : undefined;
      },
      limitMs,
    );
  }
}
