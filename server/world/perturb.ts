/**
 * From a player's stroke to what the engine shall do. It decides and changes nothing, so a stroke that is
 * refused leaves the world as it was.
 */
import type { Rect } from '../../shared/geometry.ts';
import type { StrokeMessage } from '../../shared/protocol.ts';
import { strokeFault } from '../../shared/stroke.ts';
import type { Capsule, Engine, OrganismId, Perturbation } from '../engines/engine.ts';
import type { Organisms } from './organisms.ts';

/** Of a whole stroke, uniform within ±0.5: what the rules are trained to survive, and then some. */
export const NOISE_AMPLITUDE = 0.5;
/** How far from a pointer its organism may be, in cells. */
export const PICK_REACH = 2;
/** A joint drawn straighter than this is left out: fewer capsules. */
const STRAIGHTNESS_CELLS = 0.75;
/** Owners are read in pieces of a segment, or a long diagonal would have a huge box. */
const PIECE_CELLS = 64;

export interface Ground {
  readonly engine: Engine;
  readonly organisms: Organisms;
  readonly species: readonly { readonly name: string }[];
  /** Why the grown body of a species would have no room about a cell, for a player to read; null: it has. */
  readonly roomFault: (species: string, x: number, y: number) => string | null;
}

export type Plan =
  | { readonly ok: false; readonly reason: string }
  | { readonly ok: true; readonly seed: { readonly species: string; readonly x: number; readonly y: number } }
  | {
      readonly ok: true;
      readonly perturbations: readonly Perturbation[];
      /** Who was touched, and by which of the perturbations (ascending). */
      readonly hit: ReadonlyMap<OrganismId, readonly number[]>;
    };

const refused = (reason: string): Plan => ({ ok: false, reason });

/** @param salt - uint32, another one for every stroke */
export async function planStroke(stroke: StrokeMessage, ground: Ground, salt: number): Promise<Plan> {
  const fault = strokeFault(stroke, ground.engine, ground.species);
  if (fault !== null) return refused(fault);
  const x = Math.floor(stroke.points[0]);
  const y = Math.floor(stroke.points[1]);
  switch (stroke.tool) {
    case 'plant':
      return planSeed(stroke.species!, x, y, ground);
    case 'truncate':
      return planTruncation(stroke.radius, x, y, ground);
    case 'ablate':
    case 'noise': {
      const capsules = capsulesOf(stroke.points, stroke.radius);
      const hit = await ownersUnder(capsules, ground.engine);
      if (stroke.tool === 'ablate') {
        return { ok: true, perturbations: capsules.map((capsule) => ({ kind: 'ablate', ...capsule })), hit };
      }
      // One stroke is one dose: where its capsules overlap the noise is added once.
      const noise: Perturbation = { kind: 'noise', capsules, amplitude: NOISE_AMPLITUDE, salt: salt >>> 0 };
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

/** A seed needs nobody beside it, and room for what it grows into. */
export async function planSeed(species: string, x: number, y: number, ground: Ground): Promise<Plan> {
  const owners = new Uint16Array(9);
  await ground.engine.readOwners({ x: x - 1, y: y - 1, width: 3, height: 3 }, owners);
  if (owners.some((owner) => owner !== 0)) return refused('Somebody lives there already.');
  const fault = ground.roomFault(species, x, y);
  if (fault !== null) return refused(fault);
  return { ok: true, seed: { species, x, y } };
}

async function planTruncation(radius: number, x: number, y: number, ground: Ground): Promise<Plan> {
  const id = await organismNear(x, y, ground.engine);
  const organism = ground.organisms.get(id);
  if (organism === undefined) return refused('Nobody lives there.');
  const cut: Perturbation = { kind: 'truncate', organism: id, x: organism.x, y: organism.y, radius };
  return { ok: true, perturbations: [cut], hit: new Map([[id, [0]]]) };
}

/** Whose cell is nearest within `PICK_REACH`; 0 when nobody's. */
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

/** A stroke as capsules between cells; joints that lie on a straight line are left out. */
export function capsulesOf(points: readonly number[], radius: number): Capsule[] {
  const cells = straightened(points.map(Math.floor));
  const count = cells.length / 2;
  if (count === 1) return [{ x0: cells[0], y0: cells[1], x1: cells[0], y1: cells[1], radius }];
  return Array.from({ length: count - 1 }, (_, i) => {
    const [x0, y0, x1, y1] = cells.slice(i * 2, i * 2 + 4);
    return { x0, y0, x1, y1, radius };
  });
}

/** Douglas–Peucker: the fewest joints that stay near the line. A stroke that never moves is one point. */
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

/** Everyone who owns a cell under the capsules, and under which of them (ascending). */
export async function ownersUnder(
  capsules: readonly Capsule[],
  engine: Engine,
): Promise<Map<OrganismId, number[]>> {
  const hit = new Map<OrganismId, number[]>();
  for (const [index, capsule] of capsules.entries()) {
    for (const piece of inPieces(capsule)) {
      const rect = boxOf(piece);
      const owners = new Uint16Array(rect.width * rect.height);
      await engine.readOwners(rect, owners);
      for (let i = 0; i < owners.length; i++) {
        if (owners[i] === 0) continue;
        const touching = hit.get(owners[i]);
        if (touching?.[touching.length - 1] === index) continue;
        const x = rect.x + (i % rect.width);
        const y = rect.y + Math.floor(i / rect.width);
        if (distanceToSegment(x, y, piece) > piece.radius) continue;
        if (touching === undefined) hit.set(owners[i], [index]);
        else touching.push(index);
      }
    }
  }
  return hit;
}

function inPieces(capsule: Capsule): Capsule[] {
  const { x0, y0, x1, y1, radius } = capsule;
  const count = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / PIECE_CELLS));
  const at = (i: number): [number, number] => [x0 + ((x1 - x0) * i) / count, y0 + ((y1 - y0) * i) / count];
  return Array.from({ length: count }, (_, i) => {
    const [fromX, fromY] = at(i);
    const [toX, toY] = at(i + 1);
    return { x0: fromX, y0: fromY, x1: toX, y1: toY, radius };
  });
}

function boxOf({ x0, y0, x1, y1, radius }: Capsule): Rect {
  const x = Math.floor(Math.min(x0, x1) - radius);
  const y = Math.floor(Math.min(y0, y1) - radius);
  const width = Math.ceil(Math.max(x0, x1) + radius) - x + 1;
  const height = Math.ceil(Math.max(y0, y1) + radius) - y + 1;
  return { x, y, width, height };
}
