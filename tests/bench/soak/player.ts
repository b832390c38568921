/**
 * An ordinary player as a source of decisions: what they do next with what they see. Pure but for the random source
 * that it is given; `bot.ts` does what is decided.
 */
import type { Rect, Size } from '../../../shared/geometry.ts';
import { MAX_BRUSH_RADIUS, MIN_BRUSH_RADIUS } from '../../../shared/limits.ts';
import type { Tool } from '../../../shared/protocol.ts';
import { isInside, lengthOf, type Place, within } from './path.ts';

export interface Seen extends Place {
  readonly species: string;
}

export interface Kind extends Size {
  readonly name: string;
}

export interface Scene {
  readonly world: Size;
  readonly species: readonly Kind[];
  readonly bodies: readonly Seen[];
  /** Cells in view; may hang over the world's edge. */
  readonly view: Rect;
  /** 0..1 of what may be saved up. */
  readonly energy: number;
}

export type Act =
  /** Pointer down at the first place, along the others, up at the last, at an even pace. */
  | { kind: 'drag'; tool: Tool & ('ablate' | 'noise'); radius: number; path: readonly Place[]; ms: number }
  | { kind: 'shrink'; radius: number; at: Place }
  | { kind: 'plant'; species: string; at: Place }
  | { kind: 'pan'; to: Place; ms: number }
  /** CSS pixels per cell. */
  | { kind: 'zoom'; zoom: number }
  /** The network takes nothing for this long. */
  | { kind: 'stall'; ms: number }
  /** With a LEAVE (a closed tab), or without (a network that is gone). */
  | { kind: 'leave' | 'drop'; awayMs: number };

/** A pointer is sampled at every second picture. */
export const POINTER_MS = 33;
/** CSS pixels. */
export const SCREENS: readonly Size[] = [
  { width: 1920, height: 1080 },
  { width: 1366, height: 768 },
  { width: 390, height: 844 },
];
/** CSS pixels per cell when a page opens. */
export const START_ZOOM = 4.5;

/** Probabilities; the rest is panning. */
const SHARES = {
  ablate: 0.42,
  noise: 0.2,
  shrink: 0.1,
  /** One in two or three minutes: a world of a million cells is full after a few hundred. */
  plant: 0.025,
  zoom: 0.05,
  stall: 0.01,
  /** A visit lasts about two minutes. */
  go: 0.04,
} as const;
const LEAVE_SHARE = 0.6;
/** The others are longer than the server waits. */
const SHORT_STALL_SHARE = 0.8;
/** Between two strokes of a player. */
const MIN_STROKE_PAUSE_MS = 2_000;
const MAX_STROKE_PAUSE_MS = 6_000;
/** The page's first brush, in bodies (client/hands/brush.ts). */
const START_RADIUS = 0.19;
const MIN_RADIUS = 2;
/** The bar shows that a stroke is about to be refused. */
const MIN_ENERGY = 0.15;
const MAX_LOOKS = 12;
const EMPTY_SPOT_SHARE = 0.7;

export class Player {
  readonly #draw: () => number;

  /** @param draw - 0..1 */
  constructor(draw: () => number) {
    this.#draw = draw;
  }

  between(low: number, high: number): number {
    return low + this.#draw() * (high - low);
  }

  /** From one stroke to the next, ms. */
  pauseMs(act: Act): number {
    const isStroke = act.kind === 'drag' || act.kind === 'shrink' || act.kind === 'plant';
    return isStroke ? this.between(MIN_STROKE_PAUSE_MS, MAX_STROKE_PAUSE_MS) : this.between(200, 1_000);
  }

  next(scene: Scene): Act {
    const inView = scene.bodies.filter((body) => isInside(body, scene.view));
    if (inView.length === 0 && scene.bodies.length > 0) return this.#panTo(this.#pick(scene.bodies));
    const kind = this.#kind();
    if (kind === 'plant') return this.#plant(scene);
    if (kind === 'zoom') return { kind, zoom: 2 ** this.between(-0.5, 3) };
    if (kind === 'stall') {
      const ms = this.#draw() < SHORT_STALL_SHARE ? this.between(2_000, 7_000) : this.between(12_000, 16_000);
      return { kind, ms };
    }
    if (kind === 'go')
      return {
        kind: this.#draw() < LEAVE_SHARE ? 'leave' : 'drop',
        awayMs: this.between(1_000, 10_000),
      };
    if (kind === 'pan' || inView.length === 0 || scene.energy < MIN_ENERGY) return this.#pan(scene);
    const body = this.#pick(inView);
    if (kind === 'shrink') return { kind, radius: this.#radius(scene), at: { x: body.x, y: body.y } };
    return this.#drag(kind, body, scene);
  }

  /** The silhouette says that the body would not fit: another place for the same species. */
  elsewhere(act: Act & { kind: 'plant' }, scene: Scene): Act & { kind: 'plant' } {
    return { ...act, at: this.#anywhere(scene) };
  }

  #kind(): keyof typeof SHARES | 'pan' {
    let draw = this.#draw();
    for (const [kind, share] of Object.entries(SHARES)) {
      if (draw < share) return kind as keyof typeof SHARES;
      draw -= share;
    }
    return 'pan';
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#draw() * from.length)];
  }

  /** In half of all cases the page's first brush, else a smaller or a larger one. Radii are multiples of 0.5, as on the
   * page. */
  #radius({ species }: Scene): number {
    const sides = species.map(({ width, height }) => Math.max(width, height));
    const usual = START_RADIUS * (sides.reduce((sum, side) => sum + side, 0) / sides.length);
    const draw = this.#draw();
    let radius = usual;
    if (draw < 0.25) radius = this.between(MIN_RADIUS, usual);
    else if (draw < 0.5) radius = this.between(usual, MAX_BRUSH_RADIUS);
    return Math.min(MAX_BRUSH_RADIUS, Math.max(MIN_BRUSH_RADIUS, Math.round(radius * 2) / 2));
  }

  /** A path across a body, to and fro over it, or a dab on it. */
  #drag(tool: 'ablate' | 'noise', body: Seen, scene: Scene): Act {
    const side = sideOf(body.species, scene.species);
    const style = this.#draw();
    const turns = style < 0.15 ? 0 : style < 0.75 ? 1 : 2 + Math.floor(this.#draw() * 4);
    const angle = this.between(0, 2 * Math.PI);
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    const reach = this.between(0.3, 0.8) * side;
    const path: Place[] = [];
    for (let turn = 0; turn <= turns; turn++) {
      const along = turns === 0 ? this.between(-0.3, 0.3) * side : turn % 2 === 0 ? -reach : reach;
      const beside = this.between(-0.2, 0.2) * side;
      const at = { x: body.x + along * dx - beside * dy, y: body.y + along * dy + beside * dx };
      path.push(within(at, scene.world));
    }
    const ms = (1_000 * lengthOf(path)) / this.between(60, 200);
    return { kind: 'drag', tool, radius: this.#radius(scene), path, ms };
  }

  /** Mostly on ground that looks empty, sometimes anywhere. */
  #plant(scene: Scene): Act {
    const { name: species } = this.#pick(scene.species);
    const own = sideOf(species, scene.species);
    let at = this.#anywhere(scene);
    const isChosen = this.#draw() < EMPTY_SPOT_SHARE;
    const isTaken = ({ x, y }: Place): boolean =>
      scene.bodies.some(
        (body) => Math.hypot(body.x - x, body.y - y) < (own + sideOf(body.species, scene.species)) / 2,
      );
    for (let look = 0; look < MAX_LOOKS && isChosen && isTaken(at); look++) at = this.#anywhere(scene);
    return { kind: 'plant', species, at };
  }

  #anywhere({ view, world }: Scene): Place {
    const left = Math.max(0, view.x);
    const top = Math.max(0, view.y);
    return within(
      {
        x: this.between(left, Math.min(world.width, view.x + view.width)),
        y: this.between(top, Math.min(world.height, view.y + view.height)),
      },
      world,
    );
  }

  #pan(scene: Scene): Act {
    const { view, world } = scene;
    const angle = this.between(0, 2 * Math.PI);
    const far = this.between(0.1, 0.6) * Math.min(view.width, view.height);
    const x = view.x + view.width / 2 + far * Math.cos(angle);
    const y = view.y + view.height / 2 + far * Math.sin(angle);
    return this.#panTo(within({ x, y }, world));
  }

  #panTo({ x, y }: Place): Act {
    return { kind: 'pan', to: { x, y }, ms: this.between(300, 1_500) };
  }
}

function sideOf(species: string, known: readonly Kind[]): number {
  const kind = known.find(({ name }) => name === species) ?? known[0];
  return Math.max(kind.width, kind.height);
}
