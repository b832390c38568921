import { expect, test } from 'vitest';
import { exportDistill, importDistill } from '../../server/rules/distill.ts';
import { RuleError } from '../../server/rules/rule.ts';
import { Random } from '../../server/training/random.ts';
import { randomRule } from './rules.ts';

const HIDDEN = 8;

interface Layer {
  data_b64: string;
  in_ch: number;
  out_ch: number;
  weight_scale: number;
  bias_scale: number;
  type: string;
}

function generated(): [Layer, Layer] {
  const random = new Random(7);
  const layer = (inputs: number, outputs: number): Layer => ({
    data_b64: Buffer.from(
      Array.from({ length: (inputs + 1) * outputs }, () => random.whole(0, 255)),
    ).toString('base64'),
    in_ch: inputs,
    out_ch: outputs,
    weight_scale: 1.5,
    bias_scale: 0.25,
    type: 'uint8',
  });
  return [layer(48, HIDDEN), layer(HIDDEN, 16)];
}

const bytesOf = (layer: Layer): Buffer => Buffer.from(layer.data_b64, 'base64');

test('a layer is [in + 1][out] bytes, the last row its bias', () => {
  const file = generated();
  const rule = importDistill(JSON.stringify(file), 'lizard');
  const first = bytesOf(file[0]);
  expect(rule.hidden).toBe(HIDDEN);
  expect(rule.w1[3 * 48 + 20]).toBeCloseTo((first[20 * HIDDEN + 3] / 255 - 0.5) * 1.5, 6);
  expect(rule.b1[5]).toBeCloseTo((first[48 * HIDDEN + 5] / 255 - 0.5) * 0.25, 6);
  const second = bytesOf(file[1]);
  expect(rule.w2[9 * HIDDEN + 2]).toBeCloseTo((second[2 * 16 + 9] / 255 - 0.5) * 1.5, 6);
});

test('interleaved inputs are channel by channel: identity, Sobel-x, Sobel-y', () => {
  const file = generated();
  const rule = importDistill(JSON.stringify(file), 'lizard', { order: 'interleaved' });
  const first = bytesOf(file[0]);
  const sobelYOfChannel5 = 2 * 16 + 5;
  expect(rule.w1[sobelYOfChannel5]).toBeCloseTo((first[(5 * 3 + 2) * HIDDEN] / 255 - 0.5) * 1.5, 6);
});

test.each(['planar', 'interleaved'] as const)(
  'a rule survives the round trip in %s order, to a 255th',
  (order) => {
    const rule = randomRule(8, 12);
    const again = importDistill(exportDistill(rule, order), rule.name, { order });
    for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
      const most = Math.max(...rule[name].map(Math.abs));
      rule[name].forEach((value, i) => {
        expect(Math.abs(again[name][i] - value)).toBeLessThanOrEqual((most / 255) * 1.001);
      });
    }
  },
);

test.each<[what: string, layer: number, change: object | null, message: string]>([
  ['another width', 0, { in_ch: 64 }, 'layer 1 has in_ch 64, expected 48'],
  ['too few bytes', 0, { data_b64: 'AAAA' }, 'layer 1 has 3 bytes, expected 392 (49 x 8)'],
  ['a second layer that does not fit', 1, { in_ch: 12 }, 'layer 2 has in_ch 12, expected 8'],
  ['a scale that is not a number', 1, { bias_scale: 'x' }, 'layer 2: bias_scale is "x"'],
  ['another type', 0, { type: 'float16' }, 'layer 1 has type "float16", expected "uint8"'],
  ['a layer of null', 1, null, 'layer 2 is not an object'],
])('%s is refused by name', (_what, index, change, message) => {
  const file = generated().map((layer, i) =>
    i !== index ? layer : change === null ? null : { ...layer, ...change },
  );
  expect(() => importDistill(JSON.stringify(file), 'lizard')).toThrow(message);
});

test('a file that is not a list of two layers is refused', () => {
  for (const file of [{}, [], generated().slice(1)]) {
    expect(() => importDistill(JSON.stringify(file), 'lizard')).toThrow(
      'the file is not a list of two layers',
    );
  }
});

test('text that is not JSON, or a bad name, is refused', () => {
  expect(() => importDistill('{', 'lizard')).toThrow(RuleError);
  expect(() => importDistill(JSON.stringify(generated()), 'A Lizard')).toThrow('is not a rule name');
});
