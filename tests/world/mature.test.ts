import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import type { Engine, EngineOptions } from '../../server/engines/engine.ts';
import { createReferenceEngine } from '../../server/engines/reference.ts';
import { growMature, MatureError, matureCells, speciesOf, territoryOf } from '../../server/world/mature.ts';
import { matureFiles } from '../../server/world/matureFiles.ts';
import { blobRule } from './blob.ts';
import { loadBlob } from './makeWorld.ts';

describe('a mature form', () => {
  test('owns as many cells as a body that is grown', async () => {
    const { rule, mature } = await loadBlob();
    const engine = await createReferenceEngine({ width: 64, height: 64, randomSeed: 3 });
    engine.setRule(0, rule);
    engine.plant(1, 0, 32, 32);
    await engine.step(100);
    const [{ cells }] = await engine.census();
    expect(Math.abs(cells / matureCells(mature) - 1)).toBeLessThan(0.15);
  });

  test('is what the rule grows around its seed, in the smallest box', async () => {
    const { mature } = await loadBlob();
    const { x, y, width, height, rgba } = mature;
    expect(width).toBeGreaterThanOrEqual(5);
    expect(width).toBeLessThanOrEqual(9);
    expect(rgba).toHaveLength(width * height * 4);
    // The heart is opaque and lies where the seed was.
    const heart = (-y * width - x) * 4;
    expect(rgba[heart + 3]).toBeCloseTo(1, 1);
    expect(rgba[heart]).toBeCloseTo(0.5, 1);
  });

  test('has a territory of its box and 8 cells around it, which holds the seed', () => {
    const form = { x: -5, y: -6, width: 11, height: 12, rgba: new Float32Array(11 * 12 * 4) };
    expect(territoryOf([form], 100, 200)).toEqual({ x: 87, y: 186, width: 27, height: 28 });
    expect(territoryOf([{ ...form, x: 4 }], 100, 200)).toEqual({ x: 92, y: 186, width: 31, height: 28 });
  });

  test('a rule that does not grow is refused', async () => {
    const blob = blobRule('still');
    const still = { ...blob, w2: new Float32Array(blob.w2.length) };
    await expect(growMature(still, createReferenceEngine)).rejects.toThrow(
      new MatureError('still does not grow: 1 living cells after 30 steps'),
    );
  });

  test.each([
    [1, 'does not stop growing'],
    [Number.NaN, 'NaN or infinite values'],
    [Number.POSITIVE_INFINITY, 'NaN or infinite values'],
  ])('a rule that fills its world with %d is refused, and early', async (value, reason) => {
    let steps = 0;
    const wild = async (options: EngineOptions): Promise<Engine> => {
      const engine = await createReferenceEngine(options);
      engine.step = async (count) => {
        steps += count;
      };
      engine.readOrganism = async (_organism, _rect, into) => {
        into.fill(value);
      };
      return engine;
    };
    await expect(growMature(blobRule('weed'), wild)).rejects.toThrow(reason);
    expect(steps).toBe(30);
  });

  test('is shown as a PNG with straight alpha on a transparent background', async () => {
    const { mature, card } = await loadBlob();
    expect(card).toMatchObject({ name: 'blob', width: mature.width, height: mature.height });
    const png = decode(Buffer.from(card.thumbnail.split(',')[1], 'base64'));
    expect([png.width, png.height, png.channels]).toEqual([mature.width, mature.height, 4]);
    // Red is half of alpha everywhere, so un-premultiplied it is half of full.
    const heart = (-mature.y * mature.width - mature.x) * 4;
    expect(png.data[heart]).toBeGreaterThan(110);
    expect(png.data[heart]).toBeLessThan(145);
    expect(png.data[heart + 3]).toBeGreaterThan(240);
    expect(png.data[3]).toBeLessThan(255);
  });

  test('a thumbnail survives values outside 0..1', () => {
    const rgba = Float32Array.of(2, -1, 0.25, 0.5, 1, 1, 1, -0.2);
    const { thumbnail } = speciesOf(blobRule('odd'), { x: 0, y: 0, width: 2, height: 1, rgba });
    const { data } = decode(Buffer.from(thumbnail.split(',')[1], 'base64'));
    expect([...data]).toEqual([255, 0, 128, 128, 0, 0, 0, 0]);
  });
});

test('mature forms are kept by the weights of their rule, and a damaged file is grown again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'regrow-'));
  try {
    const { rule, mature } = await loadBlob();
    const cache = matureFiles(join(folder, 'mature'));
    expect(await cache.read(rule)).toBeNull();
    await cache.write(rule, mature);
    expect(await cache.read(rule)).toEqual(mature);
    expect(await cache.read(blobRule('blob', 1.5))).toBeNull();
    const [file] = readdirSync(join(folder, 'mature'));
    writeFileSync(join(folder, 'mature', file), 'nonsense');
    expect(await cache.read(rule)).toBeNull();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
