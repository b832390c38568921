import { expect, test } from 'vitest';
import { createEngine, ENGINE_NAMES } from '../../server/engines/create.ts';
import { EngineError } from '../../server/engines/engine.ts';

const OPTIONS = { width: 100, height: 100, randomSeed: 1 };

test('auto chooses a GPU, else wasm, says why, and never chooses a software adapter', async () => {
  const { engine, reason } = await createEngine('auto', OPTIONS);
  expect(engine.description).not.toContain('(software)');
  if (engine.name === 'webgpu') {
    expect(reason).toBe('auto: there is a GPU');
  } else {
    expect(engine.description).toMatch(/^wasm, SIMD with(out)? FMA in (wide|narrow) tiles, 1 thread$/);
    expect(reason).toMatch(/^auto: (no GPU|the package webgpu cannot be loaded)/);
  }
  engine.dispose();
});

test('without the named adapter auto falls back to wasm, and webgpu does not start', async () => {
  const options = { ...OPTIONS, adapter: 'no-such-adapter' };
  const { engine, reason } = await createEngine('auto', options);
  expect(engine.name).toBe('wasm');
  expect(reason).toContain('no-such-adapter');
  engine.dispose();
  await expect(createEngine('webgpu', options)).rejects.toThrow(/no-such-adapter/);
});

test('an unknown engine is refused with the names of the known ones', async () => {
  await expect(createEngine('cuda', OPTIONS)).rejects.toThrow(EngineError);
  await expect(createEngine('cuda', OPTIONS)).rejects.toThrow(ENGINE_NAMES.join(', '));
});
