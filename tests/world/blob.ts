/**
 * A hand-made rule, so that tests of the world need no training: a seed grows into a soft blob a few cells wide, stays
 * so, and heals as long as its heart (the seed's own cell) lives.
 */
import { PERCEPTION, type Rule } from '../../server/rules/rule.ts';

const HIDDEN = 8;
const ALPHA = 3;
/** The seed writes 1 there, and the rule never changes it: only the heart has it. */
const HEART = 5;
const SOBEL_X = 16;
const SOBEL_Y = 32;

/**
 * alpha → heart + slope·(|∂x alpha| + |∂y alpha|), red → alpha / 2, each by half the difference per step: opacity
 * falls from cell to cell until the alive threshold ends it.
 */
export function blobRule(name: string, slope = 1.4): Rule {
  const w1 = new Float32Array(HIDDEN * PERCEPTION);
  const inputs: [from: number, sign: number][] = [
    [SOBEL_X + ALPHA, 1],
    [SOBEL_X + ALPHA, -1],
    [SOBEL_Y + ALPHA, 1],
    [SOBEL_Y + ALPHA, -1],
    [ALPHA, 1],
    [HEART, 1],
    [0, 1],
  ];
  for (const [unit, [from, sign]] of inputs.entries()) w1[unit * PERCEPTION + from] = sign;
  const w2 = new Float32Array(16 * HIDDEN);
  const alpha = [slope, slope, slope, slope, -1, 1, 0];
  const red = [0, 0, 0, 0, 0.5, 0, -1];
  for (let unit = 0; unit < inputs.length; unit++) {
    w2[ALPHA * HIDDEN + unit] = alpha[unit] / 2;
    w2[unit] = red[unit] / 2;
  }
  const zeros = (length: number): Float32Array => new Float32Array(length);
  return { name, hidden: HIDDEN, w1, b1: zeros(HIDDEN), w2, b2: zeros(16), fireRate: 0.5, metadata: {} };
}
