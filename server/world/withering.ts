/**
 * A player's body that nobody has visited for long withers. A visit is a view that shows it at a level at which one sees
 * bodies, a stroke that touches it, or that its planter is here. Hours are those of the world's running. The garden does
 * not wither.
 */
import type { OrganismId } from '../engines/engine.ts';
import { isEnding, isPlayers, type Organism } from './organism.ts';
import type { Organisms } from './organisms.ts';

/** A visit is noted when the last one is this long ago, so that a body in view costs one record at a time. */
const NOTE_SECONDS = 600;
/** Least time between two rounds through all players' bodies. */
const ROUND_SECONDS = 10;
/** Bodies looked at per sample: 65,535 take 64 s. */
const LOOKED_AT = 256;
const DAY_SECONDS = 86_400;
/** How long a visit in a body's last day is told of. */
const TOLD_SECONDS = 600;

export interface WitheringWorld {
  readonly organisms: Organisms;
  /** World time, seconds. */
  readonly runSeconds: () => number;
  /** Infinity: no body withers. */
  readonly witherSeconds: number;
  /** Called with a body that nobody has visited for that long. */
  readonly wither: (one: Organism) => void;
}

export class Withering {
  /** Whether somebody looks at a cell at a level at which one sees bodies. */
  isInView: (x: number, y: number) => boolean = () => false;
  readonly #world: WitheringWorld;
  readonly #noteSeconds: number;
  /** How long a body's last day is: shorter in a world where bodies wither sooner. */
  readonly #lastSeconds: number;
  /** Organisms of this round that have not been looked at. */
  #round: OrganismId[] = [];
  #roundSeconds = Number.NEGATIVE_INFINITY;
  /** Bodies that were visited in their last day: how long nobody had come, and until when that is told. */
  readonly #saved = new Map<OrganismId, { readonly lonelySeconds: number; readonly untilSeconds: number }>();

  constructor(world: WitheringWorld) {
    this.#world = world;
    this.#noteSeconds = Math.min(NOTE_SECONDS, world.witherSeconds / 10);
    this.#lastSeconds = Math.min(DAY_SECONDS, world.witherSeconds / 3);
  }

  /** Somebody has touched these. */
  struck(ids: Iterable<OrganismId>): void {
    for (const id of ids) {
      const organism = this.#world.organisms.get(id);
      if (organism !== undefined && isPlayers(organism)) this.#visit(organism);
    }
  }

  /** These guests are here. */
  present(guests: Iterable<string>): void {
    for (const guest of guests) for (const one of this.#world.organisms.of(guest)) this.#visit(one);
  }

  /** Once per sample. */
  look(): void {
    const { organisms, runSeconds, witherSeconds, wither } = this.#world;
    if (witherSeconds === Number.POSITIVE_INFINITY) return;
    const now = runSeconds();
    if (this.#round.length === 0) {
      if (now - this.#roundSeconds < ROUND_SECONDS) return;
      this.#roundSeconds = now;
      this.#round = [...organisms].filter(isPlayers).map(({ id }) => id);
      for (const [id, { untilSeconds }] of this.#saved) if (untilSeconds < now) this.#saved.delete(id);
    }
    for (const id of this.#round.splice(-LOOKED_AT)) {
      const organism = organisms.get(id);
      if (organism === undefined || isEnding(organism)) continue;
      if (organism.visitedSeconds === null || this.isInView(organism.x, organism.y)) this.#visit(organism);
      else if (now - organism.visitedSeconds >= witherSeconds) wither(organism);
    }
  }

  /**
   * For a body in the last day before it withers, or that was visited in it a moment ago: how long nobody had come, in
   * seconds; null for any other.
   */
  lonelySeconds({ id, visitedSeconds }: Organism): number | null {
    const now = this.#world.runSeconds();
    const saved = this.#saved.get(id);
    if (saved !== undefined && saved.untilSeconds >= now) return saved.lonelySeconds;
    const lonely = visitedSeconds === null ? 0 : now - visitedSeconds;
    return this.#isLastDay(lonely) ? lonely : null;
  }

  #isLastDay(lonelySeconds: number): boolean {
    return lonelySeconds >= this.#world.witherSeconds - this.#lastSeconds;
  }

  #visit(organism: Organism): void {
    const now = this.#world.runSeconds();
    const { id, visitedSeconds } = organism;
    const lonelySeconds = visitedSeconds === null ? 0 : now - visitedSeconds;
    if (visitedSeconds !== null && lonelySeconds < this.#noteSeconds) return;
    organism.visitedSeconds = now;
    if (this.#isLastDay(lonelySeconds))
      this.#saved.set(id, { lonelySeconds, untilSeconds: now + TOLD_SECONDS });
  }
}
