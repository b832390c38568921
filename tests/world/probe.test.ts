import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmEngine } from '../../server/engines/wasm/engine.ts';
import { CUT_FRAME, FILM_FRAMES, filmGrowth, rehearse } from '../../server/world/probe.ts';
import type { LoadedRule } from '../../server/world/ruleSlots.ts';
import { blobRule } from './blob.ts';
import { loadBlob } from './makeWorld.ts';

let blob: LoadedRule;
beforeAll(async () => {
  blob = await loadBlob();
});

describe('the film of a rule', () => {
  test('shows a seed, a body, half of it gone, and what heals', async () => {
    const { film, figures } = await filmGrowth(blob, createWasmEngine);
    const { width, height, frames, rgba, cutFrame } = film;
    expect([frames, cutFrame, rgba.length]).toEqual([
      FILM_FRAMES,
      CUT_FRAME,
      FILM_FRAMES * width * height * 4,
    ]);
    const cells = (frame: number): number => {
      const pixels = rgba.subarray(frame * width * height * 4, (frame + 1) * width * height * 4);
      return pixels.filter((value, i) => i % 4 === 3 && value > 25).length;
    };
    expect(cells(0)).toBe(1);
    const body = cells(CUT_FRAME - 1);
    expect(body).toBeGreaterThan(20);
    expect(cells(CUT_FRAME) / body).toBeGreaterThan(0.3);
    expect(cells(CUT_FRAME) / body).toBeLessThan(0.65);
    expect(cells(FILM_FRAMES - 1)).toBeGreaterThan(body * 0.9);
    expect(figures.healthGrown).toBeGreaterThan(0.9);
    expect(figures.healthCut).toBeLessThan(0.8);
    expect(figures.healthHealed).toBeGreaterThan(0.9);
  });
});

describe('a rehearsal', () => {
  const next = (change: Partial<LoadedRule['rule']>): LoadedRule => ({
    ...blob,
    rule: { ...blob.rule, ...change },
    sha256: 'other',
    label: 'other v1',
  });

  test('finds nothing wrong with a rule that keeps the body', async () => {
    expect(await rehearse(blob, next({ fireRate: 0.75 }), createWasmEngine)).toBeNull();
  });

  test('names what a body of the rule in force would suffer', async () => {
    const bias = new Float32Array(16);
    bias[3] = -0.3;
    const dying = next({ b2: bias, w2: new Float32Array(blob.rule.w2.length) });
    expect(await rehearse(blob, dying, createWasmEngine)).toMatch(/^it dies: /);
    expect(await rehearse(blob, next(blobRule('blob', 9)), createWasmEngine)).not.toBeNull();
  });
});
