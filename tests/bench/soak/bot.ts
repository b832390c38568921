/** One bot: comes, does what `player.ts` decides on its own page, leaves, and comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { StrokeBuilder } from '../../../client/hands/strokeBuilder.ts';
import { ClientMessageType } from '../../../shared/protocol.ts';
import { Page, type Surroundings } from './page.ts';
import { placeOn } from './path.ts';
import { type Act, Player, POINTER_MS, SCREENS } from './player.ts';

const VIEWPORT_MS = 120;
const PING_MS = 2_000;
/** From pointing at a place to the click. */
const AIM_MS = 400;
const MAX_AIMS = 5;
/** From here on the server may close a stalled bot: it waits 10 s. */
const MIN_CUT_MS = 9_000;
/** The close may arrive this long after the bot reads again. */
const MAX_HEARING_MS = 5_000;

export class Bot {
  readonly #around: Surroundings;
  readonly #player: Player;
  readonly #page: Page;

  /** @param draw - 0..1 */
  constructor(index: number, around: Surroundings, draw: () => number) {
    this.#around = around;
    this.#player = new Player(draw);
    this.#page = new Page(index, around, SCREENS[Math.floor(draw() * SCREENS.length)]);
  }

  /**
   * Comes and goes until the signal; resolves when the bot has left. Rejects only for a bug.
   *
   * @param startMs - from now until it first comes
   */
  async run(startMs: number): Promise<void> {
    const { signal } = this.#around;
    try {
      await this.#pause(startMs);
      while (!signal.aborted) await this.#visit();
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      // A closed tab sends a LEAVE.
      await this.#page.client.leave();
    }
  }

  async #visit(): Promise<void> {
    const { ledger } = this.#around;
    try {
      await this.#page.join();
    } catch (error) {
      ledger.errors.add(`not let in: ${(error as Error).message}`);
      await this.#pause(this.#player.between(500, 2_000));
      return;
    }
    ledger.joins++;
    const { client } = this.#page;
    const ping = setInterval(() => client.send(ClientMessageType.ping, { time: performance.now() }), PING_MS);
    try {
      while (client.isOpen) {
        const act = this.#player.next(this.#page.scene);
        await this.#do(act);
        if (act.kind !== 'leave' && act.kind !== 'drop') await this.#pause(this.#player.pauseMs(act));
      }
    } finally {
      clearInterval(ping);
    }
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#around.signal });
  }

  async #do(act: Act): Promise<void> {
    const { ledger } = this.#around;
    const { client } = this.#page;
    switch (act.kind) {
      case 'drag':
        return this.#drag(act);
      case 'shrink':
        this.#page.point(act.at, true);
        this.#page.stroke('truncate', act.radius, [act.at.x, act.at.y]);
        return;
      case 'plant':
        return this.#plant(act);
      case 'pan':
        return this.#pan(act);
      case 'zoom':
        this.#page.zoom(act.zoom);
        return;
      case 'stall':
        ledger.stalls++;
        this.#page.mayBeCutUntilMs = act.ms < MIN_CUT_MS ? 0 : performance.now() + act.ms + MAX_HEARING_MS;
        client.stall();
        await this.#pause(act.ms);
        client.resume();
        return;
      case 'leave':
        ledger.leaves++;
        await client.leave();
        return this.#pause(act.awayMs);
      case 'drop':
        ledger.drops++;
        client.drop();
        return this.#pause(act.awayMs);
      default:
        act satisfies never;
    }
  }

  async #drag({ tool, radius, path, ms }: Act & { kind: 'drag' }): Promise<void> {
    const startMs = performance.now();
    const builder = new StrokeBuilder(radius, path[0].x, path[0].y, startMs);
    const flush = (isEnd: boolean): void => {
      for (const points of builder.take(performance.now(), isEnd)) this.#page.stroke(tool, radius, points);
    };
    this.#page.point(path[0], true);
    flush(false);
    for (let share = 0; share < 1; ) {
      await this.#pause(POINTER_MS);
      share = ms > 0 ? Math.min(1, (performance.now() - startMs) / ms) : 1;
      const at = placeOn(path, share);
      this.#page.point(at, false);
      builder.add(at.x, at.y);
      flush(false);
    }
    flush(true);
  }

  /** Looks at the silhouette first. After a few places without room it clicks although there is none. */
  async #plant(first: Act & { kind: 'plant' }): Promise<void> {
    let act = first;
    for (let tried = 1; ; tried++) {
      this.#page.point(act.at, true);
      this.#page.aim(act.species, act.at);
      await this.#pause(AIM_MS);
      if (this.#page.hasRoom || tried === MAX_AIMS) break;
      act = this.#player.elsewhere(act, this.#page.scene);
    }
    this.#page.stroke('plant', 1, [act.at.x, act.at.y], act.species);
  }

  async #pan({ to, ms }: Act & { kind: 'pan' }): Promise<void> {
    const { client } = this.#page;
    const { x, y } = client;
    const startMs = performance.now();
    for (let share = 0; share < 1; ) {
      await this.#pause(VIEWPORT_MS);
      share = Math.min(1, (performance.now() - startMs) / ms);
      client.lookAt({ x: x + (to.x - x) * share, y: y + (to.y - y) * share });
      this.#page.point(client, false);
    }
  }
}
