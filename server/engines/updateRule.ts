/** One cell's update, written out: perceive, then `W2 · relu(W1 · perception + b1) + b2`, in float32. */
import { CHANNELS, PERCEPTION, type Rule } from '../rules/rule.ts';

/** [9, 16]: a cell and its neighbours, row by row; a neighbour that is not of the cell's organism is all zeros. */
export type Neighbourhood = Float32Array;
const [NORTH_WEST, NORTH, NORTH_EAST, WEST, HERE, EAST, SOUTH_WEST, SOUTH, SOUTH_EAST] = Array.from(
  { length: 9 },
  (_, place) => place * CHANNELS,
);

const { fround } = Math;

/** [48]: identity 16 | Sobel-x/8 16 | Sobel-y/8 16, summed in the kernels' order. */
function perceive(near: Neighbourhood): Float32Array {
  const perception = new Float32Array(PERCEPTION);
  for (let c = 0; c < CHANNELS; c++) {
    const diagonal = fround(near[SOUTH_EAST + c] - near[NORTH_WEST + c]);
    const counter = fround(near[NORTH_EAST + c] - near[SOUTH_WEST + c]);
    const across = fround(near[EAST + c] - near[WEST + c]);
    const down = fround(near[SOUTH + c] - near[NORTH + c]);
    perception[c] = near[HERE + c];
    perception[CHANNELS + c] = fround(fround(across / 4) + fround(fround(diagonal + counter) / 8));
    perception[2 * CHANNELS + c] = fround(fround(down / 4) + fround(fround(diagonal - counter) / 8));
  }
  return perception;
}

/** [outputs]: bias first, then the inputs in order, each product and each sum rounded to float32. */
function dense(input: Float32Array, weights: Float32Array, bias: Float32Array): Float32Array {
  const inputs = input.length;
  const outputs = new Float32Array(bias.length);
  for (let output = 0; output < outputs.length; output++) {
    const row = output * inputs; // weights[output, 0]
    let sum = bias[output];
    for (let i = 0; i < inputs; i++) sum = fround(sum + fround(weights[row + i] * input[i]));
    outputs[output] = sum;
  }
  return outputs;
}

/**
 * Adds the rule's delta to a cell, unless no channel of the delta exceeds `rest`.
 *
 * @param cell - [16], written
 * @returns whether the delta was added
 */
export function updateCell(rule: Rule, near: Neighbourhood, rest: number, cell: Float32Array): boolean {
  const hidden = dense(perceive(near), rule.w1, rule.b1);
  for (let unit = 0; unit < hidden.length; unit++) hidden[unit] = Math.max(0, hidden[unit]);
  const delta = dense(hidden, rule.w2, rule.b2);
  if (delta.every((change) => Math.abs(change) <= rest)) return false;
  for (let c = 0; c < CHANNELS; c++) cell[c] += delta[c];
  return true;
}
