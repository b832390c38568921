/**
 * Health: how like a body is to its rule's mature form, measured against what can exist. Cells of the form that lie
 * outside the world, or that another organism owns, are left out: a body that the edge clips or neighbours hold in can
 * be whole. Pure.
 */
import type { Rect, Size } from '../../shared/geometry.ts';
import type { OrganismId } from '../engines/engine.ts';
import { ALIVE_THRESHOLD } from '../rules/rule.ts';
import { type MatureForm, TERRITORY_MARGIN } from './mature.ts';

/** Cells around the mature box in which growth counts against health. */
export const HEALTH_MARGIN = 4;
/**
 * How far from its place a body is looked for, cells. All of it lies within its territory: of one that has grown this far
 * away, about half is left.
 */
export const FAR_MARGIN = 3 * TERRITORY_MARGIN;
/** Cells between the places tried that far away. Then the best place's neighbours are tried: shapes are larger. */
export const FAR_STRIDE = 3;
/**
 * A form with more cells than this is looked for with every n-th of its rows: the cost would grow with the area, and a
 * body of 500 x 500 cells would hold the world for 0.3 s.
 */
const MAX_SOUGHT_CELLS = 64 * 64;
/** A body has moved to where its health is at least 0.8 and at least 0.05 better than in its place. */
const NEARLY_WHOLE = 0.8;
const MIN_GAIN = 0.05;
/** Far away, a body may lack what its territory cuts off: it grows when the territory has followed it. */
const MIN_FAR_HEALTH = 0.5;
const MIN_FAR_GAIN = 0.2;
/** If fewer of the form's opaque cells than this share can exist, health is measured against the whole form. */
const MIN_POSSIBLE_SHARE = 0.25;

/** Whether a body with these healths has moved from its place to one within `HEALTH_MARGIN`. */
export const hasMoved = (here: number, there: number): boolean =>
  there >= Math.max(NEARLY_WHOLE, here + MIN_GAIN);

/** Whether a body out of shape has moved to a place within `FAR_MARGIN`. */
export const hasMovedFar = (here: number, there: number): boolean =>
  there >= Math.max(MIN_FAR_HEALTH, here + MIN_FAR_GAIN);

/** Who owns the cells around a body. */
export interface Surroundings {
  readonly organism: OrganismId;
  /** In the world, as from `healthRect`: the form's box and as many cells around it on every side. */
  readonly rect: Rect;
  /** [rect.height, rect.width] */
  readonly owners: Uint16Array;
  readonly world: Size;
}

/** The rectangle to read to measure an organism at (x, y): its mature box and `margin` cells around it. */
export function healthRect(form: MatureForm, x: number, y: number, margin = HEALTH_MARGIN): Rect {
  return {
    x: x + form.x - margin,
    y: y + form.y - margin,
    width: form.width + 2 * margin,
    height: form.height + 2 * margin,
  };
}

/**
 * 1 − Σ(own − mature)² / Σ mature², clamped to 0..1, over the cells of the form that can exist.
 *
 * @param own - [height + 8, width + 8, 4], the cells of `healthRect`; zeros where the organism owns nothing
 * @param share - from `possibleShare`; a smaller share never lowers health
 */
export const healthOf = (own: Float32Array, form: MatureForm, share = 1): number =>
  likeness(overlapAt(own, form, HEALTH_MARGIN, 0, 0), own, form, share);

/**
 * The place within the margin where the body is most like its mature form, and its health there.
 *
 * @param own - [height + 2 margin, width + 2 margin, 4], as for `healthOf`
 * @param around - absent: the whole form can exist everywhere
 * @param margin - 4, or `FAR_MARGIN`
 */
export function likestPlace(
  own: Float32Array,
  form: MatureForm,
  around?: Surroundings,
  margin = HEALTH_MARGIN,
): { readonly dx: number; readonly dy: number; readonly health: number } {
  const rows = Math.ceil((form.width * form.height) / MAX_SOUGHT_CELLS);
  const stride = margin > HEALTH_MARGIN ? FAR_STRIDE : 1;
  const likestOf = (places: Iterable<readonly [dx: number, dy: number]>, step: number) => {
    let best = { dx: 0, dy: 0, overlap: overlapAt(own, form, margin, 0, 0, step) };
    for (const [dx, dy] of places) {
      if (Math.abs(dx) > margin || Math.abs(dy) > margin) continue;
      const overlap = overlapAt(own, form, margin, dx, dy, step);
      if (overlap > best.overlap) best = { dx, dy, overlap };
    }
    return best;
  };
  let best = likestOf(placesAround(0, 0, margin, stride), rows);
  if (stride > 1 || rows > 1) best = likestOf(placesAround(best.dx, best.dy, 1, 1), 1);
  const { dx, dy, overlap } = best;
  const share = around === undefined ? 1 : possibleShare(form, around, dx, dy);
  return { dx, dy, health: likeness(overlap, own, form, share) };
}

/** Every n-th place at most `reach` columns and rows from one. */
function* placesAround(
  x: number,
  y: number,
  reach: number,
  stride: number,
): Generator<readonly [dx: number, dy: number]> {
  for (let dy = y - reach; dy <= y + reach; dy += stride)
    for (let dx = x - reach; dx <= x + reach; dx += stride) yield [dx, dy];
}

/** Uses Σ(own − mature)² = Σ own² + Σ mature² − 2 Σ own · mature; own is 0 where the form cannot exist. */
const likeness = (overlap: number, own: Float32Array, form: MatureForm, share: number): number =>
  healthFrom(overlap, energyOf(own), energiesOf(form).whole * share);

/**
 * 1 − Σ(own − wanted)² / Σ wanted², clamped to 0..1; 0 when that is not a number.
 *
 * @param overlap - Σ own · wanted
 * @param own2 - Σ own²
 * @param wanted2 - Σ wanted²; 0: nothing is wanted, and health is 0
 */
export function healthFrom(overlap: number, own2: number, wanted2: number): number {
  const health = (2 * overlap - own2) / wanted2;
  // Not `health <= 0`: NaN counts as 0, too.
  return health > 0 ? Math.min(health, 1) : 0;
}

/**
 * Σ own · mature, as if the seed stood (dx, dy) cells farther, within the margin around the box. Two sums, because
 * additions to one sum wait for each other.
 *
 * @param step - only every n-th row counts
 */
function overlapAt(
  own: Float32Array,
  { width, height, rgba }: MatureForm,
  margin: number,
  dx: number,
  dy: number,
  step = 1,
): number {
  const ownWidth = (width + 2 * margin) * 4;
  let sum = 0;
  let more = 0;
  for (let y = 0; y < height; y += step) {
    const ownRow = (y + margin + dy) * ownWidth + (margin + dx) * 4;
    const row = y * width * 4;
    for (let i = 0; i < width * 4; i += 2) {
      sum += rgba[row + i] * own[ownRow + i];
      more += rgba[row + i + 1] * own[ownRow + i + 1];
    }
  }
  return sum + more;
}

/**
 * The share of Σ mature² in cells where the form can exist, if the body stood (dx, dy) from its place: cells inside the
 * world that no other organism owns. 1 if fewer than a quarter of the form's opaque cells can exist.
 */
export function possibleShare(form: MatureForm, around: Surroundings, dx = 0, dy = 0): number {
  const { whole, cells, opaque, opaqueCells } = energiesOf(form);
  const { organism, rect, owners, world } = around;
  const { width, height } = form;
  const margin = (rect.width - width) / 2;
  let sum = 0;
  let possible = 0;
  for (let y = 0; y < height; y++) {
    const worldY = rect.y + margin + dy + y;
    if (worldY < 0 || worldY >= world.height) continue;
    const worldX = rect.x + margin + dx; // the form's left side
    const from = Math.max(0, -worldX);
    const to = Math.min(width, world.width - worldX);
    const ownerRow = (y + margin + dy) * rect.width + margin + dx;
    for (let x = from; x < to; x++) {
      const owner = owners[ownerRow + x];
      if (owner !== 0 && owner !== organism) continue;
      sum += cells[y * width + x];
      possible += opaque[y * width + x];
    }
  }
  return possible < opaqueCells * MIN_POSSIBLE_SHARE ? 1 : sum / whole;
}

interface Energies {
  /** [height, width]: Σ mature² of each cell. */
  readonly cells: Float32Array;
  readonly whole: number;
  /** [height, width]: 1 where it is opaque. */
  readonly opaque: Uint8Array;
  readonly opaqueCells: number;
}

const energies = new WeakMap<MatureForm, Energies>();

function energiesOf(form: MatureForm): Energies {
  const known = energies.get(form);
  if (known !== undefined) return known;
  const { rgba } = form;
  const cells = new Float32Array(rgba.length / 4);
  const opaque = new Uint8Array(cells.length);
  let opaqueCells = 0;
  for (let cell = 0; cell < cells.length; cell++) {
    for (let c = 0; c < 4; c++) cells[cell] += rgba[cell * 4 + c] ** 2;
    if (rgba[cell * 4 + 3] <= ALIVE_THRESHOLD) continue;
    opaque[cell] = 1;
    opaqueCells++;
  }
  const found = { cells, whole: energyOf(rgba), opaque, opaqueCells };
  energies.set(form, found);
  return found;
}

/** Σ rgba²; two sums, as for `overlapAt`. @param rgba - [n, 4] */
export function energyOf(rgba: Float32Array): number {
  let sum = 0;
  let more = 0;
  for (let i = 0; i < rgba.length; i += 2) {
    sum += rgba[i] * rgba[i];
    more += rgba[i + 1] * rgba[i + 1];
  }
  return sum + more;
}
