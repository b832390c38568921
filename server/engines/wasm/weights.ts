/** Lays a rule's weights out for the kernels (`assembly/mlp.ts`). */

/**
 * [outputs, inputs] row-major → [outputs / 4][inputs][4]: the four weights that meet one input lie together.
 *
 * @param outputs - a multiple of 4
 */
export function packLayer(weights: Float32Array, outputs: number, inputs: number): Float32Array {
  const packed = new Float32Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const column = (o >> 2) * inputs * 4 + (o & 3);
    for (let i = 0; i < inputs; i++) packed[column + i * 4] = weights[o * inputs + i];
  }
  return packed;
}
