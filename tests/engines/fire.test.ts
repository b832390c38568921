import { expect, test } from 'vitest';
import { cellHash, fires, fireThreshold } from '../../server/engines/fire.ts';
import { instantiateKernel } from '../../server/engines/wasm/kernel.ts';
import { loadModule } from '../../server/engines/wasm/modules.ts';
import { seededRandom } from './fixtures.ts';

test('the kernels fire the same cells as `fires` of fire.ts', async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const kernel = await instantiateKernel(loadModule('engine', false), memory, false);
  const random = seededRandom(6);
  const uint32 = () => Math.floor(random() * 2 ** 32);
  for (let i = 0; i < 60; i++) {
    const [randomSeed, step] = [uint32(), uint32()];
    const left = Math.floor(random() * 1024) * 64;
    const y = Math.floor(random() * 65_536);
    const threshold = fireThreshold([0.5, 1, 0.01, random()][i % 4]);
    const bits = BigInt.asUintN(64, kernel.fireBits(randomSeed, step, left, y, threshold));
    for (let x = 0; x < 64; x++) {
      const wanted = fires(cellHash(randomSeed, step, left + x, y), threshold);
      expect((bits >> BigInt(x)) & 1n).toBe(wanted ? 1n : 0n);
    }
  }
});

test('the share of cells that fire is the fire rate', () => {
  for (const rate of [0.1, 0.5, 0.9]) {
    let count = 0;
    for (let i = 0; i < 20_000; i++)
      if (fires(cellHash(7, i % 50, i % 97, i >> 7), fireThreshold(rate))) count++;
    expect(Math.abs(count / 20_000 - rate)).toBeLessThan(0.02);
  }
});
