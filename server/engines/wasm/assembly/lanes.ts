// Turns a block's values from cell order to lane order and back, for the engine and the trainer.
import { LANE_BYTES } from './mlp';

/** [16 cells][rows] → [rows][16 cells]; `rows` is a multiple of 4. */
export function transposeToLanes(from: usize, to: usize, rows: i32): void {
  const cellBytes = (<usize>rows) << 2;
  for (let c: usize = 0; c < 4; c++) {
    let read = from + c * 4 * cellBytes;
    let write = to + c * 16;
    for (let r = 0; r < rows; r += 4) {
      const a = v128.load(read);
      const b = v128.load(read + cellBytes);
      const d = v128.load(read + 2 * cellBytes);
      const e = v128.load(read + 3 * cellBytes);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const de0 = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
      const de1 = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
      v128.store(write, v128.shuffle<f64>(ab0, de0, 0, 2));
      v128.store(write, v128.shuffle<f64>(ab0, de0, 1, 3), 64);
      v128.store(write, v128.shuffle<f64>(ab1, de1, 0, 2), 128);
      v128.store(write, v128.shuffle<f64>(ab1, de1, 1, 3), 192);
      read += 16;
      write += 4 * LANE_BYTES;
    }
  }
}

/** [rows][16 cells] → [16 cells][rows]; `rows` is a multiple of 4. */
export function transposeToCells(from: usize, to: usize, rows: i32): void {
  const cellBytes = (<usize>rows) << 2;
  for (let c: usize = 0; c < 4; c++) {
    let read = from + c * 16;
    let write = to + c * 4 * cellBytes;
    for (let r = 0; r < rows; r += 4) {
      const a = v128.load(read);
      const b = v128.load(read, 64);
      const d = v128.load(read, 128);
      const e = v128.load(read, 192);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const de0 = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
      const de1 = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
      v128.store(write, v128.shuffle<f64>(ab0, de0, 0, 2));
      v128.store(write + cellBytes, v128.shuffle<f64>(ab0, de0, 1, 3));
      v128.store(write + 2 * cellBytes, v128.shuffle<f64>(ab1, de1, 0, 2));
      v128.store(write + 3 * cellBytes, v128.shuffle<f64>(ab1, de1, 1, 3));
      read += 4 * LANE_BYTES;
      write += 16;
    }
  }
}
