import { expect, test } from 'vitest';
import { targetOf } from '../../server/evaluation/evaluate.ts';
import { runLongPlay } from '../../server/evaluation/longPlay.ts';
import { readRule } from '../../server/rules/load.ts';
import type { Rule } from '../../server/rules/rule.ts';

const eevee = readRule('weights/eevee.safetensors');
const { target } = targetOf(eevee)!;

test('a rule that heals is struck in long play, and no body is sick', async () => {
  const { strokes, sick } = await runLongPlay(eevee, target, { passes: 6 });
  expect(strokes).toBeGreaterThan(20);
  expect(sick).toBe(0);
});

test('every body of a rule that grows nothing is sick, with any number of threads', async () => {
  const idle: Rule = {
    ...eevee,
    w2: new Float32Array(eevee.w2.length),
    b2: new Float32Array(eevee.b2.length),
  };
  const one = await runLongPlay(idle, target, { passes: 7 });
  expect(one).toEqual({ strokes: 0, sick: 16 });
  expect(await runLongPlay(idle, target, { passes: 7, threads: 2 })).toEqual(one);
});

test.each([-1, Number.NaN])(
  'bodies that die at once of a change of alpha by %f are all sick, and it ends at the 64th',
  async (change) => {
    const b2 = new Float32Array(eevee.b2.length);
    b2[3] = change;
    const deadly: Rule = { ...eevee, w2: new Float32Array(eevee.w2.length), b2 };
    expect(await runLongPlay(deadly, target, { passes: 100 })).toEqual({ strokes: 0, sick: 64 });
  },
);
