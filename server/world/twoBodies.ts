/**
 * Whether an organism is two bodies: rules have other attractors than their body, and one of them is twins, side by
 * side or grown together. Pure.
 */
import { ALIVE_THRESHOLD } from '../rules/rule.ts';
import { energyOf } from './likeness.ts';
import { type MatureForm, TERRITORY_MARGIN } from './mature.ts';
import { SPECK_SHARE, visitPieces } from './pieces.ts';

/** Share of the form's Σ mature² that must be seen at a second place: a fifth of a twin. */
const MIN_SECOND = 0.2;
/** Cells between the places tried first. Then the best place's neighbours are tried: shapes are larger than that. */
const STRIDE = 2;

const ownParts = new WeakMap<MatureForm, number>();

/**
 * True if it has more separate parts than its form has, or if its form is seen a second time beside the best place.
 *
 * @param own - [height + 16, width + 16, 4], its cells in the territory of its form
 */
export function isTwoBodied(own: Float32Array, form: MatureForm): boolean {
  const width = form.width + 2 * TERRITORY_MARGIN;
  const least = SPECK_SHARE * opaqueCells(form.rgba);
  let expected = ownParts.get(form);
  if (expected === undefined) {
    expected = partsOf(form.rgba, form.width, least);
    ownParts.set(form, expected);
  }
  return partsOf(own, width, least) > Math.max(1, expected) || hasSecond(own, width, form);
}

/** Separate groups of at least `least` opaque cells; cells that touch at a corner are one group. */
export function partsOf(rgba: Float32Array, width: number, least: number): number {
  const open = new Uint8Array(rgba.length / 4);
  for (let cell = 0; cell < open.length; cell++) if (rgba[cell * 4 + 3] > ALIVE_THRESHOLD) open[cell] = 1;
  let parts = 0;
  visitPieces(open, width, ({ length }) => {
    if (length >= least) parts++;
  });
  return parts;
}

/** Takes the form away at its best place; true if what is left shows a good part of the form somewhere else. */
function hasSecond(own: Float32Array, width: number, form: MatureForm): boolean {
  const needed = MIN_SECOND * energyOf(form.rgba);
  const reach = TERRITORY_MARGIN;
  const first = likest(own, width, form, reach, reach);
  const rest = own.slice();
  for (let y = 0; y < form.height; y++) {
    for (let x = 0; x < form.width; x++) {
      if (form.rgba[(y * form.width + x) * 4 + 3] <= ALIVE_THRESHOLD) continue;
      const cell = (y + TERRITORY_MARGIN + first.dy) * width + x + TERRITORY_MARGIN + first.dx;
      rest.fill(0, cell * 4, cell * 4 + 4);
    }
  }
  // Most bodies, even sick ones, have too little left for a second look.
  if (!(energyOf(rest) >= needed)) return false;
  return likest(rest, width, form, form.width - 1, form.height - 1).seen >= needed;
}

/** The place where most of the form is seen, its box moved by at most (reachX, reachY). */
function likest(
  rgba: Float32Array,
  width: number,
  form: MatureForm,
  reachX: number,
  reachY: number,
): { readonly dx: number; readonly dy: number; readonly seen: number } {
  const cells = opaqueOf(rgba, width);
  let best = { dx: 0, dy: 0, seen: seenOf(cells, form, 0, 0) };
  const lookAt = (dx: number, dy: number): void => {
    if (Math.abs(dx) > reachX || Math.abs(dy) > reachY) return;
    const seen = seenOf(cells, form, dx, dy);
    if (seen > best.seen) best = { dx, dy, seen };
  };
  for (let dy = -reachY; dy <= reachY; dy += STRIDE)
    for (let dx = -reachX; dx <= reachX; dx += STRIDE) lookAt(dx, dy);
  const { dx, dy } = best;
  for (let n = 0; n < 9; n++) lookAt(dx + (n % 3) - 1, dy + Math.floor(n / 3) - 1);
  return best;
}

/** The opaque cells of a body. */
interface Opaque {
  /** [n], relative to the top left corner of the form at its place. */
  readonly x: Int16Array;
  readonly y: Int16Array;
  /** [n, 4] */
  readonly rgba: Float32Array;
}

function opaqueOf(rgba: Float32Array, width: number): Opaque {
  const n = opaqueCells(rgba);
  const cells = { x: new Int16Array(n), y: new Int16Array(n), rgba: new Float32Array(n * 4) };
  let i = 0;
  for (let cell = 0; cell < rgba.length / 4; cell++) {
    if (!(rgba[cell * 4 + 3] > ALIVE_THRESHOLD)) continue;
    cells.x[i] = (cell % width) - TERRITORY_MARGIN;
    cells.y[i] = Math.floor(cell / width) - TERRITORY_MARGIN;
    cells.rgba.set(rgba.subarray(cell * 4, cell * 4 + 4), i * 4);
    i++;
  }
  return cells;
}

/**
 * How much of the form is seen if it stands (dx, dy) from its place: Σ mature² − Σ(rgba − mature)² over the body's
 * cells where the form is opaque. The body's other cells do not count.
 */
function seenOf(
  { x: xs, y: ys, rgba }: Opaque,
  { width, height, rgba: mature }: MatureForm,
  dx: number,
  dy: number,
): number {
  let sum = 0;
  for (let i = 0; i < xs.length; i++) {
    const x = xs[i] - dx;
    const y = ys[i] - dy;
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    const to = (y * width + x) * 4; // mature[y, x, 0]
    if (mature[to + 3] <= ALIVE_THRESHOLD) continue;
    for (let c = 0; c < 4; c++) sum += rgba[i * 4 + c] * (2 * mature[to + c] - rgba[i * 4 + c]);
  }
  return sum;
}

function opaqueCells(rgba: Float32Array): number {
  let cells = 0;
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] > ALIVE_THRESHOLD) cells++;
  return cells;
}
