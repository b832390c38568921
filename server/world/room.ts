/**
 * Room to live: a seed may be planted only where its grown body lies within the world and does not overlap the grown
 * bodies around it. The mature form counts, not the cells of today: a seedling, a wounded body and a seed that waits keep
 * their room. Pure.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import { edgeFault, withArticle } from '../../shared/room.ts';
import { ALIVE_THRESHOLD } from '../rules/rule.ts';
import type { MatureForm } from './mature.ts';

/** Share of the smaller body's cells that two bodies may share: a body heals around a few lost cells. */
const MAX_OVERLAP_SHARE = 0.05;

/**
 * A body that has moved may have this share of its cells outside the world, and share as many with another; or no more
 * than in its place. Else players could push bodies over the edge, or onto the places of others.
 */
const MAX_CROWDED_SHARE = 0.2;

/**
 * A body is followed no farther than this from where its seed was planted first, in columns or rows: else whoever goes on
 * erasing one side of it drives it through the world.
 */
const MAX_STRAY = 48;

/** A body in its mature form. */
export interface GrownBody {
  readonly species: string;
  /** Seed position, cells. */
  readonly x: number;
  readonly y: number;
  readonly form: MatureForm;
}

/** The opaque cells of a form. */
interface Silhouette {
  /** The smallest box that holds them, relative to the seed. */
  readonly box: Rect;
  /** [height, width] of the form: 1 where it is opaque. */
  readonly mask: Uint8Array;
  readonly cells: number;
}

const silhouettes = new WeakMap<MatureForm, Silhouette>();

/**
 * Why a seed cannot be planted, for a player to read; null: it can.
 *
 * @param others - in any order; bodies far away cost a comparison of boxes
 */
export function roomFault(body: GrownBody, world: Size, others: Iterable<GrownBody>): string | null {
  const fault = edgeFault(body.species, silhouetteOf(body.form).box, body.x, body.y, world);
  if (fault !== null) return fault;
  for (const other of others)
    if (overlapShare(body, other) > MAX_OVERLAP_SHARE)
      return `No room: it would grow into ${withArticle(other.species)}.`;
  return null;
}

/** Cells that both mature forms cover, as a share of the smaller one's. */
export function overlapShare(a: GrownBody, b: GrownBody): number {
  const one = silhouetteOf(a.form);
  const two = silhouetteOf(b.form);
  // World coordinates.
  const left = Math.max(a.x + one.box.x, b.x + two.box.x);
  const top = Math.max(a.y + one.box.y, b.y + two.box.y);
  const right = Math.min(a.x + one.box.x + one.box.width, b.x + two.box.x + two.box.width);
  const bottom = Math.min(a.y + one.box.y + one.box.height, b.y + two.box.y + two.box.height);
  if (left >= right || top >= bottom) return 0;
  let shared = 0;
  for (let y = top; y < bottom; y++) {
    const rowA = (y - a.y - a.form.y) * a.form.width - a.x - a.form.x; // one.mask[y, 0 of the world]
    const rowB = (y - b.y - b.form.y) * b.form.width - b.x - b.form.x; // two.mask[y, 0 of the world]
    for (let x = left; x < right; x++) shared += one.mask[rowA + x] & two.mask[rowB + x];
  }
  return shared / Math.min(one.cells, two.cells);
}

/**
 * Whether a body may be held to have moved.
 *
 * @param others - in any order, at both places
 */
export function mayMoveTo(
  from: GrownBody,
  to: GrownBody,
  world: Size,
  others: readonly GrownBody[],
): boolean {
  const least = Math.max(MAX_CROWDED_SHARE, crowdedShare(from, world, others));
  return crowdedShare(to, world, others) <= least;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Whether a place is too far from where a body's seed was planted first. */
export const isAstray = (home: Place, { x, y }: Place): boolean =>
  Math.max(Math.abs(x - home.x), Math.abs(y - home.y)) > MAX_STRAY;

/** The share of its cells outside the world, or shared with one other, whichever is more. */
function crowdedShare(body: GrownBody, world: Size, others: readonly GrownBody[]): number {
  const shares = others.map((other) => overlapShare(body, other));
  return Math.max(outsideShare(body, world), ...shares);
}

function outsideShare({ x, y, form }: GrownBody, { width, height }: Size): number {
  const { mask, cells } = silhouetteOf(form);
  let inside = 0;
  for (let row = 0; row < form.height; row++) {
    const worldY = y + form.y + row;
    if (worldY < 0 || worldY >= height) continue;
    const from = Math.max(0, -(x + form.x));
    const to = Math.min(form.width, width - (x + form.x));
    for (let column = from; column < to; column++) inside += mask[row * form.width + column];
  }
  return 1 - inside / cells;
}

function silhouetteOf(form: MatureForm): Silhouette {
  const known = silhouettes.get(form);
  if (known !== undefined) return known;
  const { width, height, rgba } = form;
  const mask = new Uint8Array(width * height);
  let cells = 0;
  let left = width;
  let right = -1;
  let top = height;
  let bottom = -1;
  for (let cell = 0; cell < mask.length; cell++) {
    if (rgba[cell * 4 + 3] <= ALIVE_THRESHOLD) continue;
    mask[cell] = 1;
    cells++;
    left = Math.min(left, cell % width);
    right = Math.max(right, cell % width);
    top = Math.min(top, Math.floor(cell / width));
    bottom = Math.floor(cell / width);
  }
  const box = { x: form.x + left, y: form.y + top, width: right - left + 1, height: bottom - top + 1 };
  const silhouette = { box, mask, cells };
  silhouettes.set(form, silhouette);
  return silhouette;
}
