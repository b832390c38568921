/** One cell's update, written out: perceive, then `W2 · relu(W1 · perception + b1) + b2`, in float32. */
import { CHANNELS, PERCEPTION, type Rule } from '../rules/rule.ts';

/** A channel of the neighbour at (dx, dy), each -1..1; 0 where the neighbour is not of the cell's organism. */
export type ChannelOf = (dx: number, dy: number, channel: number) => number;

const { fround } = Math;

/** [48]: identity 16 | Sobel-x/8 16 | Sobel-y/8 16, summed in the kernels' order. */
export function perceive(channelOf: ChannelOf): Float32Array {
  const perception = new Float32Array(PERCEPTION);
  for (let c = 0; c < CHANNELS; c++) {
    const diagonal = fround(channelOf(1, 1, c) - channelOf(-1, -1, c));
    const counter = fround(channelOf(1, -1, c) - channelOf(-1, 1, c));
    const across = fround(channelOf(1, 0, c) - channelOf(-1, 0, c));
    const down = fround(channelOf(0, 1, c) - channelOf(0, -1, c));
    perception[c] = channelOf(0, 0, c);
    perception[CHANNELS + c] = fround(fround(across / 4) + fround(fround(diagonal + counter) / 8));
    perception[2 * CHANNELS + c] = fround(fround(down / 4) + fround(fround(diagonal - counter) / 8));
  }
  return perception;
}

/** [outputs]: bias first, then the inputs in order, each product and each sum rounded to float32. */
function dense(input: Float32Array, weights: Float32Array, bias: Float32Array): Float32Array {
  return bias.map((start, output) => {
    let sum = start;
    for (let i = 0; i < input.length; i++) {
      sum = fround(sum + fround(weights[output * input.length + i] * input[i]));
    }
    return sum;
  });
}

/**
 * Adds the rule's delta to a cell, unless no channel of the delta exceeds `rest`.
 *
 * @param cell - [16], written
 * @returns whether the delta was added
 */
export function updateCell(rule: Rule, channelOf: ChannelOf, rest: number, cell: Float32Array): boolean {
  const hidden = dense(perceive(channelOf), rule.w1, rule.b1).map((value) => Math.max(0, value));
  const delta = dense(hidden, rule.w2, rule.b2);
  if (delta.every((change) => Math.abs(change) <= rest)) return false;
  for (let c = 0; c < CHANNELS; c++) cell[c] += delta[c];
  return true;
}
