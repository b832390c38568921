// How far a rollout's last state is from the picture, and the gradient of that, from which `backward` begins.
import { ALIVE_THRESHOLD } from '../../engines/wasm/assembly/layout';
import { clear } from './blocks';
import {
  cellCount,
  gradient,
  height,
  open,
  overflowWeight,
  placeWeight,
  rimWeight,
  strayWeight,
  stride,
  target,
  waveWeight,
  width,
} from './scratch';
import * as field from './setup';

const PLACE_CELLS: f32 = <f32>field.PLACE_CELLS;
/** Angle of a wave per cell. */
const WAVE_ANGLE: f32 = <f32>((2 * Math.PI) / <f64>field.WAVE_CELLS);

// @inline
function clampUnit(values: v128): v128 {
  return f32x4.max(f32x4.min(values, f32x4.splat(1)), f32x4.splat(-1));
}

// @inline
function overflow(values: v128): v128 {
  return f32x4.sub(values, clampUnit(values));
}

/**
 * Adds the gradient of Huber's loss of what the cell at this distance from the seed is taught about its place.
 *
 * @param cell - f32 [16]
 * @param into - f32 [16], its gradient
 * @param scale - of a loss of weight 1
 */
function teachPlace(cell: usize, into: usize, right: f32, down: f32, scale: f32): void {
  const place = placeWeight * scale;
  const wave = waveWeight * scale;
  let want = f32x4.splat(right / PLACE_CELLS);
  want = f32x4.replace_lane(want, 1, down / PLACE_CELLS);
  let scales = f32x4.replace_lane(f32x4.splat(place), 2, wave);
  scales = f32x4.replace_lane(scales, 3, wave);
  if (waveWeight != 0) {
    want = f32x4.replace_lane(want, 2, Mathf.sin(right * WAVE_ANGLE));
    want = f32x4.replace_lane(want, 3, Mathf.cos(right * WAVE_ANGLE));
  }
  let away = clampUnit(f32x4.sub(v128.load(cell, 16), want));
  v128.store(into, f32x4.add(v128.load(into, 16), f32x4.mul(away, scales)), 16);
  if (waveWeight == 0) return;
  want = f32x4.splat(Mathf.sin(down * WAVE_ANGLE));
  want = f32x4.replace_lane(want, 1, Mathf.cos(down * WAVE_ANGLE));
  away = v128.and(clampUnit(f32x4.sub(v128.load(cell, 32), want)), i64x2(-1, 0));
  v128.store(into, f32x4.add(v128.load(into, 32), f32x4.mul(away, f32x4.splat(wave))), 32);
}

/**
 * Mean square error of RGBA over the grid; a cell in a wall has none. `withGradient` starts the state's gradient from
 * it, from places and their waves (`PLACE_AT`, `WAVE_AT`), from cells astray (`STRAY_AT`) and on the rim (`RIM_AT`), and
 * from the hidden channels' overflow: weight · (h - clamp(h, -1, 1))² in the same mean. Large hidden states make the
 * dynamics chaotic, and a gradient through chaos is noise (Niklasson et al. 2021, Self-Organising Textures).
 */
export function loss(state: usize, withGradient: bool): f64 {
  let sum: f64 = 0;
  const share = <f32>(2.0 / <f64>(width * height * 4));
  const scale = f32x4.splat(share);
  const knowsPlace = placeWeight != 0 || waveWeight != 0;
  const overflowScale = f32x4.mul(scale, f32x4.splat(overflowWeight));
  if (withGradient) clear(gradient, cellCount << 6);
  for (let y = 0; y < height; y++) {
    const first = <usize>((y + 1) * stride + 1);
    let row = f32x4.splat(0);
    for (let i = first; i < first + <usize>width; i++) {
      if (load<u8>(open + i) == 0) continue;
      const difference = f32x4.sub(v128.load(state + (i << 6)), v128.load(target + (i << 4)));
      row = f32x4.add(row, f32x4.mul(difference, difference));
      if (!withGradient) continue;
      const cell = state + (i << 6);
      const into = gradient + (i << 6);
      const stray: f32 = load<f32>(target + (i << 4), 12) == 0 ? strayWeight : 0;
      const alpha = load<f32>(cell, 12);
      const rim: f32 = alpha > <f32>field.FAINT_ALPHA && alpha < <f32>field.CLEAR_ALPHA ? rimWeight : 0;
      v128.store(into, f32x4.mul(difference, f32x4.splat(share * (1 + stray + rim))));
      v128.store(into, f32x4.mul(overflow(v128.load(cell, 16)), overflowScale), 16);
      v128.store(into, f32x4.mul(overflow(v128.load(cell, 32)), overflowScale), 32);
      v128.store(into, f32x4.mul(overflow(v128.load(cell, 48)), overflowScale), 48);
      if (!knowsPlace || load<f32>(target + (i << 4), 12) <= <f32>ALIVE_THRESHOLD) continue;
      teachPlace(cell, into, <f32>(<i32>(i - first) - width / 2), <f32>(y - height / 2), share);
    }
    sum += <f64>f32x4.extract_lane(row, 0) + <f64>f32x4.extract_lane(row, 1);
    sum += <f64>f32x4.extract_lane(row, 2) + <f64>f32x4.extract_lane(row, 3);
  }
  return sum / <f64>(width * height * 4);
}
