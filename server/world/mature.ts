/**
 * Mature forms: what a rule grows by itself from a seed, in an engine of its own. Health is likeness to
 * it, and a species is shown by it. It knows files only as a cache to ask.
 */
import { encode } from 'fast-png';
import { PAGE_CELLS, type Rect } from '../../shared/geometry.ts';
import type { Species } from '../../shared/protocol.ts';
import type { Engine, EngineOptions } from '../engines/engine.ts';
import { ALIVE_THRESHOLD, type Rule } from '../rules/rule.ts';

const GROWN_STEPS = 300;
/** A body is looked at so often while it grows: one that is dead or runs wild is given up early. */
const LOOK_STEPS = 30;
/** The last looks are averaged: a living body flickers. */
const AVERAGED = 3;
/** Cells around the mature box in which growth counts as too much. */
export const HEALTH_MARGIN = 4;
const LEAST_SIDE = 128;
const MOST_SIDE = 512;
/** A seed that only lingers is not a body. */
const LEAST_CELLS = 9;
const RANDOM_SEED = 1;

/** `x`, `y`: the box's top left corner, seen from the seed. */
export interface MatureForm extends Rect {
  /** [height, width, 4] float32, premultiplied. */
  readonly rgba: Float32Array;
}

/** The rule grows nothing that a world could hold. */
export class MatureError extends Error {
  override name = 'MatureError';
}

export type EngineFactory = (options: EngineOptions) => Promise<Engine>;

/** Where mature forms are kept between starts. */
export interface MatureCache {
  read(rule: Rule): Promise<MatureForm | null>;
  write(rule: Rule, form: MatureForm): Promise<void>;
}

/** @throws MatureError naming what the rule did instead of growing */
export async function growMature(rule: Rule, createEngine: EngineFactory): Promise<MatureForm> {
  const side = gridSide(rule);
  const middle = side / 2;
  const engine = await createEngine({ width: side, height: side, randomSeed: RANDOM_SEED });
  try {
    engine.setRule(0, rule);
    engine.plant(1, 0, middle, middle);
    const mean = new Float32Array(side * side * 4);
    const look = new Float32Array(mean.length);
    for (let step = LOOK_STEPS; step <= GROWN_STEPS; step += LOOK_STEPS) {
      await engine.step(LOOK_STEPS);
      await engine.readOrganism(1, { x: 0, y: 0, width: side, height: side }, look);
      bodyBox(rule.name, look, side, step);
      if (step <= GROWN_STEPS - AVERAGED * LOOK_STEPS) continue;
      for (let i = 0; i < mean.length; i++) mean[i] += look[i] / AVERAGED;
    }
    return crop(mean, side, bodyBox(rule.name, mean, side, GROWN_STEPS), middle);
  } finally {
    engine.dispose();
  }
}

/** Grows what the cache does not hold. */
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

/** Twice the size that the rule says it was trained for, within reason. */
function gridSide(rule: Rule): number {
  const said = Math.max(Number(rule.metadata.targetWidth ?? 0), Number(rule.metadata.targetHeight ?? 0));
  const wanted = Number.isFinite(said) ? Math.ceil((2 * said + 32) / PAGE_CELLS) * PAGE_CELLS : 0;
  return Math.min(MOST_SIDE, Math.max(LEAST_SIDE, wanted));
}

/**
 * The box of all living cells.
 *
 * @param rgba - [side, side, 4]
 * @throws MatureError when they are no body
 */
function bodyBox(name: string, rgba: Float32Array, side: number, step: number): Rect {
  if (!rgba.every(Number.isFinite)) throw new MatureError(`${name} grows into numbers that are none`);
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
  if (cells < LEAST_CELLS)
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

/** What must be read of an organism at (x, y) to measure it: its mature box and a margin. */
export function healthRect(form: MatureForm, x: number, y: number): Rect {
  return {
    x: x + form.x - HEALTH_MARGIN,
    y: y + form.y - HEALTH_MARGIN,
    width: form.width + 2 * HEALTH_MARGIN,
    height: form.height + 2 * HEALTH_MARGIN,
  };
}

/**
 * Likeness of an organism to its mature form: 1 − Σ(own − mature)² / Σ mature², within 0..1.
 *
 * @param own - [height + 8, width + 8, 4], as `healthRect` says
 */
export const healthOf = (own: Float32Array, form: MatureForm): number =>
  likeness(overlapAt(own, form, 0, 0), own, form);

/** Where within its margin it is likest to its mature form, and its health there. @param own - as `healthRect` says */
export function likestPlace(
  own: Float32Array,
  form: MatureForm,
): { readonly dx: number; readonly dy: number; readonly health: number } {
  let best = { dx: 0, dy: 0, overlap: overlapAt(own, form, 0, 0) };
  for (let dy = -HEALTH_MARGIN; dy <= HEALTH_MARGIN; dy++) {
    for (let dx = -HEALTH_MARGIN; dx <= HEALTH_MARGIN; dx++) {
      const overlap = overlapAt(own, form, dx, dy);
      if (overlap > best.overlap) best = { dx, dy, overlap };
    }
  }
  const { dx, dy, overlap } = best;
  return { dx, dy, health: likeness(overlap, own, form) };
}

/** Σ(own − mature)² is Σ own² + Σ mature² − 2 Σ own · mature: only the last, the overlap, hangs on the place. */
function likeness(overlap: number, own: Float32Array, form: MatureForm): number {
  const health = (2 * overlap - energyOf(own)) / energyOf(form.rgba);
  // NaN, too, is no health.
  return health > 0 ? Math.min(health, 1) : 0;
}

/** Σ own · mature, as if its seed had been so many cells farther. Two sums by turns: one alone waits for itself. */
function overlapAt(own: Float32Array, { width, height, rgba }: MatureForm, dx: number, dy: number): number {
  const ownWidth = (width + 2 * HEALTH_MARGIN) * 4;
  let sum = 0;
  let more = 0;
  for (let y = 0; y < height; y++) {
    const ownRow = (y + HEALTH_MARGIN + dy) * ownWidth + (HEALTH_MARGIN + dx) * 4;
    const row = y * width * 4;
    for (let i = 0; i < width * 4; i += 2) {
      sum += rgba[row + i] * own[ownRow + i];
      more += rgba[row + i + 1] * own[ownRow + i + 1];
    }
  }
  return sum + more;
}

function energyOf(rgba: Float32Array): number {
  let sum = 0;
  let more = 0;
  for (let i = 0; i < rgba.length; i += 2) {
    sum += rgba[i] * rgba[i];
    more += rgba[i + 1] * rgba[i + 1];
  }
  return sum + more;
}

export function speciesOf(rule: Rule, form: MatureForm): Species {
  const png = encode({
    width: form.width,
    height: form.height,
    data: straightRgba(form),
    channels: 4,
    depth: 8,
  });
  const thumbnail = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  const { x, y, width, height } = form;
  return { name: rule.name, x, y, width, height, thumbnail };
}

/** Premultiplication undone: PNG holds straight alpha. */
function straightRgba({ rgba }: MatureForm): Uint8Array {
  const straight = new Uint8Array(rgba.length);
  const byte = (value: number): number => Math.round(Math.min(Math.max(value, 0), 1) * 255);
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    if (byte(alpha) === 0) continue;
    for (let c = 0; c < 3; c++) straight[i + c] = byte(rgba[i + c] / Math.min(alpha, 1));
    straight[i + 3] = byte(alpha);
  }
  return straight;
}
