import { describe, expect, test } from 'vitest';
import { instantiateKernel } from '../../server/engines/wasm/kernel.ts';
import { hasRelaxedSimd, loadModule } from '../../server/engines/wasm/modules.ts';
import { tilesAreWide } from '../../server/engines/wasm/tiles.ts';
import { packLayer } from '../../server/engines/wasm/weights.ts';
import { seededRandom } from './fixtures.ts';

const CELLS = 16;
const [INPUT_AT, OUTPUT_AT, WEIGHTS_AT, BIAS_AT] = [65_536, 131_072, 196_608, 262_144];
/** [inputs, outputs] */
const LAYERS = [
  [48, 128],
  [128, 16],
  [48, 4],
  [4, 16],
] as const;

interface Layer {
  /** [inputs, 16] */
  readonly input: Float32Array;
  /** [outputs, inputs] */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** Computes a layer in the tiles' order, bias first, then inputs in order, rounded after each operation. */
function slowly({ input, weights, bias }: Layer, relu: boolean): Float32Array {
  const inputs = input.length / CELLS;
  return Float32Array.from({ length: bias.length * CELLS }, (_, i) => {
    const output = Math.floor(i / CELLS);
    let sum = bias[output];
    for (let k = 0; k < inputs; k++)
      sum = Math.fround(sum + Math.fround(weights[output * inputs + k] * input[k * CELLS + (i % CELLS)]));
    return relu ? Math.max(sum, 0) : sum;
  });
}

/** Computes a layer with the kernel. */
async function openLayer(relaxed: boolean, wide: boolean, { input, weights, bias }: Layer, relu: boolean) {
  const memory = new WebAssembly.Memory({ initial: 5, maximum: 65_536, shared: true });
  const kernel = await instantiateKernel(loadModule('engine', relaxed), memory, wide);
  const floats = new Float32Array(memory.buffer);
  const inputs = input.length / CELLS;
  floats.set(input, INPUT_AT / 4);
  floats.set(packLayer(weights, bias.length, inputs), WEIGHTS_AT / 4);
  floats.set(bias, BIAS_AT / 4);
  return (times: number): Float32Array => {
    for (let i = 0; i < times; i++)
      kernel.denseBlock(INPUT_AT, OUTPUT_AT, WEIGHTS_AT, BIAS_AT, inputs, bias.length, relu ? 1 : 0);
    return floats.slice(OUTPUT_AT / 4, OUTPUT_AT / 4 + bias.length * CELLS);
  };
}

describe.each(LAYERS)('a layer of %i inputs and %i outputs', (inputs, outputs) => {
  const random = seededRandom(inputs + outputs);
  const draw = (length: number) => Float32Array.from({ length }, () => random() * 2 - 1);
  const layer = { input: draw(inputs * CELLS), weights: draw(outputs * inputs), bias: draw(outputs) };

  test.each([true, false])(
    'without FMA equals its definition to the bit in both shapes (relu: %s)',
    async (relu) => {
      const want = slowly(layer, relu);
      for (const wide of [false, true]) {
        const compute = await openLayer(false, wide, layer, relu);
        expect(compute(1)).toEqual(want);
        expect(compute(20_000), 'once V8 has optimised it').toEqual(want);
      }
    },
  );

  test.skipIf(!hasRelaxedSimd())('with FMA is the same to the bit in both shapes', async () => {
    const narrow = await openLayer(true, false, layer, true);
    const wide = await openLayer(true, true, layer, true);
    const want = narrow(1);
    const exact = slowly(layer, true);
    want.forEach((value, i) => {
      expect(Math.abs(value - exact[i])).toBeLessThan(1e-5);
    });
    expect(wide(1)).toEqual(want);
    expect(narrow(20_000)).toEqual(want);
    expect(wide(20_000), 'once V8 has optimised it').toEqual(want);
  });
});

test('relu keeps NaN, so that an exploding body is noticed', async () => {
  const layer = {
    input: new Float32Array(4 * CELLS).fill(Number.NaN),
    weights: new Float32Array(16).fill(1),
    bias: new Float32Array(4),
  };
  for (const wide of [false, true])
    expect((await openLayer(false, wide, layer, true))(1)).toEqual(
      new Float32Array(4 * CELLS).fill(Number.NaN),
    );
});

test('a module is compiled once and measured once', () => {
  const module = loadModule('engine', false);
  expect(loadModule('engine', false)).toBe(module);
  expect(tilesAreWide(module)).toBe(tilesAreWide(module));
});
