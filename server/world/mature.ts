/**
 * Mature forms: what a rule grows alone from a seed, in an engine of its own. Health is measured against it, and
 * clients show a species by it. Files are known only as a cache.
 */
import { encode } from 'fast-png';
import { creatureNameFault } from '../../shared/drawing/submission.ts';
import { PAGE_CELLS, type Rect } from '../../shared/geometry.ts';
import { cutName } from '../../shared/names.ts';
import type { Species } from '../../shared/protocol.ts';
import { straightRgba8 } from '../../shared/straight.ts';
import type { Engine, EngineOptions } from '../engines/engine.ts';
import { ALIVE_THRESHOLD, type Rule } from '../rules/rule.ts';

/** Steps in which a seed grows into its body. */
export const MATURE_STEPS = 300;
/** A growing body is checked this often: one that is dead or runs wild is given up early. */
const LOOK_STEPS = 30;
/** The mean of the last 3 looks is taken, because a living body flickers. */
const AVERAGED = 3;
/** Cells around the mature box that an organism may own: room to heal in, too little for a second body. */
export const TERRITORY_MARGIN = 8;
const MIN_SIDE = 128;
const MAX_SIDE = 512;
/** A seed that lingers with fewer cells has not grown. */
const MIN_CELLS = 9;
const RANDOM_SEED = 1;

/** `x`, `y`: the box's top left corner, relative to the seed. */
export interface MatureForm extends Rect {
  /** [height, width, 4] float32, premultiplied. */
  readonly rgba: Float32Array;
}

/** The farthest that a form has a cell from its seed, in columns or rows. */
export const reachOf = ({ x, y, width, height }: Rect): number => Math.max(-x, -y, x + width, y + height);

/** The rule does not grow a body that a world could hold. */
export class MatureError extends Error {
  override name = 'MatureError';
}

export type EngineFactory = (options: EngineOptions) => Promise<Engine>;

/** Where mature forms are kept between starts. */
export interface MatureCache {
  read(rule: Rule): Promise<MatureForm | null>;
  write(rule: Rule, form: MatureForm): Promise<void>;
}

/** @throws MatureError naming what the rule did instead of growing a body */
export async function growMature(rule: Rule, createEngine: EngineFactory): Promise<MatureForm> {
  const side = gridSide(rule);
  const middle = side / 2;
  const engine = await createEngine({ width: side, height: side, randomSeed: RANDOM_SEED });
  try {
    engine.setRule(0, rule);
    engine.plant(1, 0, middle, middle);
    const mean = new Float32Array(side * side * 4);
    const look = new Float32Array(mean.length);
    for (let step = LOOK_STEPS; step <= MATURE_STEPS; step += LOOK_STEPS) {
      await engine.step(LOOK_STEPS);
      await engine.readOrganism(1, { x: 0, y: 0, width: side, height: side }, look);
      bodyBox(rule.name, look, side, step);
      if (step <= MATURE_STEPS - AVERAGED * LOOK_STEPS) continue;
      for (let i = 0; i < mean.length; i++) mean[i] += look[i] / AVERAGED;
    }
    return crop(mean, side, bodyBox(rule.name, mean, side, MATURE_STEPS), middle);
  } finally {
    engine.dispose();
  }
}

/** Answers from the cache; grows and stores what it does not hold. */
export function cachedGrower(
  cache: MatureCache,
  createEngine: EngineFactory,
): (rule: Rule) => Promise<MatureForm> {
  return async (rule) => {
    const known = await cache.read(rule);
    if (known !== null) return known;
    const form = await growMature(rule, createEngine);
    await cache.write(rule, form);
    return form;
  };
}

/** Twice the size that the rule was trained for, from 128 to 512. */
function gridSide(rule: Rule): number {
  const said = Math.max(Number(rule.metadata.targetWidth ?? 0), Number(rule.metadata.targetHeight ?? 0));
  const wanted = Number.isFinite(said) ? Math.ceil((2 * said + 32) / PAGE_CELLS) * PAGE_CELLS : 0;
  return Math.min(MAX_SIDE, Math.max(MIN_SIDE, wanted));
}

/**
 * The box of all living cells.
 *
 * @param rgba - [side, side, 4]
 * @throws MatureError when the living cells do not form a body
 */
function bodyBox(name: string, rgba: Float32Array, side: number, step: number): Rect {
  if (!rgba.every(Number.isFinite)) throw new MatureError(`${name} produced NaN or infinite values`);
  let left = side;
  let right = -1;
  let top = side;
  let bottom = -1;
  let cells = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (rgba[(y * side + x) * 4 + 3] <= ALIVE_THRESHOLD) continue;
      cells++;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (cells < MIN_CELLS)
    throw new MatureError(`${name} does not grow: ${cells} living cells after ${step} steps`);
  if (left === 0 || top === 0 || right === side - 1 || bottom === side - 1)
    throw new MatureError(`${name} does not stop growing: ${side} x ${side} cells do not hold it`);
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

function crop(mean: Float32Array, side: number, box: Rect, seed: number): MatureForm {
  const { x, y, width, height } = box;
  const rgba = new Float32Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * side + x) * 4;
    rgba.set(mean.subarray(from, from + width * 4), row * width * 4);
  }
  return { x: x - seed, y: y - seed, width, height, rgba };
}

/** Where an organism at (x, y) may live: a box around these forms and the seed's cell, and 8 cells around it. */
export function territoryOf(forms: readonly MatureForm[], x: number, y: number): Rect {
  const left = Math.min(0, ...forms.map((form) => form.x));
  const top = Math.min(0, ...forms.map((form) => form.y));
  const right = Math.max(1, ...forms.map((form) => form.x + form.width));
  const bottom = Math.max(1, ...forms.map((form) => form.y + form.height));
  return {
    x: x + left - TERRITORY_MARGIN,
    y: y + top - TERRITORY_MARGIN,
    width: right - left + 2 * TERRITORY_MARGIN,
    height: bottom - top + 2 * TERRITORY_MARGIN,
  };
}

const ownedCells = new WeakMap<MatureForm, number>();

/**
 * Cells that a mature body owns: those with an opaque cell in their 3x3. Grown bodies of the shipped rules own 0.99 to
 * 1.01 times as many, and at most 1.09 times while they grow.
 */
export function matureCells(form: MatureForm): number {
  const known = ownedCells.get(form);
  if (known !== undefined) return known;
  const cells = ownedBy(form).reduce((sum, one) => sum + one, 0);
  ownedCells.set(form, cells);
  return cells;
}

/** The cells that a mature body owns. @returns [height + 2, width + 2], 1 where it does; the form's box and a cell around it */
export function ownedBy({ width, height, rgba }: MatureForm): Uint8Array {
  const owned = new Uint8Array((width + 2) * (height + 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rgba[(y * width + x) * 4 + 3] <= ALIVE_THRESHOLD) continue;
      for (let n = 0; n < 9; n++) owned[(y + Math.floor(n / 3)) * (width + 2) + x + (n % 3)] = 1;
    }
  }
  return owned;
}

/** What the nursery has written into the rule of a drawn creature. A file of others may say anything there. */
function namesIn({ metadata: { title = '', maker = '' } }: Rule): Pick<Species, 'title' | 'maker'> {
  if (creatureNameFault(title) !== null) return {};
  return { title, ...(maker !== '' && cutName(maker) === maker && { maker }) };
}

export function speciesOf(rule: Rule, form: MatureForm): Species {
  const data = new Uint8Array(form.rgba.length);
  for (let i = 0; i < data.length; i += 4) straightRgba8(form.rgba, i, data, i);
  const png = encode({ width: form.width, height: form.height, data, channels: 4, depth: 8 });
  const thumbnail = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  const { x, y, width, height } = form;
  return { name: rule.name, ...namesIn(rule), x, y, width, height, thumbnail };
}
