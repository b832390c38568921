/**
 * The chosen tool: turns a pointer's path into strokes that the budget can pay for, and shows their ghosts at once.
 * Knows no DOM: cells come in, messages go out.
 */
import type { Size } from '../../shared/geometry.ts';
import { MAX_BRUSH_RADIUS, MIN_BRUSH_RADIUS } from '../../shared/limits.ts';
import type {
  Budget as ServerBudget,
  Species,
  StrokeMessage,
  StrokeResultMessage,
  Tool,
} from '../../shared/protocol.ts';
import { FIRST_RADIUS_SHARE, strokeCost, strokeFault } from '../../shared/stroke.ts';
import { Signal } from '../events.ts';
import { Budget } from './budget.ts';
import type { Ghosts } from './ghosts.ts';
import type { Planting } from './planting.ts';
import { StrokeBuilder } from './strokeBuilder.ts';
import { type ToolId, toolInfo } from './tools.ts';

/** Cells along the longer side of a body, until the species are known. */
const USUAL_BODY_CELLS = 42;
/** Cells: below this radius a notch is half a cell. */
const FINE_RADIUS = 4;

export class Brush {
  /** The tool, the size or the species has changed. */
  readonly changed = new Signal<[]>();
  /** The client or the server has refused a stroke, and why. */
  readonly refused = new Signal<[string]>();
  /** The server has applied a stroke. */
  readonly applied = new Signal<[]>();
  budget: Budget;
  tool: ToolId = 'ablate';
  radius = bounded(FIRST_RADIUS_SHARE * USUAL_BODY_CELLS);
  species = '';
  world: Size = { width: 1, height: 1 };
  known: readonly Species[] = [];
  /** Whether the player has chosen a size. */
  #isSized = false;
  readonly #ghosts: Ghosts;
  readonly #planting: Planting;
  readonly #send: (stroke: StrokeMessage) => boolean;
  #builder: StrokeBuilder | null = null;
  /** In cells: where the pointer is, with the plant tool and the button down. Letting go plants the seed there. */
  #seed: { readonly x: number; readonly y: number } | null = null;
  #nextId = 1;

  constructor(ghosts: Ghosts, planting: Planting, send: (stroke: StrokeMessage) => boolean) {
    this.#ghosts = ghosts;
    this.#planting = planting;
    this.#send = send;
    this.budget = new Budget({ cells: 0, capacity: 0, perSecond: 0, limit: 'guest' }, 0);
  }

  get isDown(): boolean {
    return this.#builder !== null;
  }

  choose(tool: ToolId): void {
    if (tool === this.tool) return;
    this.#seed = null;
    this.tool = tool;
    this.changed.emit();
  }

  /** Cells along the longer side of a grown body: the mean over the species. */
  get bodyCells(): number {
    if (this.known.length === 0) return USUAL_BODY_CELLS;
    return (
      this.known.reduce((sum, { width, height }) => sum + Math.max(width, height), 0) / this.known.length
    );
  }

  resize(radius: number): void {
    this.#isSized = true;
    this.#size(radius);
  }

  #size(radius: number): void {
    const next = bounded(radius);
    if (next === this.radius) return;
    this.radius = next;
    this.changed.emit();
  }

  /** Changes the radius by one notch: 1 cell, or half a cell below 4. */
  nudge(direction: 1 | -1): void {
    const isFine = this.radius < FINE_RADIUS || (this.radius === FINE_RADIUS && direction < 0);
    this.resize(this.radius + direction * (isFine ? 0.5 : 1));
  }

  chooseSpecies(name: string): void {
    if (name === this.species) return;
    this.species = name;
    this.changed.emit();
  }

  meet(world: Size, species: readonly Species[], budget: ServerBudget, now: number): void {
    this.world = world;
    this.learn(species);
    this.budget = new Budget(budget, now);
    this.cancel();
  }

  learn(species: readonly Species[]): void {
    this.known = species;
    if (!this.#isSized) this.#size(FIRST_RADIUS_SHARE * this.bodyCells);
    if (!species.some(({ name }) => name === this.species)) this.species = species[0]?.name ?? '';
    this.changed.emit();
  }

  down(x: number, y: number, now: number): void {
    if (this.tool === 'hand') return;
    if (this.tool === 'plant') {
      this.#seed = { x, y };
      return;
    }
    if (!toolInfo(this.tool).paints) {
      this.stroke(this.tool, this.radius, [x, y], this.species, now);
      return;
    }
    const at = this.#within(x, y);
    this.#builder = new StrokeBuilder(this.radius, at.x, at.y, now);
    this.#flush(now, false);
  }

  move(x: number, y: number, now: number): void {
    if (this.#seed !== null) this.#seed = { x, y };
    if (this.#builder === null) return;
    const at = this.#within(x, y);
    this.#builder.add(at.x, at.y);
    this.#flush(now, false);
  }

  /** Call from time to time while the pointer is down: sends what has waited long enough. */
  rest(now: number): void {
    this.#flush(now, false);
  }

  up(now: number): void {
    this.#flush(now, true);
    const seed = this.#seed;
    this.cancel();
    if (seed !== null) this.stroke('plant', this.radius, [seed.x, seed.y], this.species, now);
  }

  /** The gesture was not a stroke: what has not been sent is dropped. */
  cancel(): void {
    this.#builder = null;
    this.#seed = null;
  }

  /** Every stroke leaves the client here. @returns false when it was refused or could not be sent */
  stroke(tool: Tool, radius: number, points: readonly number[], species: string, now: number): boolean {
    const id = this.#nextId++;
    const message: StrokeMessage =
      tool === 'plant' ? { id, tool, radius, points, species } : { id, tool, radius, points };
    const cost = strokeCost(message);
    const fault =
      strokeFault(message, this.world, this.known) ??
      this.#roomFault(message) ??
      this.budget.fault(cost, now);
    if (fault !== null || !this.#send(message)) {
      this.#ghosts.refused(tool, radius, points, now);
      this.refused.emit(fault ?? 'Not connected.');
      return false;
    }
    this.budget.spend(id, cost);
    this.#ghosts.own(id, tool, radius, points, now);
    return true;
  }

  /** The server says what there is now, because something else than a stroke of this client has changed it. */
  learnBudget(budget: ServerBudget, now: number): void {
    this.budget.learn(budget, now);
  }

  settle(result: StrokeResultMessage, now: number): void {
    this.budget.settle(result.id, result.budget, now);
    this.#ghosts.settle(result.id, result.ok, now);
    if (result.ok) this.applied.emit();
    else this.refused.emit(result.reason ?? 'Refused.');
  }

  /** @returns why the seed of a valid `plant` has no room, as far as the client knows; else null */
  #roomFault({ tool, species, points: [x, y] }: StrokeMessage): string | null {
    const seed = this.known.find(({ name }) => name === species);
    if (tool !== 'plant' || seed === undefined) return null;
    return this.#planting.fault({ species: seed, x: Math.floor(x), y: Math.floor(y) });
  }

  #flush(now: number, isEnd: boolean): void {
    if (this.#builder === null || this.tool === 'hand') return;
    for (const points of this.#builder.take(now, isEnd))
      this.stroke(this.tool, this.radius, points, this.species, now);
  }

  /** Moves a place to the nearest one inside the world; the brush around it may still hang over the edge. */
  #within(x: number, y: number): { x: number; y: number } {
    const inside = (at: number, cells: number): number => Math.min(cells - 0.01, Math.max(0, at));
    return { x: inside(x, this.world.width), y: inside(y, this.world.height) };
  }
}

const bounded = (radius: number): number =>
  Math.min(MAX_BRUSH_RADIUS, Math.max(MIN_BRUSH_RADIUS, Math.round(radius * 2) / 2));
