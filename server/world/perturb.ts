/**
 * Plans a player's stroke: the perturbations that the engine applies, and the bodies that they hit. It changes nothing,
 * so a refused stroke leaves the world as it was.
 */
import type { StrokeMessage } from '../../shared/protocol.ts';
import { strokeFault } from '../../shared/stroke.ts';
import { capsuleRows, type Span } from '../engines/capsule.ts';
import type { Capsule, Engine, OrganismId, Perturbation } from '../engines/engine.ts';
import type { Organisms } from './organisms.ts';

/** Noise of a whole stroke, uniform within ±0.5: somewhat more than rules are trained to survive. */
export const NOISE_AMPLITUDE = 0.5;
/** Largest distance from the pointer to the organism it means, in cells. */
const PICK_REACH = 2;
/** A point of a stroke that lies this near the straight line is left out: fewer capsules. */
const STRAIGHTNESS_CELLS = 0.75;
/** Owners are read in pieces of this many rows: the box around a whole diagonal would be huge. */
const PIECE_ROWS = 32;

export interface StrokeWorld {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly species: readonly { readonly name: string }[];
  /** Why a grown body of the species would have no room at a cell, for a player to read; null: it has room. */
  readonly roomFault: (species: string, x: number, y: number) => string | null;
}

export type Plan =
  | { readonly ok: false; readonly reason: string }
  | { readonly ok: true; readonly seed: { readonly species: string; readonly x: number; readonly y: number } }
  | {
      readonly ok: true;
      readonly perturbations: readonly Perturbation[];
      /** The organisms that are touched, each with the indices of those perturbations (ascending). */
      readonly hit: ReadonlyMap<OrganismId, readonly number[]>;
    };

const refused = (reason: string): Plan => ({ ok: false, reason });

/**
 * @param salt - uint32, different for every stroke
 * @param shakenBefore - the capsules that the same stroke's earlier messages have shaken, near those of this one
 */
export async function planStroke(
  stroke: StrokeMessage,
  world: StrokeWorld,
  salt: number,
  shakenBefore: (capsules: readonly Capsule[]) => readonly Capsule[] = () => [],
): Promise<Plan> {
  const fault = strokeFault(stroke, world.engine, world.species);
  if (fault !== null) return refused(fault);
  const x = Math.floor(stroke.points[0]);
  const y = Math.floor(stroke.points[1]);
  switch (stroke.tool) {
    case 'plant':
      return planSeed(stroke.species!, x, y, world);
    case 'truncate':
      return planTruncation(stroke.radius, x, y, world);
    case 'ablate':
    case 'noise': {
      const capsules = capsulesOf(stroke.points, stroke.radius);
      const hit = await ownersUnder(capsules, world.engine);
      if (stroke.tool === 'ablate') {
        return { ok: true, perturbations: capsules.map((capsule) => ({ kind: 'ablate', ...capsule })), hit };
      }
      // One stroke is one dose: where its capsules overlap, noise is added once.
      const noise: Perturbation = {
        kind: 'noise',
        capsules,
        except: shakenBefore(capsules),
        amplitude: NOISE_AMPLITUDE,
        salt: salt >>> 0,
      };
      return {
        ok: true,
        perturbations: [noise],
        hit: new Map(Array.from(hit.keys(), (id) => [id, [0]])),
      };
    }
    default:
      return stroke.tool satisfies never;
  }
}

/** A seed needs a 3x3 without owners, and room for its grown body. */
export async function planSeed(species: string, x: number, y: number, world: StrokeWorld): Promise<Plan> {
  const owners = new Uint16Array(9);
  await world.engine.readOwners({ x: x - 1, y: y - 1, width: 3, height: 3 }, owners);
  if (owners.some((owner) => owner !== 0)) return refused('Somebody lives there already.');
  const fault = world.roomFault(species, x, y);
  if (fault !== null) return refused(fault);
  return { ok: true, seed: { species, x, y } };
}

async function planTruncation(radius: number, x: number, y: number, world: StrokeWorld): Promise<Plan> {
  const id = await organismNear(x, y, world.engine);
  const organism = world.organisms.get(id);
  if (organism === undefined) return refused('Nobody lives there.');
  const cut: Perturbation = { kind: 'truncate', organism: id, x: organism.x, y: organism.y, radius };
  return { ok: true, perturbations: [cut], hit: new Map([[id, [0]]]) };
}

/** The organism that owns the nearest cell within `PICK_REACH`; 0: there is none. */
export async function organismNear(x: number, y: number, engine: Engine): Promise<OrganismId> {
  const side = 2 * PICK_REACH + 1;
  const owners = new Uint16Array(side * side);
  const left = Math.floor(x) - PICK_REACH;
  const top = Math.floor(y) - PICK_REACH;
  await engine.readOwners({ x: left, y: top, width: side, height: side }, owners);
  let nearest = 0;
  let least = PICK_REACH + 0.5;
  for (let i = 0; i < owners.length; i++) {
    const away = Math.hypot((i % side) - PICK_REACH, Math.floor(i / side) - PICK_REACH);
    if (owners[i] === 0 || away >= least) continue;
    nearest = owners[i];
    least = away;
  }
  return nearest;
}

/** A stroke as capsules between cells; points that lie on a straight line are left out. */
export function capsulesOf(points: readonly number[], radius: number): Capsule[] {
  const cells = straightened(points.map(Math.floor));
  const count = cells.length / 2;
  if (count === 1) return [{ x0: cells[0], y0: cells[1], x1: cells[0], y1: cells[1], radius }];
  return Array.from({ length: count - 1 }, (_, i) => {
    const [x0, y0, x1, y1] = cells.slice(i * 2, i * 2 + 4);
    return { x0, y0, x1, y1, radius };
  });
}

/** Douglas–Peucker: the fewest points that keep the line's shape. A stroke that never moves is one point. */
function straightened(points: readonly number[]): number[] {
  const last = points.length / 2 - 1;
  const [x0, y0] = points;
  const [x1, y1] = points.slice(-2);
  let farthest = 0;
  let most = STRAIGHTNESS_CELLS;
  for (let i = 1; i < last; i++) {
    const away = distanceToSegment(points[i * 2], points[i * 2 + 1], { x0, y0, x1, y1 });
    if (away <= most) continue;
    farthest = i;
    most = away;
  }
  if (farthest === 0) return x0 === x1 && y0 === y1 ? [x0, y0] : [x0, y0, x1, y1];
  const head = straightened(points.slice(0, (farthest + 1) * 2));
  return [...head.slice(0, -2), ...straightened(points.slice(farthest * 2))];
}

function distanceToSegment(x: number, y: number, { x0, y0, x1, y1 }: Omit<Capsule, 'radius'>): number {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / squared));
  return Math.hypot(x - x0 - along * dx, y - y0 - along * dy);
}

/** The organisms that own a cell under the capsules, each with the indices of those capsules (ascending). */
export async function ownersUnder(
  capsules: readonly Capsule[],
  engine: Engine,
): Promise<Map<OrganismId, number[]>> {
  const hit = new Map<OrganismId, number[]>();
  for (const [index, capsule] of capsules.entries()) {
    const spans = capsuleRows(capsule, engine);
    for (let from = 0; from < spans.length; from += PIECE_ROWS) {
      for (const owner of await ownersIn(spans.slice(from, from + PIECE_ROWS), engine)) {
        const touching = hit.get(owner);
        if (touching === undefined) hit.set(owner, [index]);
        else if (touching[touching.length - 1] !== index) touching.push(index);
      }
    }
  }
  return hit;
}

/** @param spans - at least one, by row */
async function ownersIn(spans: readonly Span[], engine: Engine): Promise<Set<OrganismId>> {
  const x = Math.min(...spans.map(({ first }) => first));
  const width = Math.max(...spans.map(({ last }) => last)) - x + 1;
  const y = spans[0].y;
  const height = spans[spans.length - 1].y - y + 1;
  const owners = new Uint16Array(width * height);
  await engine.readOwners({ x, y, width, height }, owners);
  const found = new Set<OrganismId>();
  for (const span of spans) {
    const row = (span.y - y) * width - x; // owners[span.y, 0 of the world]
    for (let cell = span.first; cell <= span.last; cell++) found.add(owners[row + cell]);
  }
  found.delete(0);
  return found;
}

/** Takes every cell of an organism: around a place outside the world, none stays. */
export const allCellsOf = (organism: OrganismId): Perturbation => ({
  kind: 'truncate',
  organism,
  x: -1,
  y: -1,
  radius: 0,
});
