/**
 * The tool in hand: turns a pointer's path into strokes, keeps to the budget, shows ghosts at once.
 * Knows no DOM; the pointer's cells come in, messages go out.
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
import { strokeCost, strokeFault } from '../../shared/stroke.ts';
import { Signal } from '../events.ts';
import { Budget } from './budget.ts';
import type { Ghosts } from './ghosts.ts';
import type { Planting } from './planting.ts';
import { StrokeBuilder } from './strokeBuilder.ts';
import { type ToolId, toolInfo } from './tools.ts';

/** The first brush, in bodies: bites out of one without swallowing it. */
const START_RADIUS = 0.19;
/** Cells; until the species are known. */
const USUAL_BODY = 42;
/** Below this the size goes by halves. */
const FINE_RADIUS = 4;

export class Brush {
  /** Tool, size or species has changed. */
  readonly changed = new Signal<[]>();
  /** A stroke was refused, here or by the server, and why. */
  readonly refused = new Signal<[string]>();
  /** The server has applied a stroke. */
  readonly applied = new Signal<[]>();
  budget: Budget;
  tool: ToolId = 'ablate';
  radius = bounded(START_RADIUS * USUAL_BODY);
  species = '';
  world: Size = { width: 1, height: 1 };
  known: readonly Species[] = [];
  /** Whether the player has chosen a size. */
  #isSized = false;
  readonly #ghosts: Ghosts;
  readonly #planting: Planting;
  readonly #send: (stroke: StrokeMessage) => boolean;
  #builder: StrokeBuilder | null = null;
  /** A seed that is pressed and not yet let go: planted where it is let go. Cells. */
  #seed: { readonly x: number; readonly y: number } | null = null;
  #nextId = 1;

  constructor(ghosts: Ghosts, planting: Planting, send: (stroke: StrokeMessage) => boolean) {
    this.#ghosts = ghosts;
    this.#planting = planting;
    this.#send = send;
    this.budget = new Budget({ cells: 0, capacity: 0, perSecond: 0 }, 0);
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

  /** Cells along the longer side of a usual organism. */
  get bodyCells(): number {
    if (this.known.length === 0) return USUAL_BODY;
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

  /** One notch up or down, finer where the brush is small. */
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
    if (!this.#isSized) this.#size(START_RADIUS * this.bodyCells);
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

  /** Time has passed with the pointer down: what is worth sending by now is sent. */
  rest(now: number): void {
    this.#flush(now, false);
  }

  up(now: number): void {
    this.#flush(now, true);
    const seed = this.#seed;
    this.cancel();
    if (seed !== null) this.stroke('plant', this.radius, [seed.x, seed.y], this.species, now);
  }

  /** The gesture was something else: what has not been sent is not sent. */
  cancel(): void {
    this.#builder = null;
    this.#seed = null;
  }

  /** The one way a stroke leaves this page. False when it did not. */
  stroke(tool: Tool, radius: number, points: readonly number[], species: string, now: number): boolean {
    const id = this.#nextId++;
    const message: StrokeMessage =
      tool === 'plant' ? { id, tool, radius, points, species } : { id, tool, radius, points };
    const cost = strokeCost(message);
    const fault =
      strokeFault(message, this.world, this.known) ??
      this.#roomFault(message) ??
      (cost > this.budget.available(now) ? 'Not enough energy yet: wait a moment.' : null);
    if (fault !== null || !this.#send(message)) {
      this.#ghosts.refused(tool, radius, points, now);
      this.refused.emit(fault ?? 'Not connected.');
      return false;
    }
    this.budget.spend(id, cost);
    this.#ghosts.own(id, tool, radius, points, now);
    return true;
  }

  settle(result: StrokeResultMessage, now: number): void {
    this.budget.settle(result.id, result.budget, now);
    this.#ghosts.settle(result.id, result.ok, now);
    if (result.ok) this.applied.emit();
    else this.refused.emit(result.reason ?? 'Refused.');
  }

  /** @param stroke - valid */
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

  /** A brush may hang over the edge, no further. */
  #within(x: number, y: number): { x: number; y: number } {
    const inside = (at: number, cells: number): number => Math.min(cells - 0.01, Math.max(0, at));
    return { x: inside(x, this.world.width), y: inside(y, this.world.height) };
  }
}

const bounded = (radius: number): number =>
  Math.min(MAX_BRUSH_RADIUS, Math.max(MIN_BRUSH_RADIUS, Math.round(radius * 2) / 2));
