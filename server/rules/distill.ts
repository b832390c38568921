/**
 * The JSON of Distill's published rules (Mordvintsev et al. 2020), both ways:
 *
 *   file  := [layer1, layer2]
 *   layer := { data_b64, in_ch, out_ch, weight_scale, bias_scale, type: "uint8" }
 *   data  := uint8[in_ch + 1][out_ch], the last row the bias; value = (byte / 255 − 0.5) · scale
 *
 * Inputs of layer 1 are `planar` (16 identities, 16 Sobel-x, 16 Sobel-y) or `interleaved`
 * (channel · 3 + filter, as files straight from TensorFlow have them).
 */
import { MAX_RULE_BYTES } from '../../shared/limits.ts';
import { checkName } from './format.ts';
import { CHANNELS, MAX_HIDDEN, PERCEPTION, type Rule, RuleError } from './rule.ts';

export const DISTILL_ORDERS = ['planar', 'interleaved'] as const;
export type DistillOrder = (typeof DISTILL_ORDERS)[number];

interface Layer {
  /** [out, in] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly outputs: number;
}

/** Index in the file's order of input `i` in our planar order. */
const inputOf = (i: number, order: DistillOrder): number =>
  order === 'planar' ? i : (i % CHANNELS) * 3 + Math.floor(i / CHANNELS);

/** @throws RuleError naming the first fact that is wrong */
export function importDistill(
  text: string,
  name: string,
  { order = 'planar', fireRate = 0.5 }: { order?: DistillOrder; fireRate?: number } = {},
): Rule {
  if (text.length > MAX_RULE_BYTES) {
    throw new RuleError(`the file has ${text.length} characters, at most ${MAX_RULE_BYTES} are read`);
  }
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new RuleError(
      `the file is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 120)}`,
    );
  }
  if (!Array.isArray(file) || file.length !== 2) throw new RuleError('the file is not a list of two layers');
  const first = readLayer(file[0], 'layer 1', PERCEPTION, (i) => inputOf(i, order));
  const hidden = first.outputs;
  if (hidden < 4 || hidden > MAX_HIDDEN || hidden % 4 !== 0) {
    throw new RuleError(`layer 1 has out_ch ${hidden}, expected a multiple of 4 from 4 to ${MAX_HIDDEN}`);
  }
  const second = readLayer(file[1], 'layer 2', hidden, (i) => i);
  if (second.outputs !== CHANNELS) {
    throw new RuleError(`layer 2 has out_ch ${second.outputs}, expected ${CHANNELS}`);
  }
  return {
    name: checkName(name),
    hidden,
    w1: first.weights,
    b1: first.bias,
    w2: second.weights,
    b2: second.bias,
    fireRate,
    metadata: { importedFrom: 'distill', distillOrder: order },
  };
}

function readLayer(layer: unknown, label: string, inputs: number, rowOf: (input: number) => number): Layer {
  if (typeof layer !== 'object' || layer === null || Array.isArray(layer)) {
    throw new RuleError(`${label} is not an object`);
  }
  const { data_b64, in_ch, out_ch, weight_scale, bias_scale, type } = layer as Record<string, unknown>;
  if (type !== undefined && type !== 'uint8')
    throw new RuleError(`${label} has type ${JSON.stringify(type)}, expected "uint8"`);
  if (in_ch !== inputs)
    throw new RuleError(`${label} has in_ch ${JSON.stringify(in_ch)}, expected ${inputs}`);
  if (!Number.isSafeInteger(out_ch) || (out_ch as number) < 1)
    throw new RuleError(`${label} has an out_ch that is not a whole number`);
  const outputs = out_ch as number;
  const weightScale = readScale(weight_scale, `${label}: weight_scale`);
  const biasScale = readScale(bias_scale, `${label}: bias_scale`);
  if (typeof data_b64 !== 'string') throw new RuleError(`${label} has no data_b64`);
  const bytes = Buffer.from(data_b64, 'base64');
  const want = (inputs + 1) * outputs;
  if (bytes.length !== want) {
    throw new RuleError(`${label} has ${bytes.length} bytes, expected ${want} (${inputs + 1} x ${outputs})`);
  }
  const valueAt = (row: number, output: number, scale: number): number =>
    (bytes[row * outputs + output] / 255 - 0.5) * scale;
  const weights = new Float32Array(outputs * inputs);
  const bias = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) weights[o * inputs + i] = valueAt(rowOf(i), o, weightScale);
    bias[o] = valueAt(inputs, o, biasScale);
  }
  return { weights, bias, outputs };
}

function readScale(scale: unknown, label: string): number {
  // Above 1e30 a weight would not be finite in float32.
  if (typeof scale === 'number' && scale >= 0 && scale < 1e30) return scale;
  throw new RuleError(`${label} is ${JSON.stringify(scale)}, expected a number of at least 0`);
}

/** Rounds every weight to one of 256 levels, so a rule may behave a little differently afterwards. */
export function exportDistill(rule: Rule, order: DistillOrder = 'planar'): string {
  const first = writeLayer(rule.w1, rule.b1, PERCEPTION, (i) => inputOf(i, order));
  const second = writeLayer(rule.w2, rule.b2, rule.hidden, (i) => i);
  return `${JSON.stringify([first, second])}\n`;
}

function writeLayer(
  weights: Float32Array,
  bias: Float32Array,
  inputs: number,
  rowOf: (input: number) => number,
) {
  const outputs = bias.length;
  const weightScale = scaleOf(weights);
  const biasScale = scaleOf(bias);
  const bytes = new Uint8Array((inputs + 1) * outputs);
  const byteOf = (value: number, scale: number): number =>
    Math.round((scale === 0 ? 0.5 : value / scale + 0.5) * 255);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++)
      bytes[rowOf(i) * outputs + o] = byteOf(weights[o * inputs + i], weightScale);
    bytes[inputs * outputs + o] = byteOf(bias[o], biasScale);
  }
  return {
    data_b64: Buffer.from(bytes).toString('base64'),
    in_ch: inputs,
    out_ch: outputs,
    weight_scale: weightScale,
    bias_scale: biasScale,
    type: 'uint8',
  };
}

/** The scale at which the largest value gets the last level. */
const scaleOf = (values: Float32Array): number =>
  2 * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
