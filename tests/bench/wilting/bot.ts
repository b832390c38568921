/**
 * A bot without a socket: what `soak/player.ts` decides, done to a world in this process on a clock of its own. It waits
 * by yielding milliseconds.
 */
import { StrokeBuilder } from '../../../client/hands/strokeBuilder.ts';
import type { EnergyStore } from '../../../server/guests/energy.ts';
import type { Doer, StrokeOutcome } from '../../../server/world/messages.ts';
import type { Rect, Size } from '../../../shared/geometry.ts';
import type { StrokeMessage } from '../../../shared/protocol.ts';
import { strokeCost } from '../../../shared/stroke.ts';
import { type Place, placeOn } from '../soak/path.ts';
import { type Act, type Kind, Player, POINTER_MS, SCREENS, type Seen, START_ZOOM } from '../soak/player.ts';

export interface Ground {
  readonly world: Size;
  readonly species: readonly Kind[];
  readonly bodies: () => readonly Seen[];
  readonly energy: EnergyStore;
  /** Milliseconds of the world. */
  readonly nowMs: () => number;
  readonly send: (by: Doer, stroke: StrokeMessage) => Promise<StrokeOutcome>;
}

export class Bot {
  readonly #ground: Ground;
  readonly #by: Doer;
  readonly #player: Player;
  readonly #screen: Size;
  readonly #energy;
  #at: Place;
  #zoom = START_ZOOM;
  #strokes = 0;

  /** @param draw - 0..1 */
  constructor(index: number, ground: Ground, draw: () => number) {
    this.#ground = ground;
    this.#by = { guest: `guest-${index}`, address: `address-${index}`, name: `bot ${index}` };
    this.#player = new Player(draw);
    this.#screen = SCREENS[Math.floor(draw() * SCREENS.length)];
    this.#energy = ground.energy.ofGuest();
    this.#at = { x: ground.world.width / 2, y: ground.world.height / 2 };
  }

  *play(): Generator<number, never> {
    for (;;) {
      const { energy, world, species, bodies } = this.#ground;
      const { cells, capacity } = energy.budget(this.#energy, this.#by.address);
      const act = this.#player.next({
        world,
        species,
        bodies: bodies(),
        view: this.#view(),
        energy: cells / capacity,
      });
      yield* this.#do(act);
      yield this.#player.pauseMs(act);
    }
  }

  #view(): Rect {
    const [width, height] = [this.#screen.width / this.#zoom, this.#screen.height / this.#zoom];
    return { x: this.#at.x - width / 2, y: this.#at.y - height / 2, width, height };
  }

  *#do(act: Act): Generator<number> {
    switch (act.kind) {
      case 'drag':
        return yield* this.#drag(act);
      case 'shrink':
        return this.#stroke('truncate', act.radius, [act.at.x, act.at.y]);
      case 'plant':
        return this.#stroke('plant', 1, [act.at.x, act.at.y], act.species);
      case 'pan':
        yield act.ms;
        this.#at = act.to;
        return;
      case 'zoom':
        this.#zoom = act.zoom;
        return;
      case 'stall':
        return yield act.ms;
      case 'leave':
      case 'drop':
        return yield act.awayMs;
      default:
        act satisfies never;
    }
  }

  *#drag({ tool, radius, path, ms }: Act & { kind: 'drag' }): Generator<number> {
    const { nowMs } = this.#ground;
    const startMs = nowMs();
    const builder = new StrokeBuilder(radius, path[0].x, path[0].y, startMs);
    const flush = (isEnd: boolean): void => {
      for (const points of builder.take(nowMs(), isEnd)) this.#stroke(tool, radius, points);
    };
    flush(false);
    for (let share = 0; share < 1; ) {
      yield POINTER_MS;
      share = ms > 0 ? Math.min(1, (nowMs() - startMs) / ms) : 1;
      const { x, y } = placeOn(path, share);
      builder.add(x, y);
      flush(false);
    }
    flush(true);
  }

  #stroke(tool: StrokeMessage['tool'], radius: number, points: readonly number[], species?: string): void {
    const { energy, send } = this.#ground;
    const id = ++this.#strokes;
    const stroke: StrokeMessage =
      species === undefined ? { id, tool, radius, points } : { id, tool, radius, points, species };
    const cost = strokeCost(stroke);
    if (energy.spend(this.#energy, this.#by.address, cost) !== null) return;
    void send(this.#by, stroke).then(({ ok }) => {
      if (!ok) energy.giveBack(this.#energy, this.#by.address, cost);
    });
  }
}
